"""Encodes what an assistant said as the items of the Responses wire, in their order.

- A reasoning item goes back only with its encrypted content (the server keeps nothing), only to its own family, and
  only before the item that it led to: reasoning at the end of a message is left out, and is one that cannot go back.
- The server wants a named item together with the reasoning behind it. So where some of that cannot go back, messages
  and calls go back without their names.
- A message is named by its id, and has its citations then; text without one is plain. A refusal keeps no id, and goes
  back as text. Blank text is left out.
- Opaque items go back whole to their own family.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, assert_never

from punk.core.json import JsonObject, JsonValue
from punk.core.messages import AssistantMessage, ToolCallMessage
from punk.core.parts import AssistantPart, OpaquePart, RefusalPart, TextPart, ThinkingPart, ToolCall
from punk.core.provider_data import ProviderData
from punk.providers.encoding import arguments_text
from punk.providers.openai.naming import call_name
from punk.providers.openai.responses.rules import IDS
from punk.providers.openai.responses.settings import FAMILY

_OF_REASONING: Final = ("type", "id", "summary", "content", "encrypted_content")
"""What the server takes back of a reasoning item; it refuses a null status."""


def encode_assistant(message: AssistantMessage | ToolCallMessage, offered: frozenset[str]) -> list[JsonValue]:
    """The items of `message`, maybe none. `offered` names the tools of the request."""
    own = message.origin.family == FAMILY
    named = own and all(_reasoning(part) for part in message.thinking_blocks)
    items = _items(message, offered, own=own, named=named)
    if not items or items[-1].get("type") != "reasoning":
        return [*items]
    unnamed = _items(message, offered, own=own, named=False)
    while unnamed and unnamed[-1].get("type") == "reasoning":
        unnamed.pop()
    return [*unnamed]


def _items(
    message: AssistantMessage | ToolCallMessage, offered: frozenset[str], *, own: bool, named: bool
) -> list[JsonObject]:
    items: list[JsonObject] = []
    for part in message.parts:
        item = _item(part, offered, own=own, named=named)
        if item is None:
            continue
        if not _joins(items, item):
            items.append(item)
    return items


def _item(part: AssistantPart, offered: frozenset[str], *, own: bool, named: bool) -> JsonObject | None:
    match part:
        case ThinkingPart():
            return _reasoning(part) if own else None
        case TextPart(text=text, provider_data=data):
            return _message(text, _kept(data), named=named) if text.strip() else None
        case RefusalPart(text=text):
            return _message(text, {}, named=False) if text.strip() else None
        case ToolCall():
            return _call(part, offered, named=named)
        case OpaquePart(data=data, replayable=replayable):
            return _kept(data) if own and replayable and _kept(data) else None
        case _:
            assert_never(part)


def _kept(data: ProviderData | None) -> JsonObject:
    value = data.value if data is not None and data.family == FAMILY else None
    return value if isinstance(value, dict) else {}


def _reasoning(part: ThinkingPart) -> JsonObject | None:
    item = _kept(part.provider_data)
    if not item.get("encrypted_content"):
        return None
    return {"summary": []} | {name: item[name] for name in _OF_REASONING if item.get(name)}


def _message(text: str, kept: Mapping[str, JsonValue], *, named: bool) -> JsonObject:
    phase: JsonObject = {"phase": kept["phase"]} if "phase" in kept else {}
    if not named or "id" not in kept:
        return {"role": "assistant", "content": text, **phase}
    part: JsonObject = {"type": "output_text", "text": text, "annotations": kept.get("annotations", [])}
    return {
        "type": "message",
        "id": kept["id"],
        "role": "assistant",
        "status": "completed",
        "content": [part],
        **phase,
    }


def _joins(items: list[JsonObject], item: JsonObject) -> bool:
    """Whether `item` is more of the named message that `items` ends with, and was put there."""
    match items[-1] if items else None, item:
        case {"type": "message", "id": before, "content": list() as parts}, {
            "type": "message",
            "id": id_,
            "content": list() as more,
        } if before == id_:
            parts += more
            return True
        case _:
            return False


def _call(call: ToolCall, offered: frozenset[str], *, named: bool) -> JsonObject:
    kept = {name: value for name, value in _kept(call.provider_data).items() if named or name != "id"}
    return kept | {
        "type": "function_call",
        "call_id": IDS.spelled(call.id),
        "name": call_name(call.name, offered),
        "arguments": arguments_text(call),
    }
