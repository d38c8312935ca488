"""Reads the parts of messages from their JSON (internal)."""

from __future__ import annotations

from typing import get_args

from punk.core.json import JsonValue
from punk.core.json_fields import Read, Record, WrongFormError, array, boolean, octets, one_of, optional, text
from punk.core.media import CacheMark, CacheTtl, InlineMedia, MediaSource, MediaUrl
from punk.core.parts import (
    Approval,
    AssistantPart,
    DocumentPart,
    ImagePart,
    OpaquePart,
    RefusalPart,
    TextPart,
    ThinkingPart,
    ToolCall,
    UserPart,
)
from punk.core.provider_data import ProviderData


def provider_data(value: JsonValue) -> ProviderData:
    """A payload of one provider."""
    get = Record(value)
    return ProviderData(get("family", text), get("text", text))


def call(value: JsonValue) -> ToolCall:
    """A tool call."""
    get = Record(value)
    return ToolCall(
        get("id", text),
        get("name", text),
        get("arguments", text),
        get("provider_data", _MAYBE_DATA),
        get("approval", _MAYBE_APPROVAL),
    )


def text_part(value: JsonValue) -> TextPart:
    """A text, and nothing else."""
    part = user_part(value)
    if not isinstance(part, TextPart):
        raise WrongFormError("a text part was expected")
    return part


def user_part(value: JsonValue) -> UserPart:
    """A part of what a user says."""
    get = Record(value)
    match get("type", text):
        case "text":
            return TextPart(get("text", text), get("provider_data", _MAYBE_DATA), get("cache", _MAYBE_MARK))
        case "image":
            return ImagePart(get("source", _source), get("cache", _MAYBE_MARK))
        case "document":
            return DocumentPart(get("source", _source), get("name", optional(text)), get("cache", _MAYBE_MARK))
        case other:
            raise WrongFormError(f"{other!r} is no kind of part")


def result_content(value: JsonValue) -> str | tuple[UserPart, ...]:
    """What a tool gave: a text, or parts."""
    return value if isinstance(value, str) else array(user_part)(value)


def assistant_part(value: JsonValue) -> AssistantPart:
    """A part of what a model says."""
    get = Record(value)
    match get("type", text):
        case "text":
            return text_part(value)
        case "thinking":
            return ThinkingPart(get("text", text), get("signature", optional(text)), get("provider_data", _MAYBE_DATA))
        case "refusal":
            return RefusalPart(get("text", text))
        case "call":
            return call(value)
        case "opaque":
            return OpaquePart(get("kind", text), get("data", provider_data), get("replayable", boolean))
        case other:
            raise WrongFormError(f"{other!r} is no kind of part")


def _mark(value: JsonValue) -> CacheMark:
    ttls: tuple[CacheTtl, ...] = get_args(CacheTtl)
    return CacheMark(Record(value)("ttl", one_of(ttls, "how long to cache")))


def _source(value: JsonValue) -> MediaSource:
    get = Record(value)
    match get("type", text):
        case "inline":
            return InlineMedia(get("media_type", text), get("data", octets))
        case "url":
            return MediaUrl(get("url", text), get("media_type", optional(text)))
        case other:
            raise WrongFormError(f"{other!r} is no source of media")


_APPROVALS: tuple[Approval, ...] = get_args(Approval)
_MAYBE_APPROVAL: Read[Approval | None] = optional(one_of(_APPROVALS, "an approval"))
_MAYBE_DATA: Read[ProviderData | None] = optional(provider_data)
_MAYBE_MARK: Read[CacheMark | None] = optional(_mark)
