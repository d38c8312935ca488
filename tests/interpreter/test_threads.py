"""A call in a thread of its own: what it gives is passed on, or dropped once nobody waits any more."""

from __future__ import annotations

import asyncio
import contextvars
import threading
import time

import pytest

from punk.interpreter.threads import in_daemon_thread
from tests.support.aio import run


@pytest.mark.parametrize("cancelled_first", [True, False])
def test_what_comes_as_its_waiter_is_cancelled_is_dropped(cancelled_first: bool) -> None:
    dropped: list[str] = []
    called = threading.Event()

    def give() -> str:
        called.set()
        return "late"

    async def main() -> None:
        waiter = asyncio.create_task(in_daemon_thread(give, contextvars.copy_context(), dropped.append))
        await asyncio.sleep(0)
        assert called.wait(5)
        time.sleep(0.05)  # noqa: ASYNC251  # the loop must not turn while the thread hands over what it has
        if cancelled_first:
            waiter.cancel()
        else:
            asyncio.get_running_loop().call_soon(waiter.cancel)
        await asyncio.wait({waiter})
        assert waiter.cancelled()
        await asyncio.sleep(0)
        assert dropped == ["late"]

    run(main())
