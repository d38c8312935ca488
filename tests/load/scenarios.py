"""Puts the load on: each scenario runs in a loop of its own, and returns the figures that it measured."""

from __future__ import annotations

import asyncio
import gc
import random
import statistics
import time
from collections.abc import Callable
from typing import Final

from punk.llm.chat import Chat
from tests.load.bounds import CHUNKS_AHEAD, CLOSE_MEDIAN_MS, CLOSE_WORST_MS, KIB_A_STREAM, SLOWED, Figure, Size
from tests.load.measuring import Counted, Counter, all_of, lags, run, sockets, traced
from tests.load.remote import Remote
from tests.load.server import TICK

Scenario = Callable[[Remote, Size], list[Figure]]
PLACES: Final = ("before headers", "after the first event", "mid-stream", "in a tool")
READ: Final = 5
"""Deltas that a reader takes before it pauses."""
PAUSE: Final = 0.3
"""Seconds in which a stream would read ahead if it did."""


def abort(remote: Remote, size: Size) -> list[Figure]:
    """Streams that are left at random moments: before headers, after the first event, in the midst, in a tool."""
    chance = random.Random(5)
    most = 0

    async def cycle(number: int) -> None:
        nonlocal most
        begun = asyncio.Event()
        tag = remote.tag()

        async def wait() -> str:
            begun.set()
            await asyncio.sleep(60)
            return "late"

        async def read(chat: Chat, pieces: int) -> None:
            async with chat.complete_stream() as stream:
                async for _ in stream.content:
                    pieces -= 1
                    if not pieces:
                        begun.set()
                        break
                else:
                    return
                if chance.random() < 0.5:
                    await asyncio.sleep(60)

        match PLACES[number % len(PLACES)]:
            case "before headers":
                begun.set()
                reading = asyncio.create_task(read(remote.chat("hold", tag), 1))
            case "after the first event":
                reading = asyncio.create_task(read(remote.chat("first", tag), 1))
            case "mid-stream":
                reading = asyncio.create_task(read(remote.chat("flood", tag), chance.randint(2, 50)))
            case _:
                reading = asyncio.create_task(read(remote.chat("call", tag).with_tools([wait]), 1))
        await begun.wait()
        await asyncio.sleep(chance.random() * 0.02)
        reading.cancel()
        await asyncio.wait({reading})
        most = max(most, sockets() - before)

    before = sockets()

    async def load() -> list[Figure]:
        nonlocal before
        await remote.chat("pace", remote.tag()).complete_async()  # what an SDK keeps for ever is not counted
        before = sockets()
        await all_of(cycle, size.cycles, size.abreast)
        return [
            Figure(f"sockets of {size.cycles} cycles, {size.abreast} abreast", most, bound=2 * size.abreast),
        ]

    return run(load)


def paced(remote: Remote, size: Size) -> list[Figure]:
    """Streams at the pace of a model, all at once: each is whole."""
    deltas = round(size.rate * size.seconds)
    whole = 0

    async def load() -> list[Figure]:
        nonlocal whole
        await remote.chat("pace", remote.tag()).complete_async()
        before, most = sockets(), 0

        async def read(_: int) -> None:
            nonlocal whole, most
            async with remote.chat("pace", remote.tag(), size.rate, deltas).complete_stream() as stream:
                pieces = [piece async for piece in stream.content_delta]
            whole += pieces == [TICK] * deltas
            most = max(most, sockets() - before)

        watching = asyncio.create_task(lags())
        started, cpu = time.perf_counter(), time.process_time()
        await all_of(read, size.streams, size.streams)
        seconds, cpu = time.perf_counter() - started, time.process_time() - cpu
        watching.cancel()
        late = sorted(await watching)
        return [
            Figure(f"of {size.streams} streams not whole", size.streams - whole, bound=0),
            Figure("sockets kept", most, bound=size.streams),
            Figure(f"seconds beyond {size.seconds:g}", seconds - size.seconds, "s"),
            Figure("CPU a delta", cpu / size.streams / deltas * 1e6, "us"),
            Figure("lag of the loop, median", statistics.median(late), "ms"),
            Figure("lag of the loop, 99 %", late[int(len(late) * 0.99)], "ms"),
            Figure("lag of the loop, worst", late[-1], "ms"),
        ]

    return run(load)


