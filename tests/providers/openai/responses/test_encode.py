"""What a request says on this wire, and what it leaves out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from openai.types.responses import ResponseInputParam
from pydantic import TypeAdapter
from returns.result import Failure, Success

from punk.core.effects import RequestTurn
from punk.core.failures import Unsupported
from punk.core.json import JsonObject, JsonValue, parse_object
from punk.core.messages import (
    AssistantMessage,
    Message,
    Origin,
    SystemMessage,
    ToolCallMessage,
    ToolResultMessage,
    UserMessage,
)
from punk.core.parts import AssistantPart, OpaquePart, RefusalPart, TextPart, ThinkingPart, ToolCall
from punk.core.provider_data import ProviderData
from punk.core.request import ToolSpec
from punk.core.thinking import ThinkingConfig
from punk.providers.base import Delivery
from punk.providers.openai.naming import NAMES
from punk.providers.openai.responses.encode import encode
from punk.providers.openai.responses.settings import FAMILY, ResponsesSettings
from punk.testing.strategies import histories
from tests.providers.openai.responses.events import COMPLETED, CREATED, added, data, decoded, done, text
from tests.support.wire_cases import fold_turn

PLAIN = ResponsesSettings("gpt-5")
HI = UserMessage("Hi")
OWN = Origin(FAMILY)
TOOL = ToolSpec("f", "does f", '{"type":"object","properties":{}}')
THOUGHT: JsonObject = {"type": "reasoning", "id": "rs", "summary": [], "encrypted_content": "e"}
THINKING = ThinkingPart("", provider_data=data({**THOUGHT, "status": None, "content": []}))
CALL = ToolCall("x", "f", "{}", data({"id": "fc", "namespace": "n"}))
SENT_CALL: JsonObject = {"type": "function_call", "call_id": "x", "name": "f", "arguments": "{}"}
NAMED_CALL: JsonObject = {**SENT_CALL, "id": "fc", "namespace": "n"}
SAID = TextPart("a", data({"id": "msg", "phase": "commentary", "annotations": [{"url": "u"}]}))
NAMED_TEXT: JsonObject = {
    "type": "message",
    "id": "msg",
    "role": "assistant",
    "status": "completed",
    "phase": "commentary",
    "content": [{"type": "output_text", "text": "a", "annotations": [{"url": "u"}]}],
}


def body(
    *messages: Message,
    settings: ResponsesSettings = PLAIN,
    tools: Sequence[ToolSpec] = (),
    delivery: Delivery = "stream",
) -> JsonObject:
    match encode(settings, RequestTurn(1, messages, tuple(tools)), delivery):
        case Success(encoded):
            return dict(encoded.json)
        case other:
            raise AssertionError(other)


def sent(*messages: Message) -> JsonValue:
    return body(*messages)["input"]


def refused(turn: RequestTurn, settings: ResponsesSettings = PLAIN) -> str:
    match encode(settings, turn, "stream"):
        case Failure(Unsupported(message=message)):
            return str(message)
        case other:
            raise AssertionError(other)


def test_the_least_request() -> None:
    least: JsonObject = {
        "model": "gpt-5",
        "input": [{"role": "user", "content": "Hi"}],
        "store": False,
        "include": ["reasoning.encrypted_content"],
    }
    assert body(HI) == {**least, "stream": True}
    assert body(HI, delivery="whole") == least


@pytest.mark.parametrize(
    ("model", "asks"), [("o4-mini", True), ("deployment", True), ("gpt-4.1", False), ("ft:gpt-4o:x", False)]
)
def test_encrypted_reasoning_is_asked_of_models_that_may_reason(model: str, asks: bool) -> None:
    settings = replace(PLAIN, model=model)
    assert ("include" in body(HI, settings=settings)) == asks


def test_settings() -> None:
    full = replace(
        PLAIN,
        max_tokens=99,
        temperature=0.0,
        top_p=0.5,
        thinking_config=ThinkingConfig(effort="low"),
        extra_body={"store": True, "stream": False, "truncation": "auto"},
    )
    assert body(HI, settings=full, tools=[TOOL]) == {
        "model": "gpt-5",
        "input": [{"role": "user", "content": "Hi"}],
        "store": True,
        "include": ["reasoning.encrypted_content"],
        "max_output_tokens": 99,
        "temperature": 0.0,
        "top_p": 0.5,
        "reasoning": {"effort": "low", "summary": "auto"},
        "tools": [
            {
                "type": "function",
                "name": "f",
                "description": "does f",
                "parameters": {"type": "object", "properties": {}},
                "strict": False,
            }
        ],
        "truncation": "auto",
        "stream": True,
    }


@pytest.mark.parametrize(
    ("config", "reasoning"),
    [
        (None, None),
        (ThinkingConfig(), {"summary": "auto"}),
        (ThinkingConfig(include_thoughts=False), None),
        (ThinkingConfig(effort="none", include_thoughts=False), {"effort": "none"}),
        (ThinkingConfig(effort="xhigh"), {"effort": "xhigh", "summary": "auto"}),
        (ThinkingConfig(token_budget=9000), {"effort": "medium", "summary": "auto"}),
    ],
)
def test_thinking_is_asked_for_by_effort(config: ThinkingConfig | None, reasoning: JsonValue) -> None:
    assert body(HI, settings=replace(PLAIN, thinking_config=config)).get("reasoning") == reasoning


def test_a_model_that_does_not_reason_is_not_asked_to() -> None:
    old = replace(PLAIN, model="gpt-4.1", max_tokens=9)
    for off in (ThinkingConfig(token_budget=0), ThinkingConfig(effort="none")):
        assert body(HI, settings=replace(old, thinking_config=off)) == body(HI, settings=old)
    for on in (ThinkingConfig(), ThinkingConfig(token_budget=1), ThinkingConfig(effort="low")):
        why = refused(RequestTurn(1, (HI,), ()), replace(old, thinking_config=on))
        assert why == "gpt-4.1 does not reason: leave thinking_config out, or take a model that does"


@pytest.mark.parametrize(("most", "raised"), [(None, None), (2000, 4000), (2001, 2001), (16, 2016)])
def test_max_tokens_is_raised_above_a_budget(most: int | None, raised: int | None) -> None:
    settings = replace(PLAIN, max_tokens=most, thinking_config=ThinkingConfig(token_budget=2000))
    assert body(HI, settings=settings).get("max_output_tokens") == raised


def test_what_cannot_be_said() -> None:
    assert "nothing to send" in refused(RequestTurn(1, (UserMessage(" "), AssistantMessage("")), ()))
    assert "tool f" in refused(RequestTurn(1, (HI,), (replace(TOOL, parameters="[]"),)))
    assert "top_k" in refused(RequestTurn(1, (HI,), ()), replace(PLAIN, top_k=3))
    assert "stop_sequences" in refused(RequestTurn(1, (HI,), ()), replace(PLAIN, stop_sequences=("x",)))


def test_a_conversation_of_another_family() -> None:
    foreign = ProviderData.of("anthropic", {"id": "msg", "encrypted_content": "e"})
    parts: list[AssistantPart] = [
        ThinkingPart("hm", "signature", foreign),
        TextPart("a", foreign),
        OpaquePart("thing", foreign),
        ToolCall("x", "f", '{"n": 1}', foreign),
        ToolCall("y", "no name", "[1"),
    ]
    calls = ToolCallMessage(parts, origin=Origin("anthropic"))
    results = [ToolResultMessage("x", "f", "1"), ToolResultMessage("y", "f", "", is_error=True)]
    assert sent(SystemMessage("S"), HI, calls, *results, AssistantMessage("done"), SystemMessage("T")) == [
        {"role": "system", "content": "S"},
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": "a"},
        {**SENT_CALL, "arguments": '{"n": 1}'},
        {**SENT_CALL, "call_id": "y", "name": NAMES.spelled("no name")},
        {"type": "function_call_output", "call_id": "x", "output": "1"},
        {"type": "function_call_output", "call_id": "y", "output": ""},
        {"role": "assistant", "content": "done"},
        {"role": "system", "content": "T"},
    ]


def test_reasoning_goes_back_before_what_it_led_to() -> None:
    said = ToolCallMessage([THINKING, SAID, THINKING, CALL], origin=OWN)
    assert sent(said, ToolResultMessage("x", "f", "1")) == [
        THOUGHT,
        NAMED_TEXT,
        THOUGHT,
        NAMED_CALL,
        {"type": "function_call_output", "call_id": "x", "output": "1"},
    ]


@pytest.mark.parametrize("lost", [ThinkingPart("hm"), ThinkingPart("", provider_data=data({"id": "rs"}))])
def test_where_reasoning_is_lost_the_names_are_too(lost: ThinkingPart) -> None:
    said = ToolCallMessage([lost, SAID, CALL], origin=OWN)
    assert sent(said) == [
        {"role": "assistant", "content": "a", "phase": "commentary"},
        {**SENT_CALL, "namespace": "n"},
    ]


def test_reasoning_that_led_to_nothing_stays_here() -> None:
    assert sent(HI, AssistantMessage([SAID, THINKING, TextPart(" "), THINKING], origin=OWN)) == [
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": "a", "phase": "commentary"},
    ]


def test_parts_of_one_message_are_one_item() -> None:
    note = data({"id": "msg"})
    both = AssistantMessage([TextPart("a", note), TextPart("b", note), TextPart("c", data({"id": "n"}))], origin=OWN)
    match sent(both):
        case [{"id": "msg", "content": [{"text": "a"}, {"text": "b"}]}, {"id": "n", "content": [{"text": "c"}]}]:
            pass
        case other:
            raise AssertionError(other)


def test_opaque_items_go_back_whole() -> None:
    item: JsonObject = {"type": "web_search_call", "id": "ws", "action": {"x": [1, None]}}
    opaque = OpaquePart("web_search_call", data(item))
    others = [replace(opaque, replayable=False), replace(opaque, data=data("text"))]
    assert sent(AssistantMessage([opaque, *others, TextPart("a")], origin=OWN)) == [
        item,
        {"role": "assistant", "content": "a"},
    ]
    assert sent(AssistantMessage([opaque, TextPart("a")])) == [{"role": "assistant", "content": "a"}]


def test_a_refusal_goes_back_as_text() -> None:
    assert sent(AssistantMessage([RefusalPart("No.")], origin=OWN)) == [{"role": "assistant", "content": "No."}]


def test_messages_that_say_nothing_are_left_out() -> None:
    empty: list[Message] = [
        AssistantMessage(""),
        AssistantMessage([TextPart(" \n"), RefusalPart("")]),
        AssistantMessage([THINKING], origin=OWN),
        AssistantMessage("", unrun_calls=[CALL]),
        SystemMessage(""),
        UserMessage(" "),
    ]
    assert sent(HI, *empty) == [{"role": "user", "content": "Hi"}]


def test_ids_that_do_not_fit() -> None:
    fits, long = "x" * 64, "x" * 65
    calls = ToolCallMessage([ToolCall(fits, "f", "{}"), ToolCall(long, "f", "{}")])
    match sent(calls, ToolResultMessage(fits, "f", "1"), ToolResultMessage(long, "f", "2")):
        case [{"call_id": str(one)}, {"call_id": str(two)}, {"call_id": str(third)}, {"call_id": str(fourth)}]:
            assert one == third == fits
            assert two == fourth
            assert len(two) <= 64
        case other:
            raise AssertionError(other)


def test_text_that_is_no_unicode_is_repaired() -> None:
    assert sent(UserMessage("\ud83d\ude00 \ud800")) == [{"role": "user", "content": "😀 \ufffd"}]


def test_what_was_decoded_goes_back_as_it_came() -> None:
    message: JsonObject = {"id": "msg", "phase": "commentary", "content": [{"type": "output_text", "text": "a"}]}
    call: JsonObject = {"id": "fc", "call_id": "x", "name": "f", "arguments": "{}", "status": "completed"}
    frames = [
        done(0, "reasoning", id="rs", summary=[{"type": "summary_text", "text": "h"}], encrypted_content="e"),
        added(1, "message", id="msg"),
        text("a", 1),
        done(1, "message", **message),
        done(2, "web_search_call", id="ws", x=1),
        done(3, "function_call", **call),
    ]
    turn = fold_turn(decoded(CREATED, *frames, COMPLETED))
    assert turn.message is not None
    content: list[JsonValue] = [{"type": "output_text", "text": "a", "annotations": []}]
    assert sent(turn.message) == [
        {**THOUGHT, "summary": [{"type": "summary_text", "text": "h"}]},
        {**NAMED_TEXT, "content": content},
        {"type": "web_search_call", "id": "ws", "x": 1},
        {**SENT_CALL, "id": "fc"},
    ]


INPUT: TypeAdapter[object] = TypeAdapter(ResponseInputParam)


@given(histories())
def test_any_history_is_valid_on_the_wire(history: tuple[Message, ...]) -> None:
    """Law 19 for this wire: no blank text, results behind their calls, in order, and the SDK's own request types."""
    awaited: list[JsonValue] = []
    items = sent(*history, UserMessage("go on"))
    INPUT.validate_python(items)
    assert isinstance(items, list)
    for item in items:
        match item:
            case {"type": "function_call_output", "call_id": id_}:
                assert id_ == awaited.pop(0)
            case {"type": "function_call", "call_id": id_, "arguments": str(arguments)}:
                assert isinstance(parse_object(arguments), Success)
                awaited.append(id_)
            case {"role": str(role), "content": str(words)}:
                assert words.strip()
                # A model may speak on after its call; nobody else comes before the result.
                assert role == "assistant" or awaited == []
            case _:
                raise AssertionError(item)
    assert awaited == []


def test_the_sdk_knows_the_items_that_are_sent() -> None:
    said = ToolCallMessage([THINKING, replace(SAID, provider_data=data({"id": "msg"})), CALL], origin=OWN)
    INPUT.validate_python(sent(SystemMessage("S"), HI, said, ToolResultMessage("x", "f", "1")))
