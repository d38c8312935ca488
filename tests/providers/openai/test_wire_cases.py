"""Every recorded chat-completions stream folds to what its sidecar says, however it is cut."""

from __future__ import annotations

import pytest

from punk.core.failures import HttpStatus, ProviderError
from punk.providers.http import status_failure
from punk.providers.openai.chat.decode import ChatDecoder
from tests.support.wire_cases import WireCase, cuttings, decode, expected_calls, fold_turn, wire_cases

CASES = wire_cases("openai_chat", "openai_compat_chat", "azure_chat")
STATUSES = wire_cases("http_error", prefix="openai_chat_")


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_recorded_stream_folds_to_what_its_sidecar_says(case: WireCase) -> None:
    expected = case.expected
    told = {name: fold_turn(decode(ChatDecoder(), chunks)) for name, chunks in cuttings(case)}
    assert len(told) >= 4
    for name, turn in told.items():
        message = turn.message
        if expected["sdk_error"] is None:
            assert turn.failure is None, name
            assert message is not None
            assert message.raw_finish_reason == expected["finish_reason"]
        else:
            error = expected["sdk_error"]
            assert turn.failure == ProviderError(error["message"], error.get("type") or error.get("code"))
        if message is None:
            assert [expected["text"], expected["thinking"], expected["tool_calls"]] == ["", "", []]
            continue
        assert message.content == expected["text"], name
        assert "".join(block.text for block in message.thinking_blocks) == expected["thinking"]
        assert [block.signature for block in message.thinking_blocks if block.signature] == []
        assert [(call.id, call.name, call.arguments) for call in turn.calls] == expected_calls(case)
        assert getattr(message, "refusal", None) == expected["refusal"]
        assert turn.reported_usage == expected["usage"]


@pytest.mark.parametrize("case", [case for case in CASES if case.expected["usage"]], ids=str)
def test_the_tokens_are_in_punks_convention(case: WireCase) -> None:
    reported = case.expected["usage"]
    usage = fold_turn(decode(ChatDecoder(), [case.body])).usage
    assert usage is not None
    assert usage.input_tokens == reported["prompt_tokens"]
    assert usage.output_tokens == reported["completion_tokens"]
    assert usage.cache_read_tokens == reported.get("prompt_tokens_details", {}).get("cached_tokens")
    assert usage.reasoning_tokens == reported.get("completion_tokens_details", {}).get("reasoning_tokens")


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_recorded_stream_cut_anywhere_never_completes_early(case: WireCase) -> None:
    """Law 14: the pieces up to the cut, then a failure; a turn is whole only once its finish reason was read."""
    whole = decode(ChatDecoder(), [case.body])
    first_reason = min((at for word in REASONS if (at := case.body.find(word)) >= 0), default=len(case.body))
    for at in range(0, len(case.body), max(1, len(case.body) // 97)):
        events = decode(ChatDecoder(), [case.body[:at]])
        assert events[:-1] == whole[: len(events) - 1] or at > first_reason
        if at <= first_reason:
            assert fold_turn(events).failure is not None


REASONS = [b'"finish_reason":"' + word for word in (b"stop", b"length", b"tool_calls")]


@pytest.mark.parametrize("case", STATUSES, ids=str)
def test_a_status_error_keeps_the_providers_message_and_type(case: WireCase) -> None:
    error = case.expected["sdk_error"]
    failure = status_failure(case.sidecar["status"], case.body, case.sidecar["response_headers"])
    assert failure == HttpStatus(case.sidecar["status"], error["body"]["message"], error["type"])
