"""Every recorded Gemini stream folds to what its sidecar says, however it is cut."""

from __future__ import annotations

from base64 import urlsafe_b64decode
from collections.abc import Mapping
from hashlib import sha256
from itertools import groupby
from typing import Any, Final

import pytest

from punk.core.failures import HttpStatus
from punk.core.json import parse_object
from punk.core.messages import AssistantMessage, ToolCallMessage
from punk.core.parts import AssistantPart, OpaquePart, RefusalPart, TextPart, ThinkingPart, ToolCall
from punk.core.provider_data import ProviderData
from punk.providers.google.decode import GeminiDecoder
from punk.providers.http import status_failure
from tests.support.wire_cases import WireCase, cuttings, decode, fold_turn, wire_cases

CASES = wire_cases("gemini")
STATUSES = wire_cases("http_error", prefix="gemini_")

EMPTY_TEXT: Final = "the last part is a text without a character and without a signature: no part of a message"
NOT_A_CANDIDATE: Final = "there is no candidate whose reason could be told: the reason is that of the block"
DEVIATIONS: Final[Mapping[str, str]] = {
    "thinking_tool_signature": EMPTY_TEXT,
    "tools_parallel_separate_chunks": EMPTY_TEXT,
    "prompt_blocked": NOT_A_CANDIDATE,
}
UNKNOWN_TO_THE_SDK: Final = {"serviceTier"}
"""Fields of the usage that the provider said and the SDK does not know: punk keeps the record whole."""


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_recorded_stream_is_the_same_however_it_is_cut(case: WireCase) -> None:
    told = {name: decode(GeminiDecoder(), chunks) for name, chunks in cuttings(case)}
    assert len(told) >= 4
    assert all(events == told["whole"] for events in told.values())


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_recorded_stream_folds_to_what_its_sidecar_says(case: WireCase) -> None:
    expected = case.expected
    assert expected["sdk_error"] is None
    turn = fold_turn(decode(GeminiDecoder(), [case.body]))
    message = turn.message
    assert turn.failure is None
    assert message is not None
    if DEVIATIONS.get(case.name) == NOT_A_CANDIDATE:
        assert expected["finish_reason"] is None
        assert message.finish_reason == "content_filter"
        assert message.raw_finish_reason == expected["prompt_feedback"]["block_reason"]
        assert message.finish.detail == expected["prompt_feedback"]["block_reason_message"]
    else:
        assert message.raw_finish_reason == expected["finish_reason"]
    assert message.content == expected["text"]
    assert "".join(block.text for block in message.thinking_blocks) == expected["thinking"]
    assert getattr(message, "refusal", None) is expected["refusal"] is None
    calls = [
        (wire_id(call), call.name, parse_object(call.arguments).unwrap(), bool(signature_of(call)))
        for call in turn.calls
    ]
    assert calls == [(c["id"], c["name"], c["arguments"], c["has_signature"]) for c in expected["tool_calls"]]
    assert all(call.id == wire_id(call) or wire_id(call) is None for call in turn.calls)
    parts = in_order(message)
    signatures = [signature for part in parts if (signature := signature_of(part))]
    assert {"count": len(signatures), "sha256": [*map(digest, signatures)], "of": "decoded bytes"} == expected[
        "thinking_signatures"
    ]
    kinds = [kind for kind, _ in groupby(filter(None, map(kind_of, parts)))]
    assert kinds + ["text"] * (DEVIATIONS.get(case.name) == EMPTY_TEXT) == expected["block_order"]
    assert known_to_the_sdk(turn.reported_usage) == expected["usage"]


def in_order(message: AssistantMessage | ToolCallMessage) -> tuple[AssistantPart, ...]:
    return message.parts + (message.unrun_calls if isinstance(message, AssistantMessage) else ())


def payload(part: AssistantPart) -> Mapping[str, Any]:
    """What is kept of a part for its wire."""
    data: ProviderData | None = None
    match part:
        case OpaquePart(data=data) | TextPart(provider_data=data) | ToolCall(provider_data=data):
            pass
        case ThinkingPart() | RefusalPart():
            pass
    value = data.value if data is not None else None
    return value if isinstance(value, dict) else {}


def wire_id(call: ToolCall) -> str | None:
    """The id that the provider gave."""
    return payload(call).get("id")


def signature_of(part: AssistantPart) -> str | None:
    return part.signature if isinstance(part, ThinkingPart) else payload(part).get("thoughtSignature")


def digest(signature: str) -> str:
    raw = signature.replace("+", "-").replace("/", "_")
    return sha256(urlsafe_b64decode(raw + "=" * (-len(raw) % 4))).hexdigest()


def kind_of(part: AssistantPart) -> str | None:
    """The sidecar's name of the part, None for what no part of the wire was."""
    match part:
        case ThinkingPart():
            return "thought"
        case TextPart():
            return "text"
        case ToolCall():
            return "function_call"
        case OpaquePart(kind=kind) if not kind.endswith("Metadata"):
            return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in kind)
        case _:
            return None


def known_to_the_sdk(usage: object) -> object:
    return {k: v for k, v in usage.items() if k not in UNKNOWN_TO_THE_SDK} if isinstance(usage, dict) else usage


@pytest.mark.parametrize("case", [case for case in CASES if case.expected["usage"]], ids=str)
def test_the_tokens_are_in_punks_convention(case: WireCase) -> None:
    reported = case.expected["usage"]
    usage = fold_turn(decode(GeminiDecoder(), [case.body])).usage
    assert usage is not None
    assert usage.input_tokens == reported["promptTokenCount"] + reported.get("toolUsePromptTokenCount", 0)
    said, thought = reported.get("candidatesTokenCount", 0), reported.get("thoughtsTokenCount", 0)
    assert usage.output_tokens == said + thought
    assert usage.input_tokens + said + thought == reported["totalTokenCount"]
    assert usage.reasoning_tokens == reported.get("thoughtsTokenCount")


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_recorded_stream_cut_before_its_finish_reason_says_a_prefix_and_fails(case: WireCase) -> None:
    """Law 14, as far as this wire allows: after a finish reason in the midst, a cut is not to be seen."""
    whole = decode(GeminiDecoder(), [case.body])
    first = min(at for word in (b'"finishReason"', b'"blockReason"') if (at := case.body.find(word)) >= 0)
    for at in range(0, first, max(1, first // 97)):
        turn = decode(GeminiDecoder(), [case.body[:at]])
        assert turn[:-1] == whole[: len(turn) - 1]
        assert fold_turn(turn).failure is not None


@pytest.mark.parametrize("case", STATUSES, ids=str)
def test_a_status_error_keeps_the_providers_message_and_type(case: WireCase) -> None:
    error = case.expected["sdk_error"]
    failure = status_failure(case.sidecar["status"], case.body, case.sidecar["response_headers"])
    assert isinstance(failure, HttpStatus)
    assert (failure.status, failure.error_type) == (error["code"], error["status"])
    assert failure.message in error["message"]
