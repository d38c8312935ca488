"""The body of an answer that should be server-sent events, but may be a JSON error or a web page with status 200."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, TypeAlias, final

from returns.result import Success

from punk.core.failures import Failure, Malformed, ProviderError
from punk.core.json import JsonValue, repair_text
from punk.core.log import Log
from punk.wire.json import loads_lenient
from punk.wire.sse import SseDecoder, SseFault, SseFrame, SseTail

_STRAY_LIMIT: Final = 64 * 1024
"""Bytes kept of a body that is no event stream, for its error message."""


@final
@dataclass(frozen=True, slots=True)
class _Unknown:
    """Only white space so far."""


@final
@dataclass(frozen=True, slots=True)
class _Events:
    """Server-sent events."""


@final
@dataclass(frozen=True, slots=True)
class _Stray:
    """Something that begins as no event stream does."""

    pieces: Log[bytes] = field(default_factory=Log)
    size: int = 0


@final
@dataclass(frozen=True, slots=True)
class EventStreamBody:
    """Decodes server-sent events as `SseDecoder` does, and tells a body that is none from one that was cut."""

    _sse: SseDecoder = field(default_factory=SseDecoder, repr=False)
    _kind: _Unknown | _Events | _Stray = field(default_factory=_Unknown, repr=False)

    def feed(self, chunk: bytes) -> tuple[EventStreamBody, tuple[SseFrame | SseFault, ...]]:
        """The body after `chunk`, and the frames that `chunk` has ended."""
        kind = self._kind
        if isinstance(kind, _Events):
            sse, frames = self._sse.feed(chunk)
            return (self if sse is self._sse else EventStreamBody(sse, kind)), frames
        if isinstance(kind, _Unknown):
            start = chunk.lstrip()[:1]
            if start:
                kind = _Stray() if start in (b"{", b"[", b"<") else _Events()
        if isinstance(kind, _Stray):
            if kind.size < _STRAY_LIMIT:
                kind = _Stray(kind.pieces.append(chunk), kind.size + len(chunk))
            return EventStreamBody(self._sse, kind), ()
        sse, frames = self._sse.feed(chunk)
        return EventStreamBody(sse, kind), frames

    def end(self) -> tuple[SseTail, ...] | Failure:
        """What the end of the stream leaves: an unfinished frame, or the failure that a stray body amounts to."""
        kind = self._kind
        return failure_in_body(b"".join(kind.pieces)) if isinstance(kind, _Stray) else self._sse.end()


def failure_in_body(body: bytes) -> Failure:
    """What a body that should have been an event stream, and is a JSON text or a page, says went wrong."""
    match loads_lenient(body):
        case Success(dict() as document):
            message, error_type = error_of(document)
            if message is not None or error_type is not None:
                return ProviderError(message or f"the provider reports {error_type}", error_type)
            return Malformed("the provider sent JSON where an event stream was asked for")
        case _:
            what = "a web page" if body.lstrip()[:1] == b"<" else "something else"
            return Malformed(f"the provider sent {what} where an event stream was asked for")


ErrorText: TypeAlias = tuple[str | None, str | None]


def error_of(document: dict[str, JsonValue]) -> ErrorText:
    """The message and the type of an error document, in the forms that vendors use, fit to be encoded; None for what is
    not there."""
    error = document.get("error", document.get("errors"))
    if isinstance(error, list):
        error = error[0] if error else None
    if isinstance(error, str):
        return repair_text(error), None
    if not isinstance(error, dict):
        if "error" not in document and not {"message", "detail"} & document.keys():
            return None, None
        error = document
    message = next((v for k in ("message", "detail", "msg") if isinstance(v := error.get(k), str) and v), None)
    error_type = next((v for k in ("type", "status", "code") if isinstance(v := error.get(k), str) and v), None)
    code = error.get("code")
    if error_type is None and isinstance(code, int):
        error_type = str(code)
    return message and repair_text(message), error_type and repair_text(error_type)
