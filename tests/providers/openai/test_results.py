"""The results of tools in chat completions: texts, and a message with all else behind them; and strict tools."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import pytest
from hypothesis import given
from openai.types.chat.completion_create_params import CompletionCreateParamsStreaming
from returns.methods import unwrap_or_failure

from punk.core.effects import RequestTurn
from punk.core.json import JsonObject, JsonValue
from punk.core.media import CacheMark, MediaUrl
from punk.core.messages import AssistantMessage, Message, UserMessage
from punk.core.parts import DocumentPart, ImagePart, TextPart
from punk.core.request import ToolSpec
from punk.providers.base import Body
from punk.providers.openai.chat.encode import encode
from punk.providers.openai.chat.settings import ChatSettings
from punk.testing.wires.openai_chat_request import request_faults
from tests.providers.results import PDF, PNG, TIFF, answered, asked_tools
from tests.support.sdk_types import SdkType

NEW: Final = ChatSettings("gpt-5.6")
OLD: Final = ChatSettings("gpt-5.5")
OTHER: Final = ChatSettings("llama", flavour="compatible")
HI: Final = UserMessage("Hi")
SDK: Final = SdkType(CompletionCreateParamsStreaming)
SHOWN: Final[JsonObject] = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw=="}}


def body_of(settings: ChatSettings, *said: Message, tools: tuple[ToolSpec, ...] = ()) -> JsonObject:
    body = unwrap_or_failure(encode(settings, RequestTurn(1, said, tools), "stream"))
    assert isinstance(body, Body), body
    assert request_faults(body.json) == ()
    assert SDK.faults(body.json) == []
    return body.json


def behind_calls(settings: ChatSettings, *said: Message) -> list[JsonObject]:
    """The messages behind the first one with calls."""
    messages = body_of(settings, HI, *said)["messages"]
    assert isinstance(messages, list)
    return [message for message in messages[2:] if isinstance(message, dict)]


def text(words: str) -> JsonObject:
    return {"type": "text", "text": words}


@pytest.mark.parametrize("settings", [NEW, OLD, OTHER])
@given(said=asked_tools())
def test_the_sdk_knows_any_result(settings: ChatSettings, said: tuple[Message, ...]) -> None:
    body_of(settings, *said)


def test_media_come_behind_all_results_of_their_turn() -> None:
    said = answered(["See:", ImagePart(PNG), "!"], [DocumentPart(PDF)], "1", name="f")
    after = AssistantMessage("So.")
    messages = behind_calls(NEW, *said, after, *answered([ImagePart(PNG)], name="g"))
    file: JsonObject = {"file_data": "data:application/pdf;base64,JVBERg==", "filename": "document.pdf"}
    document: JsonObject = {"type": "file", "file": file}
    assert [message["content"] for message in messages] == [
        "See:\n[image 1 of call f: shown in the next message]\n!",
        "[document 2 of call f: shown in the next message]",
        "1",
        [text("[image 1 of call f]"), SHOWN, text("[document 2 of call f]"), document],
        "So.",
        None,
        "[image 1 of call g: shown in the next message]",
        [text("[image 1 of call g]"), SHOWN],
    ]
    roles = "tool tool tool user assistant assistant tool user"
    assert [message["role"] for message in messages] == roles.split()


def test_what_is_told_of_a_result() -> None:
    url = DocumentPart(MediaUrl("https://h/a", "application/pdf"))
    said = answered([ImagePart(TIFF), url])
    assert [message["content"] for message in behind_calls(NEW, *said)] == [
        "[an image, image/tiff, 4 bytes, that this model cannot be shown]\n"
        "[a document, application/pdf, at https://h/a, that this model cannot be shown]"
    ]


@pytest.mark.parametrize("settings", [NEW, OLD, OTHER])
def test_marks_stay_where_they_are_taken(settings: ChatSettings) -> None:
    said = answered([TextPart("a", cache=CacheMark()), ImagePart(PNG, CacheMark())])
    _, shown = behind_calls(settings, *said)
    assert isinstance(content := shown["content"], list)
    marks: JsonObject = {"prompt_cache_breakpoint": {"mode": "explicit"}}
    assert content[1] == (SHOWN | marks if settings == NEW else SHOWN)


def test_a_strict_tool_has_the_strict_form() -> None:
    number: JsonObject = {"type": "integer"}
    schema = '{"type":"object","properties":{"n":{"type":"integer","description":"How many.","default":3}}}'
    spec = ToolSpec("f", "D", schema, strict=True)
    told: JsonObject = {**number, "description": "How many. (default: 3)"}
    closed: JsonObject = {
        "type": "object",
        "properties": {"n": told},
        "required": ["n"],
        "additionalProperties": False,
    }
    assert function(NEW, spec) == {"name": "f", "description": "D", "parameters": closed, "strict": True}
    plain = function(NEW, replace(spec, strict=False))
    assert plain == function(OTHER, spec)
    assert "strict" not in plain
    free = function(NEW, replace(spec, parameters='{"type":"object","additionalProperties":true}'))
    assert free["strict"] is False
    assert free["parameters"] == {"type": "object", "additionalProperties": True}
    bare = function(NEW, replace(spec, parameters="{}"))
    assert bare["parameters"] == {"type": "object", "properties": {}, "required": [], "additionalProperties": False}


def function(settings: ChatSettings, spec: ToolSpec) -> JsonObject:
    match body_of(settings, HI, tools=(spec,))["tools"]:
        case [{"type": "function", "function": dict() as found}]:
            return found
        case other:
            raise AssertionError(other)


def test_results_of_texts_alone() -> None:
    contents: list[JsonValue] = [message["content"] for message in behind_calls(OLD, *answered(" a ", " ", ["a", "b"]))]
    assert contents == [" a ", " ", "a\nb"]
