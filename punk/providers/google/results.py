"""Encodes the results of tools for the Gemini wire.

A result holds its images and documents itself where the model can have that, as bytes of a few types. All others stand
apart, behind the results of their turn, each behind a text that names it.
"""

from __future__ import annotations

from typing import Final

from punk.core.json import JsonObject, JsonValue, parse_object
from punk.core.media import InlineMedia, MediaSource
from punk.core.messages import ToolResultMessage
from punk.core.parts import TextPart
from punk.providers.encoding import plain_type
from punk.providers.google.media import media_part
from punk.providers.google.rules import IN_RESPONSES, function_name
from punk.providers.results import media_label, result_text

ID: Final = "id"


def encode_result(
    message: ToolResultMessage, id_: str | None, apart: list[JsonObject], *, with_media: bool
) -> JsonObject:
    """The part for a result, under the call's id if the provider gave one. What it cannot hold is added to what stands
    `apart`; `with_media` says that it can hold images and documents."""
    held: list[JsonValue] = []
    for part in message.parts:
        if isinstance(part, TextPart):
            continue
        # Without what may stand behind it, such as a charset.
        source = _plain(part.source)
        if with_media and isinstance(source, InlineMedia) and source.media_type in IN_RESPONSES:
            held.append(media_part(source))
        else:
            label = media_label(part, 1 + len(apart) // 2, message.name)
            apart += [{"text": f"[{label}]"}, media_part(source)]
    said: JsonObject = {"name": function_name(message.name), "response": _response(message)}
    return {"functionResponse": ({ID: id_} if id_ else {}) | said | ({"parts": held} if held else {})}


def _response(message: ToolResultMessage) -> JsonObject:
    text = result_text(message.parts)
    known = None if message.is_error else parse_object(text).value_or(None)
    return {"error" if message.is_error else "result": text} if known is None else known


def _plain(source: MediaSource) -> MediaSource:
    return InlineMedia(plain_type(source.media_type), source.data) if isinstance(source, InlineMedia) else source
