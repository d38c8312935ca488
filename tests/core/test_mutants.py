"""Keeps the mutants alive: each still finds its place in the core, and the laws kill two of them for a start."""

from __future__ import annotations

import pytest

from tests.core.mutants import MUTANTS, Mutant
from tests.core.mutation import workspace

# The whole list takes minutes: `python -m tests.core.mutants`.
TRIED = ("an unsealed call runs", "derived ids collide")


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_mutant_finds_its_place(mutant: Mutant) -> None:
    compile(mutant.source(), mutant.path, "exec")


def test_names_are_distinct() -> None:
    assert len({mutant.name for mutant in MUTANTS}) == len(MUTANTS)


def test_the_laws_kill() -> None:
    chosen = [mutant for mutant in MUTANTS if mutant.name in TRIED]
    assert len(chosen) == len(TRIED)
    with workspace() as place:
        for mutant in chosen:
            verdict = place.verdict(mutant.path, mutant.source(), ["tests/core/test_laws.py"], 120)
            assert verdict == "killed", mutant.name


def test_what_is_not_changed_survives() -> None:
    with workspace() as place:
        place.check(["tests/core/test_history.py"], 120)
