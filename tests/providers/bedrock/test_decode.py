"""What each event of a ConverseStream answer means, one by one."""

from __future__ import annotations

import base64

import pytest

from punk.core.events import (
    CallDelta,
    CallEnded,
    CallStarted,
    OpaqueEnded,
    OpaqueStarted,
    TextAnnotated,
    TextDelta,
    ThinkingDelta,
    ThinkingSealed,
    TurnEnded,
    TurnFailed,
)
from punk.core.json import JsonObject
from punk.core.messages import Finish, FinishReason
from punk.core.parts import ToolCall
from punk.testing.wires.bedrock_converse import encode_event
from tests.providers.bedrock.answers import (
    CITATION,
    STARTED,
    STOPPED,
    USAGE,
    arguments,
    between,
    call,
    data,
    decoded,
    delta,
    ending,
    message,
    metadata,
    raw,
    redacted,
    signature,
    start,
    stop,
    text,
    thinking,
)
from tests.support.wire_cases import fold_turn


def test_text_has_no_start() -> None:
    assert decoded(message(), text(0, "A"), text(0, ""), text(0, "b"), stop(0), ending(), metadata()) == (
        STARTED,
        TextDelta(0, "A"),
        TextDelta(0, "b"),
        USAGE,
        STOPPED,
    )


def test_an_answer_without_its_bill_is_whole() -> None:
    assert decoded(message(), text(0, "A"), ending()) == (STARTED, TextDelta(0, "A"), STOPPED)
    assert decoded(message(), text(0, "A"), ending(), metadata()[:-1]) == (STARTED, TextDelta(0, "A"), STOPPED)


def test_thinking_is_sealed_at_its_stop() -> None:
    said = between(thinking(0, "A"), thinking(0, ""), signature(0, "s1"), signature(0, "s2"), stop(0), text(1, "B"))
    assert said == [ThinkingDelta(0, "A"), ThinkingSealed(0, "s1s2"), TextDelta(1, "B")]
    assert between(thinking(0, "A"), stop(0)) == [ThinkingDelta(0, "A"), ThinkingSealed(0)]
    assert between(signature(0, "s"), stop(0)) == [ThinkingSealed(0, "s")]
    assert between(thinking(0, ""), signature(0, ""), delta(0, reasoningContent={"new": 1}), stop(0)) == []
    assert between(thinking(0, "A")) == [ThinkingDelta(0, "A"), ThinkingSealed(0)]


@pytest.mark.parametrize(
    ("pieces", "whole"),
    [
        (["AAEC"], "AAEC"),
        ([base64.b64encode(b"\x00").decode(), base64.b64encode(b"\x01\x02").decode()], "AAEC"),
        (["AAE", "C"], "AAEC"),
    ],
)
def test_redacted_thinking_is_kept_as_the_wire_has_it(pieces: list[str], whole: str) -> None:
    sealed = ThinkingSealed(0, provider_data=data({"reasoningContent": {"redactedContent": whole}}))
    assert between(*(redacted(0, piece) for piece in pieces), stop(0)) == [sealed]


def test_another_kind_in_the_same_place_is_another_block() -> None:
    said = between(thinking(0, "A"), signature(0, "s"), text(0, "B"), thinking(0, "C"), redacted(0, "AA=="), stop(0))
    assert said == [
        ThinkingDelta(0, "A"),
        ThinkingSealed(0, "s"),
        TextDelta(1, "B"),
        ThinkingDelta(2, "C"),
        ThinkingSealed(2),
        ThinkingSealed(3, provider_data=data({"reasoningContent": {"redactedContent": "AA=="}})),
    ]


def test_blocks_are_numbered_as_they_come() -> None:
    said = between(text(7, "A"), thinking(2, "B"), text(7, "C"), stop(2), stop(2), stop(9), stop(7), text(7, "D"))
    assert said == [
        TextDelta(0, "A"),
        ThinkingDelta(1, "B"),
        TextDelta(0, "C"),
        ThinkingSealed(1),
        TextDelta(2, "D"),
    ]


