"""Encodes images and documents as the Converse wire has them: a format, and bytes or a place in S3."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Final

from punk.core.failures import Unsupported
from punk.core.json import JsonObject
from punk.core.media import InlineMedia, MediaSource, MediaUrl
from punk.core.messages import Message
from punk.core.parts import DocumentPart, ImagePart
from punk.providers.bedrock.models import sees_results
from punk.providers.bedrock.rules import DOCUMENT_FORMATS, IMAGE_FORMATS, MEDIA, document_name
from punk.providers.results import told_results

# No mark stands within a result.
_IN_RESULTS: Final = replace(MEDIA, cache_marks=False)


def with_media_told(messages: Iterable[Message], model: str) -> tuple[Message, ...]:
    """`messages` without what `model` does not take in a result."""
    rules = _IN_RESULTS if sees_results(model) else replace(_IN_RESULTS, images=frozenset())
    return told_results(messages, rules, _refused)


def image_block(part: ImagePart) -> JsonObject | Unsupported:
    """The block of an image, or why there can be none."""
    return _block("image", part, IMAGE_FORMATS, {})


def document_block(part: DocumentPart, taken: set[str]) -> JsonObject | Unsupported:
    """The block of a document, or why there can be none. Its name is none of those `taken`, and is added to them."""
    name = base = document_name(part.name or "") or "document"
    number = 1
    while name in taken:
        number += 1
        name = f"{base} ({number})"
    taken.add(name)
    return _block("document", part, DOCUMENT_FORMATS, {"name": name})


def _block(
    kind: str, part: ImagePart | DocumentPart, formats: Mapping[str, str], fields: JsonObject
) -> JsonObject | Unsupported:
    refusal = _refused(part)
    if refusal is not None:
        return refusal
    source = part.source
    place: JsonObject = (
        {"s3Location": {"uri": source.url}}
        if isinstance(source, MediaUrl)
        else {"bytes": b64encode(source.data).decode()}
    )
    return {kind: {"format": _format(source, formats), **fields, "source": place}}


def _refused(part: ImagePart | DocumentPart) -> Unsupported | None:
    kind, formats = ("image", IMAGE_FORMATS) if isinstance(part, ImagePart) else ("document", DOCUMENT_FORMATS)
    source = part.source
    if refusal := MEDIA.refusal(part):
        return refusal
    if isinstance(source, InlineMedia) and not source.data:
        return Unsupported(f"the {kind} is empty")
    if _format(source, formats) is None:
        known = ", ".join(dict.fromkeys(formats.values()))
        what = f"{source.media_type!r} is none" if source.media_type else "its media_type is not given"
        return Unsupported(f"Bedrock takes {kind}s of the formats {known}; {what}: convert it, or say its media_type")
    return None


def _format(source: MediaSource, formats: Mapping[str, str]) -> str | None:
    if source.media_type:
        return formats.get(source.media_type.partition(";")[0].strip().lower())
    if not isinstance(source, MediaUrl):
        return None
    ending = source.url.rpartition(".")[2].lower()
    ending = {"jpg": "jpeg", "htm": "html"}.get(ending, ending)
    return ending if ending in formats.values() else None
