"""Every recorded Messages stream folds to what its sidecar says, however it is cut."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pytest

from punk.core.events import ProviderEvent, TurnEnded, UsageReported
from punk.core.failures import HttpStatus, ProviderError, Truncated
from punk.core.json import JsonValue
from punk.core.log import Log
from punk.core.messages import AssistantMessage, ToolCallMessage, UserMessage
from punk.core.parts import AssistantPart, OpaquePart, ThinkingPart, ToolCall
from punk.core.request import Request
from punk.core.state import Streaming
from punk.core.step import begin, fold
from punk.core.usage import Usage
from punk.providers.anthropic.decode import AnthropicDecoder
from punk.providers.http import status_failure
from tests.support.wire_cases import WireCase, cuttings, decode, digests, expected_calls, fold_turn, wire_cases
from tests.support.wire_deviations import DEVIATIONS

CASES = wire_cases("anthropic")
STATUSES = wire_cases("http_error", prefix="anthropic_")


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_recorded_stream_is_the_same_however_it_is_cut(case: WireCase) -> None:
    told = {name: decode(AnthropicDecoder(), chunks) for name, chunks in cuttings(case)}
    assert len(told) >= 4
    assert all(events == told["whole"] for events in told.values())


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_recorded_stream_folds_to_what_its_sidecar_says(case: WireCase) -> None:
    expected = expectation(case)
    events = decode(AnthropicDecoder(), [case.body])
    message = message_of(events)
    thinking = message.thinking_blocks
    assert message.content == expected["text"]
    assert "".join(part.text for part in thinking) == expected["thinking"]
    signatures = [part.signature for part in thinking if part.signature]
    assert digests(signatures) == expected["thinking_signatures"]["sha256"]
    redacted = [part.provider_data.value for part in thinking if part.provider_data]
    assert digests(block["data"] for block in map(as_dict, redacted)) == expected["redacted_thinking"]["sha256"]
    assert getattr(message, "refusal", None) == expected["refusal"]
    calls = message.calls if isinstance(message, ToolCallMessage) else message.unrun_calls
    assert [(call.id, call.name, call.arguments) for call in calls] == expected_calls(case)
    assert [kind_of(part) for part in message.parts] == expected["block_order"]
    assert message.raw_finish_reason == expected["finish_reason"]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_server_tools_keep_what_they_were_called_with(case: WireCase) -> None:
    parts = message_of(decode(AnthropicDecoder(), [case.body])).parts
    opaque = [part for part in parts if isinstance(part, OpaquePart)]
    assert all(part.replayable for part in opaque)
    called = [as_dict(part.data.value) for part in opaque if part.kind.endswith("_tool_use")]
    stated = [(call["id"], call["name"], call["arguments"]) for call in case.expected["server_tool_calls"]]
    assert [(block["id"], block["name"], block["input"]) for block in called] == stated


@pytest.mark.parametrize("case", CASES, ids=str)
def test_the_tokens_are_the_providers_and_in_punks_convention(case: WireCase) -> None:
    events = decode(AnthropicDecoder(), [case.body])
    raw = expectation(case)["usage"]
    reports = [event.usage for event in events if isinstance(event, UsageReported)]
    if raw is None:
        assert not reports
        return
    last = reports[-1]
    assert last.reported is not None
    assert last.reported.value == raw
    written, read = raw.get("cache_creation_input_tokens"), raw.get("cache_read_input_tokens")
    assert last == Usage(
        raw["input_tokens"] + (written or 0) + (read or 0),
        raw["output_tokens"],
        read,
        written,
        raw.get("output_tokens_details", {}).get("thinking_tokens"),
        reported=last.reported,
    )


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_recorded_error_keeps_the_providers_words(case: WireCase) -> None:
    failure = fold_turn(events).failure if not pauses(events := decode(AnthropicDecoder(), [case.body])) else None
    error = expectation(case)["sdk_error"]
    if error is None:
        assert failure is None
    else:
        assert failure == ProviderError(error["body"]["error"]["message"], error["type"])


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_recorded_stream_cut_before_its_terminal_yields_a_prefix_and_fails(case: WireCase) -> None:
    """Law 14. The terminal counts as soon as its JSON is whole: the blank line after it may be lost."""
    whole = decode(AnthropicDecoder(), [case.body])
    place = case.body.find(b"event: message_stop\n")
    terminal = case.body.index(b"}", place) if place >= 0 else case.body.rindex(b"}")
    for at in range(0, terminal, max(1, len(case.body) // 97)):
        *before, last = decode(AnthropicDecoder(), [case.body[:at]])
        assert tuple(before) == whole[: len(before)]
        assert isinstance(fold_turn([*before, last]).failure, Truncated)


@pytest.mark.parametrize("case", STATUSES, ids=str)
def test_a_status_error_keeps_the_providers_message_and_type(case: WireCase) -> None:
    error = case.expected["sdk_error"]
    failure = status_failure(case.sidecar["status"], case.body, case.sidecar["response_headers"])
    assert failure == HttpStatus(case.sidecar["status"], error["body"]["error"]["message"], error["type"])


def expectation(case: WireCase) -> Mapping[str, Any]:
    """What the sidecar says, but for the deviations that are listed and explained."""
    if str(case) not in DEVIATIONS:
        return case.expected
    match case.name:
        case "empty_text_block":
            return {**case.expected, "block_order": []}
        case "gateway_done_sentinel":
            return {**case.expected, "sdk_error": None, "usage": as_sent(case)}
        case _:
            return {**case.expected, "usage": as_sent(case)}


def as_sent(case: WireCase) -> JsonValue:
    """All that the stream's two usage records say, the later one over the earlier."""
    sent = case.expected["usage_as_sent"]
    both = {**sent["message_start"], **{k: v for k, v in sent["message_delta"].items() if v is not None}}
    return {name: value for name, value in both.items() if value is not None}


def pauses(events: Iterable[ProviderEvent]) -> bool:
    return any(isinstance(event, TurnEnded) and event.finish.reason == "pause" for event in events)


def message_of(events: Iterable[ProviderEvent]) -> AssistantMessage | ToolCallMessage:
    """The message that the events amount to, a paused one too."""
    request = Request(Log([UserMessage("Hi")]), max_rounds=2, execute_tools=False)
    state, _ = fold(begin(request)[0], events)
    if isinstance(state, Streaming):
        assert state.run.paused is not None
        return state.run.paused
    last = tuple(state.run.messages)[-1]
    return last if isinstance(last, AssistantMessage | ToolCallMessage) else AssistantMessage("")


def kind_of(part: AssistantPart) -> str:
    match part:
        case ThinkingPart(provider_data=data):
            return "redacted_thinking" if data else "thinking"
        case ToolCall():
            return "tool_use"
        case OpaquePart(kind=kind):
            return kind
        case _:
            return "text"


def as_dict(value: JsonValue) -> dict[str, Any]:
    assert isinstance(value, dict)
    return value
