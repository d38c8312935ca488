"""Encodes what a user says, or the system: a text, or a list of texts, images and documents."""

from __future__ import annotations

from collections.abc import Sequence
from typing import assert_never

from punk.core.json import JsonObject, JsonValue
from punk.core.media import InlineMedia
from punk.core.parts import DocumentPart, ImagePart, TextPart, UserPart
from punk.providers.openai.media import breakpoint_of, data_url, file_name


def content_of(parts: Sequence[UserPart]) -> JsonValue:
    """The content of a message, None if it says nothing."""
    if all(isinstance(part, TextPart) and part.cache is None for part in parts):
        text = "".join(part.text for part in parts if isinstance(part, TextPart))
        return text if text.strip() else None
    pieces: list[JsonValue] = [piece for part in parts if (piece := _piece(part)) is not None]
    return pieces or None


def output_of(parts: Sequence[UserPart]) -> JsonValue:
    """The output of a tool: a text, or a list of pieces where it is more than that."""
    pieces: list[JsonValue] = [piece for part in parts if (piece := _piece(part)) is not None]
    match parts:
        case [TextPart(text=text, cache=None)]:
            return text
        case _:
            return pieces or ""


def _piece(part: UserPart) -> JsonObject | None:
    match part:
        case TextPart(text=text, cache=mark):
            return {"type": "input_text", "text": text, **breakpoint_of(mark)} if text.strip() else None
        case ImagePart(source=source, cache=mark):
            address = data_url(source) if isinstance(source, InlineMedia) else source.url
            return {"type": "input_image", "detail": "auto", "image_url": address, **breakpoint_of(mark)}
        case DocumentPart(cache=mark):
            return {"type": "input_file", **_file(part), **breakpoint_of(mark)}
        case _:
            assert_never(part)


def _file(part: DocumentPart) -> JsonObject:
    if isinstance(part.source, InlineMedia):
        return {"file_data": data_url(part.source), "filename": file_name(part)}
    if part.source.scheme == "data":
        return {"file_data": part.source.url, "filename": file_name(part)}
    # The server names what it fetches itself.
    return {"file_url": part.source.url}
