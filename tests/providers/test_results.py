"""The results of tools over every wire: what they hold is shown to the model or told, and never fails a request."""

from __future__ import annotations

from base64 import b64encode
from typing import Final

import pytest
from hypothesis import given

from punk.core.effects import RequestTurn
from punk.core.json import JsonObject, dump_json
from punk.core.media import CacheMark, InlineMedia, MediaUrl
from punk.core.messages import Message, ToolResultMessage, UserMessage
from punk.core.parts import DocumentPart, ImagePart, TextPart, UserPart
from punk.core.request import ToolSpec
from punk.providers.encoding import MediaRules
from punk.providers.results import media_label, result_text, told_results
from tests.providers.results import NOT_SHOWN, PDF, PNG, TIFF, URLS, answered, asked_tools
from tests.providers.talks import TOOLS, asked
from tests.providers.wires import WIRES, Wire

HI: Final = UserMessage("Hi")
CLOSED: Final = '{"type":"object","properties":{"n":{"type":"integer","default":3}}}'
STRICT: Final = (
    ToolSpec("closed", "", CLOSED, strict=True),
    ToolSpec("empty", "", '{"type":"object"}', strict=True),
    ToolSpec("free", "", '{"type":"object","additionalProperties":{"type":"integer"}}', strict=True),
    ToolSpec("lax", "", CLOSED),
)


def sent(wire: Wire, *said: Message) -> JsonObject:
    body = asked(wire, RequestTurn(1, said, TOOLS))
    assert wire.faults(body) == ()
    return body


@pytest.mark.parametrize("wire", WIRES, ids=str)
@given(said=asked_tools())
def test_what_tools_give_is_shown_or_told(wire: Wire, said: tuple[Message, ...]) -> None:
    """Laws 18 and 19, of whatever a tool may come up with."""
    text = dump_json(sent(wire, *said))
    parts = [part for message in said if isinstance(message, ToolResultMessage) for part in message.parts]
    for part in parts:
        if isinstance(part, TextPart) and part.text.strip():
            assert dump_json(part.text)[1:-1] in text
    hidden = [part for part in parts if not isinstance(part, TextPart) and not is_shown(part, text)]
    assert text.count(NOT_SHOWN) >= len(hidden)


def is_shown(part: ImagePart | DocumentPart, text: str) -> bool:
    """Whether what `part` holds stands in the request."""
    match part.source:
        case InlineMedia(data=data):
            as_text = data.decode(errors="replace")
            return bool(data) and (b64encode(data).decode() in text or dump_json(as_text)[1:-1] in text)
        case MediaUrl(url=url):
            return bool(url) and dump_json(url) in text


@pytest.mark.parametrize("wire", WIRES, ids=str)
@pytest.mark.parametrize("url", [url for url in URLS if "secret" in url])
def test_what_is_told_keeps_secrets(wire: Wire, url: str) -> None:
    text = dump_json(sent(wire, HI, *answered([ImagePart(MediaUrl(url, "image/tiff"))])))
    assert NOT_SHOWN in text
    assert "secret" not in text


@pytest.mark.parametrize("wire", WIRES, ids=str)
def test_what_a_wire_takes_is_not_told(wire: Wire) -> None:
    said = answered([ImagePart(PNG), "and", DocumentPart(PDF, "Report")], [ImagePart(PNG)])
    text = dump_json(sent(wire, HI, *said))
    assert NOT_SHOWN not in text
    assert text.count(b64encode(PNG.data).decode()) == 2
    assert text.count(b64encode(PDF.data).decode()) == 1


@pytest.mark.parametrize("wire", WIRES, ids=str)
def test_marks_in_results_never_fail_a_request(wire: Wire) -> None:
    results = [[TextPart("a", cache=CacheMark("5m"))], [TextPart("b", cache=CacheMark("1h"))]]
    said = [message for _ in range(6) for message in answered(*results)]
    assert sent(wire, HI, *said)


@pytest.mark.parametrize("wire", WIRES, ids=str)
def test_a_strict_tool_is_one_where_the_wire_has_them(wire: Wire) -> None:
    body = asked(wire, RequestTurn(1, (HI,), STRICT))
    assert wire.faults(body) == ()
    held = {"openai-chat": 2, "openai-responses": 2, "anthropic": 1, "bedrock-converse": 1}
    assert dump_json(body["toolConfig" if "toolConfig" in body else "tools"]).count('"strict":true') == held.get(
        wire.name, 0
    )


@pytest.mark.parametrize(
    ("part", "text"),
    [
        (ImagePart(TIFF), "[an image, image/tiff, 4 bytes, that this model cannot be shown]"),
        (DocumentPart(TIFF, "A"), "[a document 'A', image/tiff, 4 bytes, that this model cannot be shown]"),
        (
            ImagePart(MediaUrl("https://u:p@h:1/a/b?c#d")),
            "[an image, no known type, at https://h/a/b, that this model cannot be shown]",
        ),
        (
            ImagePart(MediaUrl("data:x", "image/tiff")),
            "[an image, image/tiff, at an address that leads nowhere, that this model cannot be shown]",
        ),
    ],
)
def test_the_words_for_what_is_not_shown(part: UserPart, text: str) -> None:
    rules = MediaRules("Nobody", frozenset(), frozenset(), cache_marks=False)
    asked_first = UserMessage([ImagePart(TIFF)])
    marked = TextPart("a", cache=CacheMark())
    assert told_results([asked_first, ToolResultMessage("x", "f", [marked, part], True)], rules) == (
        asked_first,
        ToolResultMessage("x", "f", ["a", text], True),
    )


def test_a_mark_stays_where_it_is_taken() -> None:
    rules = MediaRules("Somebody", frozenset(), frozenset(), cache_marks=True)
    (told,) = told_results([ToolResultMessage("x", "f", [ImagePart(PNG, CacheMark("1h"))])], rules)
    assert [part.cache for part in told.parts if isinstance(part, TextPart)] == [CacheMark("1h")]


@pytest.mark.parametrize(
    ("url", "taken"),
    [
        ("https://h/a", True),
        ("https://h/a b", False),
        ("https://h/a\nb", False),
        ("HTTPS://h/a", False),
        ("https:/a", False),
        ("https://[", False),
    ],
)
def test_an_address_has_to_be_one(url: str, taken: bool) -> None:
    rules = MediaRules("Somebody", frozenset({"https"}), frozenset(), cache_marks=False)
    image = ImagePart(MediaUrl(url))
    (told,) = told_results([ToolResultMessage("x", "f", [image])], rules)
    assert (told.parts == (image,)) == taken


def test_the_text_of_a_result() -> None:
    assert result_text([TextPart(" ")]) == " "
    assert result_text([TextPart("a"), TextPart(" "), ImagePart(TIFF), TextPart("b")]) == "a\nb"
    assert result_text([]) == ""
    assert media_label(ImagePart(TIFF), 2, "f") == "image 2 of call f"
