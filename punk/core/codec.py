"""Messages as versioned JSON, and back, losing nothing."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass
from typing import Final, get_args

from returns.result import Failure, Result, Success

from punk.core.codec_parts import assistant_part, call, provider_data, result_content, text_part, user_part
from punk.core.json import JsonValue, dump_json, parse_object
from punk.core.json_fields import (
    BYTES_TAG,
    Read,
    Record,
    WrongFormError,
    array,
    boolean,
    integer,
    one_of,
    optional,
    text,
)
from punk.core.media import InlineMedia, MediaUrl
from punk.core.messages import (
    AssistantMessage,
    Finish,
    FinishReason,
    Message,
    Origin,
    SystemMessage,
    ToolCallMessage,
    ToolResultMessage,
    UserMessage,
)
from punk.core.parts import DocumentPart, ImagePart, OpaquePart, RefusalPart, TextPart, ThinkingPart, ToolCall
from punk.core.usage import Usage

VERSION: Final = 1

_TAGS: Final[Mapping[type, str]] = {
    SystemMessage: "system",
    UserMessage: "user",
    AssistantMessage: "assistant",
    ToolCallMessage: "tool_call",
    TextPart: "text",
    ImagePart: "image",
    DocumentPart: "document",
    ThinkingPart: "thinking",
    RefusalPart: "refusal",
    ToolCall: "call",
    OpaquePart: "opaque",
    InlineMedia: "inline",
    MediaUrl: "url",
}


def messages_to_json(messages: Iterable[Message]) -> str:
    """The JSON text of `messages`, with the version of its form."""
    return dump_json({"format": "punk.messages", "version": VERSION, "messages": [_encode(m) for m in messages]})


def messages_from_json(text: str) -> Result[tuple[Message, ...], str]:
    """The messages that `messages_to_json` wrote, or what is wrong with `text`."""
    return parse_object(text).alt(lambda fault: f"not a chat's JSON: {fault}").bind(_document)


def _document(document: dict[str, JsonValue]) -> Result[tuple[Message, ...], str]:
    if document.get("format") != "punk.messages":
        return Failure("not a chat's JSON: there is no format punk.messages")
    if document.get("version") != VERSION:
        return Failure(f"this punk reads version {VERSION} of a chat's JSON, not {document.get('version')!r}")
    try:
        return Success(array(_message)(document.get("messages")))
    except WrongFormError as error:
        return Failure(f"not a chat's JSON: {error}")


def _encode(value: object) -> JsonValue:
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, bytes):
        return {BYTES_TAG: b64encode(value).decode()}
    if isinstance(value, tuple):
        return [_encode(item) for item in value]
    if isinstance(value, ToolResultMessage):
        plain = value.parts == (TextPart(value.content),)
        content: JsonValue = value.content if plain else _encode(value.parts)
        return {
            "type": "tool_result",
            "call_id": value.call_id,
            "name": value.name,
            "content": content,
            "is_error": value.is_error,
        }
    tag: dict[str, JsonValue] = {"type": _TAGS[type(value)]} if type(value) in _TAGS else {}
    if not is_dataclass(value) or isinstance(value, type):
        raise TypeError(f"{type(value).__name__} has no place in a message")
    return tag | {field.name: _encode(getattr(value, field.name)) for field in fields(value)}


_REASONS: Final[tuple[FinishReason, ...]] = get_args(FinishReason)
_REASON: Final[Read[FinishReason]] = one_of(_REASONS, "a finish reason")


def _finish(value: JsonValue) -> Finish:
    get = Record(value)
    return Finish(get("reason", optional(_REASON)), get("raw", optional(text)), get("detail", optional(text)))


def _origin(value: JsonValue) -> Origin:
    get = Record(value)
    names = (get(name, optional(text)) for name in ("family", "model", "response_id"))
    return Origin(*names)


def _usage(value: JsonValue) -> Usage:
    get = Record(value)
    counts = {
        name: get(name, optional(integer))
        for name in ("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens", "reasoning_tokens")
    }
    return Usage(**counts, lower_bound=get("lower_bound", boolean), reported=get("reported", optional(provider_data)))


def _message(value: JsonValue) -> Message:
    get = Record(value)
    match get("type", text):
        case "system":
            return SystemMessage(get("parts", array(text_part)))
        case "user":
            return UserMessage(get("parts", array(user_part)))
        case "assistant":
            return AssistantMessage(
                get("parts", array(assistant_part)),
                finish=get("finish", _finish),
                usage=get("usage", optional(_usage)),
                origin=get("origin", _origin),
                unrun_calls=get("unrun_calls", array(call)),
            )
        case "tool_call":
            return ToolCallMessage(
                get("parts", array(assistant_part)),
                finish=get("finish", _finish),
                usage=get("usage", optional(_usage)),
                origin=get("origin", _origin),
            )
        case "tool_result":
            return ToolResultMessage(
                get("call_id", text), get("name", text), get("content", result_content), get("is_error", boolean)
            )
        case other:
            raise WrongFormError(f"{other!r} is no kind of message")
