"""What the worlds have reached: steps of the table of states and events, effects, faults, readers, bodies."""

from __future__ import annotations

from collections import Counter
from typing import Any, Final, TypeAlias

from punk.core.state import Failed, StreamState
from tests.core.state_table import TABLE
from tests.simulator.life import Life

Reached: TypeAlias = Counter[tuple[str, Any]]

RECORDED: Final = "*recorded*"


def count(life: Life, reached: Reached) -> None:
    """Add what `life` has reached."""
    for _, before, event, after, effects in life.steps:
        recorded = after.run.late is not before.run.late and type(after) is type(before)
        failure = type(after.failure) if isinstance(after, Failed) else None
        reached["step", (type(before), type(event), type(after), failure, tuple(map(type, effects)), recorded)] += 1
    world = life.world
    name = _name(life.state)
    reached["body", (world.body.kind, name)] += 1
    for seen in life.seen:
        how = "ended" if seen.ended else type(seen.error).__name__ if seen.error else "broke off"
        reached["reader", (seen.reader.kind, how)] += 1
    for asked in life.asked:
        reached["answer", (asked.answer.kind, name)] += 1
    for outside in world.outside:
        reached["outside", (outside.kind, name)] += 1
    reached["rounds", (life.state.run.rounds if life.state else 0,)] += 1
    reached["requests", (len(life.asked),)] += 1
    for call_id in life.runs:
        reached["tools", ("ran",)] += life.runs[call_id]


def _name(state: StreamState | None) -> str:
    if state is None:
        return "not begun"
    return f"Failed ({type(state.failure).__name__})" if isinstance(state, Failed) else type(state).__name__


def steps(reached: Reached) -> set[tuple[str, str, str]]:
    """The steps that were taken, in the words of the table: state, event, outcome."""
    taken = set()
    for what, key in reached:
        if what == "step":
            before, event, after, failure, effects, recorded = key
            name = after.__name__ + (f" ({failure.__name__})" if failure else "")
            outcome = RECORDED if recorded else " + ".join([name, *(effect.__name__ for effect in effects)])
            taken.add((before.__name__, event.__name__, outcome))
    return taken


def known() -> set[tuple[str, str, str]]:
    """All steps of the table."""
    lines = [line for line in TABLE.read_text(encoding="utf-8").splitlines() if line.startswith("|")]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return {
        (state.strip(), row[0].strip("`"), outcome)
        for row in rows[2:]
        for heading, cell in zip(rows[0][1:], row[1:], strict=True)
        for state in heading.split(",")
        for outcome in cell.split("<br>")
    }


def report(reached: Reached) -> str:
    """All of it, for a person."""
    taken, all_ = steps(reached), known()
    pairs, all_pairs = {step[:2] for step in taken}, {step[:2] for step in all_}
    lines = [
        f"state x event: {len(pairs & all_pairs)} of {len(all_pairs)} pairs of the table,"
        f" {len(taken & all_)} of its {len(all_)} outcomes, {len(taken - all_)} that are not in it"
    ]
    lines += [f"  not in the table: {' '.join(step)}" for step in sorted(taken - all_)]
    effects: Counter[str] = Counter()
    for (what, key), number in reached.items():
        if what == "step":
            for effect in key[4]:
                effects[effect.__name__] += number
    lines.append(f"effects: {_listed(effects)}")
    for what in ("rounds", "requests", "tools", "body", "reader", "answer", "outside"):
        rows: dict[str, Counter[str]] = {}
        for (kind, key), number in reached.items():
            if kind == what:
                rows.setdefault(str(key[0]), Counter())[str(key[-1]) if len(key) > 1 else ""] += number
        if what in ("rounds", "requests", "tools"):
            lines.append(f"{what}: " + ", ".join(f"{key}: {rows[key].total()}" for key in sorted(rows)))
        else:
            lines += [f"{what} {key}: {_listed(rows[key])}" for key in sorted(rows)]
    return "\n".join(lines)


def unreached(reached: Reached) -> list[str]:
    """The pairs of the table that no world has reached."""
    taken = {step[:2] for step in steps(reached)}
    return sorted(" ".join(pair) for pair in {step[:2] for step in known()} - taken)


def _listed(counter: Counter[str]) -> str:
    return ", ".join(f"{name} {number}" for name, number in counter.most_common())
