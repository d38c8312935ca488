"""The blocks of an answer that are under way: what they were told so far, and what their end makes of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias, assert_never, final

from returns.result import Success

from punk.core.events import CallEnded, OpaqueEnded, ProviderEvent, TextAnnotated, ThinkingSealed
from punk.core.json import JsonObject, JsonValue, parse_json
from punk.core.log import Log
from punk.core.provider_data import ProviderData
from punk.providers.anthropic.wire import FAMILY

# `number` is the block's place among those of the turn. A block takes it when it has its first event, so that numbers
# come in order; None until then.


@final
@dataclass(frozen=True, slots=True)
class TextUnderWay:
    """A text block and the citations it has so far."""

    number: int | None = None
    citations: Log[JsonValue] = field(default_factory=Log)


@final
@dataclass(frozen=True, slots=True)
class ThinkingUnderWay:
    """A thinking block, and its signature as it was said last: a signature comes whole."""

    number: int | None = None
    signature: str | None = None


@final
@dataclass(frozen=True, slots=True)
class CallUnderWay:
    """A call. `stated` is the arguments that its start gave whole, None once deltas give them; `data` what else the
    wire says of the call."""

    number: int
    stated: str | None
    data: ProviderData | None


@final
@dataclass(frozen=True, slots=True)
class OpaqueUnderWay:
    """A block that punk does not interpret: as it started, and the deltas since."""

    number: int
    block: JsonObject
    deltas: Log[JsonObject] = field(default_factory=Log)


@final
@dataclass(frozen=True, slots=True)
class WholeAtStart:
    """A block whose start said everything, and that has its events."""

    number: int


UnderWay: TypeAlias = TextUnderWay | ThinkingUnderWay | CallUnderWay | OpaqueUnderWay | WholeAtStart


def ending(block: UnderWay, number: int) -> tuple[ProviderEvent, ...]:
    """What the end of `block` says; `number` is its place, or the next free one where it has none yet."""
    match block:
        case TextUnderWay(citations=citations):
            if not citations:
                return ()
            return (TextAnnotated(number, ProviderData.of(FAMILY, {"citations": list(citations)})),)
        case ThinkingUnderWay(number=place, signature=signature):
            if place is None and signature is None:
                return ()
            return (ThinkingSealed(number, signature),)
        case CallUnderWay(stated=stated, data=data):
            return (CallEnded(number, stated, data),)
        case OpaqueUnderWay(block=start, deltas=deltas):
            whole = rebuild(start, tuple(deltas))
            if whole is not None:
                return (OpaqueEnded(number, whole),)
            kept: JsonObject = {"block": start, "deltas": list(deltas)}
            return (OpaqueEnded(number, ProviderData.of(FAMILY, kept), replayable=False),)
        case WholeAtStart():
            return ()
        case _:
            assert_never(block)


def rebuild(start: JsonObject, deltas: tuple[JsonObject, ...]) -> ProviderData | None:
    """The block as a whole answer would hold it, None where its deltas are of a kind that punk cannot put together."""
    kinds = {delta.get("type") for delta in deltas if isinstance(delta.get("type"), str)}
    if not deltas:
        return ProviderData.of(FAMILY, start)
    if kinds == {"input_json_delta"}:
        return _with_input(start, deltas)
    if kinds == {"compaction_delta"}:
        return ProviderData.of(FAMILY, {**start, **_joined(deltas)})
    return None


def _with_input(start: JsonObject, deltas: tuple[JsonObject, ...]) -> ProviderData | None:
    text = "".join(piece for delta in deltas if isinstance(piece := delta.get("partial_json"), str))
    if not text:
        return ProviderData.of(FAMILY, start)
    match parse_json(text):
        case Success(value):
            whole = ProviderData.of(FAMILY, {**start, "input": value})
            # Set into the block, the input may be deeper than what can be read again.
            return whole if whole.value is not None else None
        case _:
            return None


def _joined(deltas: tuple[JsonObject, ...]) -> JsonObject:
    """The fields of the deltas: texts joined, of other values the last."""
    fields: JsonObject = {}
    texts: dict[str, list[str]] = {}
    for delta in deltas:
        for name, value in delta.items():
            if name == "type" or value is None:
                continue
            if isinstance(value, str):
                texts.setdefault(name, []).append(value)
                fields[name] = ""  # keeps its place among the others
            else:
                texts.pop(name, None)
                fields[name] = value
    return fields | {name: "".join(pieces) for name, pieces in texts.items()}
