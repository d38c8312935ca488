"""A model on Bedrock in a chat, over real connections."""

from __future__ import annotations

import boto3  # type: ignore[import-untyped]  # it has no types
import pytest
from pydantic import BaseModel

from punk.core.events import CallDelta, CallEnded, CallStarted, ProviderEvent, TextDelta, TurnEnded, TurnStarted
from punk.core.failures import ProviderError
from punk.core.json import JsonObject, JsonValue, dump_json
from punk.core.messages import (
    AssistantMessage,
    Finish,
    ToolCallMessage,
    ToolResultMessage,
    UserMessage,
)
from punk.core.parts import ThinkingPart
from punk.core.thinking import ThinkingConfig
from punk.errors import ConfigurationError, StreamingError
from punk.llm.chat import Chat
from punk.llm.models.bedrock import BedrockModel
from punk.providers.bedrock.wire import FAMILY
from punk.providers.encoding import ANSWER_TOOL
from punk.testing.wires.bedrock_converse import encode_events, encode_exception
from punk.testing.wires.bedrock_converse_request import request_faults
from tests.providers.bedrock.aws import KEY, MODEL, SECRET, TOKEN, faults_of
from tests.providers.bedrock.requests import with_bytes
from tests.providers.bedrock.turns import ANSWER, CALLS, REDACTED, STREAM, answer
from tests.support.aio import run
from tests.support.server import Answer, Server, serve


def weather(city: str) -> str:
    """The weather.

    Args:
        city: Where.
    """
    return {"Oslo": "cold", "Rome": "hot"}[city]


def model(server: Server, thinking: ThinkingConfig | None = None) -> BedrockModel:
    return BedrockModel(
        MODEL,
        region_name="eu-west-1",
        aws_access_key_id=KEY,
        aws_secret_access_key=SECRET,
        aws_session_token=TOKEN,
        endpoint_url=server.base,
        thinking_config=thinking,
    )


def test_a_chat_with_thinking_and_tools() -> None:
    with serve(answer(CALLS), answer(ANSWER)) as server:
        chat = Chat(
            [UserMessage("How is it?")],
            model=model(server, ThinkingConfig(token_budget=2048)),
            tools=[weather],
        )

        async def main() -> Chat:
            async with chat.complete_stream() as stream:
                deltas = [piece async for piece in stream.content_delta]
                assert deltas == ["Wait. ", "Cold ", "and hot."]
            return await stream.chat

        final = run(main())
    assert final.latest_message.content == "Cold and hot."
    first, second = (request.body for request in server.requests)
    for body in (first, second):
        assert request_faults(body) == ()
        assert faults_of(with_bytes(body)) == ""
        assert body["toolConfig"] == first["toolConfig"]
    said: list[JsonValue] = [
        {"role": "user", "content": [{"text": "How is it?"}]},
        {
            "role": "assistant",
            "content": [
                {"reasoningContent": {"reasoningText": {"text": "Let me see.", "signature": "signed"}}},
                REDACTED.value,
                {"text": "Wait. "},
                {"toolUse": {"toolUseId": "t1", "name": "weather", "input": {"city": "Oslo"}}},
                {"toolUse": {"toolUseId": "t2", "name": "weather", "input": {"city": "Rome"}}},
            ],
        },
        {
            "role": "user",
            "content": [
                {"toolResult": {"toolUseId": "t1", "content": [{"text": "cold"}], "status": "success"}},
                {"toolResult": {"toolUseId": "t2", "content": [{"text": "hot"}], "status": "success"}},
            ],
        },
    ]
    assert second["messages"] == said


def test_an_exception_in_the_stream_is_the_chats_error() -> None:
    broken = encode_events(ANSWER[:2]) + encode_exception("Too many tokens", "throttlingException")
    with serve(Answer([broken], headers=STREAM)) as server:

        async def main() -> None:
            chat = Chat([UserMessage("q")], model=model(server))
            with pytest.raises(StreamingError) as caught:
                async with chat.complete_stream() as stream:
                    async for _ in stream.content:
                        pass
            assert caught.value.failure == ProviderError("Too many tokens", "throttlingException")

        run(main())


