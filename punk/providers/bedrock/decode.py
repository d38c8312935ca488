"""Decodes a Converse answer, streamed or whole, into events.

An answer is whole at `messageStop`. Its last word waits for `metadata`, which comes after it and says what the answer
cost, or for the clean end of the bytes. `messageStop` closes what is still open, except calls: a call without its own
`contentBlockStop` is not whole. An exception ends the answer, and so does whatever the wire does not allow.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final, Self, TypeAlias, final

from punk.core.events import ProviderEvent, TurnEnded, TurnFailed, TurnStarted, UsageReported
from punk.core.failures import Failure, Malformed, Truncated
from punk.core.json import JsonObject, JsonValue, repair_text
from punk.core.log import Log
from punk.core.messages import Finish, FinishReason
from punk.providers.bedrock import wire
from punk.providers.bedrock.block_events import block_delta, block_start, block_stop
from punk.providers.bedrock.errors import reported_error, stray_failure
from punk.providers.bedrock.turn import (
    ENDED,
    WAITING,
    Ended,
    Live,
    Step,
    Stopped,
    Turn,
    Waiting,
    closed,
    failed,
    violated,
)
from punk.providers.bedrock.usage import usage_of
from punk.providers.bedrock.wire import FAMILY
from punk.providers.reading import read_as, read_json
from punk.wire.eventstream import Message, MessageDecoder, StreamFault

REASONS: Final[Mapping[str, FinishReason]] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "tool_use": "tool_use",
    "max_tokens": "max_tokens",
    "model_context_window_exceeded": "max_tokens",
    "guardrail_intervened": "content_filter",
    "content_filtered": "content_filter",
    "refusal": "refusal",
}

_STRAY_LIMIT: Final = 64 * 1024
"""Bytes kept of a body that is no event stream, for its error message."""


@final
@dataclass(frozen=True, slots=True)
class _Unknown:
    """Only white space so far."""


@final
@dataclass(frozen=True, slots=True)
class _Stray:
    """A JSON text or a page where there should be messages: what it begins with, and the bytes of that."""

    pieces: Log[bytes]
    size: int


_Bytes: TypeAlias = _Unknown | MessageDecoder | _Stray


@final
@dataclass(frozen=True, slots=True)
class ConverseDecoder:
    """Decodes one streamed answer. A value: `feed` gives the next decoder, and the old one stays usable."""

    _bytes: _Bytes = _Unknown()
    _turn: Live | Ended = WAITING

    def feed(self, data: bytes) -> tuple[Self, tuple[ProviderEvent, ...]]:
        """The decoder after `data`, and the events in it; none after the answer's last word."""
        turn, reader = self._turn, self._bytes
        if isinstance(turn, Ended) or not data:
            return self, ()
        if isinstance(reader, _Unknown):
            data = data.lstrip()
            reader = _reader(data)
        if not isinstance(reader, MessageDecoder):
            return type(self)(_kept(reader, data), turn), ()
        reader, messages = reader.feed(data)
        events: list[ProviderEvent] = []
        for message in messages:
            if isinstance(message, StreamFault):
                turn, said = failed(Malformed(message.message))
            else:
                turn, said = _apply(turn, message)
            events.extend(said)
            if isinstance(turn, Ended):
                break
        if reader is self._bytes and turn is self._turn:
            return self, tuple(events)
        return type(self)(reader, turn), tuple(events)

    def end(self) -> tuple[ProviderEvent, ...]:
        """What the clean end of the bytes means: the answer's last word if it is whole, or a failure."""
        match self._turn:
            case Ended():
                return ()
            case Stopped(finish=finish):
                return (TurnEnded(finish),)
            case turn:
                return (TurnFailed(_cut(turn, self._bytes)),)


def _reader(data: bytes) -> _Bytes:
    # The first byte of a message is the highest of its length, so that it is none of these.
    start = data[:1]
    if not start:
        return _Unknown()
    return _Stray(Log(), 0) if start in (b"{", b"[", b"<") else MessageDecoder()


