"""Server-sent events: bytes in, frames out, however the bytes are cut.

The decoder is a value: `feed` gives the next decoder, and the old one stays usable. Work is linear in the bytes: what
is not finished waits in logs, is never looked at again before its line ends, and is joined once.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, TypeAlias, final

from punk.core.log import Log

DEFAULT_LIMIT: Final = 64 * 1024 * 1024
"""Bytes that one frame may have."""


@final
@dataclass(frozen=True, slots=True)
class SseFrame:
    """One event that its blank line has ended.

    `event` is its name, None where it has none or an empty one (bytes that are no UTF-8 in it are U+FFFD); `data` its
    data lines, unread, joined with a line feed.
    """

    event: str | None
    data: bytes


@final
@dataclass(frozen=True, slots=True)
class SseTail:
    """As `SseFrame`, but the stream ended before the blank line: `data` may be cut short, the reader has to judge."""

    event: str | None
    data: bytes


@final
@dataclass(frozen=True, slots=True)
class SseFault:
    """A frame passed the size limit; nothing after it is read. `message` is for a person."""

    message: str


@final
@dataclass(frozen=True, slots=True)
class _Reading:
    """What is known of the frame and the line that have begun.

    `bom` and `skip` are what the next line, and the next chunk, may begin with and drop: a byte order mark, the line
    feed after a carriage return. `line` holds the pieces of the unfinished line, `line_size` their bytes; `data` the
    values of the finished data lines, joined a chunk, `frame_size` the bytes of those lines, zero if there are none.
    """

    bom: bytes
    skip: bytes
    line: Log[bytes]
    line_size: int
    event: bytes
    data: Log[bytes]
    frame_size: int


@final
@dataclass(frozen=True, slots=True)
class _Overflowed:
    """The limit was passed."""


_State: TypeAlias = _Reading | _Overflowed

_BOM: Final = b"\xef\xbb\xbf"
_NOTHING: Final[Log[bytes]] = Log()
_START: Final = _Reading(_BOM, b"", _NOTHING, 0, b"", _NOTHING, 0)
_BETWEEN_FRAMES: Final = _Reading(b"", b"", _NOTHING, 0, b"", _NOTHING, 0)


@final
@dataclass(frozen=True, slots=True)
class SseDecoder:
    """A decoder of one stream of server-sent events, as a value.

    `limit` bounds the bytes of a frame: its data lines with the line at hand. `id`, `retry`, unknown fields and
    comments are ignored. No bytes raise.
    """

    limit: int = DEFAULT_LIMIT
    _state: _State = field(default=_START, repr=False)

    def feed(self, chunk: bytes) -> tuple[SseDecoder, tuple[SseFrame | SseFault, ...]]:
        """The decoder after `chunk`, and the frames that `chunk` has ended, in order."""
        state = self._state
        if state is _BETWEEN_FRAMES and len(chunk) <= self.limit:
            frame = _only_frame(chunk)
            if frame is not None:
                return self, (frame,)
        if isinstance(state, _Reading) and chunk:
            return self._read(state, chunk)
        return self, ()

    def end(self) -> tuple[SseTail, ...]:
        """The frame that the end of the stream leaves without its blank line, if it has data."""
        # The first line feed ends an unfinished line or is the second half of a CRLF; the next is the blank line.
        _, frames = self.feed(b"\n\n")
        return tuple(SseTail(frame.event, frame.data) for frame in frames if isinstance(frame, SseFrame))

    def _read(self, state: _Reading, chunk: bytes) -> tuple[SseDecoder, tuple[SseFrame | SseFault, ...]]:
        # bytes.splitlines splits at \n, \r and \r\n alone, as the format asks; str.splitlines would not do.
        lines = chunk.removeprefix(state.skip).splitlines()
        skip = b"\n" if chunk.endswith(b"\r") else b""
        rest = lines.pop() if lines and not chunk.endswith((b"\n", b"\r")) else b""

        bom, line, line_size = state.bom, state.line, state.line_size
        event, data, frame_size = state.event, state.data, state.frame_size
        limit = self.limit
        frames: list[SseFrame | SseFault] = []
        new_data: list[bytes] = []
        if lines and (line_size or bom):
            first = b"".join((*line, lines[0]))
            # Counted with its byte order mark, as its pieces were: the loop sees it without.
            if len(first) > limit:
                return self._overflow(frames)
            lines[0] = first.removeprefix(bom)
            bom, line, line_size = b"", _NOTHING, 0
        for text in lines:
            if frame_size + len(text) > limit:
                return self._overflow(frames)
            if text:
                name, _, value = text.partition(b":")
                if name == b"data":
                    new_data.append(value.removeprefix(b" "))
                    frame_size += len(text)
                elif name == b"event":
                    event = value.removeprefix(b" ")
            else:
                if frame_size:
                    whole = b"\n".join((*data, *new_data) if data else new_data)
                    frames.append(SseFrame(event.decode(errors="replace") or None, whole))
                    data, frame_size = _NOTHING, 0
                    new_data.clear()
                event = b""
        line_size += len(rest)
        if frame_size + line_size > limit:
            return self._overflow(frames)

        if not (line_size or event or frame_size):
            # Even after a carriage return: its line feed is one more blank line here, and ends nothing.
            return self._at(_BETWEEN_FRAMES), tuple(frames)
        if rest:
            line = _grown(line, rest)
        if new_data:
            data = _grown(data, b"\n".join(new_data))
        return self._at(_Reading(bom, skip, line, line_size, event, data, frame_size)), tuple(frames)

    def _at(self, state: _State) -> SseDecoder:
        return self if state is self._state else SseDecoder(self.limit, state)

    def _overflow(self, frames: list[SseFrame | SseFault]) -> tuple[SseDecoder, tuple[SseFrame | SseFault, ...]]:
        fault = SseFault(f"a server-sent event is larger than {self.limit} bytes")
        return self._at(_Overflowed()), (*frames, fault)


def _only_frame(chunk: bytes) -> SseFrame | None:
    """What `chunk` is, if it is one frame as most servers write it; None says nothing. Most chunks are just that, and
    this costs a third."""
    if not chunk.endswith(b"\n\n") or b"\r" in chunk:
        return None
    match chunk.split(b"\n"):
        case [data, _, _] if data.startswith(b"data: "):
            return SseFrame(None, data[6:])
        case [event, data, _, _] if event.startswith(b"event: ") and data.startswith(b"data: "):
            return SseFrame(event[7:].decode(errors="replace") or None, data[6:])
        case _:
            return None


def _grown(log: Log[bytes], piece: bytes) -> Log[bytes]:
    # The first piece gets a buffer of its own: appended to the shared empty log, it would stay in there for good.
    return log.append(piece) if log else Log((piece,))
