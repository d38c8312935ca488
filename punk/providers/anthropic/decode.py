"""Decodes a Messages answer, streamed or whole, into events.

An event is known by its SSE name: what has no name, or one that punk does not know, is ignored. The terminal is
`message_stop`. It closes what is still open, except calls: a call without its own `content_block_stop` is not whole.
`error` ends the answer too, and so does whatever the wire does not allow.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final, Self, final

from punk.core.events import Heartbeat, ProviderEvent, TurnEnded, TurnFailed, TurnStarted, UsageReported
from punk.core.failures import Failure, Malformed, ProviderError, Truncated
from punk.core.json import JsonObject, JsonValue
from punk.core.messages import Finish, FinishReason
from punk.providers.anthropic import wire
from punk.providers.anthropic.block_events import block_delta, block_start, block_stop
from punk.providers.anthropic.blocks import CallUnderWay
from punk.providers.anthropic.turn import ENDED, Ended, Step, Turn, failed, violated, without_block
from punk.providers.anthropic.usage import merge_usage, usage_of
from punk.providers.anthropic.wire import FAMILY, read_model
from punk.providers.reading import read_json
from punk.wire.body import EventStreamBody, error_of
from punk.wire.json import repair_surrogates
from punk.wire.sse import SseFault, SseTail

REASONS: Final[Mapping[str, FinishReason]] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "max_tokens",
    "model_context_window_exceeded": "max_tokens",
    "tool_use": "tool_use",
    "pause_turn": "pause",
    "refusal": "refusal",
}


@final
@dataclass(frozen=True, slots=True)
class AnthropicDecoder:
    """Decodes one streamed answer. A value: `feed` gives the next decoder, and the old one stays usable."""

    _body: EventStreamBody = field(default_factory=EventStreamBody, repr=False)
    _turn: Turn | Ended = field(default_factory=Turn)

    def feed(self, data: bytes) -> tuple[Self, tuple[ProviderEvent, ...]]:
        """The decoder after `data`, and the events in it; none after the answer's last word."""
        turn = self._turn
        if isinstance(turn, Ended):
            return self, ()
        body, frames = self._body.feed(data)
        events: list[ProviderEvent] = []
        for frame in frames:
            if isinstance(frame, SseFault):
                turn, said = failed(Malformed(frame.message))
            else:
                turn, said = _apply(turn, frame.event, frame.data)
            events.extend(said)
            if isinstance(turn, Ended):
                break
        if body is self._body and turn is self._turn:
            return self, tuple(events)
        return type(self)(body, turn), tuple(events)

    def end(self) -> tuple[ProviderEvent, ...]:
        """What the clean end of the bytes means: a failure, unless the answer had its last word."""
        turn = self._turn
        if isinstance(turn, Ended):
            return ()
        rest = self._body.end()
        if not isinstance(rest, tuple):
            return (TurnFailed(rest),)
        events: list[ProviderEvent] = []
        for tail in rest:
            if not _is_whole(tail):
                break
            turn, said = _apply(turn, tail.event, tail.data)
            events.extend(said)
            if isinstance(turn, Ended):
                return tuple(events)
        return (*events, TurnFailed(_cut(turn)))


def decode_whole(body: bytes) -> tuple[ProviderEvent, ...]:
    """The events of an answer that came in one piece, as a stream would have given them."""
    message = read_json(body, "the answer")
    if isinstance(message, Malformed):
        return (TurnFailed(message),)
    if "error" in message:
        return (TurnFailed(_error_in(message)),)
    content = message.get("content")
    if not isinstance(content, list):
        return (TurnFailed(Malformed("the answer is no message: it has no content")),)
    script: list[tuple[str, JsonObject]] = [("message_start", {"message": message})]
    for index, block in enumerate(content):
        script.append(("content_block_start", {"index": index, "content_block": block}))
        script.append(("content_block_stop", {"index": index}))
    script.append(("message_delta", {"delta": message}))
    script.append(("message_stop", {}))

    turn = Turn()
    events: list[ProviderEvent] = []
    for name, document in script:
        after, said = _apply_document(turn, name, document)
        events.extend(said)
        if isinstance(after, Ended):
            break
        turn = after
    return tuple(events)


def _apply(turn: Turn, name: str | None, data: bytes) -> Step:
    match name:
        case "content_block_delta":
            return block_delta(turn, data)
        case "ping":
            return turn, (Heartbeat(),)
        case (
            "message_start" | "content_block_start" | "content_block_stop" | "message_delta" | "message_stop" | "error"
        ):
            document = read_json(data, f"the event {name}")
            return failed(document) if isinstance(document, Malformed) else _apply_document(turn, name, document)
        case _:
            return turn, ()


def _apply_document(turn: Turn, name: str, document: JsonObject) -> Step:
    match name:
        case "message_stop":
            return _message_stop(turn)
        case "error":
            return failed(_error_in(document))
        case _ if not document:
            return turn, ()
        case "message_start":
            return _message_start(turn, document)
        case "content_block_start":
            return block_start(turn, document)
        case "content_block_stop":
            return block_stop(turn, document)
        case _:
            return _message_delta(turn, document)


def _error_in(document: JsonObject) -> ProviderError:
    readable = repair_surrogates(document)
    message, error_type = error_of(readable) if isinstance(readable, dict) else (None, None)
    return ProviderError(message or f"the provider reports {error_type or 'an error without a word'}", error_type)


def _finish_of(word: str, stop: wire.Stop) -> Finish:
    details = stop.stop_details
    why = None if details is None else details.explanation or details.category
    return Finish(REASONS.get(word, "other"), word, stop.stop_sequence or why)


def _message_start(turn: Turn, document: JsonObject) -> Step:
    if turn.started is not None:
        return violated("a second message began inside the first")
    event = read_model(wire.MessageStart, document, "a message_start event")
    if isinstance(event, Malformed):
        return failed(event)
    message = document["message"]
    assert isinstance(message, dict), "the model says so"
    started = TurnStarted(FAMILY, event.message.model, event.message.id)
    turn, said = _with_usage(replace(turn, started=started), message.get("usage"))
    return turn, (started, *said)


def _message_delta(turn: Turn, document: JsonObject) -> Step:
    event = read_model(wire.MessageDelta, document, "a message_delta event")
    if isinstance(event, Malformed):
        return failed(event)
    word = event.delta.stop_reason
    if word is not None:
        turn = replace(turn, finish=_finish_of(word, event.delta))
    return _with_usage(turn, document.get("usage"))


def _message_stop(turn: Turn) -> Step:
    said: list[ProviderEvent] = []
    for index, block in tuple(turn.open.items()):
        if not isinstance(block, CallUnderWay):
            turn, last = without_block(turn, index)
            said.extend(last)
    return ENDED, (*said, TurnEnded(turn.finish))


def _with_usage(turn: Turn, report: JsonValue) -> tuple[Turn, tuple[ProviderEvent, ...]]:
    usage = merge_usage(turn.usage, report)
    return (turn, ()) if usage is turn.usage else (replace(turn, usage=usage), (UsageReported(usage_of(usage)),))


def _is_whole(tail: SseTail) -> bool:
    return not isinstance(read_json(tail.data, "the rest"), Malformed)


def _cut(turn: Turn) -> Failure:
    if turn == Turn():
        return Truncated("the provider's answer ended without a word of a message")
    return Truncated("the provider's answer was cut short: it ended before its message_stop")
