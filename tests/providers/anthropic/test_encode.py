"""What a conversation becomes on the Messages wire, and that the wire's rules hold for any."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from returns.methods import unwrap_or_failure

from punk.core.effects import RequestTurn
from punk.core.failures import Unsupported
from punk.core.history import valid_history
from punk.core.json import JsonObject, JsonValue
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
from punk.providers.anthropic.encode import encode
from punk.providers.anthropic.settings import AnthropicSettings
from punk.providers.base import Body, Delivery
from punk.testing.strategies import histories
from punk.testing.wires.anthropic_request import RULES, request_faults

OURS = Origin("anthropic", "claude-opus-5")
SETTINGS = AnthropicSettings("claude-opus-5", max_tokens=100)


def data(value: JsonValue, family: str = "anthropic") -> ProviderData:
    return ProviderData.of(family, value)


def body_of(
    *messages: Message,
    tools: tuple[ToolSpec, ...] = (),
    settings: AnthropicSettings = SETTINGS,
    delivery: Delivery = "stream",
) -> JsonObject:
    body = unwrap_or_failure(encode(settings, RequestTurn(1, messages, tools), delivery))
    assert isinstance(body, Body), body
    assert request_faults(body.json) == ()
    return body.json


def messages_of(*messages: Message) -> list[tuple[JsonValue, JsonValue]]:
    said = body_of(*messages)["messages"]
    assert isinstance(said, list)
    return [(message["role"], message["content"]) for message in said if isinstance(message, dict)]


def answer_of(*parts: AssistantPart, origin: Origin = OURS) -> JsonValue:
    """The blocks of an answer with these parts, and a text after them so that none is the last."""
    said = messages_of(UserMessage("Hi"), AssistantMessage([*parts, TextPart(".")], origin=origin), UserMessage("Go"))
    blocks = said[1][1]
    assert isinstance(blocks, list)
    assert blocks[-1] == text(".")
    return blocks[:-1]


def text(words: str) -> JsonObject:
    return {"type": "text", "text": words}


def test_a_request_holds_the_settings() -> None:
    settings = AnthropicSettings(
        "m", max_tokens=7, temperature=0.5, top_p=0.9, top_k=4, stop_sequences=("END",), extra_body={"metadata": {}}
    )
    assert body_of(UserMessage("Hi"), settings=settings, delivery="whole") == {
        "model": "m",
        "max_tokens": 7,
        "messages": [{"role": "user", "content": [text("Hi")]}],
        "temperature": 0.5,
        "top_p": 0.9,
        "top_k": 4,
        "stop_sequences": ["END"],
        "metadata": {},
        "stream": False,
    }
    assert body_of(UserMessage("Hi")) == {
        "model": "claude-opus-5",
        "max_tokens": 100,
        "messages": [{"role": "user", "content": [text("Hi")]}],
        "stream": True,
    }


def test_extra_fields_win() -> None:
    assert body_of(UserMessage("Hi"), settings=replace(SETTINGS, extra_body={"max_tokens": 1}))["max_tokens"] == 1


def test_every_system_message_is_a_block_of_the_system() -> None:
    said = (SystemMessage("A"), UserMessage("Hi"), SystemMessage("B"), SystemMessage(" "), UserMessage("Go"))
    body = body_of(*said)
    assert body["system"] == [text("A"), text("B")]
    assert body["messages"] == [{"role": "user", "content": [text("Hi"), text("Go")]}]


def test_all_results_of_a_turn_are_in_one_user_message() -> None:
    call = ToolCallMessage(
        [TextPart("Let me see."), ToolCall("a", "f", '{"x":1}'), ToolCall("b", "g", "{}")], origin=OURS
    )
    results = (ToolResultMessage("a", "f", "1"), ToolResultMessage("b", "g", " ", is_error=True))
    assert messages_of(UserMessage("Hi"), call, *results, UserMessage("Go")) == [
        ("user", [text("Hi")]),
        (
            "assistant",
            [
                text("Let me see."),
                {"type": "tool_use", "id": "a", "name": "f", "input": {"x": 1}},
                {"type": "tool_use", "id": "b", "name": "g", "input": {}},
            ],
        ),
        (
            "user",
            [
                {"type": "tool_result", "tool_use_id": "a", "content": "1"},
                {"type": "tool_result", "tool_use_id": "b", "content": "(no output)", "is_error": True},
                text("Go"),
            ],
        ),
    ]


def test_blocks_keep_their_place_and_their_payload() -> None:
    redacted: JsonObject = {"type": "redacted_thinking", "data": "x"}
    search: JsonObject = {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {"q": 1}}
    found: JsonObject = {"type": "web_search_tool_result", "tool_use_id": "s", "content": []}
    assert answer_of(
        ThinkingPart("hm", "sig"),
        ThinkingPart("", None, data(redacted)),
        TextPart("a", data({"citations": [{"n": 1}]})),
        OpaquePart("server_tool_use", data(search)),
        OpaquePart("web_search_tool_result", data(found)),
        ThinkingPart("", "sig2"),
    ) == [
        {"type": "thinking", "thinking": "hm", "signature": "sig"},
        redacted,
        {**text("a"), "citations": [{"n": 1}]},
        search,
        found,
        {"type": "thinking", "thinking": "", "signature": "sig2"},
    ]


def test_what_only_another_wire_understands_is_left_out() -> None:
    foreign = Origin("openai-chat")
    assert answer_of(ThinkingPart("hm", "sig"), origin=foreign) == []
    assert answer_of(ThinkingPart("hm", "sig", data({"x": 1}, "google")), origin=foreign) == []
    assert answer_of(OpaquePart("thing", data({"x": 1}, "google"))) == []
    assert answer_of(OpaquePart("thing", data({"type": "thing"}), replayable=False)) == []
    assert answer_of(OpaquePart("thing", data([1])), OpaquePart("thing", data({"x": 1}))) == []
    assert answer_of(ThinkingPart("unsigned")) == []
    assert answer_of(TextPart("a", data({"citations": [1]}, "google"))) == [text("a")]
    assert answer_of(TextPart("a", data({"citations": []}))) == [text("a")]


def test_a_refusals_words_are_text() -> None:
    assert answer_of(RefusalPart("No."), TextPart(" \n")) == [text("No.")]


def test_a_server_call_goes_with_its_result() -> None:
    search = OpaquePart("server_tool_use", data({"type": "server_tool_use", "id": "s", "name": "q", "input": {}}))
    found = OpaquePart("x_tool_result", data({"type": "x_tool_result", "tool_use_id": "s", "content": []}))
    assert answer_of(search) == []
    assert answer_of(found) == []
    # Where the turn goes on, it is the provider who owes the result.
    assert len(str(messages_of(UserMessage("Hi"), AssistantMessage([search], origin=OURS)))) > 60
    call = ToolCallMessage([search, ToolCall("a", "f", "{}", data({"caller": {"type": "x"}}))], origin=OURS)
    said = messages_of(UserMessage("Hi"), call, ToolResultMessage("a", "f", "1"))
    assert said[1][1] == [
        {"type": "server_tool_use", "id": "s", "name": "q", "input": {}},
        {"caller": {"type": "x"}, "type": "tool_use", "id": "a", "name": "f", "input": {}},
    ]
    after = messages_of(UserMessage("Hi"), call, ToolResultMessage("a", "f", "1"), UserMessage("Never mind"))
    assert "server_tool_use" not in str(after)


def test_thinking_is_never_the_last_block() -> None:
    only = AssistantMessage(
        [ThinkingPart("hm", "s"), ThinkingPart("", None, data({"type": "redacted_thinking"}))], origin=OURS
    )
    assert messages_of(UserMessage("Hi"), only, UserMessage("Go")) == [("user", [text("Hi"), text("Go")])]


def test_an_answer_to_be_continued_does_not_end_in_white_space() -> None:
    assert messages_of(UserMessage("Hi"), AssistantMessage("So \n"))[-1] == ("assistant", [text("So")])
    assert messages_of(UserMessage("Hi"), AssistantMessage("So "), UserMessage("Go"))[1] == ("assistant", [text("So ")])


def test_empty_messages_are_left_out_and_neighbours_merged() -> None:
    assert messages_of(UserMessage("a"), AssistantMessage(""), UserMessage(" "), UserMessage("b")) == [
        ("user", [text("a"), text("b")])
    ]
    assert messages_of(UserMessage("a"), AssistantMessage("b"), AssistantMessage("c"))[1] == (
        "assistant",
        [text("b"), text("c")],
    )


@pytest.mark.parametrize("id_", ["call.1", "a b", "é", "", "\ud83d", "x" * 30 + "|" * 30])
def test_an_id_of_other_letters_is_replaced_in_call_and_result(id_: str) -> None:
    said = messages_of(
        UserMessage("Hi"),
        ToolCallMessage([ToolCall(id_, "f.g", "{}"), ToolCall(f"{id_}.", "g", "[1]")], origin=Origin("google")),
        ToolResultMessage(id_, "f.g", "1"),
        ToolResultMessage(f"{id_}.", "g", "2"),
    )
    calls, results = said[1][1], said[2][1]
    assert isinstance(calls, list)
    assert isinstance(results, list)
    ids = [call["id"] for call in calls if isinstance(call, dict)]
    assert len({str(known) for known in ids}) == 2
    assert [result["tool_use_id"] for result in results if isinstance(result, dict)] == ids
    assert [call["input"] for call in calls if isinstance(call, dict)] == [{}, {}]


def test_tools_are_described() -> None:
    tools = (ToolSpec("f", "Looks.", '{"type":"object","properties":{}}'), ToolSpec("g", " ", "{}"))
    assert body_of(UserMessage("Hi"), tools=tools)["tools"] == [
        {"name": "f", "description": "Looks.", "input_schema": {"type": "object", "properties": {}}},
        {"name": "g", "input_schema": {"type": "object"}},
    ]


@pytest.mark.parametrize(
    ("messages", "tool"),
    [
        ((UserMessage("Hi"),), ToolSpec("a.b", "", "{}")),
        ((UserMessage("Hi"),), ToolSpec("", "", "{}")),
        ((UserMessage("Hi"),), ToolSpec("a" * 129, "", "{}")),
        ((UserMessage("Hi"),), ToolSpec("f", "", "[]")),
        ((UserMessage(" "),), ToolSpec("f", "", "{}")),
        ((SystemMessage("Be brief."),), ToolSpec("f", "", "{}")),
    ],
)
def test_what_the_wire_cannot_hold_is_refused(messages: tuple[Message, ...], tool: ToolSpec) -> None:
    refused = unwrap_or_failure(encode(SETTINGS, RequestTurn(1, messages, (tool,)), "stream"))
    assert isinstance(refused, Unsupported)
    assert refused.message


def test_a_request_can_be_written_in_utf_8() -> None:
    body_of(
        UserMessage("cut \ud83d"), AssistantMessage([OpaquePart("t", data({"type": "t", "x": "\ud83d"}))], origin=OURS)
    )
    assert messages_of(UserMessage("cut \ud83d")) == [("user", [text("cut �")])]


@given(histories())
def test_any_history_keeps_the_rules_of_the_wire(said: tuple[Message, ...]) -> None:
    """Laws 18 and 19: what is encoded is valid, and says all text there is."""
    messages = (UserMessage("Hi"), *valid_history(said))
    settings = replace(SETTINGS, model="claude-opus-4-5", thinking_config=ThinkingConfig(token_budget=2000))
    sent = str(body_of(*messages, settings=settings))
    for message in messages:
        for part in getattr(message, "parts", ()):
            if isinstance(part, TextPart | RefusalPart) and part.text.strip():
                assert repr(part.text.rstrip())[1:-1] in sent


def test_the_rules_can_be_broken() -> None:
    block: JsonValue = {"type": "thinking", "thinking": "", "signature": ""}
    bad: JsonObject = {
        "system": [{**text(""), "cache_control": {"ttl": "5m"}}],
        "tools": [{"name": "a b", "strict": True, "input_schema": {"type": "object"}}],
        "tool_choice": {"type": "tool", "name": "f"},
        "output_config": {"format": {"type": "json_schema", "schema": {"type": "object"}}},
        "max_tokens": 1024,
        "thinking": {"type": "enabled", "budget_tokens": 1024},
        "messages": [
            {"role": "assistant", "content": [{"type": "tool_use", "id": "a b", "name": "f", "input": []}, block]},
            {"role": "assistant", "content": []},
            {"role": "user", "content": [{}, {"type": "tool_result", "tool_use_id": "x", "content": ""}]},
            {"role": "user", "content": [{"type": "image", "source": {"type": "url", "url": "http://x"}}]},
            {"role": "assistant", "content": [text("so ")]},
        ],
    }
    uncalled: JsonObject = {"messages": bad["messages"]}
    assert {*request_faults(bad), *request_faults(uncalled), *request_faults({})} == {*RULES}
