"""Keeps OUTCOMES.md, the table of what came of each case on each wire: `record` compares a run with it, or rewrites it.

`python -m tests.faults` runs everything and rewrites the table; in any other run, a cell that is not as the table says
fails its test.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Final, TypeAlias, final

from tests.faults.titles import NOTES, TITLES

TABLE: Final = Path(__file__).with_name("OUTCOMES.md")

ALL_WIRES: Final = ("anthropic", "responses", "chat", "azure", "bedrock", "gemini", "vertex")

Case: TypeAlias = tuple[int, str]
Cells: TypeAlias = Mapping[Case, Mapping[str, str]]
"""The outcomes, by case (its number and variant) and wire."""

INTRODUCTION: Final = """\
# What comes of every fault

A row is a case, some wires, and what a user sees there. `ok` is a normal end, with the text and the finish reason;
`error` a `StreamingError`, with the class of its failure and whether a retry may help (or it is final); `kept` is the
text that was shown before the fault, and stays. Nothing is shown after a fault, no tool runs, the connection is closed,
and `await stream.chat` raises the same error again, as often as it is asked. Everything is asked once, but where a
variant speaks of retries, of every time (that the fault comes) or of twice (before a whole answer).

This table is written by `python -m tests.faults`, and the tests of all cases keep it current.

| case | variant | fault | wires | outcome |
|---:|---|---|---|---|
"""

_ROW: Final = re.compile(r"\| (\d+) \| (.*?) ?\| .* \| (.*) \| (.*) \|")


@final
@dataclass(slots=True)
class Run:
    """What a run that rewrites the table has seen."""

    cells: dict[Case, dict[str, str]] = field(default_factory=dict)
    conflicts: list[str] = field(default_factory=list)


_rewriting: list[Run] = []


def record(number: int, wire: str, outcome: str, variant: str = "") -> None:
    """Say what came of case `number` (or of a `variant` of it) on `wire` (or on "any"): a few words, the same in every
    run. Raises `AssertionError` if the table says otherwise, unless it is being rewritten."""
    assert number in TITLES, f"there is no case {number}"
    assert not set("|\n") & {*wire, *outcome, *variant}, f"not for a table: {outcome!r}"
    case = number, variant
    if not _rewriting:
        written_there = current().get(case, {}).get(wire)
        assert outcome == written_there, f"OUTCOMES.md says {written_there!r}; run: python -m tests.faults"
        return
    run = _rewriting[-1]
    if run.cells.setdefault(case, {}).setdefault(wire, outcome) != outcome:
        run.conflicts.append(f"{number} {variant} on {wire}: {run.cells[case][wire]!r}, but also {outcome!r}")


def rewriting() -> Run:
    """From now on `record` remembers, and compares nothing."""
    _rewriting.append(Run())
    return _rewriting[-1]


def current() -> Cells:
    """What the table says; of one that is being rewritten, what it says so far."""
    return _rewriting[-1].cells if _rewriting else _read()


@lru_cache(maxsize=1)
def _read() -> Cells:
    return parsed(TABLE.read_text("utf-8"))


def written(cells: Cells) -> str:
    """The table as text."""
    return INTRODUCTION + "".join(_rows(cells)) + "\n## Notes\n\n" + "".join(f"- {note}\n" for note in NOTES)


def _rows(cells: Cells) -> Iterator[str]:
    for (number, variant), outcomes in sorted(cells.items()):
        wires = sorted(outcomes, key=lambda wire: (*ALL_WIRES, wire).index(wire))
        for outcome in dict.fromkeys(outcomes[wire] for wire in wires):
            alike = [wire for wire in wires if outcomes[wire] == outcome]
            said = "all" if alike == [*ALL_WIRES] else ", ".join(alike)
            yield f"| {number} | {variant}{' ' * bool(variant)}| {TITLES[number]} | {said} | {outcome} |\n"


def parsed(text: str) -> Cells:
    """The outcomes in the text of a table."""
    cells: dict[Case, dict[str, str]] = {}
    for row in filter(None, map(_ROW.fullmatch, text.splitlines())):
        number, variant, wires, outcome = row.groups()
        for wire in ALL_WIRES if wires == "all" else wires.split(", "):
            cells.setdefault((int(number), variant), {})[wire] = outcome
    return cells
