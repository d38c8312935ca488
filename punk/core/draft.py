"""Joins the logged events of one turn into parts: once when the turn ends, or on demand for a partial answer."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TypeAlias, final

from returns.result import Failure, Result, Success

from punk.core.events import (
    CallDelta,
    CallEnded,
    CallStarted,
    LogEntry,
    OpaqueEnded,
    RefusalDelta,
    TextAnnotated,
    TextDelta,
    ThinkingDelta,
    ThinkingSealed,
)
from punk.core.json import parse_object, same_json
from punk.core.parts import AssistantPart, OpaquePart, RefusalPart, TextPart, ThinkingPart, ToolCall
from punk.core.provider_data import ProviderData


@final
@dataclass(frozen=True, slots=True)
class DraftCall:
    """A call as its turn left it. `fault` says why it may not run, None if it is whole and valid."""

    call: ToolCall
    fault: str | None


@final
@dataclass(frozen=True, slots=True)
class Draft:
    """A turn's parts in the order of their blocks, calls included, and the same calls with what is wrong with them."""

    parts: tuple[AssistantPart, ...]
    calls: tuple[DraftCall, ...]

    @property
    def words(self) -> tuple[AssistantPart, ...]:
        """The parts without the calls."""
        return tuple(part for part in self.parts if not isinstance(part, ToolCall))


@dataclass(slots=True)
class _Text:
    pieces: list[str] = field(default_factory=list)
    data: ProviderData | None = None


@dataclass(slots=True)
class _Thinking:
    pieces: list[str] = field(default_factory=list)
    signature: str | None = None
    data: ProviderData | None = None


@dataclass(slots=True)
class _Refusal:
    pieces: list[str] = field(default_factory=list)


@dataclass(slots=True)
class _Call:
    id: str | None
    name: str
    pieces: list[str] = field(default_factory=list)
    ended: CallEnded | None = None


@dataclass(slots=True)
class _Opaque:
    part: OpaquePart


_Block: TypeAlias = _Text | _Thinking | _Refusal | _Call | _Opaque


def assemble(entries: Iterable[LogEntry], kinds: Iterable[str], message_index: int) -> Draft:
    """The parts that `entries`, one turn's, amount to.

    `kinds` names each opaque block's kind by its number; `message_index` is where the message will stand in the chat:
    ids that a provider left out are derived from it and the call's position.
    """
    blocks = _collect(entries, tuple(kinds))
    parts: list[AssistantPart] = []
    calls: list[DraftCall] = []
    given = {block.id for block in blocks.values() if isinstance(block, _Call)}
    taken: set[str] = set()
    for number in sorted(blocks):
        block = blocks[number]
        match block:
            case _Text():
                if block.pieces or block.data is not None:
                    parts.append(TextPart("".join(block.pieces), block.data))
            case _Thinking():
                parts.append(ThinkingPart("".join(block.pieces), block.signature, block.data))
            case _Refusal():
                parts.append(RefusalPart("".join(block.pieces)))
            case _Opaque():
                parts.append(block.part)
            case _Call():
                draft = _draft_call(block, f"call_{message_index}_{len(calls)}", given, taken)
                taken.add(draft.call.id)
                parts.append(draft.call)
                calls.append(draft)
    return Draft(tuple(parts), tuple(calls))


def _collect(entries: Iterable[LogEntry], kinds: tuple[str, ...]) -> dict[int, _Block]:
    blocks: dict[int, _Block] = {}
    for entry in entries:
        match entry:
            case TextDelta(block=number, text=text):
                block = blocks.setdefault(number, _Text())
                if isinstance(block, _Text) and text:
                    block.pieces.append(text)
            case TextAnnotated(block=number, provider_data=data):
                block = blocks.setdefault(number, _Text())
                if isinstance(block, _Text):
                    block.data = data
            case ThinkingDelta(block=number, text=text):
                block = blocks.setdefault(number, _Thinking())
                if isinstance(block, _Thinking):
                    block.pieces.append(text)
            case ThinkingSealed(block=number, signature=signature, provider_data=data):
                block = blocks.setdefault(number, _Thinking())
                if isinstance(block, _Thinking):
                    block.signature, block.data = signature, data
            case RefusalDelta(block=number, text=text):
                block = blocks.setdefault(number, _Refusal())
                if isinstance(block, _Refusal):
                    block.pieces.append(text)
            case CallStarted(block=number, id=id_, name=name):
                blocks[number] = _Call(id_, name)
            case CallDelta(block=number, arguments=arguments):
                call = blocks.get(number)
                if isinstance(call, _Call):
                    call.pieces.append(arguments)
            case CallEnded(block=number):
                call = blocks.get(number)
                if isinstance(call, _Call):
                    call.ended = entry
            case OpaqueEnded(block=number, data=data, replayable=replayable):
                blocks[number] = _Opaque(OpaquePart(kinds[number], data, replayable))
            case _:
                pass
    return blocks


def _draft_call(block: _Call, derived: str, given: set[str | None], taken: set[str]) -> DraftCall:
    while derived in given or derived in taken:
        derived += "_"
    doubled = block.id in taken
    id_ = derived if not block.id or doubled else block.id
    arguments = _arguments(block)
    call = ToolCall(
        id_,
        block.name or "unnamed",
        arguments.value_or("".join(block.pieces)),
        block.ended.provider_data if block.ended else None,
    )
    if not block.name:
        return DraftCall(call, "the call names no tool")
    if doubled:
        return DraftCall(call, _doubled(block.id))
    if block.ended is None:
        return DraftCall(call, "the call was not finished")
    match arguments:
        case Failure(fault):
            return DraftCall(call, str(fault))
        case _:
            return DraftCall(call, argument_fault(call.arguments))


def judge(calls: Iterable[ToolCall]) -> tuple[DraftCall, ...]:
    """The calls of a message that was handed over, with what can still be seen to be wrong with them."""
    drafts: list[DraftCall] = []
    taken: set[str] = set()
    for call in calls:
        fault = _doubled(call.id) if call.id in taken else argument_fault(call.arguments)
        drafts.append(DraftCall(call, fault))
        taken.add(call.id)
    return tuple(drafts)


def _doubled(id_: str | None) -> str:
    return f"a call with the id {id_} came before in this turn"


def _arguments(block: _Call) -> Result[str, str]:
    """The arguments' JSON text: what the deltas say, or the whole that came at the end, which must agree."""
    joined = "".join(block.pieces)
    whole = block.ended.arguments if block.ended else None
    if whole is None or whole == joined:
        return Success(joined or "{}")
    if not joined or same_json(joined, whole):
        return Success(whole or "{}")
    return Failure("the streamed arguments and the final ones differ")


def argument_fault(arguments: str) -> str | None:
    """Why `arguments` cannot be a call's, None if they are one complete JSON object."""
    match parse_object(arguments):
        case Failure(fault):
            return f"the arguments are not a JSON object: {fault}"
        case _:
            return None
