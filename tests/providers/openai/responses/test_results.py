"""The results of tools on the Responses wire, and strict tools."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import pytest
from hypothesis import given
from openai.types.responses.response_create_params import ResponseCreateParamsStreaming
from returns.methods import unwrap_or_failure

from punk.core.effects import RequestTurn
from punk.core.json import JsonObject, JsonValue
from punk.core.media import CacheMark, MediaUrl
from punk.core.messages import Message, UserMessage
from punk.core.parts import DocumentPart, ImagePart, TextPart, UserPart
from punk.core.request import ToolSpec
from punk.providers.base import Body
from punk.providers.openai.responses.encode import encode
from punk.providers.openai.responses.settings import ResponsesSettings
from punk.testing.wires.openai_responses_request import request_faults
from tests.providers.results import PDF, PNG, TIFF, answered, asked_tools
from tests.support.sdk_types import SdkType

NEW: Final = ResponsesSettings("gpt-5.6")
OLD: Final = ResponsesSettings("gpt-5.5")
HI: Final = UserMessage("Hi")
SDK: Final = SdkType(ResponseCreateParamsStreaming)
MARK: Final[JsonObject] = {"prompt_cache_breakpoint": {"mode": "explicit"}}


def body_of(settings: ResponsesSettings, *said: Message, tools: tuple[ToolSpec, ...] = ()) -> JsonObject:
    body = unwrap_or_failure(encode(settings, RequestTurn(1, said, tools), "stream"))
    assert isinstance(body, Body), body
    assert request_faults(body.json) == ()
    assert SDK.faults(body.json) == []
    return body.json


def given_by(*parts: UserPart | str, settings: ResponsesSettings = NEW) -> JsonValue:
    match body_of(settings, HI, *answered(parts))["input"]:
        case [*_, {"type": "function_call_output", "output": output}]:
            return output
        case other:
            raise AssertionError(other)


def text(words: str) -> JsonObject:
    return {"type": "input_text", "text": words}


@pytest.mark.parametrize("settings", [NEW, OLD])
@given(said=asked_tools())
def test_the_sdk_knows_any_result(settings: ResponsesSettings, said: tuple[Message, ...]) -> None:
    body_of(settings, *said)


def test_what_a_result_holds() -> None:
    assert given_by(" a ") == " a "
    assert given_by(" ") == " "
    assert given_by(" ", " ") == given_by() == ""
    assert given_by("a", " ", "b") == [text("a"), text("b")]
    image: JsonObject = {"type": "input_image", "detail": "auto", "image_url": "data:image/png;base64,iVBORw=="}
    file: JsonObject = {"file_data": "data:application/pdf;base64,JVBERg==", "filename": "A.pdf"}
    web = DocumentPart(MediaUrl("https://h/a?x", "application/pdf"))
    assert given_by("See:", ImagePart(PNG), DocumentPart(PDF, "A"), web) == [
        text("See:"),
        image,
        {"type": "input_file", **file},
        {"type": "input_file", "file_url": "https://h/a?x"},
    ]


def test_what_is_told_of_a_result() -> None:
    assert given_by(ImagePart(TIFF)) == "[an image, image/tiff, 4 bytes, that this model cannot be shown]"


def test_marks_stay_where_they_are_taken() -> None:
    assert given_by(TextPart("a", cache=CacheMark())) == [{**text("a"), **MARK}]
    assert given_by(TextPart("a", cache=CacheMark()), settings=OLD) == "a"


def test_a_strict_tool_has_the_strict_form() -> None:
    spec = ToolSpec("f", "D", '{"type":"object","properties":{"n":{"type":"integer"}}}', strict=True)
    properties: JsonObject = {"n": {"type": "integer"}}
    closed: JsonObject = {
        "type": "object",
        "properties": properties,
        "required": ["n"],
        "additionalProperties": False,
    }
    free = replace(spec, parameters='{"type":"object","additionalProperties":true}')
    assert tool(spec) == {"type": "function", "name": "f", "description": "D", "parameters": closed, "strict": True}
    plain = tool(replace(spec, strict=False))
    assert plain["parameters"] == {"type": "object", "properties": properties}
    assert plain["strict"] is False
    assert tool(free)["parameters"] == {"type": "object", "additionalProperties": True}
    assert tool(free)["strict"] is False


def tool(spec: ToolSpec) -> JsonObject:
    match body_of(NEW, HI, tools=(spec,))["tools"]:
        case [dict() as found]:
            return found
        case other:
            raise AssertionError(other)