def test_calls() -> None:
    said = between(
        call(0), arguments(0, ""), call(1, None), arguments(0, '{"a"'), arguments(0, ":1}"), stop(0), stop(1)
    )
    assert said == [
        CallStarted(0, "t", "f"),
        CallStarted(1, None, "f"),
        CallDelta(0, '{"a"'),
        CallDelta(0, ":1}"),
        CallEnded(0),
        CallEnded(1),
    ]
    assert fold_turn(decoded(message(), *[call(0), stop(0)], ending("tool_use"))).calls == (ToolCall("t", "f", "{}"),)


def test_a_call_without_its_stop_does_not_run() -> None:
    said = decoded(message(), text(0, "A"), call(1), arguments(1, "{}"), ending("tool_use"))
    assert not any(isinstance(event, CallEnded) for event in said)


def test_a_start_ends_what_had_none_in_its_place() -> None:
    said = between(
        delta(0, citation=CITATION), text(0, "A"), call(0), arguments(0, "{}"), stop(0), text(0, "B"), stop(0)
    )
    assert said == [
        TextDelta(0, "A"),
        TextAnnotated(0, data({"citations": [CITATION]})),
        CallStarted(1, "t", "f"),
        CallDelta(1, "{}"),
        CallEnded(1),
        TextDelta(2, "B"),
    ]
    image = between(thinking(0, "A"), signature(0, "s"), start(0, image={"format": "png"}))
    assert image[:3] == [ThinkingDelta(0, "A"), ThinkingSealed(0, "s"), OpaqueStarted(1, "image")]
    hidden = data({"reasoningContent": {"redactedContent": "AAEC"}})
    assert between(redacted(0, "AAEC"), call(0), stop(0)) == [
        ThinkingSealed(0, provider_data=hidden),
        CallStarted(1, "t", "f"),
        CallEnded(1),
    ]


@pytest.mark.parametrize("no_block", [{"p": "a"}, {"contentBlockIndex": None}])
def test_a_stop_that_names_no_block_ends_none(no_block: JsonObject) -> None:
    nameless = encode_event("contentBlockStop", no_block)
    assert between(text(0, "A"), nameless, text(0, "B")) == [TextDelta(0, "A"), TextDelta(0, "B")]
    assert between(call(0), nameless) == [CallStarted(0, "t", "f")]


@pytest.mark.parametrize("payload", [b"{}", b'{"p":"ab"}', b'{"stopReason":null}'])
def test_an_end_that_gives_no_reason_is_the_end(payload: bytes) -> None:
    said = decoded(message(), text(0, "A"), raw("messageStop", payload), text(0, "late"), metadata())
    assert said == (STARTED, TextDelta(0, "A"), USAGE, TurnEnded(Finish()))
    assert decoded(raw("messageStop", payload)) == (STARTED, TurnEnded(Finish()))


@pytest.mark.parametrize("piece", [b"", text(1, "late"), message(), call(2), ending("max_tokens")])
def test_what_comes_after_the_end_is_no_content(piece: bytes) -> None:
    said = decoded(message(), text(0, "A"), ending(), piece, metadata(), text(1, "later"), metadata())
    assert said == (STARTED, TextDelta(0, "A"), USAGE, STOPPED)


def test_an_answer_may_begin_with_anything() -> None:
    assert decoded(text(0, "A"), ending()) == (STARTED, TextDelta(0, "A"), STOPPED)
    assert decoded(call(0), stop(0), ending()) == (STARTED, CallStarted(0, "t", "f"), CallEnded(0), STOPPED)
    assert decoded(ending()) == (STARTED, STOPPED)
    assert decoded(metadata(), text(0, "A"), ending()) == (STARTED, USAGE, TextDelta(0, "A"), STOPPED)


def test_a_message_may_start_after_its_bill_or_its_first_words() -> None:
    said = decoded(metadata(), message(), text(0, "A"), ending())
    assert said == (STARTED, USAGE, TextDelta(0, "A"), STOPPED)
    assert decoded(text(0, "A"), message(), text(0, "B"), ending()) == (
        STARTED,
        TextDelta(0, "A"),
        TextDelta(0, "B"),
        STOPPED,
    )
    assert isinstance(decoded(metadata(), message(), message(), ending())[-1], TurnFailed)


def test_citations_belong_to_their_block() -> None:
    said = between(delta(0, citation=CITATION), text(0, "A"), delta(0, citation={}), stop(0), delta(1, citation={}))
    assert said == [
        TextDelta(0, "A"),
        TextAnnotated(0, data({"citations": [CITATION, {}]})),
        TextAnnotated(1, data({"citations": [{}]})),
    ]
    assert between(call(0), delta(0, citation={}), stop(0)) == [CallStarted(0, "t", "f"), CallEnded(0)]


