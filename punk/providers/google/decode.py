"""Decodes Gemini answers: payload by payload, from server-sent events, or an answer in one piece.

What ends an answer on this wire: the clean end of the bytes after a finish reason, or after the news that the prompt
was blocked. A finish reason may come in the midst of a stream, so a cut after one cannot be told from the end.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Final, TypeAlias, final

from punk.core.events import ProviderEvent, TurnFailed, TurnStarted, UsageReported
from punk.core.failures import Failure, Malformed, Truncated
from punk.providers.google.body import Found, Payloads
from punk.providers.google.reports import reported_error, usage_of
from punk.providers.google.turn import Turn
from punk.providers.google.wire import FAMILY, Chunk, Raw, read_chunk, read_chunks

_NOT_JSON: Final = Malformed("the provider sent a number that JSON does not have, or arguments that are none")
_NOTHING: Final = (b"", b"null", b"[DONE]")
"""Payloads without a word in them: the last is how other wires say that no more come."""
_NO_ANSWER: Final = Malformed("there is no message in the provider's answer")


@final
@dataclass(frozen=True, slots=True)
class _Waiting:
    """Nothing has been said of the answer yet."""


@final
@dataclass(frozen=True, slots=True)
class _Over:
    """The last word was said."""


_State: TypeAlias = _Waiting | Turn | _Over
_Counts: TypeAlias = dict[str, Raw]


@final
@dataclass(frozen=True, slots=True)
class PayloadDecoder:
    """Decodes an answer that comes as payloads: `feed` takes one whole chunk of JSON, or a list of them.

    Every chunk repeats the token counts, so only the first and, at a good end, the last ones are told.
    """

    _state: _State = _Waiting()
    _counts: _Counts | None = None

    def feed(self, data: bytes) -> tuple[PayloadDecoder, tuple[ProviderEvent, ...]]:
        """The decoder after the payload `data`, and the events in it."""
        if isinstance(self._state, _Over):
            return self, ()
        if data[:1] != b"{":
            text = data.strip()
            if text in _NOTHING:
                return self, ()
            if text.startswith(b"["):
                return self._feed_list(data)
        chunk = read_chunk(data)
        return self.fail(chunk) if isinstance(chunk, Malformed) else self._feed(chunk)

    def fail(self, failure: Failure) -> tuple[PayloadDecoder, tuple[ProviderEvent, ...]]:
        """The decoder after `failure`, which ends the answer, unless it had ended before."""
        return (self, ()) if isinstance(self._state, _Over) else (_OVER, (TurnFailed(failure),))

    def end(self, *, whole: bool = False) -> tuple[ProviderEvent, ...]:
        """What the clean end of the payloads means: the end of an answer that gave a finish reason. `whole` says that
        the answer came in one piece, which needs none."""
        state = self._state
        if isinstance(state, _Over):
            return ()
        if not isinstance(state, Turn) or (state.finish is None and not (whole and state.blocks)):
            cut = "without its end: no finish reason" if isinstance(state, Turn) and state.blocks else "before it began"
            return self.fail(_NO_ANSWER if whole else Truncated(f"the stream ended {cut}"))[1]
        events: list[ProviderEvent] = []
        try:
            if self._counts is not None and self._counts != state.told:
                events.append(UsageReported(usage_of(self._counts)))
            state.close(events)
        except ValueError:
            return (TurnFailed(_NOT_JSON),)
        return tuple(events)

    def _feed_list(self, data: bytes) -> tuple[PayloadDecoder, tuple[ProviderEvent, ...]]:
        chunks = read_chunks(data)
        if isinstance(chunks, Malformed):
            return self.fail(chunks)
        decoder, events = self, list[ProviderEvent]()
        for chunk in chunks:
            decoder, more = decoder._feed(chunk)
            events += more
        return decoder, tuple(events)

    def _feed(self, chunk: Chunk) -> tuple[PayloadDecoder, tuple[ProviderEvent, ...]]:
        state = self._state
        if isinstance(state, _Over):
            return self, ()
        events: list[ProviderEvent] = []
        counts = chunk.get("usageMetadata") or self._counts
        try:
            if isinstance(state, _Waiting):
                state = _begin(chunk, events)
            if isinstance(state, Turn):
                state = state.add(chunk, events)
                if counts is not None and state.told is None:
                    events.append(UsageReported(usage_of(counts)))
                    state = replace(state, told=counts)
        except ValueError:
            return _OVER, (*events, TurnFailed(_NOT_JSON))
        if error := chunk.get("error"):
            return _OVER, (*events, TurnFailed(reported_error(error)))
        return PayloadDecoder(state, counts), tuple(events)


_OVER: Final = PayloadDecoder(_Over())


@final
@dataclass(frozen=True, slots=True)
class GeminiDecoder:
    """Decodes an answer that comes as bytes: server-sent events, whatever they are called, or bare JSON."""

    _body: Payloads = field(default_factory=Payloads)
    _payloads: PayloadDecoder = field(default_factory=PayloadDecoder)

    def feed(self, data: bytes) -> tuple[GeminiDecoder, tuple[ProviderEvent, ...]]:
        """The decoder after `data`, and the events in it."""
        body, found = self._body.feed(data)
        payloads, events = _fed(self._payloads, found)
        same = body is self._body and payloads is self._payloads
        return self if same else GeminiDecoder(body, payloads), events

    def end(self) -> tuple[ProviderEvent, ...]:
        """What the clean end of the bytes means: nothing after a terminal, `TurnFailed` where there was none."""
        payloads, events = _fed(self._payloads, self._body.end())
        return events + payloads.end()


def decode_whole(body: bytes) -> tuple[ProviderEvent, ...]:
    """The events of an answer that came in one piece; they end the turn."""
    decoder, events = PayloadDecoder().feed(body)
    return events + decoder.end(whole=True)


def _fed(decoder: PayloadDecoder, found: Found) -> tuple[PayloadDecoder, tuple[ProviderEvent, ...]]:
    if len(found) == 1 and isinstance(found[0], bytes):
        return decoder.feed(found[0])
    events: list[ProviderEvent] = []
    for payload in found:
        decoder, more = decoder.feed(payload) if isinstance(payload, bytes) else decoder.fail(payload)
        events += more
    return decoder, tuple(events)


def _begin(chunk: Chunk, out: list[ProviderEvent]) -> _Waiting | Turn:
    model, response_id = chunk.get("modelVersion") or None, chunk.get("responseId") or None
    if not (model or response_id or chunk.get("candidates") or chunk.get("promptFeedback")):
        return _Waiting()
    out.append(TurnStarted(FAMILY, model, response_id))
    return Turn()
