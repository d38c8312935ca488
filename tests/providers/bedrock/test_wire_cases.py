"""Every recorded ConverseStream answer folds to what its sidecar says, however it is cut."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import pytest

from punk.core.failures import Failure, Malformed, Truncated
from punk.core.json import JsonValue
from punk.core.messages import AssistantMessage, ToolCallMessage
from punk.core.parts import AssistantPart, OpaquePart, ThinkingPart, ToolCall
from punk.core.usage import Usage
from punk.providers.bedrock.decode import REASONS, ConverseDecoder
from punk.wire.eventstream import Message, MessageDecoder
from tests.support.wire_cases import WireCase, cuttings, decode, digests, expected_calls, fold_turn, wire_cases

CASES = wire_cases("bedrock_converse")

UNKNOWN_TO_THE_SDK: Final = "botocore drops the counts that its service model does not name; punk keeps them all"
DEVIATIONS: Final[Mapping[str, Mapping[str, JsonValue]]] = {
    # The case to what the wire says of tokens beyond its sidecar, for the reason above.
    "guardrail_blocked_input": {"serverToolUsage": {}},
    "nova_grounding": {"serverToolUsage": {}},
    "prompt_cache_usage": {"cacheReadInputTokenCount": 1028, "cacheWriteInputTokenCount": 0},
    "reasoning_additional_fields": {"serverToolUsage": {}},
    "text_chunked": {"serverToolUsage": {}},
    "tool_no_args": {"serverToolUsage": {}},
}


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_recorded_stream_is_the_same_however_it_is_cut(case: WireCase) -> None:
    told = {name: decode(ConverseDecoder(), chunks) for name, chunks in cuttings(case)}
    assert len(told) >= 4
    assert all(events == told["whole"] for events in told.values())


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_recorded_stream_folds_to_what_its_sidecar_says(case: WireCase) -> None:
    expected = case.expected
    told = fold_turn(decode(ConverseDecoder(), [case.body]))
    if expected["sdk_error"] is not None:
        assert told.failure is not None
        assert is_as_said(told.failure, expected["sdk_error"])
        return
    assert told.failure is None
    message = told.message
    assert message is not None
    thinking = message.thinking_blocks
    assert message.content == expected["text"]
    assert "".join(part.text for part in thinking) == expected["thinking"]
    signatures = [part.signature for part in thinking if part.signature]
    assert digests(signatures) == expected["thinking_signatures"]["sha256"]
    assert sum(part.provider_data is not None for part in thinking) == expected["redacted_thinking"]["count"]
    assert getattr(message, "refusal", None) == expected["refusal"]
    assert [(call.id, call.name, call.arguments) for call in told.calls] == expected_calls(case)
    assert [kind_of(part) for part in message.parts] == expected["block_order"]
    assert message.raw_finish_reason == expected["finish_reason"]
    assert message.finish_reason == REASONS.get(expected["finish_reason"], "other")


@pytest.mark.parametrize("case", CASES, ids=str)
def test_server_tools_and_citations_are_kept(case: WireCase) -> None:
    message = fold_turn(decode(ConverseDecoder(), [case.body])).message
    parts = message.parts if message is not None else ()
    opaque = [part for part in parts if isinstance(part, OpaquePart)]
    assert all(part.replayable for part in opaque)
    called = [as_dict(as_dict(part.data.value)["toolUse"]) for part in opaque if part.kind == "toolUse"]
    stated = [
        (call["id"], call["name"], call["arguments"], call["type"]) for call in case.expected["server_tool_calls"]
    ]
    assert [(call["toolUseId"], call["name"], call["input"], call["type"]) for call in called] == stated
    cited = [as_dict(data.value)["citations"] for part in parts if (data := getattr(part, "provider_data", None))]
    assert sum(map(len, cited)) == case.expected.get("citations", 0)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_the_tokens_are_the_providers_and_in_punks_convention(case: WireCase) -> None:
    told = fold_turn(decode(ConverseDecoder(), [case.body]))
    raw = case.expected["usage"]
    if raw is None:
        assert told.usage is None
        return
    assert told.reported_usage == {**raw, **DEVIATIONS.get(case.name, {})}
    assert told.usage is not None
    written, read = raw.get("cacheWriteInputTokens"), raw.get("cacheReadInputTokens")
    assert told.usage == Usage(
        raw["inputTokens"] + (written or 0) + (read or 0),
        raw["outputTokens"],
        read,
        written,
        reported=told.usage.reported,
    )


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_recorded_stream_cut_before_its_terminal_yields_a_prefix_and_fails(case: WireCase) -> None:
    """Law 14: messageStop is the earliest terminal, and what comes after it is only the bill."""
    whole = decode(ConverseDecoder(), [case.body])
    terminal = terminal_of(case)
    for at in {*range(0, terminal, max(1, len(case.body) // 97)), terminal - 1}:
        *before, last = decode(ConverseDecoder(), [case.body[:at]])
        assert tuple(before) == whole[: len(before)]
        assert isinstance(fold_turn([*before, last]).failure, Truncated)
    assert fold_turn(decode(ConverseDecoder(), [case.body[:terminal]])).failure is None


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_damaged_recording_is_a_failure(case: WireCase) -> None:
    at = terminal_of(case) // 2
    damaged = case.body[:at] + bytes([case.body[at] ^ 1]) + case.body[at + 1 :]
    assert isinstance(fold_turn(decode(ConverseDecoder(), [damaged])).failure, Malformed)


def terminal_of(case: WireCase) -> int:
    """Where messageStop, or what else ended the answer, has its last byte."""
    decoder = MessageDecoder()
    for at in range(len(case.body)):
        decoder, messages = decoder.feed(case.body[at : at + 1])
        for message in messages:
            assert isinstance(message, Message)
            if message.headers[":message-type"] != "event" or message.headers[":event-type"] == "messageStop":
                return at + 1
    raise AssertionError("the recording has no terminal")


def is_as_said(failure: Failure, error: Mapping[str, Any]) -> bool:
    """Whether the failure is the one that the SDK reports: its text holds the provider's type and message."""
    error_type = getattr(failure, "error_type", None)
    return failure.message in error["message"] and (error_type is None or error_type in error["message"])


def kind_of(part: AssistantPart) -> str:
    match part:
        case ThinkingPart():
            return "reasoningContent"
        case ToolCall():
            return "toolUse"
        case OpaquePart(kind=kind):
            return kind
        case _:
            return "text"


def as_dict(value: JsonValue) -> dict[str, Any]:
    assert isinstance(value, dict)
    return value


def test_a_message_is_an_answer() -> None:
    assert {type(fold_turn(decode(ConverseDecoder(), [case.body])).message) for case in CASES} == {
        AssistantMessage,
        ToolCallMessage,
    }
