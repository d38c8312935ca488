"""Faults of the connection: cases 1 to 13."""

from __future__ import annotations

from typing import Final

from punk.core.failures import ConnectFailed
from tests.faults.case import CUT, LOST, WHOLE, Case, Play, adding_to, keeps
from tests.faults.judge import Completed, Fails
from tests.faults.scripts import Close, Hang, Pause, Reset, Send, answer
from tests.faults.wires import Wire
from tests.llm.script import CALLS, START, call, text

CASES: Final[list[Case]] = []
case = adding_to(CASES)

# What was sent is read before the connection breaks.
BEAT: Final = Pause(0.01)


@case(1, "refused")
def refused(wire: Wire) -> Play:
    return Play((), Fails(ConnectFailed, again=True), requests=0, address="a closed port")


@case(1, "unknown host")
def unknown_host(wire: Wire) -> Play:
    return Play((), Fails(ConnectFailed, again=True), requests=0, address="an unknown host")


@case(2)
def no_response(wire: Wire) -> Play:
    return Play(((Close(),),), LOST)


@case(3)
def reset_before_headers(wire: Wire) -> Play:
    return Play(((Reset(),),), LOST)


@case(3, "inside the headers")
def reset_inside_headers(wire: Wire) -> Play:
    return Play(((Send(b"HTTP/1.1 200 OK\r\ncontent-ty"), BEAT, Reset()),), LOST)


@case(4)
def garbage(wire: Wire) -> Play:
    return Play(((Send(b"\x16\x03\x01 what is this?\r\n\r\n"), Hang()),), LOST)


@case(5)
def reset(wire: Wire) -> Play:
    return Play((wire.unended(*wire.opening, BEAT, Reset()),), keeps(LOST))


@case(5, "before the first event")
def reset_before_the_first_event(wire: Wire) -> Play:
    return Play((wire.unended(BEAT, Reset()),), LOST)


@case(6)
def closed_inside_the_body(wire: Wire) -> Play:
    return Play((wire.unended(*wire.opening, BEAT, Close()),), keeps(LOST))


@case(6, "inside a chunk")
def closed_inside_a_chunk(wire: Wire) -> Play:
    steps = wire.unended(*wire.opening, Send(b"ff\r\n" + wire.late), Close())
    return Play((steps,), keeps(LOST, "HelloLATE"))


@case(6, "broken chunk size")
def broken_chunk_size(wire: Wire) -> Play:
    return Play((wire.unended(*wire.opening, BEAT, Send(b"zz\r\n"), Hang()),), keeps(LOST))


@case(7)
def cut_inside_an_event(wire: Wire) -> Play:
    return Play((wire.unended(*wire.opening, wire.late[: len(wire.late) * 2 // 3], BEAT, Close()),), keeps(LOST))


@case(8)
def clean_end(wire: Wire) -> Play:
    return Play((wire.answer(*wire.opening),), keeps(CUT))


@case(8, "closed, no framing")
def clean_close(wire: Wire) -> Play:
    return Play((answer(*wire.opening, headers=wire.headers, framing="close"),), keeps(CUT))


@case(8, "after the start")
def clean_end_after_the_start(wire: Wire) -> Play:
    return Play((wire.answer(wire.opening[0]),), CUT)


@case(9)
def half_an_event(wire: Wire) -> Play:
    return Play((wire.answer(*wire.opening, wire.late[: len(wire.late) * 2 // 3]),), keeps(CUT))


@case(10)
def empty_body(wire: Wire) -> Play:
    return Play((wire.answer(),), CUT)


@case(10, "blank lines")
def blank_lines(wire: Wire) -> Play:
    return Play((wire.answer(b"\r\n\r\n"),), CUT)


@case(11)
def content_length_too_long(wire: Wire) -> Play:
    return Play((answer(*wire.opening, headers=wire.headers, framing="length", missing=9),), keeps(LOST))


@case(11, "after the terminal")
def content_length_too_long_after_the_terminal(wire: Wire) -> Play:
    steps = answer(*wire.opening, *wire.rest, headers=wire.headers, framing="length", missing=9)
    # Gemini's only terminal is the end of the body, and this is none; Bedrock's answer waits for its usage.
    ends_with_the_body = wire.family in ("gemini", "bedrock")
    return Play((steps,), keeps(LOST, "Hello, world.") if ends_with_the_body else WHOLE)


@case(12, "connection: close")
def framed_by_the_close(wire: Wire) -> Play:
    return Play((answer(*wire.opening, *wire.rest, headers=wire.headers, framing="close"),), WHOLE)


@case(12, "content-length")
def framed_by_length(wire: Wire) -> Play:
    return Play((answer(*wire.opening, *wire.rest, headers=wire.headers, framing="length"),), WHOLE)


@case(12, "byte by byte")
def byte_by_byte(wire: Wire) -> Play:
    body = b"".join((*wire.opening, *wire.rest))
    return Play((wire.answer(*(body[at : at + 1] for at in range(len(body)))),), WHOLE)


@case(12, "one chunk")
def one_chunk(wire: Wire) -> Play:
    return Play((wire.answer(b"".join((*wire.opening, *wire.rest))),), WHOLE)


@case(12, "100 continue")
def informational(wire: Wire) -> Play:
    steps = (Send(b"HTTP/1.1 100 Continue\r\n\r\n"), *wire.answer(*wire.opening, *wire.rest))
    return Play((steps,), WHOLE)


@case(12, "no content type")
def no_content_type(wire: Wire) -> Play:
    return Play((answer(*wire.opening, *wire.rest, headers=()),), WHOLE)


PAID: Final = Completed("I will.Hello, world.")


def calls(wire: Wire) -> tuple[bytes, ...]:
    """A turn that calls the tool."""
    arguments = '{"account": "bob", "amount": 1000}'
    return wire.frames(START, *text("I will."), *call("transfer", arguments, block=1), CALLS)


@case(13, "before the next request")
def closed_between_rounds(wire: Wire) -> Play:
    scripts = (*wire.answer(*calls(wire)), Close()), wire.answer(*wire.opening, *wire.rest)
    return Play(scripts, PAID, requests=2, ran=1)


@case(13, "at the next request")
def closed_at_the_next_request(wire: Wire) -> Play:
    return Play((wire.answer(*calls(wire)), (Close(),)), keeps(LOST, "I will."), requests=2, ran=1)


@case(13, "reset at the next request")
def reset_at_the_next_request(wire: Wire) -> Play:
    return Play((wire.answer(*calls(wire)), (Reset(),)), keeps(LOST, "I will."), requests=2, ran=1)


@case(13, "in the next answer")
def reset_in_the_next_answer(wire: Wire) -> Play:
    scripts = wire.answer(*calls(wire)), wire.unended(*wire.opening, BEAT, Reset())
    return Play(scripts, keeps(LOST, "I will.Hello"), requests=2, ran=1)
