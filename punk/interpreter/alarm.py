"""Breaks off what a task waits for when its time is up: with one timer, however often the deadline moves."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import TypeVar, final

T = TypeVar("T")


class TimeIsUp(Exception):
    """What was waited for did not come in time."""


@final
class Alarm:
    """Used by one task, for one wait after the other; `close` is called in any case."""

    __slots__ = ("_deadline", "_loop", "_rang", "_task", "_timer")

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._task: asyncio.Task[object] | None = None
        self._deadline: float | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._rang = False

    async def within(self, seconds: float, work: Awaitable[T]) -> T:
        """What `work` gives. Raises `TimeIsUp` after so many `seconds`, when `work` has been cancelled."""
        task = self._task = asyncio.current_task()
        assert task is not None, "a coroutine runs in a task"
        cancels = task.cancelling()
        self._rang = False
        self._set(self._loop.time() + seconds)
        try:
            return await work
        except BaseException as error:
            if not self._rang:
                raise
            wanted = task.uncancel() > cancels
            if wanted or not isinstance(error, Exception | asyncio.CancelledError):
                raise
            raise TimeIsUp from error
        finally:
            self._deadline = None

    def close(self) -> None:
        """Stop the timer."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _set(self, deadline: float) -> None:
        self._deadline = deadline
        if self._timer is not None and self._timer.when() > deadline:
            self.close()
        if self._timer is None and deadline != float("inf"):
            self._timer = self._loop.call_at(deadline, self._ring)

    def _ring(self) -> None:
        # Most deadlines are met: one that has moved since the timer was set is looked at only now.
        self._timer = None
        if self._deadline is None:
            return
        if self._deadline > self._loop.time():
            self._set(self._deadline)
        elif self._task is not None:
            self._rang = True
            self._task.cancel()
