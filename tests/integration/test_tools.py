"""Tools on every route: calls run side by side and once, their results go back, and bad arguments run nothing."""

from __future__ import annotations

import asyncio
from typing import final

import pytest

from punk.core.messages import AssistantMessage, ToolCallMessage, ToolResultMessage, UserMessage
from punk.core.parts import TextPart, ThinkingPart, ToolCall
from punk.core.state import Completed
from punk.core.thinking import ThinkingConfig
from punk.errors import ToolExecutionAbortError
from punk.llm.chat import Chat
from tests.integration.routes import Route
from tests.integration.sent import Answered, Called, Said, Thought
from tests.llm.script import read
from tests.support.aimock import Aimock
from tests.support.aio import run

EFFORT = ThinkingConfig(effort="low")


@final
class Weather:
    """A tool that notes where it was asked for, and answers once `together` calls are under way."""

    def __init__(self, together: int = 1) -> None:
        self.asked: list[str] = []
        self._together = together
        self._all = asyncio.Event()

    async def get_weather(self, location: str) -> str:
        """Get the weather of a place."""
        self.asked.append(location)
        if len(self.asked) >= self._together:
            self._all.set()
        await self._all.wait()
        return f"Sunny in {location}."


def test_two_calls_run_side_by_side_and_the_answer_follows(route: Route, aimock: Aimock) -> None:
    async def main() -> None:
        weather = Weather(together=2)
        model = route.make(aimock.base, {"thinking_config": EFFORT})
        chat = Chat([UserMessage("weather")], model, [weather.get_weather])
        async with chat.complete_stream() as stream:
            deltas = await read(stream.content_delta)
        final = await stream.chat
        assert sorted(weather.asked) == ["Paris", "Rome"]
        user, calls, *results, said = final.messages
        assert user == UserMessage("weather")
        assert isinstance(calls, ToolCallMessage)
        assert calls.content == "Checking."
        assert [type(part) for part in calls.parts] == [ThinkingPart, TextPart, ToolCall, ToolCall]
        assert [block.text for block in calls.thinking_blocks] == ["I need the weather tool."]
        assert [(call.name, call.arguments) for call in calls.calls] == [
            ("get_weather", '{"location":"Paris"}'),
            ("get_weather", '{"location":"Rome"}'),
        ]
        assert results == [
            ToolResultMessage(call.id, "get_weather", f"Sunny in {place}.")
            for call, place in zip(calls.calls, ("Paris", "Rome"), strict=True)
        ]
        assert isinstance(said, AssistantMessage)
        assert said.content == "It is sunny in Paris and Rome."
        assert "".join(deltas) == "Checking.It is sunny in Paris and Rome."

    run(main())
    assert [asked.answer for asked in aimock.settled()] == ["whole", "whole"]


def test_thinking_is_read_one_phase_a_loop_around_the_tools(route: Route, aimock: Aimock) -> None:
    async def main() -> None:
        model = route.make(aimock.base, {"thinking_config": EFFORT})
        chat = Chat([UserMessage("interleaved")], model, [Weather().get_weather])
        async with chat.complete_stream() as stream:
            assert "".join(await read(stream.thinking_delta)) == "Two places to ask about."
            assert "".join(await read(stream.thinking_delta)) == "Both have answered."
            assert "".join(await read(stream.content_delta)) == "I look.Sunny in both."

    run(main())


def test_the_second_request_holds_thinking_calls_and_results(route: Route, aimock: Aimock) -> None:
    async def main() -> Chat:
        model = route.make(aimock.base, {"thinking_config": EFFORT})
        return await Chat([UserMessage("interleaved")], model, [Weather().get_weather]).complete_async()

    calls = run(main()).messages[1]
    assert isinstance(calls, ToolCallMessage)
    first, second = aimock.settled()
    assert route.sent(first.json) == [Said("user", "interleaved")]
    # Thinking goes back where its provider has proven it, in its place.
    proven = [Thought(part.text, proof) for part in calls.thinking_blocks if (proof := proof_of(part)) is not None]
    assert len(proven) == route.proven
    assert route.sent(second.json) == [
        Said("user", "interleaved"),
        *proven,
        Said("assistant", "I look."),
        Called("call_i1", "get_weather", {"location": "Paris"}),
        Called("call_i2", "get_weather", {"location": "Rome"}),
        Answered("call_i1", "Sunny in Paris."),
        Answered("call_i2", "Sunny in Rome."),
    ]
    assert {name: second.json.get(name) for name in ("tools", "toolConfig")} == {
        name: first.json.get(name) for name in ("tools", "toolConfig")
    }


