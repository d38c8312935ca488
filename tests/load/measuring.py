"""Counts and times what a load costs: tasks, sockets, threads, lateness of the loop, memory and chunks."""

from __future__ import annotations

import asyncio
import gc
import os
import threading
import time
import tracemalloc
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import final

from punk.llm.models.base import Model
from punk.providers.base import Body, ByteStream, Provider, Transport
from tests.load.bounds import SOCKETS_LEFT, TASKS_LEFT, THREADS_LEFT, Figure


def sockets() -> int:
    """How many sockets this process has."""
    count = 0
    for entry in os.scandir("/proc/self/fd"):
        with suppress(FileNotFoundError):  # the listing's own
            count += os.readlink(entry.path).startswith("socket:")
    return count


def run(load: Callable[[], Awaitable[list[Figure]]]) -> list[Figure]:
    """The figures of `load`, and what it left: tasks in its loop, sockets and threads after that is over."""

    async def main() -> list[Figure]:
        figures = await load()
        left = len(asyncio.all_tasks()) - 1
        return [*figures, Figure("tasks left", left, bound=TASKS_LEFT)]

    open_before, threads_before = sockets(), threading.active_count()
    figures = asyncio.run(main())
    gc.collect()
    return [
        *figures,
        Figure("sockets left, pool closed", sockets() - open_before, bound=SOCKETS_LEFT),
        Figure("threads left", threading.active_count() - threads_before, bound=THREADS_LEFT),
    ]


async def all_of(work: Callable[[int], Awaitable[None]], count: int, abreast: int) -> None:
    """Do `work` for each number below `count`, `abreast` at a time."""
    numbers = iter(range(count))

    async def one_after_another() -> None:
        for number in numbers:
            await work(number)

    async with asyncio.TaskGroup() as group:
        for _ in range(abreast):
            group.create_task(one_after_another())


async def lags(gap: float = 0.005) -> list[float]:
    """By how many milliseconds the loop is late, until cancelled."""
    late: list[float] = []
    with suppress(asyncio.CancelledError):
        while True:
            due = time.perf_counter() + gap
            await asyncio.sleep(gap)
            late.append((time.perf_counter() - due) * 1000)
    return late


@final
class Counter:
    """Counts the chunks that a stream's transport has handed out: each holds one delta."""

    def __init__(self, stream: ByteStream) -> None:
        self._stream = stream
        self.chunks = 0

    @property
    def secrets(self) -> tuple[str, ...]:
        return self._stream.secrets

    async def read(self) -> bytes | None:
        data = await self._stream.read()
        self.chunks += data is not None
        return data

    async def close(self) -> None:
        await self._stream.close()


@final
@dataclass(frozen=True, slots=True)
class Counted:
    """A model whose chunks are counted; a transport that adds its answer to `counters`."""

    model: Model
    counters: list[Counter]

    @property
    def name(self) -> str:
        return self.model.name

    def provider(self) -> Provider:
        provider = self.model.provider()
        return replace(provider, transport=CountedTransport(provider.transport, self.counters))


@final
@dataclass(frozen=True, slots=True)
class CountedTransport:
    """Adds each answer that is opened to `counters`."""

    transport: Transport
    counters: list[Counter]

    async def prepare(self, body: Body) -> None:
        await self.transport.prepare(body)

    async def open(self, body: Body) -> Counter:
        counter = Counter(await self.transport.open(body))
        self.counters.append(counter)
        return counter


@contextmanager
def traced() -> Iterator[Callable[[], int]]:
    """Inside, how many bytes have been allocated and not given back."""
    gc.collect()
    tracemalloc.start()
    try:
        yield lambda: tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
