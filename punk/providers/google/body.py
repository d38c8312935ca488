"""From the bytes of an answer to its payloads, wherever they stand: in server-sent events, or bare.

Google reports an error in the midst of a stream as a JSON document on lines of its own, without `data:`; a server that
was asked for no events, or does not know them, sends its whole answer so, as one document or a list of them. What
stands bare is a payload like any other, and it ends the event before it as a blank line would. A gateway's page is one
that cannot be read.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import Final, TypeAlias, final

from returns.result import Success

from punk.core.failures import Failure, Malformed, Truncated
from punk.core.log import Log
from punk.wire.json import loads_lenient
from punk.wire.sse import DEFAULT_LIMIT, SseDecoder, SseFault, SseFrame

_CUT: Final = Truncated("the answer was cut in the middle of a chunk")
_PAGE: Final = Malformed("the provider sent a web page where an event stream was asked for")
_GARBAGE: Final = Malformed("the provider sent a document that is not JSON")
_TEXT: Final = re.compile(rb'"(?:[^"\\]|\\.)*"')
_BARE: Final = re.compile(rb"[\r\n][{\[<]")
_BOM: Final = b"\xef\xbb\xbf"

Found: TypeAlias = tuple[bytes | Failure, ...]
"""Payloads, in order; a failure is the last."""


@final
@dataclass(frozen=True, slots=True)
class _Before:
    """Nothing but white space has come, and what may be a piece of a byte order mark."""

    held: bytes = b""


@final
@dataclass(frozen=True, slots=True)
class _Events:
    """Server-sent events. `between` says that none is under way; `fresh` that the next byte begins a line."""

    between: bool
    fresh: bool


@final
@dataclass(frozen=True, slots=True)
class _Bare:
    """A document outside of events, as far as it has come: its pieces, those of its unfinished line, their bytes, and
    the brackets that its lines have opened."""

    pieces: Log[bytes] = field(default_factory=Log)
    line: Log[bytes] = field(default_factory=Log)
    size: int = 0
    depth: int = 0


@final
@dataclass(frozen=True, slots=True)
class _Over:
    """What comes is no answer; nothing more is read."""


_State: TypeAlias = _Before | _Events | _Bare | _Over
_BETWEEN: Final = _Events(between=True, fresh=True)


@final
@dataclass(frozen=True, slots=True)
class Payloads:
    """Finds the payloads in the bytes of an answer. `limit` bounds the bytes of one."""

    limit: int = DEFAULT_LIMIT
    _sse: SseDecoder = field(default_factory=SseDecoder, repr=False)
    _state: _State = field(default=_Before(), repr=False)

    def feed(self, data: bytes) -> tuple[Payloads, Found]:
        """What follows after `data`, and the payloads that it has ended."""
        # Most network chunks are one event, as most servers write it: this costs a third.
        if self._state is _BETWEEN and data.startswith(b"data: ") and data.endswith(b"\r\n\r\n"):
            payload = data[6:-4]
            if b"\n" not in payload and b"\r" not in payload and len(payload) <= self.limit:
                return self, (payload,)
        found: list[bytes | Failure] = []
        after = self
        while data:
            after, data = after._step(data, found)
        return after, tuple(found)

    def end(self) -> Found:
        """What the end of the bytes leaves: the last payload, whole or cut."""
        match self._state:
            case _Bare(pieces=pieces):
                tails = [b"".join(pieces), *(tail.data for tail in self._sse.end())]
            case _Events():
                tails = [tail.data for tail in self._sse.end()]
            case _:
                tails = []
        return tuple(tail if is_whole(tail) else _CUT for tail in tails)

    def _step(self, data: bytes, found: list[bytes | Failure]) -> tuple[Payloads, bytes]:
        match self._state:
            case _Before(held=held):
                return self._begin(held + data, found)
            case _Events() as state:
                return self._events(state, data, found)
            case _Bare() as state:
                return self._bare(state, data, found)
            case _Over():
                return self, b""

    def _begin(self, data: bytes, found: list[bytes | Failure]) -> tuple[Payloads, bytes]:
        # White space before all else says nothing, on any wire.
        start = data.lstrip().removeprefix(_BOM).lstrip()
        if start and _BOM.startswith(start):
            return replace(self, _state=_Before(start)), b""
        match start[:1]:
            case b"":
                return replace(self, _state=_Before()), b""
            case b"{" | b"[":
                return replace(self, _state=_Bare()), start
            case b"<":
                found.append(_PAGE)
                return replace(self, _state=_Over()), b""
            case _:
                return replace(self, _state=_Events(between=False, fresh=False)), start

    def _events(self, state: _Events, data: bytes, found: list[bytes | Failure]) -> tuple[Payloads, bytes]:
        at = _bare_at(data, state.fresh)
        events, rest = (data, b"") if at is None else (data[:at], data[at:])
        sse, frames = self._sse.feed(events)
        for frame in frames:
            if isinstance(frame, SseFault):
                found.append(Malformed(frame.message))
                return replace(self, _state=_Over()), b""
            found.append(frame.data)
        if at is not None:
            ended, last = sse.feed(b"\n\n")
            payloads = [frame.data for frame in last if isinstance(frame, SseFrame)]
            # One that was cut waits until the bare document, which may say why, was heard.
            if all(is_whole(payload) for payload in payloads):
                sse = ended
                found.extend(payloads)
            if rest.startswith(b"<"):
                found.append(_PAGE)
                return replace(self, _state=_Over()), b""
            return Payloads(self.limit, sse, _Bare()), rest
        between = events.endswith((b"\n\n", b"\r\n\r\n"))
        after = _BETWEEN if between else _Events(between=False, fresh=events.endswith((b"\n", b"\r")))
        return Payloads(self.limit, sse, after), b""

    def _bare(self, state: _Bare, data: bytes, found: list[bytes | Failure]) -> tuple[Payloads, bytes]:
        if state.size + len(data) > self.limit:
            found.append(Malformed(f"the provider sent a document that is larger than {self.limit} bytes"))
            return replace(self, _state=_Over()), b""
        unfinished, depth, read = state.line, state.depth, 0
        for line in data.splitlines(keepends=True):
            read += len(line)
            unfinished = unfinished.append(line)
            if not line.endswith(b"\n"):
                continue
            # No text goes on in another line, so those of a whole line can be told from its brackets.
            brackets = _TEXT.sub(b"", b"".join(unfinished))
            depth += brackets.count(b"{") + brackets.count(b"[") - brackets.count(b"}") - brackets.count(b"]")
            unfinished = Log()
            if depth > 0:
                continue
            document = b"".join((*state.pieces, data[:read]))
            if is_whole(document):
                found.append(document)
                if self._sse.end():
                    found.append(_CUT)
                    return replace(self, _state=_Over()), b""
                return replace(self, _state=_BETWEEN), data[read:]
            found.append(_GARBAGE)
            return replace(self, _state=_Over()), b""
        return replace(self, _state=_Bare(state.pieces.append(data), unfinished, state.size + len(data), depth)), b""


def is_whole(payload: bytes) -> bool:
    """Whether `payload` is a JSON text, or nothing at all."""
    return not payload.strip() or isinstance(loads_lenient(payload), Success)


def _bare_at(data: bytes, fresh: bool) -> int | None:
    """Where in `data` a line begins as no line of an event does: with a bracket, or a tag; None if none does. `fresh`
    says that `data` begins a line."""
    if fresh and data.startswith((b"{", b"[", b"<")):
        return 0
    found = _BARE.search(data)
    return None if found is None else found.start() + 1
