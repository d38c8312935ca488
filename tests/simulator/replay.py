"""Lives a range of worlds, replays one and shows it as a timeline, and makes a world that fails smaller."""

from __future__ import annotations

import gc
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from hashlib import blake2b
from typing import Final

from punk.core.retry import RetryPolicy
from punk.core.timeouts import Timeouts
from tests.simulator.coverage import Reached, count
from tests.simulator.draw import world as draw_world
from tests.simulator.invariants import check
from tests.simulator.life import Life
from tests.simulator.live import live
from tests.simulator.threads import Here, simulated
from tests.simulator.twin import check_twin
from tests.simulator.world import Body, World

COLLECTED: Final = 100  # worlds between two looks of the garbage collector


def run(first: int, worlds: int, reached: Reached, most: int = 1) -> dict[int, list[str]]:
    """Live the worlds of the seeds from `first`, and give what was wrong, by seed; it ends after `most` such."""
    wrong: dict[int, list[str]] = {}
    Here.late.clear()
    gc.collect()
    gc.freeze()
    gc.disable()
    try:
        with simulated():
            for seed in range(first, first + worlds):
                life = _lived(draw_world(seed))
                count(life, reached)
                if life.faults:
                    wrong[seed] = life.faults
                life.forget()
                if seed % COLLECTED == 0:
                    gc.collect()
                if len(wrong) + len(Here.late) >= most:
                    break
            gc.collect()
    finally:
        gc.enable()
        gc.unfreeze()
    for seed, told in Here.late:
        wrong.setdefault(seed, []).append(f"the loop was told, later: {told}")
    return wrong


def _lived(world: World) -> Life:
    life = live(world)
    check(life)
    if not life.faults:
        check_twin(life)
    return life


def replay(world: int | World) -> Life:
    """Live `world`, or that of a seed, again, print what happened, and give it."""
    with simulated():
        life = _lived(draw_world(world) if isinstance(world, int) else world)
    print(timeline(life))
    return life


def trace(seed: int) -> str:
    """A fingerprint of all that happened in the world of `seed`."""
    with simulated():
        return blake2b(timeline(_lived(draw_world(seed))).encode()).hexdigest()


def timeline(life: Life) -> str:
    """What happened, for a person."""
    rows: list[tuple[float, int, str]] = []
    for order, (now, before, event, after, effects) in enumerate(life.steps):
        asked = "".join(f" + {type(effect).__name__}" for effect in effects)
        rows.append((now, order, f"{type(before).__name__}: {event!r:.110} -> {type(after).__name__}{asked}"))
    for made in life.asked:
        what = f"model {made.turn.model} is asked for round {made.turn.round} ({made.delivery}): {made.answer}"
        rows.append((made.at, -1, what))
        if made.closed_at is not None:
            rows.append((made.closed_at, len(life.steps), "its answer is closed"))
    if life.exit_at is not None:
        rows.append((life.exit_at, len(life.steps), f"the block is left with {life.own_error!r}"))
    if life.left_at is not None:
        rows.append((life.left_at, len(life.steps) + 1, f"it was left with {life.body_error!r}"))
    told = [f"{seen.reader.kind} saw {seen.loops!r:.300}, ended={seen.ended}, {seen.error!r}" for seen in life.seen]
    happened = [f"{now:10.4f} s  {what}" for now, _, what in sorted(rows)]
    return "\n".join([str(life.world), *happened, *told, f"ran: {dict(life.runs)}", *life.faults])


def smaller(world: World) -> World:
    """A world in which the same is wrong, and less happens."""
    law = _law(world)
    going_on = True
    while going_on:
        going_on = False
        for other in _less(world):
            if other != world and _law(other) == law:
                world, going_on = other, True
                break
    return world


def _law(world: World) -> str | None:
    with simulated():
        life = _lived(world)
    return life.faults[0].partition(": ")[0 if life.faults[0].startswith("_") else 2][:30] if life.faults else None


def _less(world: World) -> Iterator[World]:
    for index in range(len(world.readers)):
        yield replace(world, readers=(*world.readers[:index], *world.readers[index + 1 :]))
    for index in range(len(world.outside)):
        yield replace(world, outside=(*world.outside[:index], *world.outside[index + 1 :]))
    for models in (world.models[:1], world.models[:2]):
        yield replace(world, models=models)
    if world.body.kind in ("leave", "raise", "read", "chat"):
        yield replace(world, body=Body("wait"))
    yield replace(world, shuffled=False)
    yield replace(world, timeouts=Timeouts())
    yield replace(world, retry=RetryPolicy(attempts=1))
    yield replace(world, max_rounds=1)
    yield replace(world, approve=None)
    for index, reader in enumerate(world.readers):
        plain = replace(reader, delay=0.0, pace=None, patience=None, loops=1, cancels_at=None)
        yield replace(world, readers=(*world.readers[:index], plain, *world.readers[index + 1 :]))


def script(seed: int) -> str:
    """A program that replays the world of `seed`, and a smaller one in which the same is wrong."""
    small = smaller(draw_world(seed))
    return (
        "from math import inf\n"
        "from tests.simulator import replay\n"
        "from tests.simulator.world import Body, ModelSpec, Outside, Reader, World\n"
        "from punk.core.retry import RetryPolicy\n"
        "from punk.core.timeouts import Timeouts\n\n"
        f"replay({seed})\n"
        f"replay({small!r})\n"
    )


def covered() -> Reached:
    """Nothing reached yet."""
    return Counter()
