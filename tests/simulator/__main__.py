"""Deterministic simulation of whole runs: `python -m tests.simulator [--worlds N] [--seed S] [--jobs J] [--verbose]`.

Each world is drawn from one integer: models with their faults and latencies, clocks, retries, fallbacks, tools,
readers, and a caller who waits, leaves, raises or is cancelled. It is lived on virtual time, and then everything that
must hold is checked. Ends with 1, the seed and a program that replays it where something does not hold.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from typing import Final

from tests.simulator.coverage import Reached, report, unreached
from tests.simulator.replay import covered, run, script

CHUNK: Final = 1_000
EVERY: Final = 20  # seconds between two lines of progress


def _chunk(first: int, worlds: int) -> tuple[int, int, Reached, dict[int, list[str]]]:
    reached = covered()
    return first, worlds, reached, run(first, worlds, reached)


def _chunks(first: int, worlds: int) -> Iterator[tuple[int, int]]:
    for start in range(first, first + worlds, CHUNK):
        yield start, min(CHUNK, first + worlds - start)


def main(arguments: list[str]) -> int:
    """Live them all."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulator")
    parser.add_argument("--worlds", type=int, default=10_000, help="how many worlds are lived")
    parser.add_argument("--seed", type=int, default=0, help="the first seed; the others follow it")
    parser.add_argument("--jobs", type=int, default=2, help="processes")
    parser.add_argument("--verbose", action="store_true", help="list what was not reached")
    given = parser.parse_args(arguments)
    began = last = time.monotonic()
    lived = 0
    reached = covered()
    with ProcessPoolExecutor(given.jobs) as pool:
        futures = [pool.submit(_chunk, *chunk) for chunk in _chunks(given.seed, given.worlds)]
        for future in as_completed(futures):
            _, worlds, more, wrong = future.result()
            lived += worlds
            reached.update(more)
            if wrong:
                for other in futures:
                    other.cancel()
                return _tell(wrong)
            if time.monotonic() - last > EVERY:
                last = time.monotonic()
                print(f"{lived} worlds, {lived / (last - began):.0f} a second", flush=True)
    seconds = time.monotonic() - began
    print(report(reached))
    if given.verbose:
        print("not reached:", *unreached(reached), sep="\n  ")
    print(f"{lived} worlds (seeds {given.seed} to {given.seed + given.worlds - 1}) without a violation:", end=" ")
    print(f"{seconds:.0f} s, {lived / seconds:.0f} a second")
    return 0


def _tell(wrong: dict[int, list[str]]) -> int:
    for seed, faults in wrong.items():
        print(f"VIOLATION in the world of seed {seed}:", *faults, sep="\n  ")
        print(f"\n# A program that replays it, and a smaller one:\n{script(seed)}")
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
