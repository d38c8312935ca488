"""Encodes the messages of a chat as contents, by the `rules` of the wire."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import assert_never

from punk.core.json import JsonObject, JsonValue
from punk.core.messages import AssistantMessage, Message, SystemMessage, ToolCallMessage, ToolResultMessage, UserMessage
from punk.core.parts import (
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
from punk.providers.encoding import arguments_object
from punk.providers.google.media import media_part
from punk.providers.google.results import ID, encode_result
from punk.providers.google.rules import PLACEHOLDER, function_name
from punk.providers.google.turn import SIGNATURE, TOKEN
from punk.providers.google.wire import FAMILY


def encode_contents(messages: Iterable[Message], *, sign_calls: bool, media_in_results: bool) -> list[JsonObject]:
    """`messages` as the wire wants them, without those of the system. Every call among them has its result.

    `sign_calls` says that the first call of a turn must have a signature, `media_in_results` that a result can hold
    images and documents. Those that it cannot hold stand behind all results of their turn.
    """
    contents: list[JsonObject] = []
    ids: Mapping[str, str] = {}
    apart: list[JsonObject] = []
    for message in messages:
        if not isinstance(message, ToolResultMessage):
            _add(contents, "user", apart)
            apart = []
        match message:
            case SystemMessage():
                continue
            case UserMessage(parts=parts):
                _add(contents, "user", [said for part in parts if (said := _user_part(part)) is not None])
            case ToolResultMessage():
                result = encode_result(message, ids.get(message.call_id), apart, with_media=media_in_results)
                _add(contents, "user", [result])
            case AssistantMessage(parts=parts) | ToolCallMessage(parts=parts):
                ids = {part.id: id_ for part in parts if isinstance(part, ToolCall) and (id_ := _given_id(part))}
                _add(contents, "model", _model_parts(parts, message.origin.family == FAMILY, sign_calls))
            case _:
                assert_never(message)
    _add(contents, "user", apart)
    return contents


def system_parts(messages: Iterable[Message]) -> list[JsonValue]:
    """The texts of the system, wherever they stand: this wire has one place for them."""
    parts = (part for message in messages if isinstance(message, SystemMessage) for part in message.parts)
    return [{"text": part.text} for part in parts if part.text.strip()]


def continued(messages: Sequence[Message]) -> str | None:
    """The token by which the answer goes on that `messages` end with, None where they end otherwise."""
    match messages[-1] if messages else None:
        case AssistantMessage(parts=parts, finish=finish) if finish.reason == "pause":
            tokens = [_ours(part.data).get(TOKEN) for part in parts if isinstance(part, OpaquePart)]
            return next((token for token in reversed(tokens) if isinstance(token, str)), None)
        case _:
            return None


def _add(contents: list[JsonObject], role: str, parts: Iterable[JsonObject]) -> None:
    said: list[JsonValue] = [*parts]
    if not said:
        return
    if contents and contents[-1]["role"] == role:
        before = contents[-1]["parts"]
        said = [*before, *said] if isinstance(before, list) else said
        contents[-1] = {"role": role, "parts": said}
    else:
        contents.append({"role": role, "parts": said})


def _user_part(part: UserPart) -> JsonObject | None:
    match part:
        case TextPart(text):
            return {"text": text} if text.strip() else None
        case ImagePart(source=source) | DocumentPart(source=source):
            return media_part(source)
        case _:
            assert_never(part)


def _model_parts(parts: Iterable[AssistantPart], ours: bool, sign_calls: bool) -> list[JsonObject]:
    said: list[JsonObject] = []
    for part in parts:
        encoded = _model_part(part, ours)
        if encoded is None:
            continue
        if isinstance(part, ToolCall):
            if sign_calls and SIGNATURE not in encoded:
                encoded[SIGNATURE] = PLACEHOLDER
            # Of calls beside one another only the first one has a signature.
            sign_calls = False
        said.append(encoded)
    return said


def _model_part(part: AssistantPart, ours: bool) -> JsonObject | None:
    """The part as the wire has it, None if it takes none such; `ours` says that the message came from this wire."""
    match part:
        case TextPart(text=text, provider_data=data):
            beside = _ours(data)
            return {"text": text, **beside} if text.strip() or beside else None
        case RefusalPart(text=text):
            return {"text": text} if text.strip() else None
        case ThinkingPart(text=text, signature=signature, provider_data=data):
            if not (ours and signature):
                return None
            return {"text": text, "thought": True, **_ours(data), SIGNATURE: signature}
        case OpaquePart(kind=kind, data=data, replayable=replayable):
            return _ours(data) or None if replayable and kind != TOKEN else None
        case ToolCall(name=name, provider_data=data):
            call: JsonObject = {"name": function_name(name), "args": arguments_object(part)}
            beside = _ours(data)
            id_ = beside.pop(ID, None)
            return {"functionCall": {ID: id_, **call} if id_ else call, **beside}
        case _:
            assert_never(part)


def _given_id(call: ToolCall) -> str | None:
    """The id that this wire gave the call; one that punk made up, or another provider, is none."""
    id_ = _ours(call.provider_data).get(ID)
    return id_ if isinstance(id_, str) else None


def _ours(data: ProviderData | None) -> JsonObject:
    """The payload, if it came from this wire."""
    value = data.value if data is not None and data.family == FAMILY else None
    return value if isinstance(value, dict) else {}
