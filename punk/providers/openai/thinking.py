"""What a `ThinkingConfig` asks of a model, as both of OpenAI's wires say it: an effort, and room for a budget.

The wires know no budgets. The efforts that models take differ from one to the next, but for low, medium and high. So a
budget becomes one of these three, and an effort that is given goes as it is.
"""

from __future__ import annotations

from typing import Final

from punk.core.failures import Unsupported
from punk.core.thinking import Effort, ThinkingConfig, budget_for
from punk.providers.encoding import room_beside

_NO_REASONERS: Final = ("gpt-3", "gpt-4", "chatgpt-", "ft:gpt-3", "ft:gpt-4")
"""How the names of the models of OpenAI's begin that do not reason."""

_TAKEN_BY_ALL: Final[tuple[Effort, ...]] = ("low", "medium", "high")


def reasons(model: str) -> bool:
    """Whether `model`, one of OpenAI's, may reason; one whose name says nothing of it may."""
    return not model.startswith(_NO_REASONERS)


def asked_thinking(model: str, config: ThinkingConfig | None) -> ThinkingConfig | Unsupported | None:
    """What `config` asks of `model`, one of OpenAI's: None for nothing; or why it cannot."""
    if config is None or reasons(model):
        return config
    if effort_of(config) == "none":
        return None
    return Unsupported(f"{model} does not reason: leave thinking_config out, or take a model that does")


def effort_of(config: ThinkingConfig) -> Effort | None:
    """The effort that `config` asks for, None for the model's own."""
    budget = config.token_budget
    if budget is None:
        return config.effort
    if budget == 0:
        return "none"
    fitting = [effort for effort in _TAKEN_BY_ALL if budget_for(effort) <= budget]
    return fitting[-1] if fitting else _TAKEN_BY_ALL[0]


def room_for(max_tokens: int | None, config: ThinkingConfig | None) -> int | None:
    """`max_tokens`, which bounds the thinking too: raised by a budget that would leave no room for an answer."""
    budget = None if config is None else config.token_budget
    return None if max_tokens is None else room_beside(budget or 0, max_tokens)
