"""The simulator in the suite: some thousand worlds, the same each time; and that it would notice."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from random import Random
from typing import Final

import pytest

from tests.simulator.coverage import Reached, known, steps
from tests.simulator.draw import world
from tests.simulator.loop import Stuck, VirtualLoop
from tests.simulator.mutants import MUTANTS, Mutant
from tests.simulator.replay import covered, run, script, trace
from tests.support.paths import ROOT

WORLDS: Final = 3_000
PAIRS: Final = 36
OUTCOMES: Final = 60
SEEDS: Final = range(0, 400, 13)


@pytest.fixture(scope="module")
def reached() -> Reached:
    """What the worlds reach, none of which shows anything wrong."""
    all_ = covered()
    wrong = run(0, WORLDS, all_)
    assert not wrong, "\n".join(f"{seed}: {faults}\n{script(seed)}" for seed, faults in wrong.items())
    return all_


def test_coverage_does_not_fall(reached: Reached) -> None:
    taken = steps(reached)
    assert len({step[:2] for step in taken}) >= PAIRS
    assert len(taken) >= OUTCOMES


def test_what_is_reached_is_in_the_table(reached: Reached) -> None:
    # The table tries one failure of each kind of event, of which there are more.
    allowed = {(state, event) for state, event, _ in known()}
    assert {step[:2] for step in steps(reached)} <= allowed


def test_everything_happens(reached: Reached) -> None:
    happened = {(what, str(key[0])) for what, key in reached if what in ("body", "reader", "answer", "outside")}
    for body in ("wait", "chat", "read", "leave", "raise", "fold"):
        assert ("body", body) in happened
    for kind in ("fine", "refused", "no connection", "late headers", "lost", "cut", "stalled", "pinging", "paused",
                 "slow", "failed", "wrong order", "ended twice", "rude"):  # fmt: skip
        assert ("answer", kind) in happened
    for kind in ("cancel body", "cancel stream", "cancel from thread", "cancel reader"):
        assert ("outside", kind) in happened


@pytest.mark.parametrize("seed", SEEDS)
def test_the_same_seed_is_the_same_world(seed: int) -> None:
    assert world(seed) == world(seed)
    assert trace(seed) == trace(seed)


def test_it_is_the_same_in_another_process() -> None:
    there = subprocess.run(
        [sys.executable, "-c", "from tests.simulator.replay import trace\nfor seed in range(20): print(trace(seed))"],
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT), "PYTHONHASHSEED": "7", "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert there.stdout.split() == [trace(seed) for seed in range(20)]


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_mutant_finds_its_place(mutant: Mutant) -> None:
    compile(mutant.source(), mutant.path, "exec")


class TestLoop:
    """The loop on its own."""

    def test_time_jumps(self) -> None:
        loop = VirtualLoop()

        async def sleep() -> float:
            await asyncio.sleep(1_000_000)
            return loop.time()

        assert loop.run_until_complete(sleep()) == 1_000_000
        loop.close()

    def test_a_hang_is_found_and_told(self) -> None:
        loop = VirtualLoop()

        async def hangs() -> None:
            await asyncio.wait({loop.create_task(waits(), name="the one that hangs")})

        async def waits() -> None:
            await asyncio.Event().wait()

        with pytest.raises(Stuck, match=r"the one that hangs waits in .*waits.* > Event.wait"):
            loop.run_until_complete(hangs())
        _end(loop)

    def test_spinning_is_found(self) -> None:
        loop = VirtualLoop()

        async def spins() -> None:
            while True:
                await asyncio.sleep(0)

        with pytest.raises(Stuck, match="spinning"):
            loop.run_until_complete(spins())
        _end(loop)

    def test_only_tasks_change_places(self) -> None:
        orders = set()
        for seed in range(20):
            loop = VirtualLoop(Random(seed))
            said: list[str] = []

            async def says(word: str, said: list[str] = said) -> None:
                said.append(word)

            async def main(loop: VirtualLoop = loop, said: list[str] = said) -> None:
                tasks = {loop.create_task(says(word)) for word in "ab"}
                loop.call_soon(said.append, "1")
                loop.call_soon(said.append, "2")
                await asyncio.wait(tasks)

            loop.run_until_complete(main())
            loop.close()
            orders.add("".join(said))
        assert orders == {"ab12", "ba12"}


def _end(loop: VirtualLoop) -> None:
    """Close a loop whose tasks wait for ever."""
    loop.set_exception_handler(lambda *_: None)
    for task in loop.alive:
        task.cancel()
    loop.run_until_complete(asyncio.sleep(0))
    loop.close()
