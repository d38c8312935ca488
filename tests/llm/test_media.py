"""Images and documents, from wherever they come."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from pathlib import Path

import pytest

from punk.core.media import CacheMark, InlineMedia, MediaUrl
from punk.core.messages import UserMessage
from punk.core.parts import DocumentPart, ImagePart, TextPart
from punk.errors import ConfigurationError
from punk.llm.chat import Chat
from punk.llm.media import Media, document, image

PNG = b"\x89PNG\r\n\x1a\n" + b"rest"


@pytest.mark.parametrize(
    ("data", "media_type"),
    [
        (PNG, "image/png"),
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"GIF89a", "image/gif"),
        (b"RIFF\x00\x00\x00\x00WEBPVP8 ", "image/webp"),
        (b"%PDF-1.7", "application/pdf"),
    ],
)
def test_bytes_tell_what_they_are(data: bytes, media_type: str) -> None:
    assert image(data) == ImagePart(InlineMedia(media_type, data))


def test_what_is_given_wins_over_what_is_told() -> None:
    assert image(PNG, media_type="image/x").source == InlineMedia("image/x", PNG)
    assert image("https://x/a.png", media_type="image/x").source == MediaUrl("https://x/a.png", "image/x")
    assert document(b"a,b", media_type="text/csv", name="n") == DocumentPart(InlineMedia("text/csv", b"a,b"), "n")


def test_a_file_is_read_when_the_part_is_made(tmp_path: Path) -> None:
    file = tmp_path / "notes.md"
    file.write_bytes(b"# Hi")
    parts = document(file), document(str(file), cache=CacheMark("1h"))
    file.unlink()
    source = InlineMedia("text/markdown", b"# Hi")
    assert parts == (DocumentPart(source, "notes.md"), DocumentPart(source, "notes.md", CacheMark("1h")))


def test_an_address_is_not_fetched() -> None:
    assert image("https://x/a.jpg?sig=1") == ImagePart(MediaUrl("https://x/a.jpg?sig=1", "image/jpeg"))
    assert document("gs://bucket/report.pdf") == DocumentPart(
        MediaUrl("gs://bucket/report.pdf", "application/pdf"), "report.pdf"
    )
    assert image("https://x/a").source == MediaUrl("https://x/a")


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_bytes_are_of_any_kind(kind: Callable[[bytes], Media]) -> None:
    part = document(kind(PNG))
    assert part == DocumentPart(InlineMedia("image/png", PNG))
    assert type(part.source) is InlineMedia
    assert type(part.source.data) is bytes


def test_bytes_that_change_later_do_not_change_the_part() -> None:
    data = bytearray(PNG)
    part = image(data)
    data.clear()
    assert part == image(PNG)


@pytest.mark.parametrize(
    ("url", "media_type", "data"),
    [
        ("data:image/png;base64,/+8=", "image/png", b"\xff\xef"),
        ("DATA:image/svg+xml;charset=utf-8;BASE64,/+8", "image/svg+xml;charset=utf-8", b"\xff\xef"),
        ("data:image/png;base64,%2F+\n8%3D", "image/png", b"\xff\xef"),
        ("data:text/plain;charset=utf-8,a%20b,%C3%A9", "text/plain;charset=utf-8", "a b,é".encode()),
        ("data:text/html,http://x/?a", "text/html", b"http://x/?a"),
        ("data:;base64,iVBORw0KGgo=", "image/png", b"\x89PNG\r\n\x1a\n"),
        ("data:,%25PDF-1", "application/pdf", b"%PDF-1"),
    ],
)
def test_an_address_that_holds_the_bytes_is_those_bytes(url: str, media_type: str, data: bytes) -> None:
    assert image(url) == ImagePart(InlineMedia(media_type, data))
    assert document(url) == DocumentPart(InlineMedia(media_type, data))
    assert document(url, media_type="a/b", name="n") == DocumentPart(InlineMedia("a/b", data), "n")


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("data:", "is no data URL"),
        ("data:image/png;base64", "is no data URL"),
        ("data:base64,aaaa", "is no data URL"),
        ("data:png;base64,aaaa", "is no data URL"),
        ("data:image/png;base64,a", "cannot be decoded"),
        ("data:image/png;base64,a_-a", "cannot be decoded"),
        ("data:text/plain,\ud800", "cannot be decoded"),
        ("data:,a", "pass media_type"),
    ],
)
def test_an_address_that_ought_to_hold_bytes_is_an_error_that_says_so(url: str, says: str) -> None:
    for make in (image, document):
        with pytest.raises(ConfigurationError, match=says):
            make(url)


@pytest.mark.parametrize("start", ["data:", "data:image/png;base64,!", "/nowhere/", "a\0", ""])
def test_no_error_shows_what_may_be_the_media_itself(start: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        image(start + "A" * 10_000)
    assert len("".join(traceback.format_exception(caught.value, limit=0))) < 300


def test_what_cannot_be_read_or_told_is_an_error_that_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"nowhere\.png cannot be read: No such file"):
        image(tmp_path / "nowhere.png")
    with pytest.raises(ConfigurationError, match="pass media_type"):
        document(b"anything")


def test_a_message_takes_texts_and_media_side_by_side() -> None:
    message = UserMessage(["What is this? ", image(PNG), TextPart("Say it.")])
    assert message.parts == (TextPart("What is this? "), ImagePart(InlineMedia("image/png", PNG)), TextPart("Say it."))
    assert message.content == "What is this? Say it."
    assert Chat.from_json(Chat([message]).to_json()).messages == (message,)
