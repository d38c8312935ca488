"""Every recorded Responses stream folds to what its sidecar says, however it is cut."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

import pytest

from punk.core.failures import HttpStatus, ProviderError
from punk.core.messages import AssistantMessage, ToolCallMessage
from punk.core.parts import AssistantPart, OpaquePart, RefusalPart, TextPart, ThinkingPart, ToolCall
from punk.providers.http import status_failure
from punk.providers.openai.responses.decode import ResponsesDecoder, decode_whole
from tests.support.wire_cases import Told, WireCase, cuttings, decode, digests, expected_calls, fold_turn, wire_cases

CASES = wire_cases("openai_responses")
STATUSES = wire_cases("http_error", prefix="openai_responses_")
TERMINALS = [b"event: response." + word for word in (b"completed", b"incomplete", b"failed")] + [b"event: error"]

DEVIATIONS: Final[Mapping[str, str]] = {
    "reasoning_summary_multi_part": "the SDK's sums have nothing between the parts of a summary; punk a blank line",
}


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_recorded_stream_is_the_same_however_it_is_cut(case: WireCase) -> None:
    told = {name: decode(ResponsesDecoder(), chunks) for name, chunks in cuttings(case)}
    assert len(told) >= 4
    assert all(events == told["whole"] for events in told.values())


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_recorded_stream_folds_to_what_its_sidecar_says(case: WireCase) -> None:
    expected = case.expected
    turn = fold_turn(decode(ResponsesDecoder(), [case.body]))
    message = turn.message
    error = expected["sdk_error"]
    if error is not None:
        assert turn.failure == ProviderError(error["message"], error["type"])
        return
    assert turn.failure is None
    assert message is not None
    assert message.raw_finish_reason == expected["finish_reason"]
    assert message.finish.detail == (expected.get("incomplete_details") or {}).get("reason")
    assert message.content == expected["text"]
    assert getattr(message, "refusal", None) == expected["refusal"]
    assert [(call.id, call.name, call.arguments) for call in turn.calls] == expected_calls(case)
    assert [fields(call).get("id") for call in turn.calls] == [call["item_id"] for call in expected["tool_calls"]]
    assert turn.reported_usage == expected["usage"]

    thinking = message.thinking_blocks
    parts = [summary for block in thinking for summary in summaries(block)]
    assert "".join(parts) == expected["thinking"]
    assert "\n\n".join(parts) == "\n\n".join(block.text for block in thinking if block.text)
    sealed = [text for block in thinking if isinstance(text := fields(block).get("encrypted_content"), str)]
    assert digests(sealed) == expected["thinking_signatures"]["sha256"]
    kept = [fields(part) for part in message.parts if isinstance(part, OpaquePart)]
    servers = [(call["id"], call["type"]) for call in expected["server_tool_calls"]]
    calls = [(item.get("call_id") or item["id"], item["type"]) for item in kept if item["type"] != "mcp_list_tools"]
    assert calls == servers
    assert order(message, turn.calls) == expected["block_order"]


def summaries(block: ThinkingPart) -> list[str]:
    """The parts of a reasoning item's summary."""
    parts = fields(block)["summary"]
    assert isinstance(parts, list)
    return [part["text"] for part in parts]


def fields(part: ThinkingPart | OpaquePart | ToolCall) -> Mapping[str, object]:
    """What is kept of a part for its wire."""
    data = part.data if isinstance(part, OpaquePart) else part.provider_data
    assert data is not None
    value = data.value
    assert isinstance(value, dict)
    return value


def order(message: AssistantMessage | ToolCallMessage, calls: Sequence[ToolCall]) -> list[str]:
    """The types of the items that the parts of `message` were."""
    unrun = calls if isinstance(message, AssistantMessage) else ()
    return [_type_of(part) for part in (*message.parts, *unrun)]


def _type_of(part: AssistantPart) -> str:
    match part:
        case ThinkingPart():
            return "reasoning"
        case TextPart() | RefusalPart():
            return "message"
        case ToolCall():
            return "function_call"
        case OpaquePart(kind=kind):
            return kind


@pytest.mark.parametrize("case", [case for case in CASES if case.expected["usage"]], ids=str)
def test_the_tokens_are_in_punks_convention(case: WireCase) -> None:
    reported = case.expected["usage"]
    usage = fold_turn(decode(ResponsesDecoder(), [case.body])).usage
    assert usage is not None
    assert usage.input_tokens == reported["input_tokens"]
    assert usage.output_tokens == reported["output_tokens"]
    assert usage.cache_read_tokens == reported["input_tokens_details"]["cached_tokens"]
    assert usage.reasoning_tokens == reported["output_tokens_details"]["reasoning_tokens"]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_recorded_stream_cut_before_its_terminal_says_a_prefix_and_fails(case: WireCase) -> None:
    """Law 14."""
    whole = decode(ResponsesDecoder(), [case.body])
    terminal = min(at for word in TERMINALS if (at := case.body.find(word)) >= 0)
    for at in range(0, terminal, max(1, terminal // 97)):
        events = decode(ResponsesDecoder(), [case.body[:at]])
        assert events[:-1] == whole[: len(events) - 1]
        assert fold_turn(events).failure is not None


@pytest.mark.parametrize("case", CASES, ids=str)
def test_the_answer_that_the_terminal_states_says_the_same(case: WireCase) -> None:
    """The terminal's own record of the answer, read as a whole body, holds what the stream had told."""
    if case.expected["sdk_error"] is not None:
        return
    last = json.loads(next(line for line in reversed(case.body.splitlines()) if line.startswith(b"data: {"))[6:])
    response = json.dumps(last["response"]).encode()
    there, here = fold_turn(decode(ResponsesDecoder(), [case.body])), fold_turn(decode_whole(response))
    assert shown(here) == shown(there)


def shown(turn: Told) -> tuple[object, ...]:
    """A turn without the payload of its reasoning, which is encrypted anew each time it is stated."""
    message = turn.message
    assert message is not None
    parts = [replace(part, provider_data=None) if isinstance(part, ThinkingPart) else part for part in message.parts]
    return parts, turn.calls, message.finish, message.usage, message.origin


@pytest.mark.parametrize("case", STATUSES, ids=str)
def test_a_status_error_keeps_the_providers_message_and_type(case: WireCase) -> None:
    error = case.expected["sdk_error"]
    failure = status_failure(case.sidecar["status"], case.body, case.sidecar["response_headers"])
    assert failure == HttpStatus(case.sidecar["status"], error["body"]["message"], error["type"])
