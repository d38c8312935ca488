"""Encodes what an assistant said for the chat-completions wire, with what its server wants back of its thinking.

OpenAI takes no thinking. A compatible server takes its own: reasoning details always; thinking in a field of the
message or in pieces of content only beside calls (DeepSeek and Kimi want it there; elsewhere it is of no use, or
refused). Of another family's thinking and opaque parts nothing is sent.
"""

from __future__ import annotations

from collections.abc import Sequence

from punk.core.json import JsonObject, JsonValue
from punk.core.messages import AssistantMessage, ToolCallMessage
from punk.core.parts import AssistantPart, OpaquePart, RefusalPart, TextPart, ThinkingPart, ToolCall
from punk.providers.encoding import arguments_text
from punk.providers.openai.chat.content import text_piece
from punk.providers.openai.chat.reasoning import IN_CONTENT, IN_FIELDS, channel_of, details_of
from punk.providers.openai.chat.rules import IDS
from punk.providers.openai.chat.settings import FAMILY, Flavour
from punk.providers.openai.naming import call_name


def encode_assistant(
    message: AssistantMessage | ToolCallMessage, flavour: Flavour, offered: frozenset[str]
) -> JsonObject | None:
    """The message as the wire has it, None if nothing of it can be said. `offered` names the tools of the request."""
    parts = _sendable(message, flavour)
    calls = [part for part in parts if isinstance(part, ToolCall)]
    content = _content(parts)
    encoded: JsonObject = {"role": "assistant", "content": content}
    if flavour == "openai" and (refusal := "".join(part.text for part in parts if isinstance(part, RefusalPart))):
        encoded["refusal"] = refusal
    if calls:
        encoded["tool_calls"] = [_call(call, offered) for call in calls]
    if content is None and len(encoded) == 2:
        return None
    return encoded | _reasoning(parts)


def _sendable(message: AssistantMessage | ToolCallMessage, flavour: Flavour) -> list[AssistantPart]:
    """The parts without those that this server does not understand."""
    own = flavour == "compatible" and message.origin.family == FAMILY
    beside_calls = isinstance(message, ToolCallMessage)
    parts: list[AssistantPart] = []
    for part in message.parts:
        match part:
            case ThinkingPart():
                if own and (beside_calls or details_of(part)):
                    parts.append(part)
            case OpaquePart(data=data, replayable=replayable):
                if own and replayable and data.family == FAMILY:
                    parts.append(part)
            case RefusalPart(text) if flavour == "compatible":
                # Its field is OpenAI's own.
                parts.append(TextPart(text))
            case _:
                parts.append(part)
    return parts


def _content(parts: Sequence[AssistantPart]) -> JsonValue:
    """The text; a list where pieces are none, or marked; None where there is nothing, or only white space."""
    text = "".join(part.text for part in parts if isinstance(part, TextPart))
    pieces = [(part, piece) for part in parts if (piece := _piece(part)) is not None]
    if any(not isinstance(part, TextPart) or part.cache is not None for part, _ in pieces):
        return [piece for _, piece in pieces]
    return text if text.strip() else None


def _piece(part: AssistantPart) -> JsonValue:
    match part:
        case TextPart(text) if text.strip():
            return text_piece(part)
        case ThinkingPart(text) if text and channel_of(part) == IN_CONTENT:
            return {"type": "thinking", "thinking": [{"type": "text", "text": text}]}
        case OpaquePart(data=data):
            piece = data.value
            return piece if isinstance(piece, dict) and isinstance(piece.get("type"), str) else None
        case _:
            return None


def _call(call: ToolCall, offered: frozenset[str]) -> JsonValue:
    function: JsonObject = {"name": call_name(call.name, offered), "arguments": arguments_text(call)}
    return {"id": IDS.spelled(call.id), "type": "function", "function": function}


def _reasoning(parts: Sequence[AssistantPart]) -> JsonObject:
    """The fields for thinking, each with what came in it."""
    thinking = [part for part in parts if isinstance(part, ThinkingPart)]
    fields: JsonObject = {}
    for channel in IN_FIELDS:
        text = "".join(part.text for part in thinking if channel_of(part) == channel)
        if text:
            fields[channel] = text
    details = [detail for part in thinking for detail in details_of(part)]
    return fields | ({"reasoning_details": details} if details else {})
