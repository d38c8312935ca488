"""How much a model should think before it answers, in one form for every vendor."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias, final, get_args

Effort: TypeAlias = Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"]

# Where a vendor knows only one of the two measures, the other is translated by this table (tokens of thinking).
BUDGETS: dict[Effort, int] = {
    "none": 0,
    "minimal": 1024,
    "low": 2048,
    "medium": 8192,
    "high": 16384,
    "xhigh": 32768,
    "max": 65536,
}


@final
@dataclass(frozen=True, slots=True)
class ThinkingConfig:
    """Asks the model to think: by `effort` or by `token_budget` (tokens), at most one of them.

    With neither, the vendor's own default amount. `include_thoughts=False` asks the vendor not to send the thinking
    itself, where it can be asked. Raises `ValueError` for both measures at once or one out of range.
    """

    token_budget: int | None = None
    effort: Effort | None = None
    include_thoughts: bool = True

    def __post_init__(self) -> None:
        if self.token_budget is not None and self.effort is not None:
            raise ValueError("ThinkingConfig takes token_budget or effort, not both")
        if self.token_budget is not None and self.token_budget < 0:
            raise ValueError(f"token_budget is a number of tokens, 0 or more, not {self.token_budget}")
        if self.effort is not None and self.effort not in get_args(Effort):
            raise ValueError(f"effort is one of {', '.join(get_args(Effort))}, not {self.effort!r}")


def budget_for(effort: Effort) -> int:
    """The thinking budget, in tokens, that stands for `effort` where a vendor takes only budgets."""
    return BUDGETS[effort]


def asked_effort(config: ThinkingConfig) -> Effort | None:
    """The effort that a `config` which asks for thinking asks for, a budget translated: never none for some."""
    if config.token_budget is None:
        return config.effort
    fitting = effort_for(config.token_budget)
    return "minimal" if fitting == "none" else fitting


def effort_for(token_budget: int) -> Effort:
    """The largest effort whose budget fits in `token_budget`, where a vendor takes only efforts."""
    fitting: list[Effort] = [effort for effort, tokens in BUDGETS.items() if tokens <= token_budget]
    return fitting[-1]
