"""Chat completions, the request as a whole: its rules, the SDK's own types, media, marks, choices, forms of answers."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai.types.chat.completion_create_params import (
    CompletionCreateParamsNonStreaming,
    CompletionCreateParamsStreaming,
)
from returns.methods import unwrap_or_failure

from punk.core.effects import RequestTurn
from punk.core.failures import Unsupported
from punk.core.json import JsonObject, JsonValue
from punk.core.media import CacheMark, InlineMedia, MediaUrl
from punk.core.messages import AssistantMessage, Message, SystemMessage, ToolCallMessage, ToolResultMessage, UserMessage
from punk.core.parts import DocumentPart, ImagePart, TextPart, ToolCall, UserPart
from punk.core.request import OneTool, OutputSpec, ToolChoice, ToolSpec
from punk.core.thinking import ThinkingConfig
from punk.providers.base import Body, Delivery
from punk.providers.openai.chat.encode import encode
from punk.providers.openai.chat.settings import ChatSettings
from punk.testing.wires.openai_chat_request import RULES, request_faults
from tests.support.asking import CHOICES, CLOSED, NOTE, OPEN, PDF, PNG, THINKING, TOOLS, WEB, requests, unsaid, words
from tests.support.sdk_types import SdkType

NEW: Final = ChatSettings("gpt-5.6")
OLD: Final = ChatSettings("gpt-5.5")
OTHER: Final = ChatSettings("llama", flavour="compatible")
HI: Final = UserMessage("Hi")
STREAM: Final = SdkType(CompletionCreateParamsStreaming)
WHOLE: Final = SdkType(CompletionCreateParamsNonStreaming)

MARKED: Final = requests(
    words(marks=st.none() | st.builds(CacheMark, st.sampled_from(("5m", "1h"))), documents=(PDF, NOTE))
)
PLAIN: Final = requests(words(marks=st.none(), documents=(PDF, NOTE)))


def encoded(settings: ChatSettings, turn: RequestTurn, delivery: Delivery = "stream") -> JsonObject:
    body = unwrap_or_failure(encode(settings, turn, delivery))
    assert isinstance(body, Body), body
    assert body.delivery == delivery
    assert body.answer_tool is None
    assert request_faults(body.json) == ()
    return body.json


def refused(settings: ChatSettings, turn: RequestTurn, delivery: Delivery = "stream") -> str:
    refusal = unwrap_or_failure(encode(settings, turn, delivery))
    assert isinstance(refusal, Unsupported), refusal
    return refusal.message


def asked(*messages: Message, output: OutputSpec | None = None, tools: tuple[ToolSpec, ...] = ()) -> RequestTurn:
    return RequestTurn(1, messages or (HI,), tools, output)


def content(*messages: Message, settings: ChatSettings = NEW) -> JsonValue:
    said = encoded(settings, asked(*messages))["messages"]
    assert isinstance(said, list)
    assert isinstance(said[-1], dict)
    return said[-1]["content"]


@given(MARKED, CHOICES, THINKING, st.sampled_from(("stream", "whole")))
def test_any_request_keeps_the_rules_and_the_sdk_knows_it(
    turn: RequestTurn, choice: ToolChoice | None, thinking: ThinkingConfig | None, delivery: Delivery
) -> None:
    """Laws 18 and 19."""
    settings = replace(NEW, tool_choice=choice, thinking_config=thinking, max_tokens=9, seed=1, stop_sequences=("x",))
    if choice == OneTool("missing") or (not turn.tools and choice in ("required", OneTool("now"))):
        assert "tool_choice" in refused(settings, turn, delivery)
        return
    body = encoded(settings, turn, delivery)
    assert (STREAM if delivery == "stream" else WHOLE).faults(body) == []
    assert unsaid(turn, body, "image_url", "file") == []


@given(PLAIN, st.sampled_from((OLD, OTHER)))
def test_any_request_without_marks_goes_to_older_models_and_other_servers(
    turn: RequestTurn, settings: ChatSettings
) -> None:
    encoded(settings, turn)


def test_the_sdk_would_tell_what_it_does_not_know() -> None:
    body = encoded(NEW, asked())
    assert STREAM.faults({**body, "top_k": 1})
    assert STREAM.faults({**body, "messages": [{"role": "user", "content": [{"type": "text"}]}]})
    assert STREAM.faults({**body, "messages": [{"role": "user", "content": "Hi", "cache": 1}]})


def test_media_are_parts_of_the_message() -> None:
    said: list[UserPart] = [
        TextPart("See:"),
        TextPart(" "),
        ImagePart(PNG),
        ImagePart(WEB),
        DocumentPart(PDF, "report"),
        DocumentPart(NOTE),
    ]
    assert content(UserMessage(said)) == [
        {"type": "text", "text": "See:"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw=="}},
        {"type": "image_url", "image_url": {"url": WEB.url}},
        {"type": "file", "file": {"file_data": "data:application/pdf;base64,JVBERg==", "filename": "report.pdf"}},
        {
            "type": "file",
            "file": {"file_data": "data:text/plain;base64,w6k=", "filename": "document.txt"},
        },
    ]
    assert content(UserMessage([ImagePart(MediaUrl("data:image/png;base64,aa"))])) == [
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,aa"}}
    ]
    assert content(UserMessage(["a", "b"])) == "ab"


def test_a_mark_is_a_breakpoint_of_the_cache() -> None:
    hour, minutes = CacheMark("1h"), CacheMark()
    assert content(UserMessage([TextPart("a", cache=hour), ImagePart(PNG, minutes)])) == [
        {"type": "text", "text": "a", "prompt_cache_breakpoint": {"mode": "explicit", "ttl": "12h"}},
        {
            "type": "image_url",
            "image_url": {"url": "data:image/png;base64,iVBORw=="},
            "prompt_cache_breakpoint": {"mode": "explicit"},
        },
    ]
    marked: JsonValue = [{"type": "text", "text": "a", "prompt_cache_breakpoint": {"mode": "explicit"}}]
    assert content(SystemMessage([TextPart("a", cache=minutes)])) == marked
    assert content(HI, AssistantMessage([TextPart("a", cache=minutes)])) == marked


def test_older_models_take_no_marks() -> None:
    turn = asked(UserMessage([TextPart("a", cache=CacheMark())]))
    assert refused(OLD, turn) == (
        "gpt-5.5 takes no cache marks, as OpenAI's models do from gpt-5.6 on: leave `cache` out"
    )
    encoded(replace(NEW, model="my-deployment"), turn)


@pytest.mark.parametrize(
    ("settings", "part", "word"),
    [
        (NEW, DocumentPart(WEB), "bytes or data URL, not as https"),
        (NEW, ImagePart(MediaUrl("gs://b/o")), "https"),
        (NEW, ImagePart(InlineMedia("image/tiff", b"x")), "OpenAI takes images of"),
        (OLD, ImagePart(InlineMedia("image/tiff", b"x")), "OpenAI takes images of"),
        (OLD, ImagePart(MediaUrl("gs://b/o")), "OpenAI takes images as"),
        (OTHER, TextPart("a", cache=CacheMark()), "cache marks"),
        (OTHER, DocumentPart(WEB), "documents"),
    ],
)
def test_what_the_wire_does_not_take_is_refused_with_what_to_do(
    settings: ChatSettings, part: UserPart, word: str
) -> None:
    assert word in refused(settings, asked(UserMessage([part])))


def test_other_servers_may_take_other_images() -> None:
    encoded(OTHER, asked(UserMessage([ImagePart(InlineMedia("image/tiff", b"x"))])))


@pytest.mark.parametrize(
    ("choice", "said"),
    [
        ("auto", "auto"),
        ("none", "none"),
        ("required", "required"),
        (OneTool("now"), {"type": "function", "function": {"name": "now"}}),
    ],
)
def test_a_choice_of_tools(choice: ToolChoice, said: JsonValue) -> None:
    settings = replace(NEW, tool_choice=choice, seed=3)
    body = encoded(settings, asked(tools=TOOLS))
    assert (body["tool_choice"], body["seed"]) == (said, 3)
    called = (HI, ToolCallMessage([ToolCall("x", "now", "{}")]), ToolResultMessage("x", "now", "1"))
    after = encoded(settings, asked(*called, tools=TOOLS))["tool_choice"]
    assert after == ("none" if choice == "none" else "auto")


def test_a_choice_needs_tools() -> None:
    for choice in ("auto", "none"):
        assert "tool_choice" not in encoded(replace(NEW, tool_choice=choice), asked())
    assert "no tools" in refused(replace(NEW, tool_choice="required"), asked())
    assert "'missing'" in refused(replace(NEW, tool_choice=OneTool("missing")), asked(tools=TOOLS))


def test_a_structured_answer() -> None:
    body = encoded(NEW, asked(output=CLOSED, tools=TOOLS))
    assert body["response_format"] == {
        "type": "json_schema",
        "json_schema": {
            "name": "Reply",
            "description": "What it is.",
            "strict": True,
            "schema": {
                "type": "object",
                "properties": {"a": {"type": "string"}, "b": {"type": "integer"}},
                "required": ["a", "b"],
                "additionalProperties": False,
            },
        },
    }
    match encoded(OTHER, asked(output=OPEN))["response_format"]:
        case {"json_schema": {"name": str(name), "strict": False, "schema": schema, **more}}:
            assert name.startswith("Any_reply_")
            assert schema == {"type": "object", "additionalProperties": {"type": "integer"}}
            assert more == {}
        case other:
            raise AssertionError(other)
    assert "JSON schema" in refused(NEW, asked(output=replace(OPEN, schema="[]")))


def test_tokens_are_not_counted() -> None:
    assert "count" in refused(NEW, asked(), "count")


def test_openai_refuses_a_tool_with_another_name() -> None:
    assert "rename" in refused(NEW, asked(tools=(replace(TOOLS[0], name="a.b"),)))


def test_the_rules_can_be_broken() -> None:
    bad: JsonObject = {
        "messages": [
            {"role": "nobody", "content": " "},
            {
                "role": "user",
                "content": [{"type": "image_url", "image_url": {"url": "gs://b"}, "prompt_cache_breakpoint": 1}],
            },
            {
                "role": "assistant",
                "tool_calls": [{"id": "x" * 41, "function": {"name": "a b", "arguments": "[]"}}],
            },
        ],
        "tools": [{"type": "function", "function": {"strict": True}}],
        "tool_choice": "any",
        "response_format": {"json_schema": {"name": "a b", "schema": {}}},
        "stream_options": {},
    }
    assert {*request_faults(bad), *request_faults({})} == {*RULES}
