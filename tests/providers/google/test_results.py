"""The results of tools on the Gemini wire: media in them from 3 on, or behind them."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given

from punk.core.json import JsonObject, JsonValue
from punk.core.media import CacheMark, InlineMedia, MediaUrl
from punk.core.messages import Message, UserMessage
from punk.core.parts import DocumentPart, ImagePart, TextPart, UserPart
from punk.providers.google.settings import GoogleSettings
from tests.providers.google.requests import HI, OLD, SETTINGS, body_of, contents_of
from tests.providers.results import PDF, PNG, TIFF, answered, asked_tools

VERTEX = replace(SETTINGS, service="vertex")
IMAGE: JsonObject = {"inlineData": {"mimeType": "image/png", "data": "iVBORw=="}}
DOCUMENT: JsonObject = {"inlineData": {"mimeType": "application/pdf", "data": "JVBERg=="}}
WAV = InlineMedia("audio/wav", b"1234")


def last(*said: Message, settings: GoogleSettings = SETTINGS) -> list[JsonValue]:
    match contents_of(HI, *said, settings=settings):
        case [*_, {"role": "user", "parts": [*parts]}]:
            return parts
        case other:
            raise AssertionError(other)


def response(text: str, *held: JsonValue) -> JsonObject:
    parts: JsonObject = {"parts": [*held]} if held else {}
    return {"functionResponse": {"name": "now", "response": {"result": text}, **parts}}


@pytest.mark.parametrize("settings", [SETTINGS, OLD, VERTEX])
@given(said=asked_tools())
def test_the_sdk_knows_any_result(settings: GoogleSettings, said: tuple[Message, ...]) -> None:
    body_of(*said, settings=settings)


def test_a_result_holds_what_it_can() -> None:
    plain = InlineMedia("text/plain; charset=utf-8", b"a")
    said = answered(["See:", ImagePart(PNG, CacheMark()), DocumentPart(PDF), "!"], [DocumentPart(plain)])
    text: JsonObject = {"inlineData": {"mimeType": "text/plain", "data": "YQ=="}}
    assert last(*said) == [response("See:\n!", IMAGE, DOCUMENT), response("", text)]


def test_other_media_come_behind_all_results() -> None:
    web = MediaUrl("https://h/a.png?x")
    said = answered([ImagePart(web)], [DocumentPart(WAV), ImagePart(PNG)], "1")
    assert last(*said, UserMessage("So?")) == [
        response(""),
        response("", IMAGE),
        response("1"),
        {"text": "[image 1 of call now]"},
        {"fileData": {"fileUri": web.url, "mimeType": "image/png"}},
        {"text": "[document 2 of call now]"},
        {"inlineData": {"mimeType": "audio/wav", "data": "MTIzNA=="}},
        {"text": "So?"},
    ]


def test_older_models_have_all_media_behind_the_results() -> None:
    turn = answered(['{"a":1}', ImagePart(PNG)], ["b"])
    behind: list[JsonValue] = [{"text": "[image 1 of call now]"}, IMAGE]
    known: JsonObject = {"functionResponse": {"name": "now", "response": {"a": 1}}}
    assert last(*turn, settings=OLD) == [known, response("b"), *behind]
    contents = contents_of(HI, *turn, *turn, settings=OLD)
    assert isinstance(contents, list)
    assert contents[2] == contents[4] == {"role": "user", "parts": [known, response("b"), *behind]}


@pytest.mark.parametrize(
    ("part", "told"),
    [
        (ImagePart(TIFF), "an image, image/tiff, 4 bytes"),
        (ImagePart(replace(PNG, data=b"")), "an image, image/png, 0 bytes"),
        (DocumentPart(replace(PDF, media_type="application/zip")), "a document, application/zip, 4 bytes"),
        (ImagePart(MediaUrl("s3://b/a.png")), "an image, no known type, at s3://b/a.png"),
    ],
)
def test_what_is_told_of_a_result(part: UserPart, told: str) -> None:
    assert last(*answered([TextPart("a"), part])) == [response(f"a\n[{told}, that this model cannot be shown]")]


def test_vertex_wants_the_type_of_what_an_address_leads_to() -> None:
    web = ImagePart(MediaUrl("https://h/a"))
    told = "[an image, no known type, at https://h/a, that this model cannot be shown]"
    assert last(*answered([web]), settings=VERTEX) == [response(told)]
    assert len(last(*answered([web]))) == 3
