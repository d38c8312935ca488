"""The results of tools on the Converse wire, judged by botocore too, and strict tools."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given

from punk.core.json import JsonObject, JsonValue
from punk.core.media import CacheMark, MediaUrl
from punk.core.messages import Message, UserMessage
from punk.core.parts import DocumentPart, ImagePart, TextPart, UserPart
from punk.core.request import ToolSpec
from punk.providers.bedrock.settings import BedrockSettings
from tests.providers.bedrock.requests import HI, NOVA, OLDER, SETTINGS, body_of, spec
from tests.providers.results import PDF, PNG, TIFF, answered, asked_tools

NOW = ToolSpec("now", "", '{"type":"object"}')
BLIND = BedrockSettings("meta.llama3-1-70b-instruct-v1:0")
IMAGE: JsonObject = {"image": {"format": "png", "source": {"bytes": "iVBORw=="}}}


def last(*said: Message, settings: BedrockSettings = SETTINGS) -> list[JsonObject]:
    match body_of(HI, *said, tools=(NOW,), settings=settings)["messages"]:
        case [*_, {"role": "user", "content": [*blocks]}]:
            return [block for block in blocks if isinstance(block, dict)]
        case other:
            raise AssertionError(other)


def given_by(*parts: UserPart | str, settings: BedrockSettings = SETTINGS) -> JsonValue:
    match last(*answered(parts), settings=settings):
        case [{"toolResult": {"content": content, "status": "success"}}]:
            return content
        case other:
            raise AssertionError(other)


@pytest.mark.parametrize("settings", [SETTINGS, NOVA, BLIND])
@given(said=asked_tools())
def test_botocore_knows_any_result(settings: BedrockSettings, said: tuple[Message, ...]) -> None:
    body_of(*said, tools=(NOW,), settings=settings)


def test_what_a_result_holds() -> None:
    assert given_by("a", " ", "b") == [{"text": "a"}, {"text": "b"}]
    assert given_by() == given_by(" ") == [{"text": "(no output)"}]
    assert given_by("See:", ImagePart(PNG, CacheMark()), TextPart("b", cache=CacheMark())) == [
        {"text": "See:"},
        IMAGE,
        {"text": "b"},
    ]
    there = ImagePart(MediaUrl("s3://b/a.png"))
    assert given_by(there) == [{"image": {"format": "png", "source": {"s3Location": {"uri": "s3://b/a.png"}}}}]


def test_documents_have_names_of_their_own_and_a_text() -> None:
    seen = UserMessage(["See:", DocumentPart(PDF, "A")])
    first, second = last(seen, *answered([DocumentPart(PDF, "A")], ["b", DocumentPart(PDF, "A")]))

    def document(name: str) -> JsonObject:
        return {"document": {"format": "pdf", "name": name, "source": {"bytes": "JVBERg=="}}}

    match first, second:
        case {"toolResult": {"content": one}}, {"toolResult": {"content": other}}:
            assert one == [document("A (2)"), {"text": "A (2)"}]
            assert other == [{"text": "b"}, document("A (3)")]
        case found:
            raise AssertionError(found)


@pytest.mark.parametrize(("settings", "seen"), [(OLDER, True), (NOVA, True), (BLIND, False)])
def test_images_in_results_are_for_claude_and_nova(settings: BedrockSettings, seen: bool) -> None:
    told = {"text": "[an image, image/png, 4 bytes, that this model cannot be shown]"}
    assert given_by(ImagePart(PNG), settings=settings) == [IMAGE if seen else told]
    assert given_by(ImagePart(PNG), settings=BedrockSettings("anthropic.claude-v2:1")) == [told]
    # Of a Claude whose version cannot be told, it is taken for granted.
    assert given_by(ImagePart(PNG), settings=BedrockSettings("anthropic.claude-latest")) == [IMAGE]


def test_what_is_told_of_a_result() -> None:
    told = "[an image, image/tiff, 4 bytes, that this model cannot be shown]"
    assert given_by(ImagePart(TIFF)) == [{"text": told}]
    assert given_by(DocumentPart(replace(PDF, data=b""))) == [
        {"text": "[a document, application/pdf, 0 bytes, that this model cannot be shown]"}
    ]


def test_a_strict_tool_has_a_closed_schema() -> None:
    schema: JsonObject = {"properties": {"n": {"type": "integer"}}}
    tool = ToolSpec("f", "", '{"properties":{"n":{"type":"integer"}}}', strict=True)
    strict = spec("f", {**schema, "additionalProperties": False})["toolSpec"]
    assert isinstance(strict, dict)
    assert tools(tool) == [{"toolSpec": {**strict, "strict": True}}]
    assert tools(tool, OLDER) == tools(replace(tool, strict=False)) == [spec("f", schema)]
    assert tools(replace(tool, parameters="{}")) == [spec("f", {})]


def tools(tool: ToolSpec, settings: BedrockSettings = SETTINGS) -> JsonValue:
    config = body_of(HI, tools=(tool,), settings=settings)["toolConfig"]
    assert isinstance(config, dict)
    return config["tools"]
