"""Encodes the messages of a chat by the rules that the Converse wire has for them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, assert_never, final

from punk.core.failures import Unsupported
from punk.core.json import JsonObject, JsonValue
from punk.core.media import CacheMark
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
from punk.providers.bedrock.media import document_block, image_block
from punk.providers.bedrock.rules import FROM_THE_USER_ALONE, IDS, NO_OUTPUT, NO_WORDS, TOOL_NAMES
from punk.providers.bedrock.wire import FAMILY
from punk.providers.encoding import arguments_object

Blocks: TypeAlias = list[JsonObject]
_REASONING: Final = "reasoningContent"


@final
@dataclass(frozen=True, slots=True)
class _Said:
    """A message of the wire."""

    role: Literal["user", "assistant"]
    blocks: Blocks


def encode_messages(messages: Iterable[Message]) -> list[JsonObject] | Unsupported:
    """`messages` as the wire wants them, without those of the system. Every call among them has its result."""
    names: set[str] = set()
    said: list[_Said] = []
    for message in messages:
        turn = _said(message, names)
        if isinstance(turn, Unsupported):
            return turn
        said.append(turn)
    whole = (_Said(turn.role, _without_strays(turn)) for turn in _merged(said))
    kept = _merged(_Said(turn.role, _without_last_reasoning(turn.blocks)) for turn in whole)
    if kept and kept[0].role == "assistant":
        kept.insert(0, _Said("user", [{"text": NO_WORDS}]))
    if kept and kept[-1].role == "assistant":
        kept[-1] = _Said("assistant", _without_last_space(kept[-1].blocks))
    return [{"role": turn.role, "content": [*_with_text(turn.blocks)]} for turn in kept]


def answers_without_thinking(messages: Sequence[JsonObject]) -> bool:
    """Whether `messages` end in results for a turn that does not begin with reasoning.

    A Claude that is to think by a budget wants such a turn to begin with its own; another model's cannot.
    """
    first: JsonObject | None = None
    for said in reversed(messages):
        content = said["content"]
        assert isinstance(content, list), "it was made here"
        blocks = [block for block in content if isinstance(block, dict)]
        if said["role"] == "user" and not any("toolResult" in block for block in blocks):
            break
        first = blocks[0] if said["role"] == "assistant" else first
    return first is not None and _REASONING not in first and messages[-1]["role"] == "user"


def system_blocks(messages: Iterable[Message]) -> list[JsonValue]:
    """The blocks of all instructions: the wire has one place for them."""
    said = (message for message in messages if isinstance(message, SystemMessage))
    return [block for message in said for part in message.parts for block in _text_blocks(part.text, part.cache)]


def _text_blocks(text: str, cache: CacheMark | None = None) -> Blocks:
    return [{"text": text}, *_cache_point(cache)] if text.strip() else []


def _cache_point(cache: CacheMark | None) -> Blocks:
    if cache is None:
        return []
    # Five minutes are what every model knows, and what is meant when nothing is said.
    return [{"cachePoint": {"type": "default"} if cache.ttl == "5m" else {"type": "default", "ttl": cache.ttl}}]


def _said(message: Message, names: set[str]) -> _Said | Unsupported:
    match message:
        case SystemMessage():
            return _Said("user", [])
        case UserMessage(parts=parts):
            blocks = _blocks(parts, names)
            return blocks if isinstance(blocks, Unsupported) else _Said("user", blocks)
        case ToolResultMessage(call_id=id_, parts=parts, is_error=is_error):
            given = _blocks(parts, names)
            if isinstance(given, Unsupported):
                return given
            result: JsonObject = {
                "toolUseId": IDS.spelled(id_),
                "content": [*_with_text(given)] or [{"text": NO_OUTPUT}],
                "status": "error" if is_error else "success",
            }
            return _Said("user", [{"toolResult": result}])
        case AssistantMessage(parts=said, origin=origin) | ToolCallMessage(parts=said, origin=origin):
            ours = origin.family == FAMILY
            return _Said("assistant", [block for one in said for block in _assistant_blocks(one, ours)])
        case _:
            assert_never(message)


def _blocks(parts: Iterable[UserPart], names: set[str]) -> Blocks | Unsupported:
    blocks: Blocks = []
    for part in parts:
        block = _user_blocks(part, names)
        if isinstance(block, Unsupported):
            return block
        blocks.extend(block)
    return blocks


def _user_blocks(part: UserPart, names: set[str]) -> Blocks | Unsupported:
    match part:
        case TextPart(text=text, cache=cache):
            return _text_blocks(text, cache)
        case ImagePart(cache=cache):
            block = image_block(part)
        case DocumentPart(cache=cache):
            block = document_block(part, names)
        case _:
            assert_never(part)
    return block if isinstance(block, Unsupported) else [block, *_cache_point(cache)]


def _assistant_blocks(part: AssistantPart, ours: bool) -> Blocks:
    """The blocks for `part`, if the wire takes it; `ours` says that the message came from this wire."""
    match part:
        case TextPart(text=text, provider_data=data, cache=cache):
            cited = (_ours(data) or {}).get("citations")
            if not cited:
                return _text_blocks(text, cache)
            words: JsonObject = {"content": [{"text": text}]} if text.strip() else {}
            return [{"citationsContent": {**words, "citations": cited}}, *_cache_point(cache)]
        case RefusalPart(text=text):
            return _text_blocks(text)
        case ThinkingPart(text=text, signature=signature, provider_data=data):
            redacted = _ours(data)
            if redacted is not None and _REASONING in redacted:
                return [redacted]
            reasoning: JsonObject = {"text": text, "signature": signature}
            return [{_REASONING: {"reasoningText": reasoning}}] if ours and signature else []
        case OpaquePart(data=data, replayable=replayable):
            block = _ours(data)
            held = block is not None and len(block) == 1 and not block.keys() & FROM_THE_USER_ALONE
            return [block] if block is not None and held and replayable else []
        case ToolCall(id=id_, name=name):
            call: JsonObject = {
                "toolUseId": IDS.spelled(id_),
                "name": TOOL_NAMES.spelled(name),
                "input": arguments_object(part),
            }
            return [{"toolUse": call}]
        case _:
            assert_never(part)


def _ours(data: ProviderData | None) -> JsonObject | None:
    """The payload, if it came from this wire."""
    value = data.value if data is not None and data.family == FAMILY else None
    return value if isinstance(value, dict) else None


def _merged(turns: Iterable[_Said]) -> list[_Said]:
    merged: list[_Said] = []
    for turn in turns:
        if not turn.blocks:
            continue
        if merged and merged[-1].role == turn.role:
            turn = _Said(turn.role, [*merged.pop().blocks, *turn.blocks])
        merged.append(turn)
    return merged


def _without_strays(turn: _Said) -> Blocks:
    """The blocks of `turn` without calls that the server was to answer and has not, and without answers to none."""
    if turn.role == "user":
        return turn.blocks
    ends = [_server_end(block) for block in turn.blocks]
    other = {"toolUse": "toolResult", "toolResult": "toolUse"}
    return [
        block for block, end in zip(turn.blocks, ends, strict=True) if end is None or (other[end[0]], end[1]) in ends
    ]


def _server_end(block: JsonObject) -> tuple[str, str] | None:
    """Which end of a server tool's work `block` is, and the call's id that both ends have; None for other blocks."""
    for kind in ("toolUse", "toolResult"):
        content = block.get(kind)
        if isinstance(content, dict) and (kind == "toolResult" or content.get("type")):
            return kind, str(content.get("toolUseId"))
    return None


def _without_last_reasoning(blocks: Blocks) -> Blocks:
    end = len(blocks)
    while end and _REASONING in blocks[end - 1]:
        end -= 1
    return blocks[:end]


def _without_last_space(blocks: Blocks) -> Blocks:
    *before, last = blocks
    text = last.get("text")
    return [*before, {**last, "text": text.rstrip()}] if isinstance(text, str) else blocks


def _with_text(blocks: Sequence[JsonObject]) -> Blocks:
    """`blocks` with a text, if there is a document among them that has none beside it: its name."""
    named = [block["document"] for block in blocks if isinstance(block.get("document"), dict)]
    if not named or any("text" in block for block in blocks):
        return [*blocks]
    return [*blocks, {"text": ", ".join(str(one["name"]) for one in named if isinstance(one, dict))}]
