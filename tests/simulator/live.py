"""Lives a world: enters the stream, sets readers on it, lets the outside happen, and sees what is left at the end."""

from __future__ import annotations

import asyncio
from random import Random
from typing import Any, Final

from punk.core.messages import UserMessage
from punk.core.state import AwaitingApproval, Cancelled, Completed, Failed
from punk.errors import ConfigurationError, PunkError
from punk.llm.chat import Chat
from punk.llm.options import RunOptions
from punk.llm.streaming import ChatStream, StreamIncompleteError
from tests.simulator.life import EPSILON, Life, Seen
from tests.simulator.loop import Stuck, VirtualLoop
from tests.simulator.provider import SimulatedModel
from tests.simulator.threads import LOOP_THREAD, Here
from tests.simulator.toolset import APPROVALS, TOOLS
from tests.simulator.world import Outside, Reader, World

GRACE: Final = 1.0

_ASKED: Final = Chat().add_message(UserMessage("q"))
_PLAIN: Final = {False: _ASKED, True: _ASKED.with_output(list[int])}
_TOOLED: Final = {structured: chat.with_tools(TOOLS) for structured, chat in _PLAIN.items()}


class BodyError(Exception):
    """What a block of the caller's raises."""


def live(world: World) -> Life:
    """What happened in `world`. Within `simulated()`."""
    loop = VirtualLoop(Random(world.seed) if world.shuffled else None)
    life = Life(world, loop)
    Here.life, Here.thread = life, LOOP_THREAD
    loop.set_exception_handler(lambda _, told: life.blame(f"the loop was told: {told}"))
    try:
        loop.run_until_complete(loop.create_task(_main(life), name="main"))
    except Stuck as stuck:
        life.blame(str(stuck))
        loop.set_exception_handler(lambda *_: None)
    finally:
        loop.close()
    return life


async def _main(life: Life) -> None:
    loop = life.loop
    body = life.body = loop.create_task(_body(life), name="body")
    outside = [loop.call_later(each.at, _happens, life, each) for each in life.world.outside]
    await asyncio.wait({body})
    for handle in outside:
        handle.cancel()
    life.left_at = loop._now
    life.body_error = asyncio.CancelledError() if body.cancelled() else body.exception()
    if life.busy:
        life.blame(f"{life.busy} tools still clean up after the stream was left")
    if life.readers:
        await asyncio.wait(life.readers)
    for task in life.readers:
        if not task.cancelled() and task.exception() is not None:
            life.blame(f"a reader met with {task.exception()!r}")
    if life.entered:
        await _again(life)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    if life.threads == 0 and not life.deaf_tools:
        _nothing_left(life)
    await asyncio.sleep(100.0)
    _nothing_left(life)


def _nothing_left(life: Life) -> None:
    rescues = (life.rescue,)
    for handle in life.loop.timers:
        if getattr(handle, "_callback", None) not in rescues:
            life.blame(f"a timer is left: {handle!r}")
    if len(life.loop.alive) > 1:
        life.blame(f"tasks are left:\n{life.loop.waits()}")


def _happens(life: Life, outside: Outside) -> None:
    match outside.kind:
        case "cancel body":
            if life.body is not None and not life.body.done():
                life.cancelled_from_outside = True
                life.body.cancel()
        case "cancel stream":
            if life.stream is not None and life.entered:
                life.stream.cancel()
        case "cancel from thread":
            if life.stream is not None and life.entered:
                Here.thread = LOOP_THREAD + 1_000_000
                life.stream.cancel()
                Here.thread = LOOP_THREAD
        case "cancel reader":
            if life.readers:
                life.readers[0].cancel()


def options_of(life: Life) -> RunOptions:
    """How the run of this world is bounded."""
    world = life.world
    options = RunOptions(
        execute_tools=world.execute_tools,
        max_rounds=world.max_rounds,
        max_tool_calls=world.max_tool_calls,
        max_total_tokens=world.max_total_tokens,
        max_concurrent_tools=world.max_concurrent_tools,
        timeouts=world.timeouts,
        retry=world.retry,
    )
    if len(world.models) > 1:
        options["fallback"] = [SimulatedModel(life, index + 1, spec) for index, spec in enumerate(world.models[1:])]
    if world.approve is not None:
        options["approve"] = APPROVALS[world.approve]
    return options


