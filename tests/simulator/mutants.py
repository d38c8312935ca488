"""Nasty mistakes in the runtime and the core that the simulator must catch.

`python -m tests.simulator.mutants [word …]` tries them all, or those whose names hold one of the words, says by which
world each was caught, and ends with 1 if one survives.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, final

from tests.core.mutation import Workspace, workspace
from tests.simulator.replay import covered, run
from tests.support.paths import ROOT

WORLDS: Final = 10_000
SECONDS: Final = 240.0


@final
@dataclass(frozen=True, slots=True)
class Mutant:
    """A mistake: `before`, which stands once in the file, becomes `after`."""

    name: str
    file: str
    before: str
    after: str

    @property
    def path(self) -> str:
        return f"punk/{self.file}.py"

    def source(self) -> str:
        """The file with the mistake in it. Raises `ValueError` where `before` does not stand there once."""
        text = (ROOT / self.path).read_text(encoding="utf-8")
        if text.count(self.before) != 1:
            raise ValueError(f"{self.name}: {self.before!r} stands {text.count(self.before)} times in {self.path}")
        return text.replace(self.before, self.after)


RUNTIME: Final = "interpreter/runtime"
MUTANTS: Final = (
    Mutant(
        "what came wakes nobody",
        RUNTIME,
        "        if not self._stock.full:\n            self._readers.wake()\n",
        "",
    ),
    Mutant(
        "the pump is not told that somebody waits",
        RUNTIME,
        "                waiter = self._readers.join()\n                self._bell.ring()\n",
        "                waiter = self._readers.join()\n",
    ),
    Mutant(
        "the pump is not told of effects",
        RUNTIME,
        "                self._total.cancel()\n        self._bell.ring()",
        "                self._total.cancel()",
    ),
    Mutant("a bell believes its first ring", "interpreter/signals", "while not true():", "if not true():"),
    Mutant("the pump is not cancelled", RUNTIME, "            self._pump.cancel()", "            pass"),
    Mutant(
        "nobody waits for the pump to end",
        "interpreter/ending",
        "while not task.done() and attempts < ATTEMPTS:",
        "while False:",
    ),
    Mutant("what comes after the end is offered", "interpreter/turn", "return events[:at]", "return events"),
    Mutant(
        "an alarm is left on",
        "interpreter/alarm",
        "            self._timer.cancel()\n            self._timer = None",
        "            pass",
    ),
    Mutant("the total clock is left on", RUNTIME, "                self._total.cancel()", "                pass"),
    Mutant("a deadline does not move", "interpreter/alarm", "if self._deadline > self._loop.time():", "if False:"),
    Mutant(
        "progress gives no new time",
        "core/timeouts",
        'return Watch(self.clocks, "progress", self.clocks.progress)',
        'return Watch(self.clocks, "progress", self.left - seconds)',
    ),
    Mutant(
        "pings are progress",
        "core/timeouts",
        "case Heartbeat() | UsageReported():\n            return False",
        "case Heartbeat() | UsageReported():\n            return True",
    ),
    Mutant("the time between reads counts", "core/timeouts", "self.left - seconds)", "self.left - seconds * 1.5)"),
    Mutant(
        "what was seen is asked for again",
        "core/rounds",
        "if not is_retryable(failure) or _is_seen(state):",
        "if not is_retryable(failure):",
    ),
    Mutant("an answer is not closed", RUNTIME, "            await turn.close()", "            pass"),
    Mutant(
        "a provider is not taken at its word",
        "core/retry",
        "return max(asked, own) + (full - own) if asked <= self.patience else None",
        "return own",
    ),
    Mutant(
        "a fallback is skipped",
        "core/rounds",
        "model=run.model + 1, attempt=1)",
        "model=min(run.model + 2, len(routes) - 1), attempt=1)",
    ),
    Mutant(
        "attempts go on from round to round",
        "core/rounds",
        "rounds=run.rounds + 1, attempt=1)",
        "rounds=run.rounds + 1)",
    ),
    Mutant("half a backoff", RUNTIME, "asyncio.sleep(seconds)", "asyncio.sleep(seconds / 2)"),
    Mutant(
        "leaving lets nothing go",
        "core/endings",
        "Cancelled(_settle(state), state.log.append(event)), (Abandon(),)",
        "Cancelled(_settle(state), state.log.append(event)), ()",
    ),
    Mutant(
        "the total clock rings twice",
        RUNTIME,
        "if not isinstance(self.state, TERMINAL):\n            # Of a run",
        "if True:\n            # Of a run",
    ),
    Mutant(
        "what has come is forgotten when time is up",
        RUNTIME,
        "        while self._stock.in_hand:\n            self._take()\n        if not",
        "        if not",
    ),
    Mutant(
        "a tool begins after the end",
        "interpreter/tool_round",
        "if not report(ToolStarted(call.id)):",
        "if not report(ToolStarted(call.id)) and False:",
    ),
    Mutant(
        "a cursor goes back when it waits",
        RUNTIME,
        "at.position = found.cursor",
        "at.position = 0 if isinstance(found, Wait) and isinstance(found.cursor, int) else found.cursor",
    ),
    Mutant(
        "a model is asked before anybody reads",
        RUNTIME,
        "case RequestTurn():\n                        await self._bell.until(self._readers.is_waiting)\n",
        "case RequestTurn():\n",
    ),
    Mutant(
        "what is ahead is forgotten",
        RUNTIME,
        "                if self._stock.full:\n                    await"
        " self._bell.until(lambda: not self._stock.full)\n",
        "",
    ),
    Mutant("draining takes its time", "interpreter/turn", "DRAIN_SECONDS: Final = 0.02", "DRAIN_SECONDS: Final = 0.5"),
    Mutant(
        "the clock for connecting is not passed on",
        "interpreter/turn",
        "replace(body, connect=clocks.connect)",
        "body",
    ),
    Mutant(
        "siblings of a tool that aborts go on",
        "interpreter/tool_round",
        "        for task in pending:\n            task.cancel()\n",
        "",
    ),
    Mutant(
        "a cancelled tool is left at once",
        "interpreter/tool_call",
        "while not task.done() and clock() < end:",
        "while False:",
    ),
)


def hunt(worlds: int = WORLDS) -> None:
    """Print the first seed at which something is wrong, if there is one."""
    for seed, faults in run(0, worlds, covered()).items():
        print("CAUGHT", seed, faults[0].replace("\n", " ")[:150])


def caught(mutant: Mutant, place: Workspace, worlds: int = WORLDS) -> str | None:
    """By which world `mutant` is caught, None if it survives."""
    file = place.root / mutant.path
    original = file.read_text(encoding="utf-8")
    file.write_text(mutant.source(), encoding="utf-8")
    command = [sys.executable, "-c", f"from tests.simulator.mutants import hunt; hunt({worlds})"]
    environment = os.environ | {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": str(place.root)}
    try:
        done = subprocess.run(
            command, cwd=place.root, env=environment, capture_output=True, check=False, text=True, timeout=SECONDS
        )
    except subprocess.TimeoutExpired:
        return "it hangs"
    finally:
        file.write_text(original, encoding="utf-8")
    for line in done.stdout.splitlines():
        if line.startswith("CAUGHT "):
            return line.removeprefix("CAUGHT ")
    return None if done.returncode == 0 else f"it breaks: {done.stderr[-200:]}"


def main(words: Sequence[str]) -> int:
    """Try the mutants; 0 when each is caught."""
    chosen = [mutant for mutant in MUTANTS if not words or any(word in mutant.name for word in words)]
    survivors = 0
    with workspace() as place:
        for mutant in chosen:
            how = caught(mutant, place)
            print(f"{'SURVIVED' if how is None else 'caught':9}{mutant.name}: {how}", flush=True)
            survivors += how is None
    print(f"{len(chosen) - survivors} of {len(chosen)} caught")
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
