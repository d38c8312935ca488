"""Encodes images, documents and cache marks for the Messages wire."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Sequence

from punk.core.failures import Unsupported
from punk.core.json import JsonObject, JsonValue
from punk.core.media import CacheMark, InlineMedia, MediaUrl
from punk.core.messages import Message, UserMessage
from punk.core.parts import DocumentPart, ImagePart
from punk.providers.anthropic.rules import MEDIA, MOST_MARKS, PDF, TEXTS
from punk.providers.encoding import plain_type, refused_part
from punk.providers.results import told_results


def with_media_told(messages: Iterable[Message]) -> tuple[Message, ...]:
    """`messages` without what the wire does not take in a result."""
    return told_results(
        messages, MEDIA, lambda part: _refused_document(part) if isinstance(part, DocumentPart) else None
    )


def refused_media(messages: Iterable[Message]) -> Unsupported | None:
    """Why an image or a document in `messages` cannot be sent, None if all can."""
    said = tuple(messages)
    documents = (
        part
        for message in said
        if isinstance(message, UserMessage)
        for part in message.parts
        if isinstance(part, DocumentPart)
    )
    return refused_part(said, MEDIA) or next((why for part in documents if (why := _refused_document(part))), None)


def refused_marks(blocks: Iterable[JsonObject]) -> Unsupported | None:
    """Why the prompt that `blocks` make, in their order, cannot be marked as it is, None if it can."""
    marks = [mark for block in blocks if isinstance(mark := block.get("cache_control"), dict)]
    if len(marks) > MOST_MARKS:
        return Unsupported(f"Anthropic takes {MOST_MARKS} cache marks, not {len(marks)}: leave the first ones out")
    lifetimes = [mark.get("ttl") == "1h" for mark in marks]
    if lifetimes != sorted(lifetimes, reverse=True):
        return Unsupported(
            "Anthropic wants cache marks of 1h before those of 5m (the system comes first): reorder them"
        )
    return None


def fit_marks(blocks: Sequence[JsonObject]) -> Unsupported | None:
    """Takes marks off results, the first ones first, until the prompt can be marked so. Says why it cannot be even
    then: a user is told, but a tool that has run is no reason to fail."""
    results = [block for block in blocks if block["type"] == "tool_result" and "cache_control" in block]
    while (refused := refused_marks(blocks)) and results:
        del results.pop(0)["cache_control"]
    return refused


def marked(block: JsonObject, mark: CacheMark | None) -> JsonObject:
    """`block` with its mark."""
    return block if mark is None else {**block, "cache_control": {"type": "ephemeral", "ttl": mark.ttl}}


def media_block(part: ImagePart | DocumentPart) -> JsonObject:
    """The block for an image or a document that is not refused."""
    if isinstance(part, ImagePart):
        return marked({"type": "image", "source": _source(part.source)}, part.cache)
    title: JsonObject = {"title": part.name} if part.name and part.name.strip() else {}
    return marked({"type": "document", "source": _source(part.source), **title}, part.cache)


def _source(source: InlineMedia | MediaUrl) -> JsonObject:
    if isinstance(source, MediaUrl):
        return {"type": "url", "url": source.url}
    kind = plain_type(source.media_type)
    if kind in TEXTS:
        # The wire has one type for all of them.
        return {"type": "text", "media_type": "text/plain", "data": source.data.decode(errors="replace")}
    data: JsonValue = b64encode(source.data).decode()
    return {"type": "base64", "media_type": kind, "data": data}


def _refused_document(part: DocumentPart) -> Unsupported | None:
    kind = plain_type(part.source.media_type)
    match part.source:
        case MediaUrl():
            if kind in ("", PDF):
                return None
            return Unsupported(f"Anthropic takes documents by address if they are PDFs, not {kind}: pass its bytes")
        case InlineMedia(data=data):
            if kind not in TEXTS or _is_text(data):
                return None
            return Unsupported(f"a document of {kind} is empty or not in UTF-8: convert it")


def _is_text(data: bytes) -> bool:
    try:
        return bool(data.decode().strip())
    except UnicodeDecodeError:
        return False
