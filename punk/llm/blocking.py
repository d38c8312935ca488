"""Runs a coroutine to its end for code that is not async, inside a running event loop too."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import TypeVar

from punk.errors import ConfigurationError
from punk.llm.models.base import Model
from punk.llm.models.defaults import resolve

T = TypeVar("T")


def run_to_end(start: Callable[[], Coroutine[object, object, T]], model: Model | None) -> T:
    """The result of the coroutine that `start` makes, in an event loop of its own.

    Where a loop already runs, it is blocked meanwhile. Raises `ConfigurationError` there for a model whose client
    belongs to a loop, and what the coroutine raises.
    """
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(start())
    if not resolve(model).provider().portable:
        raise ConfigurationError(
            "complete() inside a running event loop cannot use a client that belongs to that loop;"
            " use `await chat.complete_async()`"
        )
    return _in_thread(start)


def _in_thread(start: Callable[[], Coroutine[object, object, T]]) -> T:
    abandoned = threading.Event()
    results: list[T] = []
    errors: list[BaseException] = []
    running: list[tuple[asyncio.AbstractEventLoop, asyncio.Task[object]]] = []

    async def watched() -> None:
        task = asyncio.current_task()
        assert task is not None
        running.append((asyncio.get_running_loop(), task))
        if abandoned.is_set():
            return
        results.append(await start())

    def work() -> None:
        try:
            asyncio.run(watched())
        except BaseException as error:
            errors.append(error)

    context = contextvars.copy_context()
    thread = threading.Thread(target=context.run, args=(work,), name="punk-complete", daemon=True)
    thread.start()
    try:
        thread.join()
    except BaseException:  # ctrl-C reaches this thread alone: the other one must not go on
        abandoned.set()
        with suppress(RuntimeError):  # its loop may just have ended
            for loop, task in running:
                loop.call_soon_threadsafe(task.cancel)
        thread.join()
        raise
    for error in errors:
        raise error
    return results[0]