def _kept(reader: _Unknown | _Stray, data: bytes) -> _Bytes:
    if isinstance(reader, _Unknown) or reader.size >= _STRAY_LIMIT:
        return reader
    return _Stray(reader.pieces.append(data) if reader.pieces else Log((data,)), reader.size + len(data))


def _cut(turn: Waiting | Turn, reader: _Bytes) -> Failure:
    if isinstance(reader, _Stray):
        return stray_failure(b"".join(reader.pieces))
    if isinstance(turn, Waiting):
        return Truncated("the provider's answer ended without a word of a message")
    return Truncated("the provider's answer was cut short: it ended before its messageStop")


def _apply(turn: Live, message: Message) -> Step:
    name = message.headers.get(":event-type")
    if message.headers.get(":message-type", "event") != "event":
        return failed(reported_error(message.headers, message.payload))
    if name == "contentBlockDelta":
        if isinstance(turn, Stopped):
            return turn, ()
        if isinstance(turn, Waiting):
            after, said = block_delta(Turn(), message.payload)
            return after, (TurnStarted(FAMILY), *said)
        return block_delta(turn, message.payload)
    if name not in ("messageStart", "contentBlockStart", "contentBlockStop", "messageStop", "metadata"):
        return turn, ()
    document = read_json(message.payload, f"the event {name}")
    return failed(document) if isinstance(document, Malformed) else apply_document(turn, name, document)


def apply_document(turn: Live, name: str, document: JsonObject) -> Step:
    """The answer after the event `name` that is `document`."""
    if not document and name != "messageStop":
        return turn, ()  # that an answer is whole, the name says alone
    if name == "metadata":
        return _metadata(turn, document)
    if isinstance(turn, Stopped):
        return turn, ()
    if name == "messageStart":
        return _message_start(turn)
    if isinstance(turn, Waiting):
        after, said = apply_document(Turn(), name, document)
        return after, (TurnStarted(FAMILY), *said)
    match name:
        case "contentBlockStart":
            return block_start(turn, document)
        case "contentBlockStop":
            return block_stop(turn, document)
        case _:
            return _message_stop(turn, document)


_SECOND: Final = "a second message began inside the first"


def _message_start(turn: Waiting | Turn) -> Step:
    match turn:
        case Waiting():
            return Turn(start="stated"), (TurnStarted(FAMILY),)
        case Turn(start="implied"):
            return replace(turn, start="stated"), ()
        case Turn():
            return violated(_SECOND)


def _message_stop(turn: Turn, document: JsonObject) -> Step:
    event = read_as(wire.MESSAGE_STOP, document, "a messageStop event")
    if isinstance(event, Malformed):
        return failed(event)
    finish = _finish_of(event.get("stopReason"), document.get("additionalModelResponseFields"))
    return Stopped(finish), closed(turn)


def _finish_of(word: str | None, more: JsonValue) -> Finish:
    # What its model says beyond this wire, if that was asked for, names the sequence that an answer stopped at.
    reason = None if word is None else REASONS.get(word, "other")
    fields = more.get("delta", more) if isinstance(more, dict) else None
    sequence = fields.get("stop_sequence") if isinstance(fields, dict) else None
    return Finish(reason, word, repair_text(sequence) if isinstance(sequence, str) else None)


def _metadata(turn: Live, document: JsonObject) -> Step:
    reported = document.get("usage")
    usage = usage_of(reported) if isinstance(reported, dict) and reported else None
    said: tuple[ProviderEvent, ...] = () if usage is None else (UsageReported(usage),)
    match turn:
        case Stopped(finish=finish):
            return ENDED, (*said, TurnEnded(replace(finish, detail=finish.detail or _intervention(document))))
        case Turn():
            return turn, said
        case Waiting():
            return Turn(), (TurnStarted(FAMILY), *said)


def _intervention(document: JsonObject) -> str | None:
    """Why a guardrail stepped in, if the trace says so."""
    place: JsonValue = document
    for key in ("trace", "guardrail", "actionReason"):
        place = place.get(key) if isinstance(place, dict) else None
    return repair_text(place) if isinstance(place, str) and place else None
