"""Decodes a Responses answer, streamed or whole, into events.

An event is known by its SSE name, or where that says nothing, by its own `type`; one that punk does not know is
ignored. The terminals are `response.completed`, `.incomplete` and `.failed`, and `error` in both of its forms. Each
states the answer again: items that had no end of their own take it from there. A call without either is not whole.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Final, Self, final

from returns.result import Success

from punk.core.events import Heartbeat, ProviderEvent, TurnFailed, TurnStarted
from punk.core.failures import Malformed, Truncated
from punk.providers.openai.responses import wire
from punk.providers.openai.responses.deltas import DELTAS
from punk.providers.openai.responses.ends import end_of
from punk.providers.openai.responses.failures import reported
from punk.providers.openai.responses.items import item_begins, item_ends, wire_id
from punk.providers.openai.responses.settings import FAMILY
from punk.providers.openai.responses.turn import Ended, Step, Turn, failed, key_of, violated
from punk.wire.body import EventStreamBody
from punk.wire.json import loads_lenient
from punk.wire.sse import SseFault

_OTHERS: Final = frozenset(
    {
        "error",
        "keepalive",
        "response.created",
        "response.queued",
        "response.in_progress",
        "response.output_item.added",
        "response.output_item.done",
        "response.completed",
        "response.incomplete",
        "response.failed",
    }
)


@final
@dataclass(frozen=True, slots=True)
class ResponsesDecoder:
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
            events += said
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
        left = self._body.end()
        if not isinstance(left, tuple):
            return (TurnFailed(left),)
        events: tuple[ProviderEvent, ...] = ()
        for tail in left:
            if isinstance(loads_lenient(tail.data), Success):
                after, said = _apply(turn, tail.event, tail.data)
                events += said
                if isinstance(after, Ended):
                    return events
        cut = "before it began" if turn == Turn() else "before its last event"
        return (*events, TurnFailed(Truncated(f"the provider's answer ended {cut}")))


def decode_whole(body: bytes) -> tuple[ProviderEvent, ...]:
    """The events of an answer that came in one piece, as a stream would have given them."""
    response = wire.RESPONSE.read(body)
    if isinstance(response, Malformed):
        return (TurnFailed(response),)
    if response.get("error") is None and response.get("status") not in ("completed", "incomplete", "failed"):
        return (TurnFailed(Malformed("the provider's answer is not one that has ended")),)
    if response.get("error") is not None and "status" not in response:
        return (TurnFailed(reported(body)),)
    return end_of(Turn(), response, response.get("status") or "")[1]


def _apply(turn: Turn, name: str | None, data: bytes) -> Step:
    take = DELTAS.get(name or "")
    if take is None and name not in _OTHERS:
        named = wire.read_name(data)
        if isinstance(named, Malformed):
            return (turn, ()) if data.strip() == b"[DONE]" else failed(named)
        name = named.get("type") or ("error" if named.get("error") else None)
        take = DELTAS.get(name or "")
    after, said = _other(turn, name, data) if take is None else take(turn, data)
    if turn.started is None and isinstance(after, Turn) and after is not turn and after.started is None:
        started = TurnStarted(FAMILY)
        return replace(after, started=started), (started, *said)
    return after, said


def _other(turn: Turn, name: str | None, data: bytes) -> Step:
    match name:
        case "keepalive":
            return turn, (Heartbeat(),)
        case "error":
            return failed(reported(data))
        case "response.output_item.added" | "response.output_item.done":
            event = wire.ITEM_EVENT.read(data)
            if isinstance(event, Malformed):
                return failed(event)
            if event.get("error"):
                return failed(reported(data))
            item = event.get("item")
            if item is None:
                return turn, ()
            key = key_of(event.get("output_index"), wire_id(item))
            return item_begins(turn, key, item) if name.endswith("added") else item_ends(turn, key, item)
        case (
            "response.created"
            | "response.queued"
            | "response.in_progress"
            | "response.completed"
            | "response.incomplete"
            | "response.failed"
        ):
            return _about(turn, name, data)
        case _:
            return turn, ()


def _about(turn: Turn, name: str, data: bytes) -> Step:
    document = wire.read_object(data, "an event about the answer")
    if isinstance(document, Malformed):
        return failed(document)
    about = wire.RESPONSE_EVENT.check(document)
    if isinstance(about, Malformed):
        return failed(about)
    status, response = name.removeprefix("response."), about.get("response") or {}
    if error := response.get("error") or about.get("error"):
        return end_of(turn, {**response, "error": error}, "failed")
    if status in ("completed", "incomplete", "failed"):
        # An event's name alone ends nothing: its document must say so too, or state the answer.
        return end_of(turn, response, status) if response or document.get("type") == name else (turn, ())
    return _begin(turn, response, status) if response else (turn, ())


def _begin(turn: Turn, response: wire.Response, status: str) -> Step:
    waits = (Heartbeat(),) if status != "created" else ()
    id_ = response.get("id") or None
    if turn.started is None:
        started = TurnStarted(FAMILY, response.get("model") or None, id_)
        return replace(turn, started=started), (started, *waits)
    if None not in (id_, turn.started.response_id) and id_ != turn.started.response_id:
        return violated("a second answer began inside the first")
    return turn, waits
