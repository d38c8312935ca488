"""Runs blocking calls in daemon threads of our own: a stuck one holds up neither the event loop nor its end."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar, final

T = TypeVar("T")


@final
@dataclass(frozen=True, slots=True)
class Raised:
    """A call raised this."""

    error: BaseException


@final
@dataclass(frozen=True, slots=True)
class Gave(Generic[T]):
    """A call returned this."""

    value: T


async def in_daemon_thread(
    call: Callable[[], T], context: contextvars.Context, drop: Callable[[T], None] = lambda unwanted: None
) -> T:
    """What `call` returns or raises when it runs in `context`, in a thread. A cancelled wait leaves the thread alone:
    what it returns then is given to `drop`."""
    loop = asyncio.get_running_loop()
    # An outcome is passed as a value: a future refuses some exceptions, StopIteration among them.
    done: asyncio.Future[Gave[T] | Raised] = loop.create_future()

    def deliver(outcome: Gave[T] | Raised) -> None:
        if not done.done():
            done.set_result(outcome)
        elif isinstance(outcome, Gave):
            drop(outcome.value)

    def work() -> None:
        try:
            outcome: Gave[T] | Raised = Gave(context.run(call))
        except BaseException as error:
            outcome = Raised(error)
        try:
            loop.call_soon_threadsafe(deliver, outcome)
        except RuntimeError:  # the loop is closed: nobody waits any more
            if isinstance(outcome, Gave):
                drop(outcome.value)

    threading.Thread(target=work, name="punk-tool", daemon=True).start()
    try:
        outcome = await done
    except asyncio.CancelledError:
        if not done.cancelled() and isinstance(late := done.result(), Gave):
            drop(late.value)
        raise
    match outcome:
        case Raised(error):
            raise error
        case Gave(value):
            return value
