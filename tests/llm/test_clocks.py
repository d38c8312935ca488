"""The clocks of a run on virtual time: what runs when, what it ends, and what it leaves as it was."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import suppress
from dataclasses import replace
from math import inf
from typing import Self, TypeVar

import pytest

from punk.core.events import Heartbeat, RetryScheduled, TextDelta, TimerFired, TurnRequested
from punk.core.failures import Clock, ConnectionLost, HttpStatus, StreamingUnsupported, TimedOut
from punk.core.state import Cancelled, Failed, Waiting
from punk.errors import ConfigurationError, StreamingError, StreamingNotSupported
from punk.llm.chat import Chat
from punk.llm.messages import UserMessage
from punk.llm.retry import RetryPolicy
from punk.llm.streaming import ChatStream
from punk.llm.timeouts import Timeouts
from punk.providers.base import Body, Provider
from punk.testing import Fault, Pause, ScriptedModel, ScriptItem
from tests.llm.script import CALLS, START, STOP, answer, ask, call, read, text
from tests.simulator.loop import VirtualLoop

T = TypeVar("T")

LOST = Fault(ConnectionLost("gone"))


def run(work: Coroutine[object, object, T]) -> T:
    """What `work` gives, in a loop whose time is virtual, in which nothing is left behind."""
    loop = VirtualLoop()
    try:
        result = loop.run_until_complete(work)
        assert not asyncio.all_tasks(loop)
        assert loop.timers == []
        return result
    finally:
        loop.close()


def now() -> float:
    return asyncio.get_running_loop().time()


async def outcome(chat: Chat, timeouts: Timeouts, retry: RetryPolicy | None = None) -> tuple[str, object, float]:
    """The text of a run, what ended it (a clock, None for the end), and how many seconds it took."""
    shown = ""
    begun = now()
    ended: object = None
    async with chat.complete_stream(timeouts=timeouts, retry=retry or RetryPolicy(attempts=1)) as stream:
        try:
            async for delta in stream.content_delta:
                shown += delta
        except StreamingError as error:
            with pytest.raises(StreamingError, match=error.message):
                await stream.chat
            ended = error.failure.clock if isinstance(error.failure, TimedOut) else error
    assert stream.partial_chat.latest_message.content == (shown or "q")
    return shown, ended, now() - begun


PINGS: tuple[ScriptItem, ...] = (Pause(3), Heartbeat()) * 50


@pytest.mark.parametrize(
    ("turn", "timeouts", "expected"),
    [
        ([Pause(9), *answer("a")], Timeouts(first_event=10), ("a", None, 9)),
        ([Pause(11), *answer("a")], Timeouts(first_event=10), ("", "first_event", 10)),
        ([Pause(599), *answer("a")], Timeouts(), ("a", None, 599)),
        ([Pause(601), *answer("a")], Timeouts(), ("", "first_event", 600)),
        ([Pause(9999), *answer("a")], Timeouts(first_event=inf), ("a", None, 9999)),
        ([*PINGS, *answer("a")], Timeouts(first_event=10), ("", "first_event", 10)),
        ([START, *text("a"), Pause(5), *text("b"), STOP], Timeouts(progress=4), ("a", "progress", 4)),
        ([START, *text("a"), Pause(3), *text("b"), Pause(3), STOP], Timeouts(progress=4), ("ab", None, 6)),
        ([START, *text("a"), *PINGS, STOP], Timeouts(progress=4), ("a", "progress", 4)),
        ([START, *text("a"), *PINGS, STOP], Timeouts(), ("a", None, 150)),
        ([START, *[*text("a"), Pause(3)] * 5, STOP], Timeouts(progress=4, total=10), ("aaaa", "total", 10)),
        ([Pause(99), *answer("a")], Timeouts(first_event=inf, total=20), ("", "total", 20)),
    ],
)
@pytest.mark.parametrize("batch", [1, 3])
def test_what_a_clock_ends(
    turn: Sequence[ScriptItem], timeouts: Timeouts, expected: tuple[str, Clock | None, float], batch: int
) -> None:
    chat, model = ask(turn, batch=batch)
    assert run(outcome(chat, timeouts)) == expected
    assert model.opened == model.closed


def test_a_reader_that_takes_its_time_is_no_timeout() -> None:
    async def main() -> None:
        chat, _ = ask([START, *text("a", "b", "c"), Pause(3), *text("d"), STOP])
        shown = []
        async with chat.complete_stream(timeouts=Timeouts(first_event=4, progress=4)) as stream:
            await asyncio.sleep(100)
            async for delta in stream.content_delta:
                shown.append(delta)
                await asyncio.sleep(100)
        assert shown == ["a", "b", "c", "d"]

    run(main())


def test_the_clock_of_the_run_runs_always() -> None:
    async def main() -> None:
        chat, model = ask([START, *text("a"), Pause(1), *text("b"), STOP])
        async with chat.complete_stream(timeouts=Timeouts(total=50)) as stream:
            await asyncio.sleep(49)
            assert await anext(stream.content_delta) == "a"
            await asyncio.sleep(3)
            # What had come by then is kept; it could not have been more, for nobody asked.
            assert isinstance(stream.state, Failed)
            with pytest.raises(StreamingError, match="the run was not over after 50 s"):
                await stream.chat
        assert stream.partial_chat.latest_message.content in ("a", "ab")
        assert model.closed == 1

    run(main())


def test_an_expiry_that_nobody_saw_is_raised_on_leaving() -> None:
    async def main() -> None:
        chat, _ = ask([START, *text("a"), Pause(99), STOP])
        with pytest.raises(StreamingError, match="the run was not over after 5 s"):
            async with chat.complete_stream(timeouts=Timeouts(total=5)) as stream:
                await anext(stream.content)
                await asyncio.sleep(10)

    run(main())


def test_a_run_that_ends_in_time_stops_its_clocks() -> None:
    async def main() -> None:
        chat, _ = ask(answer("a"))
        async with chat.complete_stream(timeouts=Timeouts(total=50)) as stream:
            await stream.chat
            assert asyncio.get_running_loop().timers == []  # type: ignore[attr-defined]  # of the virtual loop

    run(main())


def test_tools_run_against_the_clock_of_the_run() -> None:
    left: list[str] = []

    async def slow() -> str:
        try:
            await asyncio.sleep(100)
        except asyncio.CancelledError:
            left.append("cancelled")
            raise
        return "x"

    async def main() -> None:
        chat, _ = ask([START, *call("slow"), CALLS], answer("ok"))
        with pytest.raises(StreamingError, match="the run was not over after 5 s"):
            await chat.with_tools([slow]).complete_async(timeouts=Timeouts(total=5))
        assert (now(), left) == (5, ["cancelled"])

    run(main())


def test_a_tool_that_cleans_up_is_awaited_though_the_run_ends_meanwhile() -> None:
    left: list[float] = []

    async def slow() -> str:
        try:
            await asyncio.sleep(100)
        finally:
            await asyncio.sleep(0.5)
            left.append(now())
        return "x"

    async def main() -> None:
        chat, _ = ask([START, *call("slow"), CALLS], answer("ok"))
        with pytest.raises(StreamingError, match="the run was not over"):
            await chat.with_tools([slow]).complete_async(timeouts=Timeouts(tool=1, total=1.25))
        assert left == [1.5]

    run(main())


def test_timeouts_of_the_model_the_chat_and_the_call() -> None:
    async def clocks_of(model: Timeouts, chat: Timeouts, call: Timeouts) -> Clock:
        scripted = ScriptedModel([[START, *text("a"), Pause(9999), STOP]], timeouts=model)
        asked = Chat([UserMessage("q")], scripted).with_options(timeouts=chat, max_rounds=3)
        with pytest.raises(StreamingError) as failed:
            await asked.complete_async(timeouts=call)
        assert isinstance(failed.value.failure, TimedOut)
        return failed.value.failure.clock

    none = Timeouts()
    assert run(clocks_of(Timeouts(progress=1), none, none)) == "progress"
    assert run(clocks_of(Timeouts(progress=1), Timeouts(progress=5, total=3), none)) == "total"
    assert run(clocks_of(Timeouts(progress=1), Timeouts(progress=5), Timeouts(total=3))) == "total"
    assert run(clocks_of(Timeouts(progress=1), Timeouts(progress=5, total=3), Timeouts(total=inf))) == "progress"


def test_retries_wait_and_are_told() -> None:
    async def main() -> Sequence[object]:
        chat, model = ask([LOST], [START, LOST], [Pause(10), *answer("a")], answer("b"))
        retry = RetryPolicy(attempts=4, base=1, jitter=0)
        async with chat.complete_stream(timeouts=Timeouts(first_event=3), retry=retry) as stream:
            events = [entry.event async for entry in stream.events]
        assert now() == 1 + 2 + 3 + 4
        assert len(model.requests) == 4
        assert model.opened == model.closed == 3  # the first found no connection at all
        assert (await stream.chat).latest_message.content == "b"
        return events

    events = run(main())
    assert [e.attempt for e in events if isinstance(e, TurnRequested)] == [1, 2, 3, 4]
    assert [e.seconds for e in events if isinstance(e, RetryScheduled)] == [1, 2, 4]
    assert [e.timer for e in events if isinstance(e, TimerFired)] == ["backoff", "backoff", "first_event", "backoff"]


def test_a_run_waits_as_long_as_the_provider_asks() -> None:
    async def main() -> float:
        chat, _ = ask([Fault(HttpStatus(429, "busy", None, 30.0))], answer("a"))
        await chat.complete_async(retry=RetryPolicy())
        return now()

    # Jitter is added here: so many clients that were told the same do not come back all at once.
    assert 30 <= run(main()) <= 30.25


def test_a_run_can_be_left_and_bounded_while_it_waits() -> None:
    async def waiting(stream: ChatStream) -> None:
        reader = asyncio.create_task(read(stream.content))
        await asyncio.sleep(1)
        assert isinstance(stream.state, Waiting)
        assert not reader.done()
        stream.cancel()
        assert await reader == []

    async def main() -> None:
        retry = RetryPolicy(base=8, jitter=0)
        chat, model = ask([LOST], answer("a"))
        async with chat.complete_stream(retry=retry) as stream:
            await waiting(stream)
        assert now() == 1
        with pytest.raises(StreamingError, match="not over after 5 s"):
            await ask([LOST], answer("a"))[0].complete_async(retry=retry, timeouts=Timeouts(total=5))
        assert now() == 6
        assert len(model.requests) == 1

    run(main())


def test_a_retry_waits_for_readers_too() -> None:
    async def main() -> None:
        chat, model = ask([LOST], answer("a", "b"))
        async with chat.complete_stream(retry=RetryPolicy(base=1, jitter=0)) as stream:
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(anext(stream.content), 0.5)
            await asyncio.sleep(10)
            assert len(model.requests) == 1
            assert await anext(stream.content) == "a"
            assert len(model.requests) == 2

    run(main())


def test_the_next_model_takes_over() -> None:
    async def main() -> None:
        first = ScriptedModel([[LOST], [LOST]], retry=RetryPolicy(attempts=2, base=1, jitter=0))
        second = ScriptedModel([[START, *call("look"), CALLS], answer("found")])
        never = ScriptedModel([])
        chat = Chat([UserMessage("q")], first, [look]).with_options(fallback=[second, never])
        async with chat.complete_stream() as stream:
            assert await read(stream.content_delta) == ["found"]
        final = await stream.chat
        assert [len(model.requests) for model in (first, second, never)] == [2, 2, 0]
        assert final.model is first
        assert final == chat.with_messages(final.messages)

    def look() -> str:
        return "there"

    run(main())


def test_what_the_last_model_meets_with_is_the_failure() -> None:
    async def main() -> None:
        models = [ScriptedModel([[Fault(ConnectionLost(name))]]) for name in "abc"]
        chat = Chat([UserMessage("q")], models[0])
        with pytest.raises(StreamingError, match=r"^c$"):
            await chat.complete_async(fallback=models[1:])

    run(main())


def test_a_fallback_that_cannot_stream_is_told_at_once() -> None:
    async def main() -> None:
        chat, model = ask(answer("a"))
        mute = ScriptedModel([answer("whole")], streams=False)
        with pytest.raises(StreamingNotSupported):
            async with chat.complete_stream(fallback=[mute]):
                raise AssertionError("never entered")
        assert model.requests == ()
        broken = chat.with_model(ScriptedModel([[LOST]]))
        assert (await broken.complete_async(fallback=[mute])).latest_message.content == "whole"

    run(main())


def test_a_model_that_refuses_to_stream_and_to_answer_whole_is_asked_twice_at_most() -> None:
    async def main() -> None:
        chat, model = ask(*[[Fault(StreamingUnsupported("no"))]] * 5)
        with pytest.raises(StreamingNotSupported):
            await chat.complete_async()
        assert len(model.requests) == 2

    run(main())


class Rude:
    """A model whose transport does what none should: `open` and `close` are its own."""

    name = "rude"

    def __init__(self, opening: Callable[[], Awaitable[bytes]], closing: Callable[[], Awaitable[None]] | None = None):
        self.opening, self.closing = opening, closing
        self.secrets: tuple[str, ...] = ()
        self.sent = 0

    def provider(self) -> Provider:
        return replace(ScriptedModel([answer("a")]).provider(), transport=self)

    async def prepare(self, body: Body) -> None:
        pass

    async def open(self, body: Body) -> Self:
        await self.opening()
        self.sent += 1
        return self

    async def read(self) -> bytes | None:
        return await self.opening()

    async def close(self) -> None:
        if self.closing is not None:
            await self.closing()


def test_a_client_that_swallows_the_cancel_does_not_hold_up_the_exit() -> None:
    async def deaf() -> bytes:
        for _ in range(2):
            with suppress(asyncio.CancelledError):
                await asyncio.sleep(1)
        return b"0 0 0"

    async def main() -> None:
        async with Chat([UserMessage("q")], Rude(deaf)).complete_stream() as stream:
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(anext(stream.content), 0.5)
        assert now() < 5
        assert isinstance(stream.state, Cancelled)

    run(main())


def test_a_connection_that_never_closes_is_left_to_itself() -> None:
    async def at_once() -> bytes:
        return b"0 0 1"

    async def never() -> None:
        while True:
            try:
                await asyncio.sleep(1000)
            except asyncio.CancelledError:
                if now() > 100:
                    raise

    async def main() -> None:
        async with Chat([UserMessage("q")], Rude(at_once, never)).complete_stream() as stream:
            await anext(aiter(stream.events))
        assert now() < 30
        await asyncio.sleep(200)
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()
            await asyncio.wait({task})

    run(main())


def test_a_cancellation_that_nobody_asked_for_is_a_failure() -> None:
    async def cancelled() -> bytes:
        raise asyncio.CancelledError

    async def main() -> None:
        retry = RetryPolicy(attempts=2, base=1)
        with pytest.raises(StreamingError, match="cancelled from inside of its client") as failed:
            async with Chat([UserMessage("q")], Rude(cancelled)).complete_stream(retry=retry) as stream:
                await read(stream.content)
        assert isinstance(failed.value.failure, ConnectionLost)
        assert len([e for e in stream.state.log if isinstance(e, TurnRequested)]) == 2
        current = asyncio.current_task()
        assert current is not None
        assert not current.cancelling()

    run(main())


def test_who_says_nothing_at_once_and_for_ever_is_out_of_time() -> None:
    async def nothing() -> bytes:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        loop.pass_(0.1)
        return b"0 0 0"

    async def main() -> None:
        chat = Chat([UserMessage("q")], Rude(nothing))
        with pytest.raises(StreamingError) as failed:
            await chat.complete_async(timeouts=Timeouts(first_event=5), retry=RetryPolicy(attempts=1))
        assert isinstance(failed.value.failure, TimedOut)
        assert 5 <= now() < 6

    run(main())


def test_the_clock_of_the_run_starts_on_entering() -> None:
    async def main() -> None:
        chat, model = ask(answer("a"))
        slow = Rude(model.provider().transport.open)  # type: ignore[arg-type]  # never opened
        slow.prepare = lambda body: asyncio.sleep(3)  # type: ignore[method-assign]  # a slow look for credentials
        with pytest.raises(StreamingError, match="not over after 2 s"):
            async with chat.with_model(slow).complete_stream(timeouts=Timeouts(total=2)):
                raise AssertionError("never entered")
        assert now() == 2

    run(main())


def test_a_fallback_may_come_from_any_iterable_and_from_nothing_else() -> None:
    models = [ScriptedModel([answer("b")])]
    chat = Chat([UserMessage("q")], ScriptedModel([[LOST]] * 2)).with_options(
        fallback=(model for model in models)  # type: ignore[arg-type]  # a generator will do
    )
    assert chat.complete().latest_message.content == "b"
    for wrong in (None, 3, "gpt", models[0], [ScriptedModel]):
        with pytest.raises(ConfigurationError):
            chat.with_options(fallback=wrong)  # type: ignore[arg-type]  # what the checker forbids
    with pytest.raises(ConfigurationError, match="timeouts are Timeouts"):
        chat.complete(timeouts=None)  # type: ignore[arg-type]  # what the checker forbids


def test_nothing_is_asked_again_once_it_was_seen() -> None:
    async def main() -> None:
        chat, model = ask([START, TextDelta(0, "a"), LOST], answer("b"))
        with pytest.raises(StreamingError) as failed:
            await chat.complete_async(retry=RetryPolicy(), fallback=[ScriptedModel([answer("c")])])
        assert failed.value.failure == ConnectionLost("gone")
        assert len(model.requests) == 1

    run(main())
