"""Faults and freedoms of framing, server-sent events and binary messages: cases 23 to 33."""

from __future__ import annotations

from typing import Final

from punk.core.events import UsageReported
from punk.core.usage import Usage
from punk.testing.wires.bedrock_converse import encode_event
from tests.faults.byhand import candidate, choice, chunk, event
from tests.faults.case import BAD, CUT, WHOLE, Case, NotHere, Play, adding_to, broken, harmless, keeps
from tests.faults.judge import Completed
from tests.faults.scripts import Hang, answer, zipped
from tests.faults.wires import Family, Wire
from tests.llm.script import START, STOP, text

CASES: Final[list[Case]] = []
case = adding_to(CASES)

BINARY: Final = NotHere("binary frames have no lines")
BOM: Final = b"\xef\xbb\xbf"


def _body(wire: Wire) -> bytes:
    return b"".join((*wire.opening, *wire.rest)).replace(b"\r\n", b"\n")


def _bent(wire: Wire, *bends: tuple[bytes, bytes]) -> Play | NotHere:
    """A whole answer in server-sent events, with one thing written as another."""
    if wire.family == "bedrock":
        return BINARY
    body = _body(wire)
    for old, new in bends:
        body = body.replace(old, new)
    return Play((wire.answer(body),), WHOLE)


@case(23, "CRLF")
def crlf(wire: Wire) -> Play | NotHere:
    return _bent(wire, (b"\n", b"\r\n"))


@case(23, "CR")
def cr(wire: Wire) -> Play | NotHere:
    return _bent(wire, (b"\n", b"\r"))


@case(23, "several data lines")
def data_on_several_lines(wire: Wire) -> Play | NotHere:
    return _bent(wire, (b"data: {", b"data: {\ndata:"))


@case(24, "comments")
def comments(wire: Wire) -> Play | NotHere:
    return _bent(wire, (b"data: ", b": keep-alive\ndata: "), (b"\n\n", b"\n\n:\n\n"))


@case(24, "other fields")
def other_fields(wire: Wire) -> Play | NotHere:
    return _bent(wire, (b"data: ", b"id: 7\nretry: 10\nmystery\ndata: "))


@case(24, "no space")
def no_space(wire: Wire) -> Play | NotHere:
    return _bent(wire, (b"data: ", b"data:"), (b"event: ", b"event:"))


@case(24, "byte order mark")
def byte_order_mark(wire: Wire) -> Play | NotHere:
    return BINARY if wire.family == "bedrock" else Play((wire.answer(BOM + _body(wire)),), WHOLE)


@case(25)
def no_event_lines(wire: Wire) -> Play | NotHere:
    match wire.family:
        case "anthropic":
            lines = [line for line in _body(wire).splitlines(keepends=True) if not line.startswith(b"event:")]
            return Play((wire.answer(b"".join(lines)),), CUT)
        case "responses":
            lines = [line for line in _body(wire).splitlines(keepends=True) if not line.startswith(b"event:")]
            return Play((wire.answer(b"".join(lines)),), WHOLE)
        case "bedrock":
            frames = (frame.replace(b":event-type", b":mystery-ty") for frame in wire.opening)
            return Play((wire.unended(*frames, Hang()),), BAD)  # the checksum is over the headers, too
        case _:
            return NotHere("events have no names here")


@case(26, "one line end")
def no_blank_line(wire: Wire) -> Play | NotHere:
    return BINARY if wire.family == "bedrock" else Play((wire.answer(_body(wire)[:-1]),), WHOLE)


@case(26, "no line end")
def no_line_end(wire: Wire) -> Play | NotHere:
    return BINARY if wire.family == "bedrock" else Play((wire.answer(_body(wire)[:-2]),), WHOLE)


