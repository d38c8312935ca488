"""Encodes images and documents for the Gemini wire, and says which of them cannot be sent."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable
from dataclasses import replace
from urllib.parse import urlsplit

from punk.core.failures import Unsupported
from punk.core.json import JsonObject
from punk.core.media import InlineMedia, MediaSource, MediaUrl
from punk.core.messages import Message, UserMessage
from punk.core.parts import DocumentPart, ImagePart
from punk.providers.google.rules import MEDIA, RESULT_DOCUMENTS, RESULT_IMAGES, TYPES
from punk.providers.google.settings import Service
from punk.providers.results import told_results


def media_part(source: MediaSource) -> JsonObject:
    """The part for an image or a document."""
    if isinstance(source, InlineMedia):
        return {"inlineData": {"mimeType": source.media_type, "data": b64encode(source.data).decode()}}
    file: JsonObject = {"fileUri": source.url}
    if kind := media_type(source.url, source.media_type):
        file["mimeType"] = kind
    return {"fileData": file}


def media_type(url: str, said: str | None) -> str | None:
    """The type of what is at `url`: the one that was `said`, or what the address ends with tells."""
    return said or TYPES.get(urlsplit(url).path.rpartition(".")[2].lower())


def refused_source(service: Service, messages: Iterable[Message]) -> Unsupported | None:
    """Why an image or a document of a user cannot be sent, None if all can."""
    said = (part for message in messages if isinstance(message, UserMessage) for part in message.parts)
    media = (part for part in said if isinstance(part, ImagePart | DocumentPart))
    return next((why for part in media if (why := _refused(service, part))), None)


def with_media_told(service: Service, messages: Iterable[Message]) -> tuple[Message, ...]:
    """`messages` without what the wire does not take of a result."""
    rules = replace(MEDIA, image_types=RESULT_IMAGES, document_types=RESULT_DOCUMENTS)
    return told_results(messages, rules, lambda part: _refused(service, part))


def _refused(service: Service, part: ImagePart | DocumentPart) -> Unsupported | None:
    """There must be something, and Vertex wants to know what is at a URL."""
    match part.source:
        case InlineMedia(data=b""):
            return Unsupported(f"the {'image' if isinstance(part, ImagePart) else 'document'} is empty")
        case MediaUrl(url=url, media_type=said) if service == "vertex" and media_type(url, said) is None:
            return Unsupported("Vertex wants the media type of what a URL leads to: pass media_type with it")
        case _:
            return None
