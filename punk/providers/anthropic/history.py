"""Encodes the messages of a chat by the rules that the Messages wire has for them.

- Messages are of two roles; those of one role in a row are one. So all results of a turn stand in one user message.
- Blocks keep their order. Blank text is left out, and so is a message that has no block left.
- Thinking goes back with its signature, redacted thinking and opaque blocks as they came: all of them only to the wire
  they came from, and thinking never as the last block of a message.
- A server tool's call goes back with its result, or alone where the turn it belongs to is still to be continued.
- Ids and names of calls are of the letters that the wire allows; another id becomes the same one in call and result.
- Arguments are an object: what is no JSON object is sent as an empty one.
- The last message, if it is an answer to be continued, does not end in white space.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Final, Literal, TypeAlias, assert_never, final

from punk.core.json import JsonObject, parse_object
from punk.core.messages import AssistantMessage, Message, SystemMessage, ToolCallMessage, ToolResultMessage, UserMessage
from punk.core.parts import AssistantPart, OpaquePart, RefusalPart, TextPart, ThinkingPart, ToolCall
from punk.core.provider_data import ProviderData
from punk.providers.anthropic.wire import FAMILY

NAME_LETTERS: Final = re.compile(r"[a-zA-Z0-9_-]+")
NAME_LIMIT: Final = 128
NO_OUTPUT: Final = "(no output)"
"""Stands for the blank result of a tool, which the wire refuses."""

_FOREIGN: Final = re.compile(r"[^a-zA-Z0-9_-]")
_THINKING: Final = ("thinking", "redacted_thinking")

Blocks: TypeAlias = list[JsonObject]


@final
@dataclass(frozen=True, slots=True)
class _Said:
    """A message of the wire."""

    role: Literal["user", "assistant"]
    blocks: Blocks


def encode_messages(messages: Iterable[Message]) -> list[JsonObject]:
    """`messages` as the wire wants them, without those of the system. Every call among them has its result."""
    said = _merged(_said(message) for message in messages)
    kept = _merged(_without_strays(said))
    kept = _merged(_Said(turn.role, _without_last_thinking(turn.blocks)) for turn in kept)
    if kept and kept[-1].role == "assistant":
        kept[-1] = _Said("assistant", _without_last_space(kept[-1].blocks))
    return [{"role": turn.role, "content": [*turn.blocks]} for turn in kept]


def text_blocks(parts: Iterable[TextPart]) -> Blocks:
    """The texts that are not blank."""
    return [{"type": "text", "text": part.text} for part in parts if part.text.strip()]


def call_id(id_: str) -> str:
    """`id_`, or one of allowed letters that stands for it alone."""
    if NAME_LETTERS.fullmatch(id_):
        return id_
    return f"{_FOREIGN.sub('_', id_)[:40]}_{sha256(id_.encode(errors='surrogatepass')).hexdigest()[:12]}"


def _said(message: Message) -> _Said:
    match message:
        case SystemMessage():
            return _Said("user", [])
        case UserMessage(parts=parts):
            return _Said("user", text_blocks(part for part in parts if isinstance(part, TextPart)))
        case ToolResultMessage(call_id=id_, content=content, is_error=is_error):
            result: JsonObject = {
                "type": "tool_result",
                "tool_use_id": call_id(id_),
                "content": content if content.strip() else NO_OUTPUT,
            }
            return _Said("user", [{**result, "is_error": True} if is_error else result])
        case AssistantMessage(parts=parts, origin=origin) | ToolCallMessage(parts=parts, origin=origin):
            ours = origin.family == FAMILY
            return _Said("assistant", [block for part in parts for block in _assistant_blocks(part, ours)])
        case _:
            assert_never(message)


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
        case ToolCall(id=id_, name=name, arguments=arguments, provider_data=data):
            call: JsonObject = {
                "type": "tool_use",
                "id": call_id(id_),
                "name": _FOREIGN.sub("_", name)[:NAME_LIMIT],
                "input": parse_object(arguments).value_or({}),
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


def _merged(turns: Iterable[_Said]) -> list[_Said]:
    merged: list[_Said] = []
    for turn in turns:
        if not turn.blocks:
            continue
        if merged and merged[-1].role == turn.role:
            turn = _Said(turn.role, [*merged.pop().blocks, *turn.blocks])
        merged.append(turn)
    return merged


def _server_end(block: JsonObject) -> tuple[Literal["call", "result"], str] | None:
    """Which end of a server tool's work `block` is, and the call's id that both ends have; None for other blocks."""
    kind = str(block["type"])
    if kind.endswith("_tool_use"):
        return "call", str(block.get("id"))
    return ("result", str(block.get("tool_use_id"))) if kind.endswith("_tool_result") else None


def _without_strays(said: Sequence[_Said]) -> Iterator[_Said]:
    """`said` without server tools' calls that have no result, but where it may still come, and the other way."""
    ends = {_server_end(block) for turn in said for block in turn.blocks}
    waiting = _waiting(said)
    for index, turn in enumerate(said):
        blocks = []
        for block in turn.blocks:
            end = _server_end(block)
            if end is None or index == waiting or ("result" if end[0] == "call" else "call", end[1]) in ends:
                blocks.append(block)
        yield _Said(turn.role, blocks)


def _waiting(said: Sequence[_Said]) -> int | None:
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
