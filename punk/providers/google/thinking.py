"""Asks a model to think in the form that its generation understands: with a budget of tokens, or at a level.

Sources: Google's documentation of thinking in the Gemini API and on Vertex, and the types of its SDK.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, final

from returns.result import Failure, Result, Success

from punk.core.failures import Unsupported
from punk.core.json import JsonObject
from punk.core.thinking import Effort, ThinkingConfig, asked_effort, budget_for
from punk.providers.google.settings import GoogleSettings, since

# From 3 on. Not every model knows a level above HIGH; where one does, `extra_body` can ask for it.
_LEVELS: Final[Mapping[Effort, str]] = {
    "minimal": "MINIMAL",
    "low": "LOW",
    "medium": "MEDIUM",
    "high": "HIGH",
    "xhigh": "HIGH",
    "max": "HIGH",
}


@final
@dataclass(frozen=True, slots=True)
class Thinking:
    """What a request says about thinking: its `thinkingConfig`, None for nothing, and the tokens that it needs."""

    config: JsonObject | None = None
    budget: int = 0


def thinking_of(settings: GoogleSettings) -> Result[Thinking, Unsupported]:
    """What a request of `settings` says about thinking, or why it cannot."""
    config, model = settings.thinking_config, settings.model
    if config is None:
        return Success(Thinking())
    off = config.token_budget == 0 or config.effort == "none"
    if not since(model, (2, 5)):
        if off:
            return Success(Thinking())
        return Failure(Unsupported(f"{model} cannot think: leave thinking_config out, or take a newer model"))
    return _level(model, config, off) if since(model, (3, 0)) else _budget(model, config, off)


def _level(model: str, config: ThinkingConfig, off: bool) -> Result[Thinking, Unsupported]:
    said: JsonObject = {"includeThoughts": config.include_thoughts and not off}
    pro = "pro" in model.lower()
    if off and pro:
        return Failure(Unsupported(f"{model} cannot stop thinking: effort 'low' is the least"))
    if off:
        return Success(Thinking({**said, "thinkingLevel": "MINIMAL"}))
    effort = asked_effort(config)
    if effort is not None:
        said["thinkingLevel"] = "LOW" if pro and effort == "minimal" else _LEVELS[effort]
    return Success(Thinking(said))


def _budget(model: str, config: ThinkingConfig, off: bool) -> Result[Thinking, Unsupported]:
    said: JsonObject = {"includeThoughts": config.include_thoughts and not off}
    least, most = _budgets(model)
    budget = config.token_budget
    if off:
        if "pro" in model.lower():
            return Failure(Unsupported(f"{model} cannot stop thinking: a token_budget of {least} is the least"))
        budget = 0
    elif config.effort is not None:
        budget = min(most, max(least, budget_for(config.effort)))
    elif budget is not None and not least <= budget <= most:
        return Failure(
            Unsupported(f"{model} thinks with a budget of {least} to {most} tokens, not {budget}: change token_budget")
        )
    if budget is None:
        return Success(Thinking(said))
    return Success(Thinking({**said, "thinkingBudget": budget}, budget))


def _budgets(model: str) -> tuple[int, int]:
    """The least and the most tokens that a 2.5 thinks with."""
    name = model.lower()
    if "pro" in name:
        return 128, 32_768
    return (512, 24_576) if "lite" in name else (1, 24_576)
