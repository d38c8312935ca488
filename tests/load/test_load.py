"""The load in small, on one wire: what it leaves, and what is read ahead. `python -m tests.load` also takes times."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.load.bounds import SHORT, Figure
from tests.load.remote import Remote, remote
from tests.load.scenarios import SCENARIOS, Scenario
from tests.providers.wires import WIRES


@pytest.fixture(scope="module")
def server() -> Iterator[Remote]:
    with remote(WIRES[0]) as server:
        yield server


@pytest.mark.parametrize("scenario", SCENARIOS.values(), ids=SCENARIOS)
def test_load(scenario: Scenario, server: Remote) -> None:
    figures = scenario(server, SHORT)
    assert [str(figure) for figure in figures if figure.is_count and not figure.holds] == []


def test_a_figure_beyond_its_bound_does_not_hold() -> None:
    assert not Figure("tasks left", 1, bound=0).holds
    assert Figure("tasks left", 0, bound=0).holds
