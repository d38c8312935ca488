"""Breaks off what a task waits for when its time is up: with one timer, however often the deadline moves."""

from __future__ import annotations

import asyncio
from math import inf
from typing import final


@final
class Alarm:
    """Set before each wait of one task, and put off behind it; `close` is called in any case."""

    __slots__ = ("_cancels", "_deadline", "_loop", "_rang", "_task", "_timer")

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._task: asyncio.Task[object] | None = None
        self._cancels = 0
        self._deadline: float | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._rang = False

    def set(self, deadline: float) -> None:
        """From now on, cancel what the running task waits for when the loop's clock comes to `deadline`."""
        if self._task is None:
            self._task = asyncio.current_task()
            assert self._task is not None, "a coroutine runs in a task"
        self._cancels = self._task.cancelling()
        self._rang = False
        self._arm(deadline)

    def put_off(self) -> None:
        """The wait is over."""
        self._deadline = None

    def caused(self, error: BaseException) -> bool:
        """Whether the wait ended in `error` because its time was up, and not because the task is cancelled by others,
        too."""
        if not self._rang or self._task is None:
            return False
        wanted = self._task.uncancel() > self._cancels
        return not wanted and isinstance(error, Exception | asyncio.CancelledError)

    def is_foreign(self, error: BaseException) -> bool:
        """Whether `error` is a cancellation that nobody has asked this task for: it came up in what it waits for."""
        return isinstance(error, asyncio.CancelledError) and self._task is not None and not self._task.cancelling()

    def close(self) -> None:
        """Stop the timer."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _arm(self, deadline: float) -> None:
        self._deadline = deadline
        if self._timer is None:
            if deadline != inf:
                self._timer = self._loop.call_at(deadline, self._ring)
        elif self._timer.when() > deadline:
            self._timer.cancel()
            self._timer = self._loop.call_at(deadline, self._ring)

    def _ring(self) -> None:
        # Most deadlines are met: one that has moved since the timer was set is looked at only now.
        self._timer = None
        if self._deadline is None:
            return
        if self._deadline > self._loop.time():
            self._arm(self._deadline)
        elif self._task is not None:
            self._rang = True
            self._task.cancel()
