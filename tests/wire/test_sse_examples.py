"""What the server-sent-events decoder says of single streams, at its limit, and how much work it does."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from punk.core.log import Log
from punk.wire.sse import SseDecoder, SseFault, SseFrame, SseTail, _Reading
from tests.support.sse import BOM, Item, bytewise, decode

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


@pytest.mark.parametrize(
    ("stream", "items"),
    [
        (b"", []),
        (b"data: a\n\n", [SseFrame(None, b"a")]),
        (b"data:a\n\n", [SseFrame(None, b"a")]),
        (b"data:  a \n\n", [SseFrame(None, b" a ")]),
        (b"data: a: b\n\n", [SseFrame(None, b"a: b")]),
        (b"data\n\n", [SseFrame(None, b"")]),
        (b"data: a\ndata\ndata: b\n\n", [SseFrame(None, b"a\n\nb")]),
        (b"event: e\ndata: a\n\ndata: b\n\n", [SseFrame("e", b"a"), SseFrame(None, b"b")]),
        (b"event: e\n\ndata: b\n\n", [SseFrame(None, b"b")]),
        (b"event: e\nevent: f\ndata: a\n\n", [SseFrame("f", b"a")]),
        (b"event: e\nevent\ndata: a\n\n", [SseFrame(None, b"a")]),
        (b"data: a\nevent: e\n\n", [SseFrame("e", b"a")]),
        (b"event: \xff\xc3\xa9\ndata: \xff\n\n", [SseFrame("\ufffdé", b"\xff")]),
        (b": comment\n:\n\nid: 1\nretry: 5\nfoo: x\nDATA: x\ndatas: x\ndata : x\n\n", []),
        (b" data: a\n\ndata: b\n\n", [SseFrame(None, b"b")]),
        (b"\r\ndata: a\r\n: x\r\n\r\n", [SseFrame(None, b"a")]),
        (b"data: a\r\rdata: b\n\r\n", [SseFrame(None, b"a"), SseFrame(None, b"b")]),
        (BOM + b"data: a\n\n", [SseFrame(None, b"a")]),
        (b"\n" + BOM + b"data: a\n\n", []),
        (BOM + BOM + b"data: a\n\n", []),
        (b"data: " + BOM + b"a\n\n", [SseFrame(None, BOM + b"a")]),
        (
            "data: a\u2028b\u2029\u0085\x0b\x0c\x1cc\n\n".encode(),
            [SseFrame(None, "a\u2028b\u2029\u0085\x0b\x0c\x1cc".encode())],
        ),
        (b"data: a\n\nevent: e\ndata: b", [SseFrame(None, b"a"), SseTail("e", b"b")]),
        (b"data: a\ndata: b\n", [SseTail(None, b"a\nb")]),
        (b"data: a\r", [SseTail(None, b"a")]),
        (b"data: a\nevent: e", [SseTail("e", b"a")]),
        (b"data", [SseTail(None, b"")]),
        (b"event: e\n", []),
        (b"dat", []),
        (BOM + b"data: a", [SseTail(None, b"a")]),
    ],
)
def test_examples(stream: bytes, items: list[Item]) -> None:
    assert decode([stream]) == items
    assert decode(bytewise(stream)) == items


def test_a_carriage_return_that_ends_a_chunk_ends_the_frame_at_once() -> None:
    decoder, frames = SseDecoder().feed(b"data: a\r\n\r")
    assert frames == (SseFrame(None, b"a"),)
    decoder, frames = decoder.feed(b"")
    assert frames == ()
    decoder, frames = decoder.feed(b"\ndata: b\r\r")
    assert frames == (SseFrame(None, b"b"),)
    assert decoder.end() == ()


def test_an_empty_chunk_between_the_halves_of_a_line_end_changes_nothing() -> None:
    assert decode([b"data: a\r", b"", b"\ndata: b\n\n"]) == [SseFrame(None, b"a\nb")]


def test_the_end_is_a_question_that_changes_nothing() -> None:
    decoder, _ = SseDecoder().feed(b"data: a")
    assert decoder.end() == decoder.end() == (SseTail(None, b"a"),)
    assert decoder.feed(b"b\n\n")[1] == (SseFrame(None, b"ab"),)


# The limit.


def test_a_frame_as_large_as_the_limit_passes_and_one_byte_more_does_not() -> None:
    assert decode([b"data: abcd\n\n"] * 2, SseDecoder(10)) == [SseFrame(None, b"abcd")] * 2
    fault = SseFault("a server-sent event is larger than 10 bytes")
    assert decode([b"data: 0\n\ndata: abcde\n\n"], SseDecoder(10)) == [SseFrame(None, b"0"), fault]
    assert decode([b"data: a", b"bcd"], SseDecoder(10)) == [SseTail(None, b"abcd")]
    assert decode([b"data: a", b"bcde"], SseDecoder(10)) == [fault]
    assert decode([b"data:\n", b"data:\n", b"d"], SseDecoder(10)) == [fault]
    assert decode([b":" + b"x" * 10], SseDecoder(10)) == [fault]


def test_comments_do_not_add_up() -> None:
    stream = b"data: a\n" + b": ping\n" * 100 + b"\n"
    assert decode([stream], SseDecoder(14)) == [SseFrame(None, b"a")]


def test_after_the_fault_nothing_is_read() -> None:
    decoder, items = SseDecoder(10).feed(b"data: abcde\n\ndata: b\n\n")
    assert items == (SseFault("a server-sent event is larger than 10 bytes"),)
    after, items = decoder.feed(b"\n\ndata: b\n\n")
    assert (after, items) == (decoder, ())
    assert decoder.end() == ()


# Work.


class Counted(bytes):
    """Bytes that count how many of them are looked at for line ends."""

    scanned = 0

    def removeprefix(self, prefix: ReadableBuffer, /) -> Counted:
        return Counted(super().removeprefix(prefix))

    def splitlines(self, keepends: bool = False) -> list[bytes]:
        Counted.scanned += len(self)
        return super().splitlines(keepends)


def test_the_unfinished_line_is_neither_scanned_again_nor_joined_nor_copied(monkeypatch: pytest.MonkeyPatch) -> None:
    piece, times = b"x" * 64, 4 * 1024
    read = [0]

    def since(log: Log[bytes], index: int) -> Iterator[bytes]:
        read[0] += len(log) - index
        return iter([log[at] for at in range(index, len(log))])

    monkeypatch.setattr(Log, "since", since)
    monkeypatch.setattr(Counted, "scanned", 0)
    decoder, _ = SseDecoder().feed(Counted(b"data: " + piece))
    first = decoder._state
    assert isinstance(first, _Reading)
    for _ in range(times - 1):
        decoder, items = decoder.feed(Counted(piece))
        assert items == ()
    state = decoder._state
    assert isinstance(state, _Reading)
    # Every byte was looked at once, no kept piece was read, none was copied to another buffer.
    assert (Counted.scanned, read[0]) == (len(b"data: ") + times * len(piece), 0)
    assert len(state.line) == times
    assert state.line._slots is first.line._slots
    # The end of the line reads each piece once.
    assert decoder.feed(b"\n\n")[1] == (SseFrame(None, piece * times),)
    assert read[0] == times


def test_the_lines_of_an_unfinished_frame_are_joined_once_a_chunk() -> None:
    lines, times = b"data: a\ndata: b\n", 1024
    decoder, _ = SseDecoder().feed(lines)
    first = decoder._state
    assert isinstance(first, _Reading)
    for _ in range(times - 1):
        decoder, _ = decoder.feed(lines)
    state = decoder._state
    assert isinstance(state, _Reading)
    assert list(state.data) == [b"a\nb"] * times
    assert state.data._slots is first.data._slots
    assert decoder.feed(b"\n")[1] == (SseFrame(None, b"\n".join([b"a\nb"] * times)),)


def test_whole_frames_need_no_new_decoder() -> None:
    decoder, _ = SseDecoder().feed(b"data: a\n\n")
    again, frames = decoder.feed(b"event: e\ndata: b\n\ndata: c\n\n")
    assert again is decoder
    assert frames == (SseFrame("e", b"b"), SseFrame(None, b"c"))


def test_a_finished_line_is_not_kept_by_what_all_decoders_share() -> None:
    fresh = SseDecoder()._state
    assert isinstance(fresh, _Reading)
    decode([b"data: a", b"b\n", b"\n", b"data: c"])
    assert fresh.line._slots == {}
    assert fresh.data._slots == {}


@pytest.mark.parametrize("lines", [b"event: \xff\xfe\ndata: 1\n\n", b"event: \ndata: 1\n\n", b"data: 1\n\n"])
def test_a_chunk_that_is_one_frame_is_read_as_any_other(lines: bytes) -> None:
    decoder, _ = SseDecoder().feed(b"data: 0\n\n")
    at_once = decoder.feed(lines)[1]
    frames: list[SseFrame | SseFault] = []
    for position in range(len(lines)):
        decoder, more = decoder.feed(lines[position : position + 1])
        frames += more
    assert at_once == tuple(frames) != ()
