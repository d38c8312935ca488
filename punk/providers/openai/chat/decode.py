"""Decodes chat completions: payload by payload, from server-sent events, or an answer in one piece.

What ends an answer on this wire: the payload `[DONE]`, or the clean end of the bytes after a finish reason. `[DONE]`
also ends an answer that said something and gave no reason (Ollama does so); with nothing said it ends none.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, TypeAlias, final

from returns.result import Success

from punk.core.events import ProviderEvent, TurnFailed, TurnStarted, UsageReported
from punk.core.failures import Failure, Malformed, ProviderError, Truncated
from punk.core.provider_data import ProviderData
from punk.core.usage import Usage
from punk.providers.counts import count_of, count_within
from punk.providers.openai.chat.settings import FAMILY
from punk.providers.openai.chat.turn import Turn
from punk.providers.openai.chat.wire import Chunk, Completion, Piece, read_chunk, read_completion
from punk.wire.body import EventStreamBody, error_of
from punk.wire.json import loads_lenient
from punk.wire.sse import SseFault

DONE: Final = b"[DONE]"
"""The payload that ends a stream."""

_NOT_JSON: Final = Malformed("the provider sent a number that JSON does not have")


@final
@dataclass(frozen=True, slots=True)
class _Waiting:
    """Nothing has named the answer yet (Azure opens with a chunk about the prompt)."""


@final
@dataclass(frozen=True, slots=True)
class _Over:
    """The last word was said."""


_State: TypeAlias = _Waiting | Turn | _Over


@final
@dataclass(frozen=True, slots=True)
class PayloadDecoder:
    """Decodes an answer that comes as payloads: `feed` takes one whole chunk of JSON, or `[DONE]`."""

    _state: _State = _Waiting()

    def feed(self, data: bytes) -> tuple[PayloadDecoder, tuple[ProviderEvent, ...]]:
        """The decoder after the payload `data`, and the events in it."""
        state = self._state
        if isinstance(state, _Over):
            return self, ()
        if data[:1] != b"{":
            payload = data.strip()
            if payload == DONE:
                return _OVER, _end(state, _has_spoken(state))
            if not payload:
                return self, ()
        chunk = read_chunk(data)
        if isinstance(chunk, Malformed):
            return self.fail(chunk)
        events: list[ProviderEvent] = []
        try:
            after = _take(state, chunk, data, events)
        except ValueError:
            events.append(TurnFailed(_NOT_JSON))
            after = _Over()
        return self if after is state else PayloadDecoder(after), tuple(events)

    def fail(self, failure: Failure) -> tuple[PayloadDecoder, tuple[ProviderEvent, ...]]:
        """The decoder after `failure`, which ends the answer, unless it had ended before."""
        return (self, ()) if isinstance(self._state, _Over) else (_OVER, (TurnFailed(failure),))

    def end(self) -> tuple[ProviderEvent, ...]:
        """What the clean end of the payloads means: the end of an answer that gave a finish reason."""
        match self._state:
            case _Over():
                return ()
            case state:
                return _end(state, isinstance(state, Turn) and state.raw_reason is not None)


_OVER: Final = PayloadDecoder(_Over())


@final
@dataclass(frozen=True, slots=True)
class ChatDecoder:
    """Decodes an answer that comes as server-sent events, whatever they are called; `error` is a failure."""

    _body: EventStreamBody = field(default_factory=EventStreamBody)
    _payloads: PayloadDecoder = field(default_factory=PayloadDecoder)

    def feed(self, data: bytes) -> tuple[ChatDecoder, tuple[ProviderEvent, ...]]:
        """The decoder after `data`, and the events in it."""
        body, frames = self._body.feed(data)
        payloads = self._payloads
        events: list[ProviderEvent] = []
        for frame in frames:
            if isinstance(frame, SseFault):
                payloads, more = payloads.fail(Malformed(frame.message))
            elif frame.event == "error":
                payloads, more = payloads.fail(_reported(frame.data))
            else:
                payloads, more = payloads.feed(frame.data)
            events += more
        same = body is self._body and payloads is self._payloads
        return self if same else ChatDecoder(body, payloads), tuple(events)

    def end(self) -> tuple[ProviderEvent, ...]:
        """What the clean end of the bytes means: nothing after a terminal, `TurnFailed` where there was none."""
        left = self._body.end()
        if not isinstance(left, tuple):
            return self._payloads.fail(left)[1]
        payloads = self._payloads
        events: tuple[ProviderEvent, ...] = ()
        for tail in left:
            if not _is_whole(tail.data):
                payloads, more = payloads.fail(Truncated("the answer was cut in the middle of a chunk"))
            elif tail.event == "error":
                payloads, more = payloads.fail(_reported(tail.data))
            else:
                payloads, more = payloads.feed(tail.data)
            events += more
        return events + payloads.end()


def decode_whole(body: bytes) -> tuple[ProviderEvent, ...]:
    """The events of an answer that came in one piece; they end the turn."""
    completion = read_completion(body)
    if isinstance(completion, Malformed):
        return (TurnFailed(completion),)
    events: list[ProviderEvent] = []
    failure: Failure | None = None
    try:
        turn = _begin(completion, events)
        if isinstance(turn, Turn):
            for choice in completion.get("choices") or ():
                if (message := choice.get("message")) and not choice.get("index"):
                    turn = turn.add(message, events).finish(choice.get("finish_reason"))
        if usage := completion.get("usage"):
            events.append(UsageReported(_usage(usage)))
        if completion.get("error") or completion.get("object") == "error":
            failure = _reported(body)
        elif isinstance(turn, Turn) and _has_spoken(turn):
            turn.close(events)
        else:
            failure = Malformed("there is no message in the provider's answer")
    except ValueError:
        failure = _NOT_JSON
    return (*events, TurnFailed(failure)) if failure is not None else tuple(events)


def _take(state: _Waiting | Turn, chunk: Chunk, data: bytes, out: list[ProviderEvent]) -> _State:
    if isinstance(state, _Waiting):
        state = _begin(chunk, out)
    if isinstance(state, Turn):
        for choice in chunk.get("choices") or ():
            if choice.get("index"):
                continue
            if delta := choice.get("delta"):
                state = state.add(delta, out)
            if reason := choice.get("finish_reason"):
                state = state.finish(reason)
    if usage := chunk.get("usage"):
        out.append(UsageReported(_usage(usage)))
    if chunk.get("error") or chunk.get("object") == "error":
        out.append(TurnFailed(_reported(data)))
        return _Over()
    return state


def _begin(payload: Chunk | Completion, out: list[ProviderEvent]) -> _Waiting | Turn:
    model, response_id = payload.get("model") or None, payload.get("id") or None
    if not (payload.get("choices") or model or response_id):
        return _Waiting()
    out.append(TurnStarted(FAMILY, model, response_id))
    return Turn()


def _has_spoken(state: _Waiting | Turn) -> bool:
    return isinstance(state, Turn) and state.has_spoken


def _end(state: _Waiting | Turn, is_whole: bool) -> tuple[ProviderEvent, ...]:
    if not is_whole or isinstance(state, _Waiting):
        cut = "without its end: no finish reason, no [DONE]" if _has_spoken(state) else "before it began"
        return (TurnFailed(Truncated(f"the stream ended {cut}")),)
    events: list[ProviderEvent] = []
    try:
        state.close(events)
    except ValueError:
        events.append(TurnFailed(_NOT_JSON))
    return tuple(events)


def _reported(data: bytes) -> Failure:
    """The failure in the document `data`, which says that it is one."""
    match loads_lenient(data):
        case Success(dict() as document):
            message, error_type = error_of(document)
            return ProviderError(message or "the provider reports an error", error_type)
        case _:
            return ProviderError("the provider reports an error")


def _is_whole(data: bytes) -> bool:
    payload = data.strip()
    return payload in (b"", DONE) or isinstance(loads_lenient(payload), Success)


def _usage(reported: Piece) -> Usage:
    return Usage(
        input_tokens=count_of(reported.get("prompt_tokens")),
        output_tokens=count_of(reported.get("completion_tokens")),
        cache_read_tokens=count_within(reported, "prompt_tokens_details", "cached_tokens"),
        cache_write_tokens=count_within(reported, "prompt_tokens_details", "cache_write_tokens"),
        reasoning_tokens=count_within(reported, "completion_tokens_details", "reasoning_tokens"),
        reported=ProviderData.of(FAMILY, reported),
    )
