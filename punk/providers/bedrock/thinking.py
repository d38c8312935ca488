"""Asks a model to think in the form that it understands: Claude with a budget or adaptively, Nova by an effort.

Sources: Amazon's documentation of extended thinking on Bedrock and of Nova 2, and the service model.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, assert_never, final

from returns.result import Failure, Result, Success

from punk.core.failures import Unsupported
from punk.core.json import JsonObject
from punk.core.thinking import Effort, ThinkingConfig, asked_effort, budget_for
from punk.providers.bedrock.models import thinking_form
from punk.providers.bedrock.settings import BedrockSettings

MIN_BUDGET: Final = 1024
INTERLEAVED: Final = "interleaved-thinking-2025-05-14"

_CLAUDES: Final[dict[Effort, str]] = {"minimal": "low"}
_NOVAS: Final[dict[Effort, str]] = {"minimal": "low", "xhigh": "high", "max": "high"}


@final
@dataclass(frozen=True, slots=True)
class Thinking:
    """What a request says about thinking: fields for the model itself, the effort, the tokens it needs, the name of a
    trial feature if tools come with it, and whether it thinks at all."""

    fields: JsonObject = field(default_factory=dict)
    effort: str | None = None
    budget: int = 0
    beta_with_tools: str | None = None

    @property
    def forbids_forcing(self) -> bool:
        """Whether a tool cannot be demanded: a Claude that thinks decides itself."""
        thinking = self.fields.get("thinking")
        return isinstance(thinking, dict) and thinking.get("type") != "disabled"


def thinking_of(settings: BedrockSettings) -> Result[Thinking, Unsupported]:
    """What a request of `settings` says about thinking, or why it cannot."""
    config = settings.thinking_config
    if config is None:
        return Success(Thinking())
    form = thinking_form(settings.model)
    off = config.token_budget == 0 or config.effort == "none"
    match form:
        case "none" if off:
            return Success(Thinking())
        case "none":
            return Failure(
                Unsupported(
                    f"punk does not know how {settings.model} is asked to think: leave thinking_config out, or say it "
                    "in extra_body under additionalModelRequestFields"
                )
            )
        case "nova":
            return _nova(settings, config, off=off)
        case "budget" | "budget_interleaved" | "adaptive" if off:
            return Success(Thinking({"thinking": {"type": "disabled"}}))
        case "adaptive" | "budget" | "budget_interleaved":
            refused = _refused_sampling(settings)
            if refused is not None:
                return Failure(Unsupported(refused))
            interleaved = form == "budget_interleaved"
            return Success(_adaptive(config)) if form == "adaptive" else _budgeted(settings.model, config, interleaved)
        case _:
            assert_never(form)


def _adaptive(config: ThinkingConfig) -> Thinking:
    # The newest models leave the thinking out unless they are asked for it.
    display = "summarized" if config.include_thoughts else "omitted"
    effort = asked_effort(config)
    return Thinking(
        {"thinking": {"type": "adaptive", "display": display}},
        None if effort is None else _CLAUDES.get(effort, effort),
    )


def _budgeted(model: str, config: ThinkingConfig, interleaved: bool) -> Result[Thinking, Unsupported]:
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
    beta = INTERLEAVED if interleaved else None
    return Success(Thinking({"thinking": thinking}, budget=budget, beta_with_tools=beta))


def _nova(settings: BedrockSettings, config: ThinkingConfig, *, off: bool) -> Result[Thinking, Unsupported]:
    if off:
        return Success(Thinking({"reasoningConfig": {"type": "disabled"}}))
    asked = asked_effort(config) or "medium"
    effort = _NOVAS.get(asked, asked)
    bounds = (settings.max_tokens, settings.temperature, settings.top_p)
    if effort == "high" and any(bound is not None for bound in bounds):
        return Failure(Unsupported("max_tokens, temperature and top_p do not go with Nova's highest effort: lower it"))
    return Success(Thinking({"reasoningConfig": {"type": "enabled", "maxReasoningEffort": effort}}))


def _refused_sampling(settings: BedrockSettings) -> str | None:
    if settings.temperature is not None and settings.temperature != 1:
        return "temperature does not go with thinking: leave one of the two out"
    if settings.top_k is not None:
        return "top_k does not go with thinking: leave one of the two out"
    if settings.top_p is not None and not 0.95 <= settings.top_p <= 1:
        return "with thinking, top_p must be between 0.95 and 1: raise it, or leave one of the two out"
    return None
