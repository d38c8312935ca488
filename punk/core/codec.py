"""Messages as versioned JSON, and back, losing nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields, is_dataclass
from typing import Final, TypeAlias, TypeVar, get_args

from returns.result import Failure, Result, Success

from punk.core.json import JsonValue, dump_json, parse_object
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
from punk.core.parts import AssistantPart, OpaquePart, RefusalPart, TextPart, ThinkingPart, ToolCall
from punk.core.provider_data import ProviderData
from punk.core.usage import Usage

VERSION: Final = 1

T = TypeVar("T")
_Decode: TypeAlias = Callable[[JsonValue], T]

_TAGS: Final[Mapping[type, str]] = {
    SystemMessage: "system",
    UserMessage: "user",
    AssistantMessage: "assistant",
    ToolCallMessage: "tool_call",
    ToolResultMessage: "tool_result",
    TextPart: "text",
    ThinkingPart: "thinking",
    RefusalPart: "refusal",
    ToolCall: "call",
    OpaquePart: "opaque",
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
        return Success(_array(_message)(document.get("messages")))
    except _WrongFormError as error:
        return Failure(f"not a chat's JSON: {error}")


class _WrongFormError(Exception):
    """The JSON is not of the form that was asked for."""


def _encode(value: object) -> JsonValue:
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, tuple):
        return [_encode(item) for item in value]
    tag: dict[str, JsonValue] = {"type": _TAGS[type(value)]} if type(value) in _TAGS else {}
    if not is_dataclass(value) or isinstance(value, type):
        raise TypeError(f"{type(value).__name__} has no place in a message")
    return tag | {field.name: _encode(getattr(value, field.name)) for field in fields(value)}


def _text(value: JsonValue) -> str:
    if not isinstance(value, str):
        raise _WrongFormError(f"a text was expected, not {value!r:.40}")
    return value


def _integer(value: JsonValue) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise _WrongFormError(f"a whole number was expected, not {value!r:.40}")
    return value


def _boolean(value: JsonValue) -> bool:
    if not isinstance(value, bool):
        raise _WrongFormError(f"true or false was expected, not {value!r:.40}")
    return value


def _reason(value: JsonValue) -> FinishReason:
    reasons: tuple[FinishReason, ...] = get_args(FinishReason)
    for reason in reasons:
        if reason == value:
            return reason
    raise _WrongFormError(f"a finish reason was expected, not {value!r:.40}")


def _optional(decode: _Decode[T]) -> _Decode[T | None]:
    return lambda value: None if value is None else decode(value)


def _array(decode: _Decode[T]) -> _Decode[tuple[T, ...]]:
    def decode_array(value: JsonValue) -> tuple[T, ...]:
        if not isinstance(value, list):
            raise _WrongFormError(f"a list was expected, not {value!r:.40}")
        return tuple(decode(item) for item in value)

    return decode_array


class _Record:
    """Typed access to the fields of a JSON object."""

    def __init__(self, value: JsonValue) -> None:
        if not isinstance(value, dict):
            raise _WrongFormError(f"an object was expected, not {value!r:.40}")
        self._value = value

    def __call__(self, name: str, decode: _Decode[T]) -> T:
        try:
            return decode(self._value.get(name))
        except _WrongFormError as error:
            raise _WrongFormError(f"{name}: {error}") from None


def _provider_data(value: JsonValue) -> ProviderData:
    get = _Record(value)
    return ProviderData(get("family", _text), get("text", _text))


def _finish(value: JsonValue) -> Finish:
    get = _Record(value)
    return Finish(get("reason", _optional(_reason)), get("raw", _optional(_text)), get("detail", _optional(_text)))


def _origin(value: JsonValue) -> Origin:
    get = _Record(value)
    names = (get(name, _optional(_text)) for name in ("family", "model", "response_id"))
    return Origin(*names)


def _usage(value: JsonValue) -> Usage:
    get = _Record(value)
    counts = {
        name: get(name, _optional(_integer))
        for name in ("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens", "reasoning_tokens")
    }
    return Usage(
        **counts, lower_bound=get("lower_bound", _boolean), reported=get("reported", _optional(_provider_data))
    )


def _call(value: JsonValue) -> ToolCall:
    get = _Record(value)
    data = get("provider_data", _optional(_provider_data))
    return ToolCall(get("id", _text), get("name", _text), get("arguments", _text), data)


def _text_part(value: JsonValue) -> TextPart:
    get = _Record(value)
    if get("type", _text) != "text":
        raise _WrongFormError("a text part was expected")
    return TextPart(get("text", _text), get("provider_data", _optional(_provider_data)))


def _part(value: JsonValue) -> AssistantPart:
    get = _Record(value)
    match get("type", _text):
        case "text":
            return _text_part(value)
        case "thinking":
            data = get("provider_data", _optional(_provider_data))
            return ThinkingPart(get("text", _text), get("signature", _optional(_text)), data)
        case "refusal":
            return RefusalPart(get("text", _text))
        case "call":
            return _call(value)
        case "opaque":
            return OpaquePart(get("kind", _text), get("data", _provider_data), get("replayable", _boolean))
        case other:
            raise _WrongFormError(f"{other!r} is no kind of part")


def _message(value: JsonValue) -> Message:
    get = _Record(value)
    match get("type", _text):
        case "system":
            return SystemMessage(get("parts", _array(_text_part)))
        case "user":
            return UserMessage(get("parts", _array(_text_part)))
        case "assistant":
            return AssistantMessage(
                get("parts", _array(_part)),
                finish=get("finish", _finish),
                usage=get("usage", _optional(_usage)),
                origin=get("origin", _origin),
                unrun_calls=get("unrun_calls", _array(_call)),
            )
        case "tool_call":
            return ToolCallMessage(
                get("parts", _array(_part)),
                finish=get("finish", _finish),
                usage=get("usage", _optional(_usage)),
                origin=get("origin", _origin),
            )
        case "tool_result":
            return ToolResultMessage(
                get("call_id", _text), get("name", _text), get("content", _text), get("is_error", _boolean)
            )
        case other:
            raise _WrongFormError(f"{other!r} is no kind of message")
