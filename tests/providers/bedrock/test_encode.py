"""What a conversation becomes on the Converse wire."""

from __future__ import annotations

from dataclasses import replace

from punk.core.json import JsonObject, JsonValue
from punk.core.media import CacheMark
from punk.core.messages import (
    AssistantMessage,
    Origin,
    SystemMessage,
    ToolCallMessage,
    ToolResultMessage,
    UserMessage,
)
from punk.core.parts import (
    OpaquePart,
    RefusalPart,
    TextPart,
    ThinkingPart,
    ToolCall,
)
from punk.providers.base import Body
from punk.providers.bedrock.rules import NO_OUTPUT, NO_WORDS
from tests.providers.bedrock.aws import faults_of
from tests.providers.bedrock.requests import (
    HI,
    OLDER,
    OURS,
    SETTINGS,
    TOOL,
    answer_of,
    body_of,
    data,
    encoded,
    messages_of,
    result,
    spec,
)


def test_a_request_holds_the_settings() -> None:
    settings = replace(OLDER, max_tokens=7, temperature=0.0, top_p=0.9, top_k=4, stop_sequences=("END",))
    assert body_of(HI, settings=settings) == {
        "messages": [{"role": "user", "content": [{"text": "Hi"}]}],
        "inferenceConfig": {"maxTokens": 7, "temperature": 0.0, "topP": 0.9, "stopSequences": ["END"]},
        "additionalModelRequestFields": {"top_k": 4},
    }
    assert body_of(HI) == {"messages": [{"role": "user", "content": [{"text": "Hi"}]}]}


def test_each_delivery_is_told() -> None:
    for delivery in ("stream", "whole", "count"):
        body = encoded(HI, delivery=delivery)
        assert isinstance(body, Body)
        assert body.delivery == delivery
        assert faults_of(body.json, delivery) == ""


def test_what_is_counted() -> None:
    settings = replace(SETTINGS, max_tokens=7, top_k=4, extra_body={"guardrailConfig": {}})
    body = encoded(SystemMessage("S"), HI, tools=(TOOL,), settings=settings, delivery="count")
    whole = encoded(SystemMessage("S"), HI, tools=(TOOL,), settings=settings)
    assert isinstance(body, Body)
    assert isinstance(whole, Body)
    kept = ("messages", "system", "toolConfig", "additionalModelRequestFields")
    assert body.json == {"input": {"converse": {name: whole.json[name] for name in kept}}}
    assert faults_of(body.json, "count") == ""


def test_extra_fields_are_laid_over_and_tools_are_added() -> None:
    grounding: JsonObject = {"systemTool": {"name": "nova_grounding"}}
    extra: JsonObject = {
        "inferenceConfig": {"maxTokens": 1},
        "toolConfig": {"tools": [grounding]},
        "performanceConfig": {"latency": "optimized"},
        "messages": [{"role": "user", "content": [{"text": "Other"}]}],
    }
    settings = replace(SETTINGS, max_tokens=9, temperature=0.5, extra_body=extra)
    body = body_of(HI, tools=(TOOL,), settings=settings)
    assert body["inferenceConfig"] == {"maxTokens": 1, "temperature": 0.5}
    assert body["toolConfig"] == {
        "tools": [spec("f", {"properties": {"x": {"type": "integer"}}}, "Does f."), grounding]
    }
    assert body["performanceConfig"] == {"latency": "optimized"}
    assert body["messages"] == extra["messages"]


def test_every_system_message_is_a_block_of_the_system() -> None:
    marked = SystemMessage([TextPart("B", cache=CacheMark("1h")), TextPart(" ", cache=CacheMark())])
    body = body_of(SystemMessage("A"), HI, marked, UserMessage("Go"))
    assert body["system"] == [{"text": "A"}, {"text": "B"}, {"cachePoint": {"type": "default", "ttl": "1h"}}]
    assert body["messages"] == [{"role": "user", "content": [{"text": "Hi"}, {"text": "Go"}]}]


def test_all_results_of_a_turn_are_in_one_user_message() -> None:
    call = ToolCallMessage([TextPart("See."), ToolCall("a", "f", '{"x":1}'), ToolCall("b", "g", "[")], origin=OURS)
    results = (ToolResultMessage("a", "f", "1"), ToolResultMessage("b", "g", " ", is_error=True))
    assert messages_of(HI, call, *results, UserMessage("Go"), tools=(TOOL,)) == [
        ("user", [{"text": "Hi"}]),
        (
            "assistant",
            [
                {"text": "See."},
                {"toolUse": {"toolUseId": "a", "name": "f", "input": {"x": 1}}},
                {"toolUse": {"toolUseId": "b", "name": "g", "input": {}}},
            ],
        ),
        ("user", [result("a", "1"), result("b", NO_OUTPUT, "error"), {"text": "Go"}]),
    ]


