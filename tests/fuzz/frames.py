"""Takes a body apart into frames, whatever is wrong with it, and puts frames together as its wire has them."""

from __future__ import annotations

from dataclasses import dataclass
from struct import pack, unpack_from
from typing import Final, Literal, TypeAlias, final
from zlib import crc32

from punk.wire.sse import SseDecoder, SseFault

Framing: TypeAlias = Literal["sse", "eventstream", "document"]

FRAMINGS: Final[dict[str, Framing]] = {
    "sse": "sse",
    "eventstream": "eventstream",
    "anthropic": "sse",
    "openai_responses": "sse",
    "openai_chat": "sse",
    "bedrock_converse": "eventstream",
    "gemini": "sse",
    "whole": "document",
}
"""How the bodies of each target are framed."""

_OVERHEAD: Final = 16
"""Bytes of a message of an event stream that are neither headers nor payload."""


@final
@dataclass(frozen=True, slots=True)
class Frame:
    """One frame: what stands before its payload, which is the event's name or the encoded headers, and the payload."""

    head: bytes
    payload: bytes


def frames_of(framing: Framing, body: bytes) -> list[Frame]:
    """The frames of `body`; what cannot be read is left out."""
    if framing == "document":
        return [Frame(b"", body)]
    if framing == "eventstream":
        return _messages(body)
    decoder, frames = SseDecoder().feed(body)
    read = [frame for frame in (*frames, *decoder.end()) if not isinstance(frame, SseFault)]
    return [Frame((frame.event or "").encode(), frame.data) for frame in read]


def body_of(framing: Framing, frames: list[Frame], line_end: bytes = b"\n") -> bytes:
    """The body that `frames` are: the checksums are right, the lines end with `line_end`."""
    if framing == "document":
        return b"".join(frame.payload for frame in frames)
    if framing == "eventstream":
        return b"".join(_message(frame) for frame in frames)
    return b"".join(
        (b"event: " + frame.head + line_end if frame.head else b"")
        + b"".join(b"data: " + line + line_end for line in frame.payload.split(b"\n"))
        + line_end
        for frame in frames
    )


def _messages(body: bytes) -> list[Frame]:
    frames: list[Frame] = []
    start = 0
    while len(body) - start >= _OVERHEAD:
        length, headers = unpack_from("!II", body, start)
        if not _OVERHEAD + headers <= length <= len(body) - start:
            break
        payload = start + 12 + headers
        frames.append(Frame(body[start + 12 : payload], body[payload : start + length - 4]))
        start += length
    return frames


def _message(frame: Frame) -> bytes:
    prelude = pack("!II", _OVERHEAD + len(frame.head) + len(frame.payload), len(frame.head))
    message = prelude + pack("!I", crc32(prelude)) + frame.head + frame.payload
    return message + pack("!I", crc32(message))