def test_what_servers_do_is_opaque() -> None:
    served: JsonObject = {"toolUseId": "t", "type": "x", "status": "success"}
    said = between(
        call(0, type="server_tool_use"),
        arguments(0, '{"q":'),
        arguments(0, "1}"),
        stop(0),
        start(1, toolResult=served),
        delta(1, toolResult=[{"text": "a"}]),
        delta(1, toolResult=[{"json": {}}, {"text": "b"}]),
        stop(1),
    )
    called: JsonObject = {"toolUseId": "t", "name": "f", "type": "server_tool_use", "input": {"q": 1}}
    assert said == [
        OpaqueStarted(0, "toolUse"),
        OpaqueEnded(0, data({"toolUse": called})),
        OpaqueStarted(1, "toolResult"),
        OpaqueEnded(1, data({"toolResult": {**served, "content": [{"text": "a"}, {"json": {}}, {"text": "b"}]}})),
    ]


def opaque(*pieces: bytes) -> OpaqueEnded:
    _, ended = between(*pieces, stop(0))
    assert isinstance(ended, OpaqueEnded)
    return ended


def test_blocks_that_can_be_put_together() -> None:
    image = opaque(start(0, image={"format": "png"}), delta(0, image={"source": {"bytes": "AA=="}}))
    assert image == OpaqueEnded(0, data({"image": {"format": "png", "source": {"bytes": "AA=="}}}))
    silent = opaque(call(0, type="server_tool_use"))
    assert silent.replayable


@pytest.mark.parametrize(
    "pieces",
    [
        [delta(0, video={"x": 1})],
        [start(0, video={"x": 1}), delta(0, video={"x": 1})],
        [start(0, video=1)],
        [start(0, image={"format": "png"}), delta(0, image={"source": {}}), delta(0, image={"source": {}})],
        [call(0, type="server_tool_use"), arguments(0, "[")],
        [call(0, type="server_tool_use"), arguments(0, "[]")],
        [call(0, type="server_tool_use"), arguments(0, '{"a":' * 255 + "1" + "}" * 255)],
        [call(0, type="server_tool_use"), delta(0, text="A")],
        [start(0, toolResult={}), delta(0, toolResult={})],
    ],
)
def test_blocks_that_cannot_be_put_together_are_for_reading(pieces: list[bytes]) -> None:
    assert not opaque(*pieces).replayable


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("end_turn", "stop"),
        ("stop_sequence", "stop"),
        ("tool_use", "tool_use"),
        ("max_tokens", "max_tokens"),
        ("model_context_window_exceeded", "max_tokens"),
        ("guardrail_intervened", "content_filter"),
        ("content_filtered", "content_filter"),
        ("malformed_model_output", "other"),
        ("malformed_tool_use", "other"),
        ("strange", "other"),
        (None, None),
    ],
)
def test_reasons(word: str | None, reason: FinishReason | None) -> None:
    assert decoded(message(), ending(word)) == (STARTED, TurnEnded(Finish(reason, word)))


def test_details() -> None:
    stopped = ending("stop_sequence", additionalModelResponseFields={"delta": {"stop_sequence": "END"}})
    assert decoded(stopped, metadata())[-1] == TurnEnded(Finish("stop", "stop_sequence", "END"))
    whole = ending("stop_sequence", additionalModelResponseFields={"stop_sequence": "END"})
    assert decoded(whole)[-1] == TurnEnded(Finish("stop", "stop_sequence", "END"))
    trace: JsonObject = {"guardrail": {"actionReason": "Blocked."}}
    blocked = decoded(ending("guardrail_intervened"), metadata(trace=trace))
    assert blocked[-1] == TurnEnded(Finish("content_filter", "guardrail_intervened", "Blocked."))


@pytest.mark.parametrize("usage", [{"usage": []}, {"usage": {}}, {"usage": None}, {"trace": {"guardrail": []}}])
def test_bills_that_say_nothing(usage: JsonObject) -> None:
    assert decoded(message(), ending(), encode_event("metadata", usage)) == (STARTED, STOPPED)
