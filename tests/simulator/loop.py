"""An asyncio event loop whose time is virtual: it never sleeps, jumps to the next timer, and knows when all is stuck.

The order in which tasks run may be part of the seed: given a `Random`, each round of the loop shuffles the tasks that
are ready among the places that tasks hold in the queue. asyncio runs callbacks in the order in which they were
scheduled, and code may rely on that for plain callbacks: those (timers, done-callbacks, what threads send) stay where
they are. A task is in the queue at most once, so that what one task does stays in order. Of two tasks that are ready at
the same moment, nobody may rely on which goes first: on a real clock, that is a matter of a microsecond.
"""

from __future__ import annotations

import asyncio
import contextvars
import heapq
from collections.abc import Coroutine, Generator
from random import Random
from typing import Any, Final, TypeVar, final

T = TypeVar("T")

ROUNDS: Final = 20_000
"""Rounds of the loop at one and the same moment after which nothing will ever get on."""


class Stuck(BaseException):
    """Nothing can ever happen again and the main task is not done; the message says what each task waits for."""


@final
class OrderedTask(asyncio.Task[Any]):
    """A task whose place in a set does not depend on where it lies in memory: the same seed gives the same world."""

    made = 0

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        OrderedTask.made += 1
        self.number = OrderedTask.made
        super().__init__(*args, **kwargs)

    def __hash__(self) -> int:
        return self.number


@final
class VirtualLoop(asyncio.BaseEventLoop):
    """Never sleeps. Raises `Stuck` out of `run_until_complete` where a real loop would wait for ever, or spin.

    It leans on the insides of `BaseEventLoop`: `_ready`, `_scheduled` and `_run_once` are what selector loops share.
    """

    def __init__(self, shuffle: Random | None = None) -> None:
        super().__init__()
        OrderedTask.made = 0
        self._now = 0.0
        self._timer_cancelled_count = 0
        self._shuffle = shuffle
        self._rounds = 0
        self._made: list[asyncio.Task[Any]] = []

    def time(self) -> float:
        """Virtual seconds since the loop was made."""
        return self._now

    def pass_(self, seconds: float) -> None:
        """Let time pass while whatever runs now keeps the loop busy."""
        self._now += seconds

    def create_task(
        self,
        coro: Generator[Any, None, T] | Coroutine[Any, Any, T],
        *,
        name: object = None,
        context: contextvars.Context | None = None,
    ) -> asyncio.Task[T]:
        task = OrderedTask(coro, loop=self, name=name, context=context)
        self._made.append(task)
        return task

    @property
    def alive(self) -> list[asyncio.Task[Any]]:
        """The tasks that are not done."""
        return [task for task in self._made if not task.done()]

    def close(self) -> None:
        super().close()
        self._made.clear()

    @property
    def timers(self) -> list[asyncio.TimerHandle]:
        """Those that are still to fire."""
        return [handle for handle in self._scheduled if not handle.cancelled()]  # type: ignore[attr-defined]  # inside

    def waits(self) -> str:
        """What each task waits for."""
        return "\n".join(sorted(map(_wait_of, self.alive)))

    def _run_once(self) -> None:
        ready, scheduled = self._ready, self._scheduled  # type: ignore[attr-defined]  # inside
        while scheduled and scheduled[0]._cancelled:
            heapq.heappop(scheduled)._scheduled = False
            self._timer_cancelled_count -= 1
        if ready:
            self._rounds += 1
            if self._rounds > ROUNDS:
                self._rounds = 0
                raise Stuck(f"spinning at {self._now:g} s:\n{self.waits()}")
        else:
            self._rounds = 0
            if not scheduled:
                raise Stuck(f"nothing can happen any more at {self._now:g} s:\n{self.waits()}")
            self._now = max(self._now, scheduled[0]._when)
        now = self._now
        while scheduled and (scheduled[0]._cancelled or scheduled[0]._when <= now):
            handle = heapq.heappop(scheduled)
            handle._scheduled = False
            if handle._cancelled:
                self._timer_cancelled_count -= 1
            else:
                ready.append(handle)
        count = len(ready)
        if count > 1 and self._shuffle is not None:
            self._mix(ready, self._shuffle)
        for _ in range(count):
            handle = ready.popleft()
            if not handle._cancelled:
                handle._run()

    def _mix(self, ready: Any, random: Random) -> None:
        places = [
            place
            for place, handle in enumerate(ready)
            if not handle._cancelled and isinstance(getattr(handle._callback, "__self__", None), asyncio.Task)
        ]
        if len(places) < 2:
            return
        handles = [ready[place] for place in places]
        random.shuffle(handles)
        for place, handle in zip(places, handles, strict=True):
            ready[place] = handle

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        # Cancelled timers are few here: they go when their time comes.
        self._timer_cancelled_count += 1

    def _write_to_self(self) -> None:
        """There is no selector to wake."""


def _wait_of(task: asyncio.Task[Any]) -> str:
    names: list[str] = []
    awaited: Any = task.get_coro()
    while awaited is not None:
        code = getattr(awaited, "cr_code", None) or getattr(awaited, "gi_code", None)
        if code is None:
            names.append(repr(awaited))
            break
        frame = getattr(awaited, "cr_frame", None) or getattr(awaited, "gi_frame", None)
        names.append(f"{code.co_qualname}:{frame.f_lineno if frame else '?'}")
        awaited = getattr(awaited, "cr_await", None) or getattr(awaited, "gi_yieldfrom", None)
    return f"  {task.get_name()} waits in {' > '.join(names)}"
