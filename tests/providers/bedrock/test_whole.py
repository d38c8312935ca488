"""Answers of Converse that come in one piece, and counts of tokens."""

from __future__ import annotations

import pytest

from punk.core.events import (
    CallEnded,
    CallStarted,
    OpaqueEnded,
    OpaqueStarted,
    ProviderEvent,
    TextAnnotated,
    TextDelta,
    ThinkingDelta,
    ThinkingSealed,
    TurnEnded,
    TurnFailed,
)
from punk.core.failures import Failure, Malformed, ProviderError
from punk.core.json import JsonObject, JsonValue, dump_json
from punk.core.messages import Finish
from punk.providers.bedrock.provider import counted
from punk.providers.bedrock.whole import decode_whole
from tests.providers.bedrock.answers import (
    CITATION,
    STARTED,
    USAGE,
    data,
)
from tests.support.wire_cases import fold_turn


def whole(*content: JsonValue, **fields: JsonValue) -> tuple[ProviderEvent, ...]:
    said: JsonObject = {"output": {"message": {"role": "assistant", "content": [*content]}}, "stopReason": "end_turn"}
    return decode_whole(dump_json({**said, **fields}).encode())


def test_a_whole_answer_says_what_a_stream_would() -> None:
    served: JsonObject = {"toolUse": {"toolUseId": "s", "name": "n", "type": "server_tool_use", "input": {"q": 1}}}
    said = whole(
        {"reasoningContent": {"reasoningText": {"text": "Hm", "signature": "s"}}},
        {"reasoningContent": {"redactedContent": "AA=="}},
        {"text": "A"},
        {"citationsContent": {"content": [{"text": "B"}, {"text": "C"}], "citations": [CITATION]}},
        {"citationsContent": {"citations": [CITATION]}},
        served,
        {"toolUse": {"toolUseId": "t", "name": "f", "input": {"a": 1}}},
        {"toolUse": {"toolUseId": "u", "name": "g", "text": None}},
        {"video": {"x": 1}},
        usage={"inputTokens": 3, "outputTokens": 4, "totalTokens": 7},
        stopReason="tool_use",
    )
    assert said == (
        STARTED,
        ThinkingDelta(0, "Hm"),
        ThinkingSealed(0, "s"),
        ThinkingSealed(1, provider_data=data({"reasoningContent": {"redactedContent": "AA=="}})),
        TextDelta(2, "A"),
        TextDelta(3, "B"),
        TextDelta(3, "C"),
        TextAnnotated(3, data({"citations": [CITATION]})),
        TextAnnotated(4, data({"citations": [CITATION]})),
        OpaqueStarted(5, "toolUse"),
        OpaqueEnded(5, data(served)),
        CallStarted(6, "t", "f"),
        CallEnded(6, '{"a":1}'),
        CallStarted(7, "u", "g"),
        CallEnded(7, None),
        OpaqueStarted(8, "video"),
        OpaqueEnded(8, data({"video": {"x": 1}})),
        USAGE,
        TurnEnded(Finish("tool_use", "tool_use")),
    )
    assert fold_turn(said).failure is None


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (b'{"message":"No","__type":"XException"}', ProviderError("No", "XException")),
        (b"<html>", None),
        (b"[]", None),
        (b"{}", None),
        (b'{"output":{"message":{"content":7}}}', None),
    ],
)
def test_bodies_that_are_no_answer(body: bytes, found: Failure | None) -> None:
    [last] = decode_whole(body)
    assert isinstance(last, TurnFailed)
    assert isinstance(last.failure, Malformed) if found is None else last.failure == found


@pytest.mark.parametrize(
    "block", [7, {}, {"text": 7}, {"toolUse": {"name": 7}}, {"reasoningContent": {"redactedContent": 7}}]
)
def test_blocks_that_are_no_content(block: JsonValue) -> None:
    said = whole({"text": "A"}, block, {"text": "B"})
    assert said[:2] == (STARTED, TextDelta(0, "A"))
    assert isinstance(said[-1], TurnFailed)
    assert isinstance(said[-1].failure, Malformed)
    assert len(said) == 3


def test_tokens_are_counted() -> None:
    assert counted(b'{"inputTokens":7}').unwrap() == 7
    for body in (b"{}", b"[]", b"<", b'{"inputTokens":true}'):
        assert isinstance(counted(body).failure(), Malformed)