def test_where_tools_were_called_there_are_tools() -> None:
    call = ToolCallMessage([ToolCall("a", "f", "{}"), ToolCall("b", "ünï x", "{}"), ToolCall("c", "f", "{}")])
    results = tuple(ToolResultMessage(id_, "f", "1") for id_ in "abc")
    config = body_of(HI, call, *results)["toolConfig"]
    assert isinstance(config, dict)
    tools = config["tools"]
    assert isinstance(tools, list)
    assert tools[0] == spec("f", {})
    assert len(tools) == 2
    assert body_of(HI, call, *results, tools=(TOOL,))["toolConfig"] != config


def test_foreign_ids_become_the_same_in_call_and_result() -> None:
    id_ = "functions.f:0|" + "x" * 70
    said = messages_of(HI, ToolCallMessage([ToolCall(id_, "f", "{}")]), ToolResultMessage(id_, "f", "1"))
    call, answer = said[1][1], said[2][1]
    assert isinstance(call, list)
    assert isinstance(answer, list)
    assert isinstance(call[0], dict)
    assert isinstance(used := call[0]["toolUse"], dict)
    assert answer == [result(str(used["toolUseId"]), "1")]
    assert used["toolUseId"] != id_


def test_reasoning_goes_back_in_place_to_its_own_wire() -> None:
    signed: JsonObject = {"reasoningContent": {"reasoningText": {"text": "Hm", "signature": "s"}}}
    sealed: JsonObject = {"reasoningContent": {"redactedContent": "AAEC"}}
    thoughts = (ThinkingPart("Hm", "s"), ThinkingPart("unsigned"), ThinkingPart("", provider_data=data(sealed)))
    assert answer_of(*thoughts, TextPart("A"), ThinkingPart("Hm", "s")) == [signed, sealed, {"text": "A"}, signed]
    assert answer_of(ThinkingPart("Hm", "s"), origin=Origin("anthropic")) == []
    assert answer_of(ThinkingPart("", provider_data=data({"type": "redacted_thinking"}, "anthropic"))) == []


def test_reasoning_is_never_the_last_block() -> None:
    ends = AssistantMessage([TextPart("A"), ThinkingPart("Hm", "s")], origin=OURS)
    only = AssistantMessage([ThinkingPart("Hm", "s")], origin=OURS)
    assert messages_of(HI, only, UserMessage("Go"), ends, UserMessage("On")) == [
        ("user", [{"text": "Hi"}, {"text": "Go"}]),
        ("assistant", [{"text": "A"}]),
        ("user", [{"text": "On"}]),
    ]


def test_citations_go_back_with_their_text() -> None:
    citations: JsonValue = [{"location": {"web": {"url": "u", "domain": "d"}}}]
    cited = data({"citations": citations})
    with_text: JsonObject = {"citationsContent": {"content": [{"text": "A"}], "citations": citations}}
    alone: JsonObject = {"citationsContent": {"citations": citations}}
    assert answer_of(TextPart("A", cited), TextPart("", cited)) == [with_text, alone]
    assert answer_of(TextPart("A", data({"citations": citations}, "anthropic"))) == [{"text": "A"}]


def opaque(value: JsonObject, **more: bool) -> OpaquePart:
    return OpaquePart(next(iter(value)), data(value), **more)


def test_opaque_blocks_go_back_as_they_came() -> None:
    call: JsonObject = {"toolUse": {"toolUseId": "t", "name": "n", "type": "server_tool_use", "input": {}}}
    served: JsonObject = {
        "toolResult": {"toolUseId": "t", "type": "x", "status": "success", "content": [{"text": "A"}]}
    }
    assert answer_of(opaque(call), opaque(served)) == [call, served]
    assert answer_of(opaque(call)) == []
    assert answer_of(opaque(served)) == []
    search: JsonObject = {"searchResult": {"source": "s", "title": "t", "content": [{"text": "x"}]}}
    assert answer_of(opaque(search), opaque(search, replayable=False)) == [search]
    assert answer_of(opaque({"image": {"format": "png", "source": {"bytes": "AA=="}}})) == []
    assert answer_of(OpaquePart("thing", data({"thing": {}}, "anthropic"))) == []


def test_refusals_are_text_and_blank_texts_are_left_out() -> None:
    assert answer_of(RefusalPart("No."), TextPart(" \n"), RefusalPart("")) == [{"text": "No."}]


def test_unrun_calls_are_never_sent() -> None:
    cut = AssistantMessage("A", unrun_calls=[ToolCall("a", "f", "{")], origin=OURS)
    assert "toolConfig" not in body_of(HI, cut, UserMessage("Go"))


def test_an_answer_that_comes_first_answers_something() -> None:
    assert messages_of(AssistantMessage("A"), HI)[0] == ("user", [{"text": NO_WORDS}])


def test_an_answer_to_be_continued_does_not_end_in_white_space() -> None:
    assert messages_of(HI, AssistantMessage("A \n"))[1] == ("assistant", [{"text": "A"}])


def test_lone_surrogates_are_repaired() -> None:
    assert messages_of(UserMessage("\ud83d\ude00 \ud83d")) == [("user", [{"text": "😀 \ufffd"}])]
