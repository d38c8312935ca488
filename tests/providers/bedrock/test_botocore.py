"""What botocore itself makes of our requests and of our answers."""

from __future__ import annotations

import boto3  # type: ignore[import-untyped]  # it has no types
from returns.methods import unwrap_or_failure

from punk.core.effects import RequestTurn
from punk.core.media import CacheMark, InlineMedia
from punk.core.messages import (
    Origin,
    SystemMessage,
    ToolCallMessage,
    ToolResultMessage,
    UserMessage,
)
from punk.core.parts import DocumentPart, ImagePart, TextPart, ThinkingPart, ToolCall
from punk.core.request import ToolSpec
from punk.core.thinking import ThinkingConfig
from punk.providers.base import Body
from punk.providers.bedrock.encode import encode
from punk.providers.bedrock.settings import BedrockSettings
from punk.providers.bedrock.wire import FAMILY
from punk.testing.wires.bedrock_converse_request import request_faults
from tests.providers.bedrock.aws import KEY, MODEL, SECRET, botos, keyed
from tests.providers.bedrock.requests import with_bytes
from tests.providers.bedrock.turns import ANSWER, CALLS, REDACTED, answer
from tests.support.aio import run
from tests.support.server import serve
from tests.support.whole import whole

EVERYTHING = RequestTurn(
    1,
    (
        SystemMessage([TextPart("S", cache=CacheMark("1h"))]),
        UserMessage(
            [
                ImagePart(InlineMedia("image/png", bytes(range(256)))),
                DocumentPart(InlineMedia("application/pdf", b"%PDF\xff"), "Ünï"),
                TextPart("Look 😀", cache=CacheMark()),
            ]
        ),
        ToolCallMessage(
            [
                ThinkingPart("Hm", "s"),
                ThinkingPart("", provider_data=REDACTED),
                ToolCall("a", "f", '{"x":[1,2.5,null,"é"]}'),
            ],
            origin=Origin(FAMILY),
        ),
        ToolResultMessage("a", "f", "no", is_error=True),
    ),
    (ToolSpec("f", "Does f.", '{"properties":{"x":{"type":"array"}}}'),),
)


def test_a_request_is_what_botocore_writes_for_the_same_input() -> None:
    settings = BedrockSettings(
        MODEL,
        max_tokens=4000,
        top_p=0.97,
        stop_sequences=("END",),
        thinking_config=ThinkingConfig(effort="low"),
        extra_body={"requestMetadata": {"a": "b"}},
    )
    body = unwrap_or_failure(encode(settings, EVERYTHING, "stream"))
    assert isinstance(body, Body)
    assert request_faults(body.json) == ()
    with serve(answer(ANSWER)) as server:
        run(whole(keyed(server), body))
        botos(server, modelId=MODEL, **with_bytes(body.json))
        ours, theirs = server.requests
        assert ours.body == theirs.body


def test_botocore_reads_from_our_answers_what_we_do() -> None:
    with serve(answer(CALLS)) as server:
        session = boto3.Session(KEY, SECRET, region_name="eu-west-1")
        client = session.client("bedrock-runtime", endpoint_url=server.base)
        stream = client.converse_stream(modelId=MODEL, messages=[{"role": "user", "content": [{"text": "q"}]}])[
            "stream"
        ]
        events = list(stream)
        client.close()
    deltas = [event["contentBlockDelta"]["delta"] for event in events if "contentBlockDelta" in event]
    assert deltas == [
        {"reasoningContent": {"text": "Let me "}},
        {"reasoningContent": {"text": "see."}},
        {"reasoningContent": {"signature": "signed"}},
        {"reasoningContent": {"redactedContent": b"\x00\x01\x02"}},
        {"text": "Wait. "},
        {"toolUse": {"input": '{"city":"Oslo"}'}},
        {"toolUse": {"input": '{"city":"Rome"}'}},
    ]
    assert [event["messageStop"]["stopReason"] for event in events if "messageStop" in event] == ["tool_use"]
    assert "metadata" in events[-1]
