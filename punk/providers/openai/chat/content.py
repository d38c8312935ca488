"""Encodes what a user says, or the system: a text, or a list of texts, images and documents."""

from __future__ import annotations

from collections.abc import Sequence
from typing import assert_never

from punk.core.json import JsonObject, JsonValue
from punk.core.media import InlineMedia, MediaUrl
from punk.core.parts import DocumentPart, ImagePart, TextPart, UserPart
from punk.providers.openai.media import breakpoint_of, data_url, file_name


def content_of(parts: Sequence[UserPart]) -> JsonValue:
    """The content of a message, None if it says nothing."""
    if all(isinstance(part, TextPart) and part.cache is None for part in parts):
        text = "".join(part.text for part in parts if isinstance(part, TextPart))
        return text if text.strip() else None
    pieces: list[JsonValue] = [piece for part in parts if (piece := piece_of(part)) is not None]
    return pieces or None


def text_piece(part: TextPart) -> JsonObject:
    """A text as a part of its message."""
    return {"type": "text", "text": part.text, **breakpoint_of(part.cache)}


def piece_of(part: UserPart) -> JsonObject | None:
    """A part as one of its message, None for a text that says nothing."""
    match part:
        case TextPart(text=text):
            return text_piece(part) if text.strip() else None
        case ImagePart(source=source, cache=mark):
            return {"type": "image_url", "image_url": {"url": _address(source)}, **breakpoint_of(mark)}
        case DocumentPart(source=source, cache=mark):
            file: JsonObject = {"file_data": _address(source), "filename": file_name(part)}
            return {"type": "file", "file": file, **breakpoint_of(mark)}
        case _:
            assert_never(part)


def _address(source: InlineMedia | MediaUrl) -> str:
    return data_url(source) if isinstance(source, InlineMedia) else source.url
