"""What an MCP server says, as the values of punk: the parts of a result, and what the model is told of a tool."""

from __future__ import annotations

import math
from base64 import b64decode
from typing import Final
from urllib.parse import unquote, urlsplit

from punk.core.json import JsonObject, JsonValue, dump_json, repair_text
from punk.core.media import InlineMedia
from punk.core.parts import DocumentPart, ImagePart, TextPart, UserPart
from punk.tools.remote import ToolAnswer
from punk.tools.result import render_result

_UNTYPED: Final = "application/octet-stream"


def answer_of(result: JsonObject) -> ToolAnswer:
    """The answer that the result of a `tools/call` is, as it stands on the wire.

    One that has a structured content only is that content's JSON; one that has nothing at all has no parts.
    """
    content = result.get("content")
    blocks = content if isinstance(content, list) else []
    parts = tuple(_part(block) for block in blocks)
    structured = result.get("structuredContent")
    if not parts and structured is not None:
        parts = render_result(structured).unwrap().parts
    return ToolAnswer(parts, is_error=result.get("isError") is True)


def error_answer(message: str) -> ToolAnswer:
    """An answer that says what went wrong."""
    return ToolAnswer((TextPart(repair_text(message)),), is_error=True)


def parameters_of(schema: JsonObject) -> str:
    """The JSON text of a tool's `inputSchema`, as a schema of type object that has properties, maybe none. What is no
    JSON in it, as the infinities that some servers write, is left out."""
    kept = {key: _finite(value) for key, value in schema.items() if key != "$schema" and not _is_infinite(value)}
    properties = kept.get("properties")
    return dump_json(kept | {"type": "object", "properties": properties if isinstance(properties, dict) else {}})


def _finite(value: JsonValue) -> JsonValue:
    match value:
        case dict():
            return {key: _finite(inner) for key, inner in value.items() if not _is_infinite(inner)}
        case list():
            return [_finite(inner) for inner in value if not _is_infinite(inner)]
        case _:
            return value


def _is_infinite(value: JsonValue) -> bool:
    return isinstance(value, float) and not math.isfinite(value)


def _part(block: JsonValue) -> UserPart:
    match block:
        case {"type": "text", "text": str(text)}:
            return TextPart(repair_text(text))
        case {"type": "image", "data": str(data), "mimeType": str(media_type)}:
            return _media(data, media_type, None)
        case {"type": "audio", "data": str(data), "mimeType": str(media_type)}:
            return _media(data, media_type, None)
        case {"type": "resource", "resource": {"text": str(text)}}:
            return TextPart(repair_text(text))
        case {"type": "resource", "resource": {"blob": str(data), "uri": str(uri)} as resource}:
            return _media(data, _said(resource, "mimeType") or _UNTYPED, _name_in(uri))
        case {"type": "resource_link", "uri": str(uri)}:
            lines = (_said(block, "title") or _said(block, "name"), uri, _said(block, "description"))
            return TextPart(repair_text("\n".join(line for line in lines if line)))
        case _:
            return TextPart(dump_json(block))


def _said(of: JsonValue, key: str) -> str:
    """The text under `key`; empty if there is none."""
    value = of.get(key) if isinstance(of, dict) else None
    return value if isinstance(value, str) else ""


def _media(data: str, media_type: str, name: str | None) -> UserPart:
    try:
        source = InlineMedia(media_type, b64decode(data, validate=True))
    except ValueError:
        return TextPart(f"({media_type[:80]} that cannot be read: it is not valid base64)")
    return ImagePart(source) if media_type.lower().startswith("image/") else DocumentPart(source, name)


def _name_in(uri: str) -> str | None:
    try:
        path = urlsplit(uri).path
    except ValueError:
        return None
    return repair_text(unquote(path.rstrip("/").rpartition("/")[2])) or None
