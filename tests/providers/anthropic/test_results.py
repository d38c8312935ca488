"""The results of tools on the Messages wire, their marks, and tools that are strict."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from anthropic.types.message_create_params import MessageCreateParamsStreaming
from hypothesis import given
from returns.methods import unwrap_or_failure

from punk.core.effects import RequestTurn
from punk.core.failures import Unsupported
from punk.core.json import JsonObject, JsonValue
from punk.core.media import CacheMark, MediaUrl
from punk.core.messages import Message, SystemMessage, UserMessage
from punk.core.parts import DocumentPart, ImagePart, TextPart, UserPart
from punk.core.request import ToolSpec
from punk.providers.anthropic.encode import encode
from punk.providers.anthropic.settings import AnthropicSettings
from punk.providers.base import Body
from punk.testing.wires.anthropic_request import request_faults
from tests.providers.results import PDF, PNG, TIFF, answered, asked_tools
from tests.support.sdk_types import SdkType

SETTINGS: Final = AnthropicSettings("claude-sonnet-4-5")
HI: Final = UserMessage("Hi")
HOUR: Final = CacheMark("1h")
NOW: Final = ToolSpec("now", "", '{"type":"object"}')
SDK: Final = SdkType(MessageCreateParamsStreaming)
IMAGE: Final[JsonObject] = {
    "type": "image",
    "source": {"type": "base64", "media_type": "image/png", "data": "iVBORw=="},
}


def body_of(*said: Message, tools: tuple[ToolSpec, ...] = (NOW,), settings: AnthropicSettings = SETTINGS) -> JsonObject:
    body = unwrap_or_failure(encode(settings, RequestTurn(1, said, tools), "stream"))
    assert isinstance(body, Body), body
    assert request_faults(body.json) == ()
    assert SDK.faults(body.json) == []
    return body.json


def last(*said: Message) -> list[JsonObject]:
    match body_of(HI, *said)["messages"]:
        case [*_, {"role": "user", "content": [*blocks]}]:
            return [block for block in blocks if isinstance(block, dict)]
        case other:
            raise AssertionError(other)


def given_by(*parts: UserPart | str) -> JsonValue:
    (result,) = last(*answered(parts))
    return result["content"]


@given(asked_tools())
def test_the_sdk_knows_any_result(said: tuple[Message, ...]) -> None:
    body_of(*said)


def test_what_a_result_holds() -> None:
    assert given_by(" a ") == " a "
    assert given_by("a", " ") == "a"
    assert given_by(" ", " ") == given_by() == "(no output)"
    assert given_by("a", "b") == [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]
    assert given_by(ImagePart(PNG)) == [IMAGE]
    document: JsonObject = {
        "type": "document",
        "source": {"type": "base64", "media_type": "application/pdf", "data": "JVBERg=="},
        "title": "A",
    }
    assert given_by("See:", DocumentPart(PDF, "A"), ImagePart(PNG)) == [
        {"type": "text", "text": "See:"},
        document,
        IMAGE,
    ]


def test_what_is_told_of_a_result() -> None:
    assert given_by(ImagePart(TIFF)) == "[an image, image/tiff, 4 bytes, that this model cannot be shown]"
    latin = DocumentPart(replace(PDF, media_type="text/plain", data=b"\xff"))
    assert given_by(latin) == "[a document, text/plain, 1 bytes, that this model cannot be shown]"
    word = MediaUrl("https://h/a", "text/plain")
    told = "[a document, text/plain, at https://h/a, that this model cannot be shown]"
    assert given_by(DocumentPart(word)) == told


def test_a_mark_stands_on_the_whole_result() -> None:
    (result,) = last(*answered([TextPart("a", cache=CacheMark("1h")), ImagePart(PNG)], failed=True))
    assert result["cache_control"] == {"type": "ephemeral", "ttl": "1h"}
    assert result["content"] == [{"type": "text", "text": "a"}, IMAGE]
    assert result["is_error"] is True


def test_of_the_marks_in_a_result_the_last_one_stands() -> None:
    (result,) = last(*answered([TextPart("a", cache=HOUR), TextPart("b", cache=CacheMark("5m")), "c"]))
    assert result["cache_control"] == {"type": "ephemeral", "ttl": "5m"}


def test_the_first_results_give_their_marks_up() -> None:
    system = SystemMessage([TextPart("S", cache=CacheMark())])
    results = last(system, *answered(*[[TextPart(str(at), cache=CacheMark())] for at in range(6)]))
    assert ["cache_control" in result for result in results] == [False] * 3 + [True] * 3
    assert not any("cache_control" in result for result in last(system, *answered([TextPart("1", cache=HOUR)])))
    many = UserMessage([TextPart("a", cache=CacheMark()) for _ in range(5)])
    refusal = unwrap_or_failure(encode(SETTINGS, RequestTurn(1, (many,), ()), "stream"))
    assert isinstance(refusal, Unsupported)


def test_a_strict_tool_has_a_closed_schema() -> None:
    schema: JsonObject = {"type": "object", "properties": {"n": {"type": "integer"}}}
    spec = ToolSpec("f", "", '{"type":"object","properties":{"n":{"type":"integer"}}}', strict=True)
    closed: JsonObject = {**schema, "required": [], "additionalProperties": False}
    assert body_of(HI, tools=(spec,))["tools"] == [{"name": "f", "input_schema": closed, "strict": True}]
    plain: JsonObject = {"name": "f", "input_schema": schema}
    assert body_of(HI, tools=(replace(spec, strict=False),))["tools"] == [plain]
    assert body_of(HI, tools=(spec,), settings=AnthropicSettings("claude-opus-4-1"))["tools"] == [plain]
    free = replace(spec, parameters='{"additionalProperties":true}')
    assert body_of(HI, tools=(free,))["tools"] == [
        {"name": "f", "input_schema": {"type": "object", "additionalProperties": True}}
    ]
