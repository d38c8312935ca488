"""What a request says on this wire, and what it leaves out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
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
from punk.core.parts import OpaquePart, RefusalPart, TextPart, ThinkingPart, ToolCall
from punk.core.provider_data import ProviderData
from punk.core.request import ToolSpec
from punk.core.thinking import ThinkingConfig
from punk.providers.base import Delivery
from punk.providers.openai.chat.encode import encode
from punk.providers.openai.chat.settings import FAMILY, ChatSettings
from punk.providers.openai.naming import NAMES
from punk.testing.strategies import histories

OPENAI = ChatSettings("gpt")
OTHER = ChatSettings("gpt", flavour="compatible")
HI = UserMessage("Hi")
OWN = Origin(FAMILY)
TOOL = ToolSpec("f", "does f", '{"type":"object","properties":{}}')


def body(
    *messages: Message, settings: ChatSettings = OPENAI, tools: Sequence[ToolSpec] = (), delivery: Delivery = "stream"
) -> JsonObject:
    match encode(settings, RequestTurn(1, messages, tuple(tools)), delivery):
        case Success(encoded):
            return dict(encoded.json)
        case other:
            raise AssertionError(other)


def sent(*messages: Message, settings: ChatSettings = OPENAI) -> JsonValue:
    return body(*messages, settings=settings)["messages"]


def refused(turn: RequestTurn, settings: ChatSettings = OPENAI) -> str:
    match encode(settings, turn, "stream"):
        case Failure(Unsupported(message=message)):
            return str(message)
        case other:
            raise AssertionError(other)


def data(value: JsonValue) -> ProviderData:
    return ProviderData.of(FAMILY, value)


def test_the_least_request() -> None:
    assert body(HI) == {
        "model": "gpt",
        "messages": [{"role": "user", "content": "Hi"}],
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    assert body(HI, delivery="whole") == {"model": "gpt", "messages": [{"role": "user", "content": "Hi"}]}


@pytest.mark.parametrize(("settings", "limit"), [(OPENAI, "max_completion_tokens"), (OTHER, "max_tokens")])
def test_settings(settings: ChatSettings, limit: str) -> None:
    full = replace(
        settings,
        max_tokens=9,
        temperature=0.0,
        top_p=0.5,
        stop_sequences=("x",),
        thinking_config=ThinkingConfig(effort="low"),
        extra_body={"seed": 1, "stream": False, "stream_options": {}},
    )
    assert body(HI, settings=full, tools=[TOOL]) == {
        "model": "gpt",
        "messages": [{"role": "user", "content": "Hi"}],
        limit: 9,
        "temperature": 0.0,
        "top_p": 0.5,
        "stop": ["x"],
        "reasoning_effort": "low",
        "tools": [
            {
                "type": "function",
                "function": {
                    "name": "f",
                    "description": "does f",
                    "parameters": {"type": "object", "properties": {}},
                },
            }
        ],
        "stream": True,
        "stream_options": {},
        "seed": 1,
    }


def test_top_k_is_for_compatible_servers() -> None:
    assert body(HI, settings=replace(OTHER, top_k=3))["top_k"] == 3
    assert "top_k" in refused(RequestTurn(1, (HI,), ()), replace(OPENAI, top_k=3))


@pytest.mark.parametrize(
    ("config", "effort"),
    [
        (ThinkingConfig(), None),
        (ThinkingConfig(include_thoughts=False), None),
        (ThinkingConfig(effort="none"), "none"),
        (ThinkingConfig(effort="max"), "max"),
        (ThinkingConfig(token_budget=0), "none"),
        (ThinkingConfig(token_budget=9000), "medium"),
        (ThinkingConfig(token_budget=1024), "low"),
    ],
)
@pytest.mark.parametrize("settings", [OPENAI, OTHER])
def test_thinking_is_asked_for_by_effort(config: ThinkingConfig, effort: str | None, settings: ChatSettings) -> None:
    assert body(HI, settings=replace(settings, thinking_config=config)).get("reasoning_effort") == effort


def test_a_model_that_does_not_reason_is_not_asked_to() -> None:
    old = replace(OPENAI, model="gpt-4o")
    for off in (ThinkingConfig(token_budget=0), ThinkingConfig(effort="none")):
        assert body(HI, settings=replace(old, thinking_config=off)) == body(HI, settings=old)
    for on in (ThinkingConfig(), ThinkingConfig(token_budget=1), ThinkingConfig(effort="low")):
        asking = replace(old, thinking_config=on)
        why = refused(RequestTurn(1, (HI,), ()), asking)
        assert why == "gpt-4o does not reason: leave thinking_config out, or take a model that does"
        # What another server calls so is its own business.
        body(HI, settings=replace(asking, flavour="compatible"))


@pytest.mark.parametrize(("settings", "limit"), [(OPENAI, "max_completion_tokens"), (OTHER, "max_tokens")])
@pytest.mark.parametrize(("most", "raised"), [(None, None), (2000, 4000), (2001, 2001), (16, 2016)])
def test_max_tokens_is_raised_above_a_budget(
    settings: ChatSettings, limit: str, most: int | None, raised: int | None
) -> None:
    asking = replace(settings, max_tokens=most, thinking_config=ThinkingConfig(token_budget=2000))
    assert body(HI, settings=asking).get(limit) == raised


def test_what_cannot_be_said() -> None:
    assert "nothing to send" in refused(RequestTurn(1, (UserMessage(" "), AssistantMessage("")), ()))
    assert "tool f" in refused(RequestTurn(1, (HI,), (replace(TOOL, parameters="[]"),)))


def test_a_conversation_with_tools() -> None:
    calls = ToolCallMessage([TextPart("a"), ToolCall("x", "f", '{"n": 1}'), TextPart("b"), ToolCall("y", "f", "[1")])
    results = [ToolResultMessage("x", "f", "1"), ToolResultMessage("y", "f", "", is_error=True)]
    assert sent(SystemMessage("S"), HI, calls, *results, AssistantMessage("done"), SystemMessage("T"), HI) == [
        {"role": "system", "content": "S"},
        {"role": "user", "content": "Hi"},
        {
            "role": "assistant",
            "content": "ab",
            "tool_calls": [
                {"id": "x", "type": "function", "function": {"name": "f", "arguments": '{"n": 1}'}},
                {"id": "y", "type": "function", "function": {"name": "f", "arguments": "{}"}},
            ],
        },
        {"role": "tool", "tool_call_id": "x", "content": "1"},
        {"role": "tool", "tool_call_id": "y", "content": ""},
        {"role": "assistant", "content": "done"},
        {"role": "system", "content": "T"},
        {"role": "user", "content": "Hi"},
    ]


def test_ids_and_names_that_do_not_fit() -> None:
    long = "toolu_" + "x" * 60
    calls = ToolCallMessage([ToolCall(long, "f", "{}"), ToolCall("s", "not a name", "{}"), ToolCall("t", "a.b", "{}")])
    tools = [TOOL, replace(TOOL, name="a.b")]
    messages = body(calls, ToolResultMessage(long, "f", "1"), tools=tools, settings=OTHER)["messages"]
    match messages:
        case [{"content": None, "tool_calls": [first, second, third]}, {"tool_call_id": str(id_)}]:
            assert first == {"id": id_, "type": "function", "function": {"name": "f", "arguments": "{}"}}
            assert len(id_) <= 40
            assert isinstance(second, dict)
            assert second["function"] == {"name": NAMES.spelled("not a name"), "arguments": "{}"}
            assert isinstance(third, dict)
            assert third["function"] == {"name": "a.b", "arguments": "{}"}
        case _:
            raise AssertionError(messages)


@pytest.mark.parametrize("settings", [OPENAI, OTHER])
def test_messages_that_say_nothing_are_left_out(settings: ChatSettings) -> None:
    empty: list[Message] = [
        AssistantMessage(""),
        AssistantMessage(" \n"),
        AssistantMessage([ThinkingPart("hm")], origin=OWN),
        AssistantMessage([ThinkingPart("hm", provider_data=data({"reasoning_details": [{}]}))], origin=OWN),
        AssistantMessage("", unrun_calls=[ToolCall("x", "f", "{}")]),
        SystemMessage(""),
        UserMessage(" "),
    ]
    assert sent(HI, *empty, settings=settings) == [{"role": "user", "content": "Hi"}]


def test_a_refusal() -> None:
    refusal = AssistantMessage([RefusalPart("No.")])
    assert sent(refusal) == [{"role": "assistant", "content": None, "refusal": "No."}]
    assert sent(refusal, settings=OTHER) == [{"role": "assistant", "content": "No."}]


DETAILS: list[JsonValue] = [{"type": "reasoning.encrypted", "data": "x"}]
CALL = ToolCall("x", "f", "{}")
SENT_CALL: JsonValue = [{"id": "x", "type": "function", "function": {"name": "f", "arguments": "{}"}}]


@pytest.mark.parametrize(
    ("kept", "fields"),
    [
        (None, {"reasoning_content": "hm"}),
        (data({"channel": "reasoning"}), {"reasoning": "hm"}),
        (data({"reasoning_details": DETAILS}), {"reasoning_details": DETAILS}),
    ],
)
def test_a_compatible_server_gets_its_thinking_back_where_it_came_from(
    kept: ProviderData | None, fields: JsonObject
) -> None:
    thought = ThinkingPart("hm", provider_data=kept)
    beside_calls = ToolCallMessage([thought, CALL], origin=OWN)
    plain: JsonObject = {"role": "assistant", "content": None, "tool_calls": SENT_CALL}
    assert sent(beside_calls, settings=OTHER) == [{**plain, **fields}]
    assert sent(beside_calls) == [plain]
    foreign = ToolCallMessage([thought, CALL], origin=Origin("anthropic"))
    assert sent(foreign, settings=OTHER) == [plain]
    alone: JsonObject = {"role": "assistant", "content": "a"}
    details = {name: value for name, value in fields.items() if name == "reasoning_details"}
    answer = AssistantMessage([thought, TextPart("a")], origin=OWN)
    assert sent(answer, settings=OTHER) == [{**alone, **details}]


def test_pieces_of_content_go_back_in_their_place() -> None:
    thought = ThinkingPart("hm", provider_data=data({"channel": "content"}))
    opaque = OpaquePart("reference", data({"type": "reference", "reference_ids": [1]}))
    others = [replace(opaque, replayable=False), replace(opaque, data=ProviderData.of("anthropic", {}))]
    message = ToolCallMessage([thought, TextPart("a"), opaque, *others, TextPart(""), CALL], origin=OWN)
    pieces: JsonValue = [
        {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]},
        {"type": "text", "text": "a"},
        {"type": "reference", "reference_ids": [1]},
    ]
    assert sent(message, settings=OTHER) == [{"role": "assistant", "content": pieces, "tool_calls": SENT_CALL}]
    assert sent(message) == [{"role": "assistant", "content": "a", "tool_calls": SENT_CALL}]


def test_text_that_is_no_unicode_is_repaired() -> None:
    assert sent(UserMessage("\ud83d\ude00 \ud800")) == [{"role": "user", "content": "😀 \ufffd"}]


@given(histories(), st.sampled_from((OPENAI, OTHER)))
def test_any_history_is_valid_on_the_wire(history: tuple[Message, ...], settings: ChatSettings) -> None:
    """Law 19 for this wire: no empty message, results right behind their calls, in order, arguments are objects."""
    awaited: list[JsonValue] = []
    messages = sent(*history, UserMessage("go on"), settings=settings)
    assert isinstance(messages, list)
    for message in messages:
        assert isinstance(message, dict)
        if message["role"] == "tool":
            assert message["tool_call_id"] == awaited.pop(0)
            continue
        assert awaited == []
        content, calls = message["content"], message.get("tool_calls", [])
        assert content or calls or message.get("refusal")
        assert not isinstance(content, str) or content.strip()
        assert isinstance(calls, list)
        for call in calls:
            match call:
                case {"id": str(id_), "function": {"arguments": str(arguments)}}:
                    awaited.append(id_)
                    assert isinstance(parse_object(arguments), Success)
                case _:
                    raise AssertionError(call)
    assert awaited == []
