"""Amazon's binary event stream: bytes in, messages out, however the bytes are cut.

A message is a prelude (its length, that of its headers, a checksum of the two), headers, a payload, and a checksum of
all of it. botocore has a parser of the same format, but one that changes as it is fed, copies what it holds with each
feed, and comes with the SDK; this decoder is a value: `feed` gives the next decoder, and the old one stays usable. What
is not finished waits in a log, is never looked at again before its last byte is there, and is joined once.

Source of the format: Amazon's documentation of event stream encoding. The lengths allowed are those of botocore.
"""

from __future__ import annotations

from binascii import crc32
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from struct import Struct
from types import MappingProxyType
from typing import Final, TypeAlias, final

from punk.core.log import Log

DEFAULT_LIMIT: Final = 24 * 1024 * 1024
"""Bytes that a payload may have."""
HEADERS_LIMIT: Final = 128 * 1024
"""Bytes that a message's headers may have."""

HeaderValue: TypeAlias = bool | int | bytes | str
"""A header's value: a boolean, a number (also a time, in milliseconds since 1970), bytes (also a UUID's 16), a text."""


@final
@dataclass(frozen=True, slots=True)
class Message:
    """One message: its headers by name, and its payload, unread."""

    headers: Mapping[str, HeaderValue]
    payload: bytes


@final
@dataclass(frozen=True, slots=True)
class StreamFault:
    """The bytes are no event stream, or a damaged one; nothing after this is read. `message` is for a person."""

    message: str


@final
@dataclass(frozen=True, slots=True)
class _Reading:
    """The pieces of the message under way, their bytes, and how many bytes there must be before any sense is made of
    them: those of the prelude, and once that is known, those of the message."""

    pieces: Log[bytes]
    size: int
    needed: int


@final
@dataclass(frozen=True, slots=True)
class _Broken:
    """A fault was found."""


_PRELUDE: Final = Struct("!III")
_CHECKSUM: Final = Struct("!I")
_PRELUDE_SIZE: Final = _PRELUDE.size
_FRAMING: Final = _PRELUDE.size + _CHECKSUM.size
_BETWEEN: Final = _Reading(Log(), 0, _PRELUDE_SIZE)

# The types of header values, by number: true and false have no bytes, numbers a fixed width (a time is one of them),
# bytes and texts a length of two bytes before them, and a UUID has 16.
_TRUE, _FALSE, _BYTES, _TEXT, _UUID = 0, 1, 6, 7, 9
_NUMBERS: Final = {2: Struct("!b"), 3: Struct("!h"), 4: Struct("!i"), 5: Struct("!q"), 8: Struct("!q")}
_LENGTH: Final = Struct("!H")


@final
@dataclass(frozen=True, slots=True)
class MessageDecoder:
    """A decoder of one event stream, as a value. `limit` bounds the bytes of a payload. No bytes raise."""

    limit: int = DEFAULT_LIMIT
    _state: _Reading | _Broken = field(default=_BETWEEN, repr=False)

    @property
    def pending(self) -> int:
        """How many bytes of an unfinished message there are: none where a stream may end."""
        return self._state.size if isinstance(self._state, _Reading) else 0

    def feed(self, chunk: bytes) -> tuple[MessageDecoder, tuple[Message | StreamFault, ...]]:
        """The decoder after `chunk`, and the messages that `chunk` has ended, in order."""
        state = self._state
        if not isinstance(state, _Reading) or not chunk:
            return self, ()
        size = state.size + len(chunk)
        if size < state.needed:
            return self._at(_Reading(_grown(state.pieces, chunk), size, state.needed)), ()
        data = b"".join((*state.pieces, chunk)) if state.size else chunk

        messages: list[Message | StreamFault] = []
        start, needed = 0, _PRELUDE_SIZE
        while size - start >= _PRELUDE_SIZE:
            length, headers_length, checksum = _PRELUDE.unpack_from(data, start)
            if crc32(data[start : start + 8]) != checksum:
                return self._broken(messages, "its prelude is damaged, or is none")
            if headers_length > HEADERS_LIMIT or not 0 <= length - headers_length - _FRAMING <= self.limit:
                return self._broken(messages, f"a message says it has {length} bytes, {headers_length} of them headers")
            if size - start < length:
                needed = length
                break
            message = _message(data, start, length, headers_length)
            if isinstance(message, str):
                return self._broken(messages, message)
            messages.append(message)
            start += length
        if start == size:
            return self._at(_BETWEEN), tuple(messages)
        rest = data[start:] if start else data
        return self._at(_Reading(Log((rest,)), len(rest), needed)), tuple(messages)

    def _at(self, state: _Reading | _Broken) -> MessageDecoder:
        return self if state is self._state else MessageDecoder(self.limit, state)

    def _broken(
        self, messages: list[Message | StreamFault], why: str
    ) -> tuple[MessageDecoder, tuple[Message | StreamFault, ...]]:
        return self._at(_Broken()), (*messages, StreamFault(f"the event stream cannot be read: {why}"))


def _grown(log: Log[bytes], piece: bytes) -> Log[bytes]:
    # The first piece gets a buffer of its own: appended to the shared empty log, it would stay in there for good.
    return log.append(piece) if log else Log((piece,))


def _message(data: bytes, start: int, length: int, headers_length: int) -> Message | str:
    """The message at `start`, or what is wrong with it."""
    end = start + length - _CHECKSUM.size
    [checksum] = _CHECKSUM.unpack_from(data, end)
    if crc32(memoryview(data)[start:end]) != checksum:
        return "a message is damaged: its checksum is another"
    body = start + _PRELUDE_SIZE + headers_length
    headers = _headers(data[start + _PRELUDE_SIZE : body])
    return headers if isinstance(headers, str) else Message(headers, data[body:end])


@lru_cache(maxsize=64)
def _headers(data: bytes) -> Mapping[str, HeaderValue] | str:
    """The headers in `data`, or what is wrong with them; kept, for those of most messages are the same bytes."""
    headers: dict[str, HeaderValue] = {}
    at = 0
    try:
        while at < len(data):
            name, at = _bytes(data, at + 1, data[at])
            text = name.decode()
            if text in headers:
                return f"a message has the header {text[:40]!r} twice"
            headers[text], at = _value(data, at + 1, data[at])
    except (IndexError, ValueError):
        return "a message's headers are damaged"
    return MappingProxyType(headers)


def _value(data: bytes, at: int, kind: int) -> tuple[HeaderValue, int]:
    """The value of type `kind` at `at`, and where it ends. Raises IndexError or ValueError where there is none."""
    if kind in (_TRUE, _FALSE):
        return kind == _TRUE, at
    if kind in _NUMBERS:
        number = _NUMBERS[kind]
        raw, end = _bytes(data, at, number.size)
        return int(number.unpack(raw)[0]), end
    if kind in (_BYTES, _TEXT):
        prefix, at = _bytes(data, at, _LENGTH.size)
        raw, end = _bytes(data, at, _LENGTH.unpack(prefix)[0])
        return raw.decode() if kind == _TEXT else raw, end
    if kind == _UUID:
        return _bytes(data, at, 16)
    raise ValueError(f"there is no header type {kind}")


def _bytes(data: bytes, at: int, count: int) -> tuple[bytes, int]:
    end = at + count
    if end > len(data):
        raise IndexError(end)
    return data[at:end], end
