"""What is said arrives, on every route: text, thinking, token counts, piece by piece and whole."""

from __future__ import annotations

import pytest

from punk.core.messages import AssistantMessage, Message, ToolCallMessage, UserMessage
from punk.core.state import Completed
from punk.core.thinking import ThinkingConfig
from punk.llm.chat import Chat
from tests.integration.routes import Route
from tests.llm.script import read
from tests.support.aimock import Aimock
from tests.support.aio import run

HELLO = "Hello there, nice to meet you."
EFFORT = ThinkingConfig(effort="low")
REASON = "127*400=50800; minus 127*11=1397."


def test_text_arrives_in_pieces_that_join(route: Route, aimock: Aimock) -> None:
    chat = Chat([UserMessage("hello")], route.make(aimock.base, {}))

    async def main() -> None:
        async with chat.complete_stream() as stream:
            deltas = await read(stream.content_delta)
            assert isinstance(stream.state, Completed)
        final = await stream.chat
        said = final.latest_message
        assert isinstance(said, AssistantMessage)
        assert len(deltas) == 2
        assert "".join(deltas) == said.content == HELLO
        assert said.finish_reason == "stop"
        assert "".join(block.text for block in said.thinking_blocks) == ""
        assert final.messages == (*chat.messages, said)

    run(main())
    (asked,) = aimock.settled()
    assert asked.answer == "whole"


def test_content_grows(route: Route, aimock: Aimock) -> None:
    async def main() -> None:
        async with Chat([UserMessage("slow")], route.make(aimock.base, {})).complete_stream() as stream:
            shown = await read(stream.content)
            assert shown[-1] == "one two three four five six"
            assert [shown[-1].startswith(text) for text in shown] == [True] * 7

    run(main())


def test_thinking_comes_before_the_text_and_is_kept(route: Route, aimock: Aimock) -> None:
    chat = Chat([UserMessage("think")], route.make(aimock.base, {"thinking_config": EFFORT}))

    async def main() -> None:
        async with chat.complete_stream() as stream:
            thoughts = await read(stream.thinking_delta)
            assert (await stream.chat).latest_message.content == "The answer is 49403."
            assert await read(stream.content) == ["The answer is 49403."]
            assert await read(stream.thinking) == [thoughts[0], REASON]
        (block,) = (await stream.chat).latest_message.thinking_blocks
        assert len(thoughts) == 2
        assert "".join(thoughts) == block.text == REASON

    run(main())


def test_thinking_that_nobody_reads_is_kept(route: Route, aimock: Aimock) -> None:
    chat = Chat([UserMessage("think")], route.make(aimock.base, {"thinking_config": EFFORT}))

    async def main() -> None:
        async with chat.complete_stream() as stream:
            assert await read(stream.content) == ["The answer is 49403."]
        (block,) = (await stream.chat).latest_message.thinking_blocks
        assert block.text == REASON

    run(main())


def test_tokens_are_counted(route: Route, aimock: Aimock) -> None:
    final = run(Chat([UserMessage("counted")], route.make(aimock.base, {})).complete_async())
    assert (final.usage.input_tokens, final.usage.output_tokens) == (12, 5)
    assert not final.usage.lower_bound


def test_the_first_piece_comes_before_the_last_is_sent(route: Route, aimock: Aimock) -> None:
    chat = Chat([UserMessage("endless")], route.make(aimock.base, {}))

    async def main() -> None:
        async with chat.complete_stream() as stream:
            assert await anext(stream.content) == "and"
            assert [asked.answer for asked in aimock.asked()] == ["open"]

    run(main())


@pytest.mark.parametrize("prompt", ["counted", "think", "weather", "interleaved"])
def test_complete_is_the_stream_folded(route: Route, aimock: Aimock, prompt: str) -> None:
    def get_weather(location: str) -> str:
        return f"Sunny in {location}"

    async def streamed() -> Chat:
        async with chat.complete_stream() as stream:
            await read(stream.content_delta)
        return await stream.chat

    async def blocking(chat: Chat) -> Chat:
        return chat.complete()

    chat = Chat([UserMessage(prompt)], route.make(aimock.base, {"thinking_config": EFFORT}), [get_weather])
    watched = told(run(streamed()))
    assert told(run(blocking(chat))) == watched
    assert told(run(chat.complete_async())) == watched
    silent = chat.with_model(route.make(aimock.base, {"thinking_config": EFFORT, "streams": False}))
    assert told(run(blocking(silent))) == watched


def told(chat: Chat) -> list[object]:
    """What is in the messages, without the names that the server makes up anew for every answer."""
    return [
        (type(message), message.content, [block.text for block in message.thinking_blocks], ending(message))
        for message in chat.messages
    ]


def ending(message: Message) -> object:
    """How a turn ended, and how many tokens it took. One with calls may end in either of two words."""
    match message:
        case AssistantMessage(finish=finish, usage=usage):
            return finish, usage and (usage.input_tokens, usage.output_tokens)
        case ToolCallMessage(finish_reason="stop" | "tool_use", usage=usage):
            return usage and (usage.input_tokens, usage.output_tokens)
        case _:
            return None
