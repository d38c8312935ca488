"""Keeps the published table of states and events current, and complete."""

from __future__ import annotations

from typing import get_args

from punk.core.events import Event
from tests.core.state_table import SAMPLES, TABLE, table


def test_the_table_is_current() -> None:
    assert TABLE.read_text(encoding="utf-8") == table(), "run: python -m tests.core.state_table"


def test_every_kind_of_event_is_in_it() -> None:
    assert set(SAMPLES) == set(get_args(Event))
    assert all(type(event) is kind for kind, events in SAMPLES.items() for event in events)
