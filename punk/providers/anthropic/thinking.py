"""Asks a model to think in the form that its generation understands: with a budget, or adaptively.

Sources: Anthropic's documentation of extended and of adaptive thinking, and the types of its SDK.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias, final

from returns.result import Failure, Result, Success

from punk.core.failures import Unsupported
from punk.core.json import JsonObject
from punk.core.thinking import Effort, ThinkingConfig, asked_effort, budget_for
from punk.providers.anthropic.settings import AnthropicSettings

MIN_BUDGET: Final = 1024
INTERLEAVED: Final = ("anthropic-beta", "interleaved-thinking-2025-05-14")

Form: TypeAlias = Literal["none", "budget", "budget_interleaved", "adaptive"]

Version: TypeAlias = tuple[int, int]
"""Major, minor."""

NEWEST: Final[Version] = (99, 0)

# From which version on a Claude thinks in which form.
_FORMS: Final[tuple[tuple[Version, Form], ...]] = (
    ((4, 7), "adaptive"),
    ((4, 0), "budget_interleaved"),
    ((3, 7), "budget"),
    ((0, 0), "none"),
)

_ONE_OF_TWO: Final[tuple[Version, Version]] = ((4, 1), (4, 6))
"""From the first to the last version that takes temperature or top_p, not both. Later ones know neither."""

# `claude-sonnet-4-20250514` is a 4.0, `claude-3-7-sonnet-…` a 3.7; gateways write `anthropic/claude-haiku-4.5`.
_VERSION: Final = re.compile(r"claude-(?:[a-z]+-)*(\d{1,2})(?:[-.](\d{1,2})(?!\d))?")

_DISABLED: Final[JsonObject] = {"type": "disabled"}
_EFFORTS: Final[dict[Effort, str]] = {
    "minimal": "low",
    "low": "low",
    "medium": "medium",
    "high": "high",
    "xhigh": "xhigh",
    "max": "max",
}


@final
@dataclass(frozen=True, slots=True)
class Thinking:
    """What a request says about thinking: fields of its body, the tokens it needs, a header if tools come with it."""

    fields: JsonObject = field(default_factory=dict)
    budget: int = 0
    header_with_tools: tuple[tuple[str, str], ...] = ()

    @property
    def is_asked_for(self) -> bool:
        """Whether the model is to think."""
        return self.fields.get("thinking") not in (None, _DISABLED)


def thinking_form(model: str) -> Form:
    """In which form `model` is asked to think. A Claude whose name has no number is a recent one; what is no Claude
    but speaks this wire knows its first form, a budget."""
    version = version_of(model)
    return "budget" if version is None else next(form for since, form in _FORMS if version >= since)


def version_of(model: str) -> Version | None:
    """The version of a Claude, `NEWEST` for one whose name has no number; None for what is no Claude."""
    name = model.lower()
    found = _VERSION.search(name)
    if found is None:
        return NEWEST if "claude" in name else None
    return int(found[1]), int(found[2] or 0)


def thinking_of(settings: AnthropicSettings) -> Result[Thinking, Unsupported]:
    """What a request of `settings` says about thinking, or why it cannot."""
    config = settings.thinking_config
    form = thinking_form(settings.model)
    if form == "adaptive" and (refused := _refused_sampling(settings, settings.model, 1)):
        return Failure(Unsupported(refused))
    if settings.temperature is not None and settings.top_p is not None and _takes_one_of_two(settings.model):
        return Failure(Unsupported("this model takes temperature or top_p, not both: leave one of the two out"))
    if config is None:
        return Success(Thinking())
    if config.token_budget == 0 or config.effort == "none":
        return Success(Thinking({} if form == "none" else {"thinking": _DISABLED}))
    if form == "none":
        return Failure(Unsupported(f"{settings.model} cannot think: leave thinking_config out, or take a newer model"))
    if refused := _refused_sampling(settings, "thinking", 0.95):
        return Failure(Unsupported(refused))
    return Success(_adaptive(config)) if form == "adaptive" else _budgeted(settings.model, config, form)


def _takes_one_of_two(model: str) -> bool:
    version = version_of(model)
    return version is not None and _ONE_OF_TWO[0] <= version <= _ONE_OF_TWO[1]


def _adaptive(config: ThinkingConfig) -> Thinking:
    # The newest models leave the thinking out unless they are asked for it.
    display = "summarized" if config.include_thoughts else "omitted"
    fields: JsonObject = {"thinking": {"type": "adaptive", "display": display}}
    effort = asked_effort(config)
    if effort is not None:
        fields["output_config"] = {"effort": _EFFORTS[effort]}
    return Thinking(fields)


def _budgeted(model: str, config: ThinkingConfig, form: Form) -> Result[Thinking, Unsupported]:
    budget = config.token_budget
    if budget is None:
        # This form has no default amount of its own.
        budget = budget_for(config.effort or "medium")
    if budget < MIN_BUDGET:
        return Failure(
            Unsupported(
                f"{model} thinks with a budget of {MIN_BUDGET} tokens or more, not {budget}: "
                "raise token_budget, or set it to 0 to have no thinking"
            )
        )
    thinking: JsonObject = {"type": "enabled", "budget_tokens": budget}
    if not config.include_thoughts:
        thinking["display"] = "omitted"
    return Success(Thinking({"thinking": thinking}, budget, (INTERLEAVED,) if form == "budget_interleaved" else ()))


def _refused_sampling(settings: AnthropicSettings, beside: str, least_top_p: float) -> str | None:
    """What of the sampling parameters does not go with `beside`."""
    if settings.temperature is not None and settings.temperature != 1:
        return f"temperature does not go with {beside}: leave one of the two out"
    if settings.top_k is not None:
        return f"top_k does not go with {beside}: leave one of the two out"
    if settings.top_p is not None and not least_top_p <= settings.top_p <= 1:
        return f"top_p below {least_top_p:g} does not go with {beside}: raise it, or leave one of the two out"
    return None