def slow(remote: Remote, size: Size) -> list[Figure]:
    """One reader that pauses among others that do not."""
    deltas = round(size.rate * size.seconds)

    async def others() -> float:
        started = time.perf_counter()

        async def read(_: int) -> None:
            async with remote.chat("pace", remote.tag(), size.rate, deltas).complete_stream() as stream:
                await stream.chat

        await all_of(read, size.readers, size.readers)
        return time.perf_counter() - started

    async def load() -> list[Figure]:
        await remote.chat("pace", remote.tag()).complete_async()
        await others()  # so that both of those that count find their connections open
        without = await others()
        async with remote.chat("flood", remote.tag()).complete_stream() as stream:
            pieces = stream.content_delta
            await anext(pieces)
            beside = await others()
            await anext(pieces)  # it is still there
        return [
            Figure(f"{size.readers} readers, alone", without, "s"),
            Figure("beside a slow one", beside, "s"),
            Figure("times as long", beside / without, "x", bound=SLOWED),
        ]

    return run(load)


def close(remote: Remote, size: Size) -> list[Figure]:
    """How long after a stream is left its server knows."""
    left: dict[str, dict[str, float]] = {"break": {}, "cancel": {}}

    async def by_break(tag: str) -> None:
        async with remote.chat("pace", tag, 200, 1000).complete_stream() as stream:
            async for _ in stream.content:
                left["break"][tag] = time.monotonic()
                break

    async def by_cancel(tag: str) -> None:
        reading = asyncio.Event()

        async def read() -> None:
            async with remote.chat("pace", tag, 200, 1000).complete_stream() as stream:
                async for _ in stream.content:
                    reading.set()

        task = asyncio.create_task(read())
        await reading.wait()
        left["cancel"][tag] = time.monotonic()
        task.cancel()
        await asyncio.wait({task})

    async def load() -> list[Figure]:
        for _ in range(size.closes):
            await by_break(remote.tag())
            await by_cancel(remote.tag())
        tags = {tag for times in left.values() for tag in times}
        seen = (await asyncio.to_thread(remote.until, lambda seen: tags <= seen["left"].keys()))["left"]
        figures: list[Figure] = []
        for how, times in left.items():
            took = [(seen[tag] - at) * 1000 for tag, at in times.items()]
            what = f"close seen after {how}, of {len(took)},"
            figures += [
                Figure(f"{what} median", statistics.median(took), "ms", CLOSE_MEDIAN_MS),
                Figure(f"{what} worst", max(took), "ms", CLOSE_WORST_MS),
            ]
        return figures

    return run(load)


def paused(remote: Remote, size: Size) -> list[Figure]:
    """Readers that pause while their servers go on: what is read ahead for them, and what they hold."""

    async def load() -> list[Figure]:
        await remote.chat("pace", remote.tag()).complete_async()
        ahead: list[int] = []
        reading = 0
        go_on = asyncio.Event()

        async def read(_: int) -> None:
            nonlocal reading
            counters: list[Counter] = []
            chat = remote.chat("flood", remote.tag())
            assert chat.model is not None
            async with chat.with_model(Counted(chat.model, counters)).complete_stream() as stream:
                pieces = stream.content_delta
                for _ in range(READ):
                    await anext(pieces)
                reading += 1
                await go_on.wait()
                ahead.append(counters[0].chunks - READ)

        with traced() as held:
            before = held()
            everybody = asyncio.create_task(all_of(read, size.paused, size.paused))
            while reading < size.paused:
                await asyncio.sleep(0.01)
            await asyncio.sleep(PAUSE)
            gc.collect()
            kib = (held() - before) / 1024 / size.paused
            go_on.set()
            await everybody
        return [
            Figure("chunks read ahead, most", max(ahead), bound=CHUNKS_AHEAD),
            Figure("chunks read ahead, least", min(ahead)),
            Figure(f"memory a stream of {size.paused} paused", kib, "KiB", bound=KIB_A_STREAM),
        ]

    return run(load)


SCENARIOS: Final[dict[str, Scenario]] = {
    "abort": abort,
    "paced": paced,
    "slow": slow,
    "close": close,
    "paused": paused,
}