async def _body(life: Life) -> None:
    world = life.world
    chats = _TOOLED if world.with_tools else _PLAIN
    chat = chats[world.structured].with_model(SimulatedModel(life, 0, world.models[0]))
    options = options_of(life)
    if world.body.kind == "fold":
        life.waiting += 1
        life.result = await chat.complete_async(**options)
        return
    stream = chat.complete_stream(**options)
    try:
        async with stream:
            life.stream, life.entered = stream, True
            try:
                await _block(life, stream)
            except BaseException as error:
                life.own_error = error
                raise
            finally:
                life.exit_at = life.loop._now
    except (ConfigurationError, PunkError) as error:
        if not life.entered and all(model.streams for model in world.models):
            life.blame(f"the stream could not be entered: {error!r}")
        raise


async def _block(life: Life, stream: ChatStream[Any]) -> None:
    world = life.world
    readers = world.readers
    inline = world.body.kind == "read" and len(readers) > 0
    for index, reader in enumerate(readers[1:] if inline else readers):
        seen = Seen(reader)
        life.seen.append(seen)
        life.readers.append(life.loop.create_task(_read(life, stream, seen), name=f"reader {index}"))
    match world.body.kind:
        case "wait":
            if life.readers:
                await asyncio.wait(life.readers)
        case "read" if inline:
            seen = Seen(readers[0])
            life.seen.append(seen)
            life.inline = seen
            await _read(life, stream, seen)
            if seen.error is not None:
                raise seen.error
        case "chat" | "read":
            life.waiting += 1
            try:
                life.result = await stream.chat
            finally:
                life.waiting -= 1
        case "leave" | "fold":
            await asyncio.sleep(world.body.seconds)
        case "raise":
            await asyncio.sleep(world.body.seconds)
            raise BodyError


async def _read(life: Life, stream: ChatStream[Any], seen: Seen) -> None:
    reader = seen.reader
    try:
        if reader.delay:
            await asyncio.sleep(reader.delay)
        if reader.kind == "chat":
            life.waiting += 1
            try:
                seen.chat = await stream.chat
                seen.ended = True
            finally:
                life.waiting -= 1
            return
        # A loop over thinking ends with its phase: all of it takes as many as there are.
        by_phase = reader.kind.startswith("thinking")
        for _ in range(reader.loops if not (by_phase and reader.reads_all) else 12):
            seen.ended = False
            over = await _loop(life, stream, seen, reader)
            if not over:
                return
            seen.ended = not by_phase or (life.is_over and not seen.loops[-1])
            if seen.ended and by_phase:
                return
    except PunkError as error:
        seen.error = error


async def _loop(life: Life, stream: ChatStream[Any], seen: Seen, reader: Reader) -> bool:
    """Whether the loop came to its end."""
    pieces: list[Any] = []
    seen.loops.append(pieces)
    iterator = aiter(getattr(stream, reader.kind))
    patience, stop, pace = reader.patience, reader.stop, reader.pace
    waited = 0
    count = sum(map(len, seen.loops))
    while stop is None or count < stop:
        life.waiting += 1
        try:
            if patience is None:
                piece = await anext(iterator)
            else:
                piece = await asyncio.wait_for(anext(iterator), patience)
        except TimeoutError:
            waited += 1
            patience = None if waited > 3 else patience
            if pace:
                await asyncio.sleep(pace)
            continue
        except StopAsyncIteration:
            return True
        finally:
            life.waiting -= 1
        pieces.append(piece)
        count += 1
        if reader.cancels_at == count:
            stream.cancel()
        if pace is not None:
            await asyncio.sleep(pace)
    return False


async def _again(life: Life) -> None:
    """After leaving: the same end, as often as one asks."""
    stream = life.stream
    assert stream is not None
    now = life.loop._now
    try:
        life.last_chat = await stream.chat
    except PunkError as error:
        life.last_error = error
    state = life.state
    expected: tuple[type, ...] = ()
    if isinstance(state, Cancelled | AwaitingApproval):
        expected = (StreamIncompleteError,)
    elif isinstance(state, Failed):
        expected = (PunkError,)
    if expected and not isinstance(life.last_error, expected):
        life.blame(f"{type(state).__name__}, and the final chat gave {life.last_error!r}")
    if isinstance(state, Completed) and life.last_chat is None:
        life.blame(f"completed, and the final chat gave {life.last_error!r}")
    if life.loop._now > now + EPSILON:
        life.blame("the final chat took its time after the stream was left")