def test_a_model_that_cannot_stream_answers_whole() -> None:
    body: JsonObject = {
        "output": {"message": {"role": "assistant", "content": [{"text": "Hello."}]}},
        "stopReason": "end_turn",
        "usage": {"inputTokens": 1, "outputTokens": 2, "totalTokens": 3},
    }
    with serve(Answer([dump_json(body).encode()], headers=(("content-type", "application/json"),))) as server:
        unstreamed = BedrockModel(
            MODEL,
            region_name="eu-west-1",
            aws_access_key_id=KEY,
            aws_secret_access_key=SECRET,
            endpoint_url=server.base,
            streams=False,
        )
        final = Chat([UserMessage("q")], model=unstreamed).complete()
        assert final.latest_message.content == "Hello."
        assert server.requests[0].path.endswith("/converse")


def test_a_model_is_a_value_and_its_pool_is_shared() -> None:
    with serve(answer(ANSWER)) as server:
        one, other = model(server), model(server)
        assert one == other
        assert one.name == f"bedrock:{MODEL}"
        assert SECRET not in repr(one)
        assert TOKEN not in repr(one)

        async def main() -> None:
            async with one:
                for made in (one, other):
                    await Chat([UserMessage("q")], model=made).complete_async()

        run(main())
        assert server.connections == 1


def test_what_is_missing_is_told_on_entering() -> None:
    async def main() -> None:
        async with Chat([UserMessage("q")], model=BedrockModel(MODEL)).complete_stream():
            raise AssertionError("not entered")

    with pytest.raises(ConfigurationError, match="region_name"):
        run(main())


def test_settings_that_cannot_be() -> None:
    with pytest.raises(ConfigurationError, match="belong together"):
        BedrockModel(MODEL, aws_access_key_id=KEY)
    with pytest.raises(ConfigurationError, match="session"):
        BedrockModel(MODEL, session=boto3.Session(region_name="x"), profile_name="p")
    with pytest.raises(ConfigurationError, match=r"boto3\.Session"):
        BedrockModel(MODEL, session=object())  # type: ignore[arg-type]  # what a user might do
    with pytest.raises(ConfigurationError, match="max_tokens"):
        BedrockModel(MODEL, max_tokens=0)


def test_a_given_session_is_used() -> None:
    with serve(answer(ANSWER)) as server:
        session = boto3.Session(KEY, SECRET, region_name="us-west-2")
        made = BedrockModel(MODEL, session=session, endpoint_url=server.base)
        assert Chat([UserMessage("q")], model=made).complete().latest_message.content == "Cold and hot."
        assert f"{KEY}/" in server.requests[0].headers["authorization"]


def test_the_answers_of_two_rounds_are_one_chat() -> None:
    with serve(answer(CALLS), answer(ANSWER)) as server:
        final = Chat([UserMessage("q")], model=model(server), tools=[weather]).complete()
    assert [type(message) for message in final.messages] == [
        UserMessage,
        ToolCallMessage,
        ToolResultMessage,
        ToolResultMessage,
        AssistantMessage,
    ]
    assert final.messages[1].thinking_blocks[1] == ThinkingPart("", provider_data=REDACTED)


class Weather(BaseModel):
    """The weather of a city."""

    city: str
    cold: bool


@pytest.mark.parametrize(
    ("model_id", "events"),
    [
        (MODEL, [TextDelta(0, '{"city":"Oslo",'), TextDelta(0, '"cold":true}')]),
        (
            "anthropic.claude-3-7-sonnet-20250219-v1:0",
            [CallStarted(0, "t1", ANSWER_TOOL), CallDelta(0, '{"city":"Oslo","cold":true}'), CallEnded(0)],
        ),
    ],
)
def test_a_structured_answer(model_id: str, events: list[ProviderEvent]) -> None:
    said = [TurnStarted(FAMILY), *events, TurnEnded(Finish("tool_use", "tool_use"))]
    with serve(answer(said)) as server:
        asked = BedrockModel(
            model_id,
            region_name="eu-west-1",
            aws_access_key_id=KEY,
            aws_secret_access_key=SECRET,
            endpoint_url=server.base,
        )
        final = Chat([UserMessage("q")], model=asked).with_output(Weather).complete()
        assert final.parsed == Weather(city="Oslo", cold=True)
        [request] = server.requests
        assert ("outputConfig" in request.body) != ("toolConfig" in request.body)


def test_tokens_are_counted() -> None:
    with serve(Answer([b'{"inputTokens":42}'], headers=(("content-type", "application/json"),))) as server:
        assert run(Chat([UserMessage("q")], model=model(server), tools=[weather]).count_tokens()) == 42
        [request] = server.requests
        assert request.path.endswith("/count-tokens")
        assert faults_of(request.body, "count") == ""
