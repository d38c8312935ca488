"""What a thinking config becomes where a model knows efforts alone."""

from __future__ import annotations

from typing import get_args

import pytest

from punk.core.thinking import Effort, ThinkingConfig
from punk.providers.openai.thinking import effort_of, reasons


@pytest.mark.parametrize(
    ("budget", "effort"),
    [
        (0, "none"),
        (1, "low"),
        (1024, "low"),
        (8191, "low"),
        (8192, "medium"),
        (16383, "medium"),
        (16384, "high"),
        (32768, "high"),
        (10**6, "high"),
    ],
)
def test_a_budget_is_an_effort_that_every_model_takes(budget: int, effort: Effort) -> None:
    assert effort_of(ThinkingConfig(token_budget=budget)) == effort


def test_an_effort_goes_as_it_is() -> None:
    assert [effort_of(ThinkingConfig(effort=effort)) for effort in get_args(Effort)] == [*get_args(Effort)]
    assert effort_of(ThinkingConfig()) is None


@pytest.mark.parametrize(
    ("model", "does"),
    [
        ("gpt-4o", False),
        ("gpt-4.1-mini", False),
        ("gpt-3.5-turbo", False),
        ("chatgpt-4o-latest", False),
        ("ft:gpt-4o:x", False),
        ("gpt-5", True),
        ("o4-mini", True),
        ("my-deployment", True),
    ],
)
def test_the_name_tells_which_models_do_not_reason(model: str, does: bool) -> None:
    assert reasons(model) == does