UNKNOWN_EVENTS: Final[dict[Family, bytes]] = {
    "anthropic": event("mystery", index=0) + b"event: mystery\ndata: not JSON\n\n",
    "responses": event("response.mystery", a=1),
    "chat": event("mystery", a=1) + chunk({"choices": []}),
    "bedrock": encode_event("mystery", {"a": 1}),
    "gemini": event("mystery", a=1) + chunk({"candidates": []}),
}
UNKNOWN_BLOCKS: Final[dict[Family, bytes]] = {
    "anthropic": event("content_block_start", index=7, content_block={"type": "hologram", "x": 1})
    + event("content_block_delta", index=7, delta={"type": "hologram_delta", "x": 2})
    + event("content_block_stop", index=7),
    "responses": event("response.output_item.added", output_index=7, item={"type": "hologram", "id": "h"})
    + event("response.hologram.delta", output_index=7, item_id="h", delta="x")
    + event("response.output_item.done", output_index=7, item={"type": "hologram", "id": "h", "x": 1}),
    "chat": choice({"content": [{"type": "hologram", "x": 1}]}),
    "bedrock": encode_event("contentBlockStart", {"contentBlockIndex": 7, "start": {"hologram": {"x": 1}}})
    + encode_event("contentBlockDelta", {"contentBlockIndex": 7, "delta": {"hologram": {"x": 2}}})
    + encode_event("contentBlockStop", {"contentBlockIndex": 7}),
    "gemini": candidate({"hologram": {"x": 1}}),
}
UNKNOWN_DELTAS: Final[dict[Family, bytes]] = {
    "anthropic": event("content_block_delta", index=0, delta={"type": "sparkle_delta", "x": 1}),
    "responses": event("response.output_text.sparkle", output_index=0, content_index=0, x=1),
    "chat": choice({"sparkle": {"x": 1}}),
    "bedrock": encode_event("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"sparkle": {"x": 1}}}),
    "gemini": chunk({"sparkle": {"x": 1}}),
}


@case(27, "event")
def unknown_event(wire: Wire) -> Play:
    return harmless(wire, UNKNOWN_EVENTS[wire.family])


@case(27, "block")
def unknown_block(wire: Wire) -> Play:
    return harmless(wire, UNKNOWN_BLOCKS[wire.family])


@case(27, "delta")
def unknown_delta(wire: Wire) -> Play:
    return harmless(wire, UNKNOWN_DELTAS[wire.family])


@case(28)
def no_done(wire: Wire) -> Play | NotHere:
    return _bent(wire, (b"data: [DONE]\n\n", b"")) if wire.family == "chat" else NotHere("this wire has no [DONE]")


def _with_usage(wire: Wire) -> tuple[bytes, ...]:
    return wire.frames(START, *text("Hello", ", world."), UsageReported(Usage(3, 2)), STOP)


NO_TERMINAL: Final = NotHere("the terminal is the end of the body")


@case(29)
def events_after_the_terminal(wire: Wire) -> Play | NotHere:
    if wire.family == "gemini":
        return NO_TERMINAL
    return Play((wire.unended(*_with_usage(wire), wire.late, wire.opening[0], Hang()),), WHOLE)


@case(29, "an error")
def error_after_the_terminal(wire: Wire) -> Play | NotHere:
    if wire.family == "gemini":
        return NO_TERMINAL
    return Play((wire.answer(*_with_usage(wire), wire.payload(b"{{{")),), WHOLE)


@case(29, "in its chunk")
def events_in_the_chunk_of_the_terminal(wire: Wire) -> Play | NotHere:
    if wire.family == "gemini":
        return NO_TERMINAL
    return Play((wire.answer(b"".join((*_with_usage(wire), wire.late))),), WHOLE)


@case(30)
def two_terminals(wire: Wire) -> Play:
    return Play((wire.answer(*wire.opening, *wire.rest, wire.rest[-1]),), WHOLE)


@case(31, "bad checksum")
def bad_checksum(wire: Wire) -> Play | NotHere:
    if wire.family != "bedrock":
        return NotHere("events have no checksum")
    return broken(wire, wire.late[:-1] + bytes([wire.late[-1] ^ 1]))


@case(31, "bad prelude")
def bad_prelude(wire: Wire) -> Play | NotHere:
    if wire.family != "bedrock":
        return NotHere("events have no prelude")
    return broken(wire, b"\xff" + wire.late[1:])


@case(31, "cut frame")
def cut_frame(wire: Wire) -> Play | NotHere:
    if wire.family != "bedrock":
        return NotHere("see 9")
    return Play((wire.answer(*wire.opening, wire.late[:-1]),), keeps(CUT))


GZIP: Final = ("content-encoding", "gzip")


@case(32)
def gzip_body(wire: Wire) -> Play:
    body = zipped(b"".join((*wire.opening, *wire.rest)))
    pieces = [body[at : at + 7] for at in range(0, len(body), 7)]
    return Play((answer(*pieces, headers=(*wire.headers, GZIP)),), WHOLE)


@case(32, "cut")
def gzip_cut(wire: Wire) -> Play:
    # All that had come by then is in one block of the compression, of which nothing can be read.
    return Play((answer(zipped(b"".join((*wire.opening, *wire.rest)))[:40], headers=(*wire.headers, GZIP)),), CUT)


@case(32, "damaged")
def gzip_damaged(wire: Wire) -> Play:
    return Play((answer(b"\x1f\x8b\x08\x00 no gzip at all", headers=(*wire.headers, GZIP)),), BAD)


SIZE: Final = 4 * 1024 * 1024


@case(33)
def huge_event(wire: Wire) -> Play:
    frame = wire.says(b'"%s"' % (b"x" * SIZE))
    pieces = [frame[at : at + 65_536] for at in range(0, len(frame), 65_536)]
    return harmless(wire, *pieces, outcome=Completed("Hello" + "x" * SIZE + ", world."))
