"""The blocks of a Converse answer that are under way: what they were told so far, and what their end makes of it."""

from __future__ import annotations

from base64 import b64decode, b64encode
from dataclasses import dataclass, field
from typing import TypeAlias, assert_never, final

from returns.result import Success

from punk.core.events import CallEnded, OpaqueEnded, ProviderEvent, TextAnnotated, ThinkingSealed
from punk.core.json import JsonObject, JsonValue, parse_json
from punk.core.log import Log
from punk.core.provider_data import ProviderData
from punk.providers.bedrock.wire import FAMILY

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
    """Reasoning that can be read, and the pieces of its signature."""

    number: int | None = None
    signature: Log[str] = field(default_factory=Log)


@final
@dataclass(frozen=True, slots=True)
class RedactedUnderWay:
    """Reasoning that cannot be read: its pieces, each in base64."""

    number: int | None = None
    pieces: Log[str] = field(default_factory=Log)


@final
@dataclass(frozen=True, slots=True)
class CallUnderWay:
    """A call. `stated` is the arguments where the wire gave them whole."""

    number: int
    stated: str | None = None


@final
@dataclass(frozen=True, slots=True)
class OpaqueUnderWay:
    """A block that punk does not interpret: the member `kind` of its start, and the deltas since."""

    number: int
    kind: str
    start: JsonValue
    deltas: Log[JsonObject] = field(default_factory=Log)


UnderWay: TypeAlias = TextUnderWay | ThinkingUnderWay | RedactedUnderWay | CallUnderWay | OpaqueUnderWay


def ending(block: UnderWay, number: int) -> tuple[ProviderEvent, ...]:
    """What the end of `block` says; `number` is its place, or the next free one where it has none yet."""
    match block:
        case TextUnderWay(citations=citations):
            if not citations:
                return ()
            return (TextAnnotated(number, ProviderData.of(FAMILY, {"citations": list(citations)})),)
        case ThinkingUnderWay(number=place, signature=pieces):
            signature = "".join(pieces) or None
            return () if place is None and signature is None else (ThinkingSealed(number, signature),)
        case RedactedUnderWay(pieces=pieces):
            content: JsonObject = {"redactedContent": joined_base64(tuple(pieces))}
            return (ThinkingSealed(number, provider_data=ProviderData.of(FAMILY, {"reasoningContent": content})),)
        case CallUnderWay(stated=stated):
            return (CallEnded(number, stated),)
        case OpaqueUnderWay(kind=kind, start=start, deltas=deltas):
            whole = rebuild(kind, start, tuple(deltas))
            if whole is not None and whole.value is not None:  # put together, it may be too deep to be read again
                return (OpaqueEnded(number, whole),)
            kept: JsonObject = {"start": {kind: start}, "deltas": list(deltas)}
            return (OpaqueEnded(number, ProviderData.of(FAMILY, kept), replayable=False),)
        case _:
            assert_never(block)


def joined_base64(pieces: tuple[str, ...]) -> str:
    """The base64 of all the bytes that `pieces` hold, each encoded on its own."""
    if len(pieces) == 1:
        return pieces[0]
    try:
        return b64encode(b"".join(b64decode(piece, validate=True) for piece in pieces)).decode()
    except ValueError:
        # One text that was cut anywhere.
        return "".join(pieces)


def rebuild(kind: str, start: JsonValue, deltas: tuple[JsonObject, ...]) -> ProviderData | None:
    """The block as a whole answer would hold it, None where punk cannot put it together."""
    whole = _content(kind, start, deltas) if isinstance(start, dict) else None
    return None if whole is None else ProviderData.of(FAMILY, {kind: whole})


def _content(kind: str, start: JsonObject, deltas: tuple[JsonObject, ...]) -> JsonObject | None:
    pieces = [delta.get(kind) for delta in deltas]
    match kind:
        case "toolUse":
            texts = [piece.get("input") if isinstance(piece, dict) else None for piece in pieces]
            given = [text for text in texts if isinstance(text, str)]
            return _with_input(start, "".join(given)) if len(given) == len(deltas) else None
        case "toolResult":
            lists = [piece for piece in pieces if isinstance(piece, list)]
            whole: JsonObject = {**start, "content": [item for piece in lists for item in piece]}
            return whole if len(lists) == len(deltas) else None
        case "image":
            match pieces:
                case [dict() as source]:
                    return {**start, **source}
                case _:
                    return None
        case _:
            return None


def _with_input(start: JsonObject, text: str) -> JsonObject | None:
    match parse_json(text or "{}"):
        case Success(dict() as value):
            return {**start, "input": value}
        case _:
            return None
