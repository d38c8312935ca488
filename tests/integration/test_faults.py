"""What goes wrong on every route: cut and dropped streams, refusals to answer, and a reader who leaves."""

from __future__ import annotations

import asyncio

import pytest

from punk.core.failures import ConnectionLost, Failure, HttpStatus, Malformed, Truncated
from punk.core.messages import AssistantMessage, UserMessage
from punk.core.state import Cancelled, Failed
from punk.core.thinking import ThinkingConfig
from punk.errors import StreamingError
from punk.llm.chat import Chat
from punk.llm.incomplete import StreamIncompleteError
from tests.integration.routes import Route
from tests.llm.script import read
from tests.support.aimock import Aimock
from tests.support.aio import run

SHORT = "This answer is cut short before it can finish."
LONG = "One two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen."


@pytest.mark.parametrize("prompt", ["cut", "drop"])
def test_a_stream_that_breaks_off_is_an_error(route: Route, aimock: Aimock, prompt: str) -> None:
    async def main() -> None:
        chat = Chat([UserMessage(prompt)], route.make(aimock.base, {}))
        seen: list[str] = []
        with pytest.raises(StreamingError) as failed:
            async with chat.complete_stream() as stream:
                async for delta in stream.content_delta:
                    seen.append(delta)
        assert isinstance(failed.value.failure, ConnectionLost | Truncated)
        assert failed.value.retryable
        assert failed.value.message
        assert isinstance(stream.state, Failed)
        assert failed.value.partial is stream.state
        assert SHORT.startswith("".join(seen))
        assert stream.partial_chat.latest_message.content == ("".join(seen) or prompt)
        with pytest.raises(StreamingError) as again:
            await stream.chat
        assert again.value.failure == failed.value.failure

    run(main())
    (asked,) = aimock.settled()
    assert asked.answer == "broken"


def test_what_had_arrived_is_kept_and_can_be_gone_on_from(route: Route, aimock: Aimock) -> None:
    async def main() -> None:
        model = route.make(aimock.base, {"thinking_config": ThinkingConfig(effort="low")})
        async with Chat([UserMessage("halfway")], model).complete_stream() as stream:
            with pytest.raises(StreamingError):
                await read(stream.content_delta)
        said = stream.partial_chat.latest_message
        assert 0 < len(said.content) < len(LONG)
        assert LONG.startswith(said.content)
        assert [block.text for block in said.thinking_blocks] == ["It will break."]
        final = await stream.partial_chat.add_message(UserMessage("hello")).complete_async()
        assert final.latest_message.content == "Hello there, nice to meet you."

    run(main())


def test_no_tool_runs_of_a_turn_that_broke_off(route: Route, aimock: Aimock) -> None:
    ran: list[str] = []

    def get_weather(location: str) -> str:
        ran.append(location)
        return "Sunny."

    async def main() -> None:
        chat = Chat([UserMessage("half a turn")], route.make(aimock.base, {}), [get_weather])
        with pytest.raises(StreamingError) as failed:
            async with chat.complete_stream() as stream:
                await read(stream.content)
        assert isinstance(failed.value.failure, ConnectionLost | Truncated)
        said = stream.partial_chat.latest_message
        assert isinstance(said, AssistantMessage)
        assert said.content.startswith("And then")
        assert [(call.id, call.arguments) for call in said.unrun_calls[:1]] == [("call_h1", '{"location":"Paris"}')]
        final = await stream.partial_chat.add_message(UserMessage("hello")).complete_async()
        assert final.latest_message.content == "Hello there, nice to meet you."

    run(main())
    assert ran == []


def test_complete_raises_the_same_error(route: Route, aimock: Aimock) -> None:
    async def main() -> None:
        Chat([UserMessage("cut")], route.make(aimock.base, {})).complete()

    with pytest.raises(StreamingError) as failed:
        run(main())
    assert isinstance(failed.value.failure, ConnectionLost | Truncated)


@pytest.mark.parametrize("streams", [True, False])
def test_too_many_requests(route: Route, aimock: Aimock, streams: bool) -> None:
    async def main() -> None:
        chat = Chat([UserMessage("busy")], route.make(aimock.base, {"streams": streams}))
        with pytest.raises(StreamingError) as failed:
            await chat.complete_async()
        error = failed.value
        assert isinstance(error.failure, HttpStatus)
        assert (error.status, error.retryable, error.retry_after) == (429, True, 1.0)
        assert "Rate limited" in error.message
        assert error.failure.error_type

    run(main())


@pytest.mark.parametrize("streams", [True, False])
@pytest.mark.parametrize(
    ("prompt", "failure"),
    [
        # What is no JSON may as well be the beginning of some.
        pytest.param("garbage", Malformed | Truncated, id="garbage"),
        pytest.param("broken server", HttpStatus, id="500"),
        pytest.param("refused key", HttpStatus, id="401"),
        pytest.param("hangs up", ConnectionLost, id="hang-up"),
    ],
)
def test_an_answer_that_is_none(
    route: Route, aimock: Aimock, prompt: str, failure: type[Failure], streams: bool
) -> None:
    async def main() -> StreamingError:
        chat = Chat([UserMessage(prompt)], route.make(aimock.base, {"streams": streams}))
        with pytest.raises(StreamingError) as failed:
            await chat.complete_async()
        return failed.value

    error = run(main())
    assert isinstance(error.failure, failure)
    assert error.status == {"broken server": 500, "refused key": 401}.get(prompt)
    assert error.message
    assert len(aimock.settled()) == 1


@pytest.mark.parametrize("idle", [0.0, 0.3])
def test_leaving_early_closes_the_connection_and_keeps_what_came(route: Route, aimock: Aimock, idle: float) -> None:
    async def main() -> None:
        chat = Chat([UserMessage("endless")], route.make(aimock.base, {}))
        async with chat.complete_stream() as stream:
            shown = [await anext(stream.content) for _ in range(3)]
            # More comes than is read: nothing is being waited for when the block is left.
            await asyncio.sleep(idle)
        assert isinstance(stream.state, Cancelled)
        with pytest.raises(StreamIncompleteError) as incomplete:
            await stream.chat
        assert incomplete.value.partial is stream.state
        assert stream.partial_chat.latest_message.content.startswith(shown[-1])
        assert await closed(aimock)

    run(main())


def test_leaving_before_the_answer_begins_closes_the_connection(route: Route, aimock: Aimock) -> None:
    async def main() -> None:
        async with Chat([UserMessage("silence")], route.make(aimock.base, {})).complete_stream() as stream:
            reader = asyncio.create_task(read(stream.content))
            while not await asyncio.to_thread(aimock.asked):
                await asyncio.sleep(0.01)
        assert isinstance(stream.state, Cancelled)
        assert await reader == []
        assert await closed(aimock)

    run(main())


async def closed(aimock: Aimock) -> bool:
    """Whether the server saw the end of the one connection before that of its answer, and of this event loop."""
    (asked,) = await asyncio.to_thread(aimock.settled, deadline=2.0)
    return asked.answer == "broken"


def test_many_at_once_leave_nothing_behind(route: Route, aimock: Aimock) -> None:
    async def one(number: int) -> None:
        prompt = ("hello", "endless", "cut", "busy", "weather")[number % 5]
        try:
            async with Chat([UserMessage(prompt)], route.make(aimock.base, {})).complete_stream() as stream:
                await anext(stream.content, None)
        except StreamingError:
            pass

    async def main() -> None:
        async with asyncio.TaskGroup() as group:
            for number in range(40):
                group.create_task(one(number))

    run(main())
    assert len(aimock.settled()) == 40
