"""Responses, the request as a whole: its rules, the SDK's own types, media, marks, choices, answers, counting."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai.types.responses import InputTokenCountParams
from openai.types.responses.response_create_params import (
    ResponseCreateParamsNonStreaming,
    ResponseCreateParamsStreaming,
)
from returns.methods import unwrap_or_failure
from returns.result import Failure, Success

from punk.core.effects import RequestTurn
from punk.core.failures import Unsupported
from punk.core.json import JsonObject, JsonValue
from punk.core.media import CacheMark, MediaUrl
from punk.core.messages import AssistantMessage, Message, SystemMessage, ToolCallMessage, ToolResultMessage, UserMessage
from punk.core.parts import DocumentPart, ImagePart, TextPart, ToolCall, UserPart
from punk.core.request import OneTool, OutputSpec, ToolChoice, ToolSpec
from punk.core.thinking import ThinkingConfig
from punk.providers.base import Body, Delivery
from punk.providers.openai.responses.encode import encode
from punk.providers.openai.responses.settings import ResponsesSettings
from punk.providers.openai.responses.usage import count_in
from punk.testing.wires.openai_responses_request import RULES, request_faults
from tests.support.asking import CHOICES, CLOSED, NOTE, OPEN, PDF, PNG, THINKING, TOOLS, WEB, requests, unsaid, words
from tests.support.sdk_types import SdkType

NEW: Final = ResponsesSettings("gpt-5.6")
OLD: Final = ResponsesSettings("gpt-5.5")
HI: Final = UserMessage("Hi")
TYPES: Final = {
    "stream": SdkType(ResponseCreateParamsStreaming),
    "whole": SdkType(ResponseCreateParamsNonStreaming),
    "count": SdkType(InputTokenCountParams),
}
DELIVERIES: Final[st.SearchStrategy[Delivery]] = st.sampled_from(("stream", "whole", "count"))
MARKS: Final = st.none() | st.builds(CacheMark, st.sampled_from(("5m", "1h")))
MARKED: Final = requests(words(marks=MARKS, documents=(PDF, NOTE, WEB)))
PLAIN: Final = requests(words(marks=st.none(), documents=(PDF, NOTE, WEB)))


def encoded(settings: ResponsesSettings, turn: RequestTurn, delivery: Delivery = "stream") -> JsonObject:
    body = unwrap_or_failure(encode(settings, turn, delivery))
    assert isinstance(body, Body), body
    assert body.delivery == delivery
    assert body.answer_tool is None
    assert request_faults(body.json) == ()
    return body.json


def refused(settings: ResponsesSettings, turn: RequestTurn) -> str:
    refusal = unwrap_or_failure(encode(settings, turn, "stream"))
    assert isinstance(refusal, Unsupported), refusal
    return refusal.message


def asked(*messages: Message, output: OutputSpec | None = None, tools: tuple[ToolSpec, ...] = ()) -> RequestTurn:
    return RequestTurn(1, messages or (HI,), tools, output)


def content(*messages: Message) -> JsonValue:
    items = encoded(NEW, asked(*messages))["input"]
    assert isinstance(items, list)
    assert isinstance(items[-1], dict)
    return items[-1]["content"]


@given(MARKED, CHOICES, THINKING, DELIVERIES)
def test_any_request_keeps_the_rules_and_the_sdk_knows_it(
    turn: RequestTurn, choice: ToolChoice | None, thinking: ThinkingConfig | None, delivery: Delivery
) -> None:
    """Laws 18 and 19."""
    settings = replace(NEW, tool_choice=choice, thinking_config=thinking, max_tokens=9, temperature=0.5, top_p=0.5)
    if choice == OneTool("missing") or (not turn.tools and choice in ("required", OneTool("now"))):
        assert "tool_choice" in refused(settings, turn)
        return
    body = encoded(settings, turn, delivery)
    assert TYPES[delivery].faults(body) == []
    assert unsaid(turn, body, "input_image", "input_file") == []
    if delivery == "count":
        whole = encoded(settings, turn, "whole")
        assert {name: whole[name] for name in body} == body


@given(PLAIN)
def test_any_request_without_marks_goes_to_older_models(turn: RequestTurn) -> None:
    encoded(OLD, turn)


def test_the_sdk_would_tell_what_it_does_not_know() -> None:
    body = encoded(NEW, asked())
    assert TYPES["stream"].faults({**body, "seed": 1})
    odd: JsonObject = {"role": "user", "content": "Hi", "cache": 1}
    assert TYPES["stream"].faults({**body, "input": [odd]})
    assert TYPES["count"].faults(body)


def test_media_are_parts_of_the_message() -> None:
    said: list[UserPart] = [TextPart("See:"), TextPart(" "), ImagePart(PNG), ImagePart(WEB)]
    assert content(UserMessage(said)) == [
        {"type": "input_text", "text": "See:"},
        {"type": "input_image", "detail": "auto", "image_url": "data:image/png;base64,iVBORw=="},
        {"type": "input_image", "detail": "auto", "image_url": WEB.url},
    ]
    inline: JsonValue = {"type": "input_file", "file_data": "data:application/pdf;base64,JVBERg==", "filename": "a.pdf"}
    address = MediaUrl("data:application/pdf;base64,JVBERg==", "application/pdf")
    assert content(UserMessage([DocumentPart(PDF, "a"), DocumentPart(address, "a.pdf"), DocumentPart(WEB, "a")])) == [
        inline,
        inline,
        {"type": "input_file", "file_url": WEB.url},
    ]
    assert content(UserMessage(["a", "b"])) == "ab"


def test_a_mark_is_a_breakpoint_of_the_cache() -> None:
    assert content(UserMessage([TextPart("a", cache=CacheMark("1h")), DocumentPart(WEB, cache=CacheMark())])) == [
        {"type": "input_text", "text": "a", "prompt_cache_breakpoint": {"mode": "explicit", "ttl": "12h"}},
        {"type": "input_file", "file_url": WEB.url, "prompt_cache_breakpoint": {"mode": "explicit"}},
    ]
    assert content(SystemMessage([TextPart("a", cache=CacheMark())])) == [
        {"type": "input_text", "text": "a", "prompt_cache_breakpoint": {"mode": "explicit"}}
    ]


@pytest.mark.parametrize(
    ("message", "word"),
    [
        (UserMessage([ImagePart(MediaUrl("gs://b/o"))]), "https"),
        (UserMessage([DocumentPart(MediaUrl("s3://b/o"))]), "https"),
        (AssistantMessage([TextPart("a", cache=CacheMark())]), "an assistant's words"),
    ],
)
def test_what_the_wire_does_not_take_is_refused_with_what_to_do(message: Message, word: str) -> None:
    assert word in refused(NEW, asked(HI, message))


def test_older_models_take_no_marks() -> None:
    for part in (TextPart("a", cache=CacheMark()), ImagePart(PNG, CacheMark()), DocumentPart(WEB, cache=CacheMark())):
        assert "gpt-5.5 takes no cache marks" in refused(OLD, asked(UserMessage([part])))
    assert "OpenAI takes images as" in refused(OLD, asked(UserMessage([ImagePart(MediaUrl("gs://b/o"))])))


@pytest.mark.parametrize(
    ("choice", "said"),
    [
        ("auto", "auto"),
        ("none", "none"),
        ("required", "required"),
        (OneTool("now"), {"type": "function", "name": "now"}),
    ],
)
def test_a_choice_of_tools(choice: ToolChoice, said: JsonValue) -> None:
    settings = replace(NEW, tool_choice=choice)
    assert encoded(settings, asked(tools=TOOLS))["tool_choice"] == said
    called = (HI, ToolCallMessage([ToolCall("x", "now", "{}")]), ToolResultMessage("x", "now", "1"))
    after = encoded(settings, asked(*called, tools=TOOLS))["tool_choice"]
    assert after == ("none" if choice == "none" else "auto")


def test_a_choice_needs_tools() -> None:
    assert "tool_choice" not in encoded(replace(NEW, tool_choice="none"), asked())
    assert "no tools" in refused(replace(NEW, tool_choice="required"), asked())


def test_a_structured_answer() -> None:
    settings = replace(NEW, extra_body={"text": {"verbosity": "low"}})
    match encoded(settings, asked(output=CLOSED, tools=TOOLS))["text"]:
        case {"verbosity": "low", "format": {"type": "json_schema", "name": "Reply", "strict": True, "schema": schema}}:
            assert isinstance(schema, dict)
            assert schema["required"] == ["a", "b"]
        case other:
            raise AssertionError(other)
    match encoded(NEW, asked(output=OPEN))["text"]:
        case {"format": {"strict": False, "schema": {"additionalProperties": {"type": "integer"}}}}:
            pass
        case other:
            raise AssertionError(other)
    assert "JSON schema" in refused(NEW, asked(output=replace(OPEN, schema="[]")))


@pytest.mark.parametrize(
    ("settings", "word"),
    [
        (replace(NEW, seed=1), "seed"),
        (replace(NEW, top_k=1), "top_k"),
        (replace(NEW, stop_sequences=("x",)), "stop_sequences"),
    ],
)
def test_settings_that_the_wire_cannot_say(settings: ResponsesSettings, word: str) -> None:
    assert word in refused(settings, asked())


def test_a_tool_with_another_name_is_refused() -> None:
    assert "rename" in refused(NEW, asked(tools=(replace(TOOLS[0], name="a.b"),)))


def test_the_count_is_read() -> None:
    assert count_in(b'{"object":"response.input_tokens","input_tokens":12}') == Success(12)
    for garbage in (b"", b"[]", b'{"input_tokens":"12"}', b'{"input_tokens":-1}', b"\xff"):
        assert isinstance(count_in(garbage), Failure)


def test_the_rules_can_be_broken() -> None:
    bad: JsonObject = {
        "input": [
            {"role": "user", "content": [{"type": "input_image", "image_url": "gs://b", "prompt_cache_breakpoint": 1}]},
            {"role": "user", "content": " "},
            {"type": "reasoning"},
            {"type": "function_call_output", "call_id": "y", "output": None},
            {"type": "function_call", "call_id": "x" * 65, "name": "a b", "arguments": "[]"},
        ],
        "tools": [{"type": "function", "strict": True}],
        "tool_choice": {"type": "function", "name": "f"},
        "text": {"format": {"type": "json_schema", "name": "a", "strict": True, "schema": {"type": "object"}}},
    }
    assert {*request_faults(bad), *request_faults({})} == {*RULES}
