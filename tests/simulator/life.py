"""What happened in one world: everything that the simulated outside saw of punk, and what it found wrong at once."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from math import inf
from random import Random
from typing import Any, Final, TypeAlias, final

from punk.core.effects import Effect, RequestTurn
from punk.core.events import Event
from punk.core.state import RunningTools, StreamState
from punk.core.tool_events import ToolStarted
from punk.interpreter.runtime import TERMINAL
from punk.llm.chat import Chat
from punk.llm.streaming import ChatStream
from tests.simulator.loop import VirtualLoop
from tests.simulator.threads import Here
from tests.simulator.world import Answer, Reader, World

EPSILON: Final = 1e-6
RESCUE: Final = 50.0
"""Seconds after which the caller gives up a run that waits, by its own wish, for ever."""

Step: TypeAlias = tuple[float, StreamState, Event, StreamState, tuple[Effect, ...]]


@final
@dataclass(slots=True)
class Seen:
    """What one reader has seen: its pieces, loop by loop, and how it came to its end."""

    reader: Reader
    loops: list[list[Any]] = field(default_factory=list)
    ended: bool = False
    error: BaseException | None = None
    chat: Chat | None = None

    @property
    def pieces(self) -> list[Any]:
        """Those of all loops."""
        return [piece for loop in self.loops for piece in loop]


@final
@dataclass(slots=True, eq=False)
class Asked:
    """A request that was opened."""

    turn: RequestTurn
    delivery: str
    number: int
    answer: Answer
    at: float
    opened: bool = False
    closes: int = 0
    closed_at: float | None = None
    over: bool = False
    broken: bool = False
    refused_stream: bool = False
    # What counts for the clocks: seconds spent in reads since the last progress, and which clock they count for.
    spent: float = 0.0
    clock: str = "first_event"
    rang: str | None = None
    drained: float = 0.0


@final
class Life:
    """One world while it is lived."""

    def __init__(self, world: World, loop: VirtualLoop) -> None:
        self.world = world
        self.loop = loop
        self.random = Random(world.seed + 1)
        self.faults: list[str] = []
        self.first: tuple[StreamState, tuple[Effect, ...]] | None = None
        self.state: Any = None
        self.began_at = 0.0
        self.steps: list[Step] = []
        self.encoded: list[RequestTurn] = []
        self.asked: list[Asked] = []
        self.pieces: list[tuple[Any, ...]] = []
        self.came: list[tuple[float, int]] = []  # when how many events came that a reader may see
        self.runs: Counter[str] = Counter()
        self.aborts: list[BaseException] = []
        self.single = 0
        self.busy = 0  # tools that wait, or clean up
        self.threads = 0
        self.deaf_tools = False
        self.waiting = 0
        self.seen: list[Seen] = []
        self.readers: list[asyncio.Task[None]] = []
        self.inline: Seen | None = None
        self.body: asyncio.Task[None] | None = None
        self.stream: ChatStream[Any] | None = None
        self.result: Chat | None = None
        self.entered = False
        self.exit_at: float | None = None
        self.left_at: float | None = None
        self.body_error: BaseException | None = None
        self.own_error: BaseException | None = None
        self.cancelled_from_outside = False
        self.rescued = False
        # A piece came in the very moment in which a clock rang: either may be first.
        self.tie = False
        self.last_error: BaseException | None = None
        self.last_chat: Chat | None = None

    def forget(self) -> None:
        """Let go of what refers to each other: it goes at once, with no garbage collector. What nobody looked at is
        told of then."""
        seed = self.world.seed
        self.loop.set_exception_handler(lambda _, told: Here.late.append((seed, str(told))))
        self.__dict__.clear()

    def blame(self, fault: str) -> None:
        """Something is not as it should be."""
        self.faults.append(f"at {self.loop._now:g} s: {fault}")

    def began(self, state: StreamState, effects: tuple[Effect, ...]) -> None:
        """The core began a run."""
        if self.first is not None:
            self.blame("a second run began")
        self.first, self.state, self.began_at = (state, effects), state, self.loop._now

    @property
    def is_over(self) -> bool:
        """Whether the run has ended."""
        return isinstance(self.state, TERMINAL)

    @property
    def total(self) -> float:
        """The clock of the whole run."""
        return inf if self.first is None else self.first[0].run.request.routes[0].clocks.total

    @property
    def tool_seconds(self) -> float:
        """The clock of tools."""
        return inf if self.first is None else self.first[0].run.request.routes[0].clocks.tool

    def thread_seconds(self) -> float | None:
        """How long the next thread takes; None is for ever."""
        seconds = (0.0, 0.0, 0.001, 0.3, 0.6, None)[int(self.random.random() * 6)]
        if seconds is None:
            self.loop.call_later(RESCUE, self.rescue)
        return seconds

    async def for_ever(self, seconds: float) -> None:
        """Wait until cancelled: by punk after so many `seconds`, or, if it is to wait for ever, by the caller."""
        rescue = self.loop.call_later(RESCUE, self.rescue) if min(seconds, self.total) == inf else None
        try:
            await self.loop.create_future()
        finally:
            if rescue is not None:
                rescue.cancel()

    def rescue(self) -> None:
        """The caller gives up."""
        if self.is_over or self.body is None:
            return
        self.rescued = True
        if self.stream is not None:
            self.stream.cancel()
        else:
            self.cancelled_from_outside = True
            self.body.cancel()

    def opens(self, turn: RequestTurn) -> None:
        """A request is made."""
        if self.is_over or self.left_at is not None:
            self.blame(f"round {turn.round} was requested after the run was over")
        if self.waiting == 0:
            self.blame(f"round {turn.round} was requested, and nobody was waiting")
        for other in self.asked:
            if other.opened and other.closed_at is None:
                self.blame(f"round {turn.round} was requested before the answer before it was closed")

    def runs_tool(self, call_id: str, plain: bool) -> None:
        """A tool runs."""
        self.runs[call_id] += 1
        state = self.state
        if plain:
            return  # a thread goes on whatever becomes of the run
        if not isinstance(state, RunningTools):
            # It was reported as started, and takes its first step in the very moment in which the run ends.
            started = any(isinstance(entry, ToolStarted) and entry.call_id == call_id for entry in state.log)
            if not started or self.steps[-1][0] != self.loop._now:
                self.blame(f"{call_id} runs in {type(state).__name__}")
            return
        waits = [answer for call, answer in zip(state.calls, state.answers, strict=True) if call.id == call_id]
        if waits != ["result"]:
            self.blame(f"{call_id} runs where {waits} is awaited")
