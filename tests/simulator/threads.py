"""Threads of the simulated world, and the other places where punk meets what a seed does not decide.

punk runs plain functions in daemon threads (`punk.interpreter.threads`). Here `Thread` is one that runs its target in
the event loop, after virtual time and under an identity of its own; the code around it is punk's. So a plain tool
runs at one moment, whole; that it may be in the middle of something while the loop goes on is not simulated.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from random import Random
from typing import TYPE_CHECKING, Any, ClassVar, Final, final
from unittest.mock import patch

import punk.interpreter.runtime as runtime
import punk.interpreter.threads as threads
import punk.interpreter.tool_call as tool_call
import punk.llm.plan as plan
from punk.core.effects import Effect
from punk.core.events import Event
from punk.core.request import Request
from punk.core.state import StreamState
from punk.core.step import begin, step
from punk.tools.toolbox import Toolbox

if TYPE_CHECKING:
    from tests.simulator.life import Life

LOOP_THREAD: Final = 1


@final
class Here:
    """Which world is being lived, and in which of its threads the code that runs is."""

    life: Life
    thread = LOOP_THREAD
    # What a loop was told of a world that was over: by the garbage collector, of what nobody looked at.
    late: ClassVar[list[tuple[int, str]]] = []


@final
class SimulatedThread:
    """Stands in for `threading.Thread`."""

    made = 1

    def __init__(self, target: Callable[[], None], name: str, daemon: bool) -> None:
        self._target = target
        SimulatedThread.made += 1
        self._ident = SimulatedThread.made

    def start(self) -> None:
        life = Here.life
        seconds = life.thread_seconds()
        if seconds is not None:
            life.threads += 1
            life.loop.call_later(seconds, self._run)

    def _run(self) -> None:
        Here.thread = self._ident
        Here.life.threads -= 1
        try:
            self._target()
        finally:
            Here.thread = LOOP_THREAD


@final
class Threading:
    """Stands in for the module `threading`."""

    Thread = SimulatedThread

    @staticmethod
    def get_ident() -> int:
        return Here.thread


def _observed_begin(request: Request) -> tuple[StreamState, tuple[Effect, ...]]:
    state, effects = begin(request)
    Here.life.began(state, effects)
    return state, effects


def _observed_step(state: StreamState, event: Event) -> tuple[StreamState, tuple[Effect, ...]]:
    after, effects = step(state, event)
    life = Here.life
    life.state = after
    life.steps.append((life.loop._now, state, event, after, effects))
    return after, effects


_toolboxes: dict[int, tuple[object, Toolbox]] = {}
_of = Toolbox.of


def _toolbox(tools: Any) -> Toolbox:
    # Describing a tool takes milliseconds, and the tools of all worlds are the same.
    known = _toolboxes.get(id(tools))
    if known is None or known[0] is not tools:
        known = _toolboxes[id(tools)] = (tools, _of(tools))
    return known[1]


_bits = Random(0)


@contextmanager
def simulated() -> Iterator[None]:
    """Within, punk runs in the world of `Here.life`."""
    with (
        patch.object(threads, "threading", Threading),
        patch.object(runtime, "threading", Threading),
        patch.object(tool_call, "threading", Threading),
        patch.object(runtime, "begin", _observed_begin),
        patch.object(runtime, "step", _observed_step),
        patch.object(plan, "getrandbits", lambda bits: Here.life.world.seed & 0xFFFFFFFF),
        patch.object(Toolbox, "of", _toolbox),
    ):
        yield
