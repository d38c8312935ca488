"""Encodes the messages of a chat as those of the Messages wire, by its `rules`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal, TypeAlias, assert_never, final

from punk.core.json import JsonObject, JsonValue
from punk.core.messages import AssistantMessage, Message, SystemMessage, ToolCallMessage, ToolResultMessage, UserMessage
from punk.core.parts import AssistantPart, OpaquePart, RefusalPart, TextPart, ThinkingPart, ToolCall, UserPart
from punk.core.provider_data import ProviderData
from punk.providers.anthropic.media import marked, media_block
from punk.providers.anthropic.rules import IDS, NAMES
from punk.providers.anthropic.wire import FAMILY
from punk.providers.encoding import arguments_object

NO_OUTPUT: Final = "(no output)"
"""Stands for the blank result of a tool, which the wire refuses."""

_THINKING: Final = ("thinking", "redacted_thinking")

Blocks: TypeAlias = list[JsonObject]


@final
@dataclass(frozen=True, slots=True)
class Said:
    """A message of the wire."""

    role: Literal["user", "assistant"]
    blocks: Blocks


def encode_messages(messages: Iterable[Message]) -> list[Said]:
    """`messages` as the wire wants them, without those of the system. Every call among them has its result."""
    said = _merged(_said(message) for message in messages)
    kept = _merged(_without_strays(said))
    kept = _merged(Said(turn.role, _without_last_thinking(turn.blocks)) for turn in kept)
    if kept and kept[-1].role == "assistant":
        kept[-1] = Said("assistant", _without_last_space(kept[-1].blocks))
    return kept


def answers_without_thinking(messages: Sequence[Said]) -> bool:
    """Whether `messages` end in results for a turn that does not begin with thinking.

    A model that is to think by a budget wants such a turn to begin with its own; another model's cannot.
    """
    first: JsonObject | None = None
    for said in reversed(messages):
        if said.role == "user" and not any(block["type"] == "tool_result" for block in said.blocks):
            break
        first = said.blocks[0] if said.role == "assistant" else first
    return first is not None and first["type"] not in _THINKING and messages[-1].role == "user"


def text_blocks(parts: Iterable[TextPart]) -> Blocks:
    """The texts that are not blank, with their marks."""
    return [marked({"type": "text", "text": part.text}, part.cache) for part in parts if part.text.strip()]


def _said(message: Message) -> Said:
    match message:
        case SystemMessage():
            return Said("user", [])
        case UserMessage(parts=parts):
            return Said("user", [block for part in parts for block in _user_blocks(part)])
        case ToolResultMessage():
            return Said("user", [_result(message)])
        case AssistantMessage(parts=parts, origin=origin) | ToolCallMessage(parts=parts, origin=origin):
            ours = origin.family == FAMILY
            return Said("assistant", [block for part in parts for block in _assistant_blocks(part, ours)])
        case _:
            assert_never(message)


def _result(message: ToolResultMessage) -> JsonObject:
    marks = [part.cache for part in message.parts if part.cache is not None]
    blocks = [block for part in message.parts for block in _user_blocks(replace(part, cache=None))]
    match blocks:
        case []:
            content: JsonValue = NO_OUTPUT
        case [{"type": "text", "text": text}]:
            content = text
        case _:
            content = [*blocks]
    result: JsonObject = {"type": "tool_result", "tool_use_id": IDS.spelled(message.call_id), "content": content}
    # A prompt is kept up to a block of a message, not to one within such a block.
    return marked({**result, "is_error": True} if message.is_error else result, marks[-1] if marks else None)


def _user_blocks(part: UserPart) -> Blocks:
    return text_blocks([part]) if isinstance(part, TextPart) else [media_block(part)]


def _assistant_blocks(part: AssistantPart, ours: bool) -> Blocks:
    """The block for `part`, if the wire takes it; `ours` says that the message came from this wire."""
    match part:
        case TextPart(provider_data=data):
            cited = _ours(data)
            citations = cited.get("citations") if cited else None
            return [{**block, "citations": citations} if citations else block for block in text_blocks([part])]
        case RefusalPart(text=text):
            return text_blocks([TextPart(text)])
        case ThinkingPart(text=text, signature=signature, provider_data=data):
            redacted = _block(data)
            if redacted is not None:
                return [redacted]
            return [{"type": "thinking", "thinking": text, "signature": signature}] if ours and signature else []
        case OpaquePart(data=data, replayable=replayable):
            block = _block(data)
            return [block] if block is not None and replayable else []
        case ToolCall(id=id_, name=name, provider_data=data):
            call: JsonObject = {
                "type": "tool_use",
                "id": IDS.spelled(id_),
                "name": NAMES.spelled(name),
                "input": arguments_object(part),
            }
            return [{**(_ours(data) or {}), **call}]
        case _:
            assert_never(part)


def _ours(data: ProviderData | None) -> JsonObject | None:
    """The payload, if it came from this wire."""
    value = data.value if data is not None and data.family == FAMILY else None
    return value if isinstance(value, dict) else None


def _block(data: ProviderData | None) -> JsonObject | None:
    """The payload, if it is a block of this wire."""
    block = _ours(data)
    return block if block is not None and isinstance(block.get("type"), str) else None


def _merged(turns: Iterable[Said]) -> list[Said]:
    merged: list[Said] = []
    for turn in turns:
        if not turn.blocks:
            continue
        if merged and merged[-1].role == turn.role:
            turn = Said(turn.role, [*merged.pop().blocks, *turn.blocks])
        merged.append(turn)
    return merged


def _server_end(block: JsonObject) -> tuple[Literal["call", "result"], str] | None:
    """Which end of a server tool's work `block` is, and the call's id that both ends have; None for other blocks."""
    kind = str(block["type"])
    if kind.endswith("_tool_use"):
        return "call", str(block.get("id"))
    return ("result", str(block.get("tool_use_id"))) if kind.endswith("_tool_result") else None


def _without_strays(said: Sequence[Said]) -> Iterator[Said]:
    """`said` without server tools' calls that have no result, but where it may still come, and the other way."""
    ends = {_server_end(block) for turn in said for block in turn.blocks}
    waiting = _waiting(said)
    for index, turn in enumerate(said):
        blocks = []
        for block in turn.blocks:
            end = _server_end(block)
            if end is None or index == waiting or ("result" if end[0] == "call" else "call", end[1]) in ends:
                blocks.append(block)
        yield Said(turn.role, blocks)


def _waiting(said: Sequence[Said]) -> int | None:
    """Where the answer stands that is still to be continued: nothing but results comes after it."""
    for index in range(len(said) - 1, -1, -1):
        if said[index].role == "assistant":
            return index
        if any(block["type"] != "tool_result" for block in said[index].blocks):
            return None
    return None


def _without_last_thinking(blocks: Blocks) -> Blocks:
    end = len(blocks)
    while end and blocks[end - 1].get("type") in _THINKING:
        end -= 1
    return blocks[:end]


def _without_last_space(blocks: Blocks) -> Blocks:
    *before, last = blocks
    text = last.get("text")
    return [*before, {**last, "text": text.rstrip()}] if isinstance(text, str) else blocks
