"""Counting the tokens of a chat: one request, a number, and what goes wrong as an error that says so."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from punk.core.messages import Message, SystemMessage, ToolCallMessage, UserMessage
from punk.core.parts import ToolCall
from punk.errors import ConfigurationError, StreamingError
from punk.llm.chat import Chat
from punk.llm.models.anthropic import AnthropicModel
from punk.llm.models.openai import OpenAiModel
from punk.testing import ScriptedModel
from tests.support.aio import run
from tests.support.server import Answer, WaitForClose, serve

JSON = (("content-type", "application/json"),)


def add(a: int, b: int) -> int:
    """Add."""
    return a + b


def counted(answer: Answer, said: Sequence[Message], key: str = "k") -> tuple[int, str, dict[str, object]]:
    with serve(answer) as server:
        chat = Chat(said, AnthropicModel("m", api_key=key, base_url=server.base), [add])
        tokens = run(chat.count_tokens())
        request = server.requests[0]
        return tokens, request.path, dict(request.body)


def test_the_whole_request_is_counted() -> None:
    said: list[Message] = [SystemMessage("Be brief."), UserMessage("Hi")]
    tokens, path, body = counted(Answer([b'{"input_tokens":42}'], headers=JSON), said)
    assert (tokens, path) == (42, "/v1/messages/count_tokens")
    assert {"system", "messages", "tools"} <= set(body)
    assert "stream" not in body


def test_calls_without_a_result_get_one_for_it() -> None:
    said: list[Message] = [UserMessage("1 + 2?"), ToolCallMessage([ToolCall("c", "add", '{"a":1,"b":2}')])]
    _, _, body = counted(Answer([b'{"input_tokens":1}'], headers=JSON), said)
    messages = body["messages"]
    assert isinstance(messages, list)
    assert len(messages) == 3


def test_responses_count_at_an_address_of_their_own() -> None:
    with serve(Answer([b'{"object":"response.input_tokens","input_tokens":7}'], headers=JSON)) as server:
        model = OpenAiModel("m", api_key="k", base_url=server.base + "/v1")
        assert run(Chat([UserMessage("Hi")], model).count_tokens()) == 7
        assert server.requests[0].path == "/v1/responses/input_tokens"


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (Answer([b'{"error":{"message":"no","type":"x"}}'], status=400, headers=JSON), "no"),
        (Answer([b'{"tokens":"many"}'], headers=JSON), "."),
        (Answer([b"<html>"], headers=JSON), "."),
        (Answer([b'{"input'], headers=JSON, ending="reset"), "."),
    ],
)
def test_what_goes_wrong_is_an_error_with_words(answer: Answer, says: str) -> None:
    with pytest.raises(StreamingError, match=says) as caught:
        counted(answer, [UserMessage("Hi")])
    assert caught.value.failure is not None


def test_who_does_not_count_says_so_before_any_request() -> None:
    chat = Chat([UserMessage("Hi")], ScriptedModel([]))
    with pytest.raises(ConfigurationError, match="no way to count tokens"):
        run(chat.count_tokens())
    with pytest.raises(ConfigurationError):
        run(chat.with_model(OpenAiModel("m", api="chat", api_key="k")).count_tokens())
    with pytest.raises(ConfigurationError, match="no message"):
        run(chat.with_messages([]).with_model(AnthropicModel("m", api_key="k")).count_tokens())


def test_a_counting_that_is_cancelled_lets_go() -> None:
    async def main(base: str) -> None:
        task = asyncio.create_task(
            Chat([UserMessage("Hi")], AnthropicModel("m", api_key="k", base_url=base)).count_tokens()
        )
        while not server.requests:
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await asyncio.to_thread(server.requests[0].done.wait, 5)

    with serve(Answer([WaitForClose()], headers=JSON)) as server:
        run(main(server.base))
