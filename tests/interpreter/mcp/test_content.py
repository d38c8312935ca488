"""Tests of what the model is given of a server's words."""

from __future__ import annotations

import json
from base64 import b64encode

import pytest

from punk.core.json import JsonObject, JsonValue
from punk.core.media import InlineMedia
from punk.core.parts import DocumentPart, ImagePart, TextPart, UserPart
from punk.interpreter.mcp.content import answer_of, error_answer, parameters_of
from punk.tools.remote import ToolAnswer

BYTES = b"\x00\xff"
DATA = b64encode(BYTES).decode()


@pytest.mark.parametrize(
    ("block", "part"),
    [
        ({"type": "text", "text": "a"}, TextPart("a")),
        ({"type": "text", "text": "a\ud800"}, TextPart("a\ufffd")),
        ({"type": "image", "data": DATA, "mimeType": "image/png"}, ImagePart(InlineMedia("image/png", BYTES))),
        ({"type": "audio", "data": DATA, "mimeType": "audio/wav"}, DocumentPart(InlineMedia("audio/wav", BYTES))),
        ({"type": "resource", "resource": {"uri": "a:b", "text": "t"}}, TextPart("t")),
        (
            {
                "type": "resource",
                "resource": {"uri": "file:///x/a%20b.pdf", "mimeType": "application/pdf", "blob": DATA},
            },
            DocumentPart(InlineMedia("application/pdf", BYTES), "a b.pdf"),
        ),
        (
            {"type": "resource", "resource": {"uri": "file:///x/", "blob": DATA}},
            DocumentPart(InlineMedia("application/octet-stream", BYTES), "x"),
        ),
        (
            {"type": "resource", "resource": {"uri": "http://[", "blob": DATA}},
            DocumentPart(InlineMedia("application/octet-stream", BYTES), None),
        ),
        (
            {"type": "resource", "resource": {"uri": "a:/b", "mimeType": "Image/GIF", "blob": DATA}},
            ImagePart(InlineMedia("Image/GIF", BYTES)),
        ),
        ({"type": "resource_link", "uri": "a:b", "name": "n"}, TextPart("n\na:b")),
        (
            {"type": "resource_link", "uri": "a:b", "name": "n", "title": "T", "description": "D"},
            TextPart("T\na:b\nD"),
        ),
        ({"type": "video", "x": 1}, TextPart('{"type":"video","x":1}')),
        ("?", TextPart('"?"')),
        (
            {"type": "image", "data": "!", "mimeType": "image/png"},
            TextPart("(image/png that cannot be read: it is not valid base64)"),
        ),
    ],
)
def test_parts(block: JsonValue, part: UserPart) -> None:
    assert answer_of({"content": [block]}) == ToolAnswer((part,))


@pytest.mark.parametrize(
    ("result", "answer"),
    [
        ({"content": []}, ToolAnswer(())),
        ({}, ToolAnswer(())),
        ({"content": [], "structuredContent": {"a": [1]}}, ToolAnswer((TextPart('{"a":[1]}'),))),
        ({"content": [], "structuredContent": False}, ToolAnswer((TextPart("false"),))),
        (
            {"content": [{"type": "text", "text": "a"}], "structuredContent": {"a": 1}, "isError": True},
            ToolAnswer((TextPart("a"),), is_error=True),
        ),
        ({"content": [], "isError": False}, ToolAnswer(())),
    ],
)
def test_answers(result: JsonObject, answer: ToolAnswer) -> None:
    assert answer_of(result) == answer


def test_an_error_has_its_words() -> None:
    assert error_answer("no") == ToolAnswer((TextPart("no"),), is_error=True)


@pytest.mark.parametrize(
    ("schema", "parameters"),
    [
        ({}, {"type": "object", "properties": {}}),
        ({"$schema": "x", "properties": {"a": {}}}, {"type": "object", "properties": {"a": {}}}),
        (
            {"type": "object", "properties": None, "required": ["a"]},
            {"type": "object", "properties": {}, "required": ["a"]},
        ),
    ],
)
def test_parameters(schema: JsonObject, parameters: JsonObject) -> None:
    assert json.loads(parameters_of(schema)) == parameters