def proof_of(part: ThinkingPart) -> str | None:
    """The provider's proof of a block of thinking: its signature, or the block in an encrypted form."""
    match part.provider_data and part.provider_data.value:
        case {"encrypted_content": str(proof)} | {"type": "redacted_thinking", "data": str(proof)}:
            return proof
        case _:
            return part.signature


def test_a_third_request_still_holds_the_turn_before(route: Route, aimock: Aimock) -> None:
    async def main() -> None:
        model = route.make(aimock.base, {"thinking_config": EFFORT})
        chat = Chat([UserMessage("interleaved")], model, [Weather().get_weather])
        kept = Chat.from_json((await chat.complete_async()).to_json(), model=model, tools=chat.tools)
        final = await kept.add_message(UserMessage("hello")).complete_async()
        assert final.latest_message.content == "Hello there, nice to meet you."

    run(main())
    _, second, third = (route.sent(asked.json) for asked in aimock.settled())
    said = [item for item in third if not isinstance(item, Thought)]
    assert said[-2:] == [Said("assistant", "Sunny in both."), Said("user", "hello")]
    assert said[:-2] == [item for item in second if not isinstance(item, Thought)]


def test_a_call_may_come_before_the_text(route: Route, aimock: Aimock) -> None:
    async def main() -> None:
        weather = Weather()
        chat = Chat([UserMessage("calls first")], route.make(aimock.base, {}), [weather.get_weather])
        async with chat.complete_stream() as stream:
            assert "".join(await read(stream.content_delta)) == "I have asked.Snow."
            assert isinstance(stream.state, Completed)
        assert weather.asked == ["Oslo"]

    run(main())


def test_arguments_that_are_none_run_nothing(route: Route, aimock: Aimock) -> None:
    async def main() -> None:
        weather = Weather()
        chat = Chat([UserMessage("badargs")], route.make(aimock.base, {}), [weather.get_weather])
        async with chat.complete_stream() as stream:
            assert await read(stream.content) == ["I could not call it."]
        assert weather.asked == []
        _, calls, result, _ = (await stream.chat).messages
        assert isinstance(calls, ToolCallMessage)
        assert isinstance(result, ToolResultMessage)
        assert result.is_error
        assert result.call_id == calls.calls[0].id
        assert result.content

    run(main())
    _, second = aimock.settled()
    _, *_, call, result = route.sent(second.json)
    assert isinstance(call, Called)
    assert (call.name, call.arguments) == ("get_weather", {})
    assert isinstance(result, Answered)
    assert result.id == call.id


def test_an_error_of_a_tool_goes_back_and_the_model_goes_on(route: Route, aimock: Aimock) -> None:
    def get_weather(location: str) -> str:
        if location == "Rome":
            raise ValueError("no weather in Rome")
        return "Sunny."

    final = run(Chat([UserMessage("weather")], route.make(aimock.base, {}), [get_weather]).complete_async())
    assert final.latest_message.content == "It is sunny in Paris and Rome."
    assert [(m.is_error, m.content) for m in final.messages if isinstance(m, ToolResultMessage)] == [
        (False, "Sunny."),
        (True, "ValueError: no weather in Rome"),
    ]
    _, second = aimock.settled()
    assert "no weather in Rome" in second.body


def test_a_tool_can_end_the_stream(route: Route, aimock: Aimock) -> None:
    def get_weather(location: str) -> str:
        raise ToolExecutionAbortError(f"{location} is blocked")

    async def main() -> None:
        chat = Chat([UserMessage("weather")], route.make(aimock.base, {}), [get_weather])
        with pytest.raises(ToolExecutionAbortError, match=r"^(Paris|Rome) is blocked$"):
            async with chat.complete_stream() as stream:
                await read(stream.content)

    run(main())
    assert len(aimock.settled()) == 1


def test_calls_can_be_handed_over(route: Route, aimock: Aimock) -> None:
    async def main() -> None:
        weather = Weather(together=2)
        model = route.make(aimock.base, {})
        handed = await Chat([UserMessage("weather")], model, [weather.get_weather]).complete_async(execute_tools=False)
        assert isinstance(handed.latest_message, ToolCallMessage)
        assert weather.asked == []
        final = await handed.complete_async()
        assert sorted(weather.asked) == ["Paris", "Rome"]
        assert final.latest_message.content == "It is sunny in Paris and Rome."

    run(main())
    assert len(aimock.settled()) == 2
