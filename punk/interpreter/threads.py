"""Runs blocking calls in daemon threads of our own: a stuck one holds up neither the event loop nor its end."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Generic, TypeVar, final

T = TypeVar("T")


@final
@dataclass(frozen=True, slots=True)
class _Raised:
    error: BaseException


@final
@dataclass(frozen=True, slots=True)
class _Gave(Generic[T]):
    value: T


async def in_daemon_thread(call: Callable[[], T], context: contextvars.Context) -> T:
    """What `call` returns or raises when it runs in `context`, in a thread. A cancelled wait leaves the thread alone:
    its outcome is dropped."""
    loop = asyncio.get_running_loop()
    # An outcome is passed as a value: a future refuses some exceptions, StopIteration among them.
    done: asyncio.Future[_Gave[T] | _Raised] = loop.create_future()

    def deliver(outcome: _Gave[T] | _Raised) -> None:
        if not done.done():
            done.set_result(outcome)

    def work() -> None:
        try:
            outcome: _Gave[T] | _Raised = _Gave(context.run(call))
        except BaseException as error:
            outcome = _Raised(error)
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(deliver, outcome)

    threading.Thread(target=work, name="punk-tool", daemon=True).start()
    match await done:
        case _Raised(error):
            raise error
        case _Gave(value):
            return value
