"""Runs a coroutine to its end for code that is not async, inside a running event loop too."""

from __future__ import annotations

import asyncio
import contextvars
import queue
import signal
import threading
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias, TypeVar, final

from punk.core.parts import ToolCall
from punk.errors import ConfigurationError
from punk.interpreter.threads import Gave, Raised
from punk.llm.models.base import Model
from punk.llm.models.defaults import resolve
from punk.tools.approval import Approve, Verdict
from punk.tools.schema import is_async

T = TypeVar("T")


_Answer: TypeAlias = Gave[Verdict | Awaitable[Verdict]] | Raised


@final
@dataclass(frozen=True, slots=True)
class _Question:
    """A call to be approved, and where the answer is awaited."""

    call: ToolCall
    loop: asyncio.AbstractEventLoop
    answer: asyncio.Future[_Answer]

    def settle(self, outcome: _Answer) -> None:
        """Give the answer, from another thread than that of its loop."""

        def deliver() -> None:
            if not self.answer.done():
                self.answer.set_result(outcome)

        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            self.loop.call_soon_threadsafe(deliver)


Start: TypeAlias = Callable[[Approve | None], Coroutine[object, object, T]]
"""Makes the coroutine, given who is asked for approval."""


def run_to_end(start: Start[T], models: Iterable[Model | None], approve: Approve | None) -> T:
    """The result of the coroutine that `start` makes, in an event loop of its own.

    Where a loop already runs, it is blocked meanwhile. A plain `approve` is asked in the thread of the caller, which
    has nothing else to do: so it may read from the terminal, and an interrupt ends it. Raises `ConfigurationError` for
    a model whose client belongs to a running loop, and what the coroutine raises.
    """
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        if approve is None or is_async(approve):
            return asyncio.run(start(approve))
    else:
        if not all(resolve(model).provider().portable for model in models):
            raise ConfigurationError(
                "complete() inside a running event loop cannot use a client that belongs to that loop;"
                " use `await chat.complete_async()`"
            )
        with _interruptible():
            return _in_thread(start, approve)
    return _in_thread(start, approve)


@contextmanager
def _interruptible() -> Iterator[None]:
    """While the loop is blocked, `asyncio.run` cannot cancel its main task at an interrupt, and would do nothing."""
    here = threading.current_thread() is threading.main_thread()
    before = signal.getsignal(signal.SIGINT)
    runner = before.func if isinstance(before, partial) else None
    if not here or not isinstance(getattr(runner, "__self__", None), asyncio.Runner):
        yield
        return
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _in_thread(start: Start[T], approve: Approve | None) -> T:
    abandoned, ended = threading.Event(), threading.Event()
    told: queue.SimpleQueue[_Question | Gave[T] | Raised] = queue.SimpleQueue()
    running: list[tuple[asyncio.AbstractEventLoop, asyncio.Task[object]]] = []

    async def asked(call: ToolCall) -> Verdict:
        loop = asyncio.get_running_loop()
        question = _Question(call, loop, loop.create_future())
        told.put(question)
        match await question.answer:
            case Raised(error):
                raise error
            case Gave(verdict):
                return await verdict if isinstance(verdict, Awaitable) else verdict

    async def watched() -> T:
        task = asyncio.current_task()
        assert task is not None
        running.append((asyncio.get_running_loop(), task))
        if abandoned.is_set():
            raise asyncio.CancelledError
        return await start(approve if approve is None or is_async(approve) else asked)

    def work() -> None:
        try:
            told.put(Gave(asyncio.run(watched())))
        except BaseException as error:
            told.put(Raised(error))
        finally:
            ended.set()

    context = contextvars.copy_context()
    thread = threading.Thread(target=context.run, args=(work,), name="punk-complete", daemon=True)
    try:
        thread.start()
        while isinstance(end := told.get(), _Question):
            end.settle(_decided(approve, end.call))
    except BaseException as broken:  # ctrl-C reaches this thread alone: the other one must not go on
        abandoned.set()
        with suppress(RuntimeError):  # its loop may just have ended
            for loop, task in running:
                loop.call_soon_threadsafe(task.cancel)
        if not isinstance(broken, Exception):  # else no thread could be started
            # Not a join, which in Python 3.11 takes the thread for ended once an interrupt has broken it off.
            ended.wait()
        raise
    thread.join()
    match end:
        case Raised(error):
            raise error
        case Gave(value):
            return value


def _decided(approve: Approve | None, call: ToolCall) -> _Answer:
    assert approve is not None, "who asks was given it"
    try:
        return Gave(approve(call))
    except (Exception, asyncio.CancelledError) as error:
        return Raised(error)
