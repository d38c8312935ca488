"""How much to think: one measure at most, in range, and each translated into the other."""

from __future__ import annotations

from typing import get_args

import pytest

from punk.core.thinking import BUDGETS, Effort, ThinkingConfig, asked_effort, budget_for, effort_for


def test_neither_measure_is_the_vendors_own_amount() -> None:
    assert ThinkingConfig() == ThinkingConfig(token_budget=None, effort=None, include_thoughts=True)


def test_both_measures_at_once_are_refused() -> None:
    with pytest.raises(ValueError, match="not both"):
        ThinkingConfig(token_budget=0, effort="none")


def test_a_budget_is_no_less_than_nothing() -> None:
    assert ThinkingConfig(token_budget=0).token_budget == 0
    with pytest.raises(ValueError, match="not -1"):
        ThinkingConfig(token_budget=-1)


def test_an_effort_is_one_of_those_there_are() -> None:
    for effort in get_args(Effort):
        assert ThinkingConfig(effort=effort).effort == effort
    with pytest.raises(ValueError, match=r"effort is one of none, minimal, .*, not 'heroic'"):
        ThinkingConfig(effort="heroic")  # type: ignore[arg-type]  # what the checker forbids


def test_every_effort_has_a_budget_and_comes_back_from_it() -> None:
    assert list(BUDGETS) == list(get_args(Effort))
    assert sorted(BUDGETS.values()) == list(BUDGETS.values())
    for effort in BUDGETS:
        assert effort_for(budget_for(effort)) == effort


@pytest.mark.parametrize(("budget", "effort"), [(0, "none"), (1023, "none"), (1025, "minimal"), (10**6, "max")])
def test_a_budget_between_two_efforts_is_the_smaller_one(budget: int, effort: Effort) -> None:
    assert effort_for(budget) == effort


@pytest.mark.parametrize(
    ("config", "effort"),
    [
        (ThinkingConfig(), None),
        (ThinkingConfig(effort="low"), "low"),
        (ThinkingConfig(token_budget=1), "minimal"),
        (ThinkingConfig(token_budget=2048), "low"),
    ],
)
def test_thinking_that_is_asked_for_is_never_none(config: ThinkingConfig, effort: Effort | None) -> None:
    assert asked_effort(config) == effort
