"""Server-sent events: laws over every cutting, small alphabets enumerated, examples, limits, work that is counted."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import product

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from punk.wire.sse import DEFAULT_LIMIT, SseDecoder, SseFault, SseFrame, SseTail, _Reading

Item = SseFrame | SseTail | SseFault

_BOM = b"\xef\xbb\xbf"
_TOKENS = (b"data", b"event", b":", b" ", b"\n", b"\r", b"x", _BOM)


def decode(chunks: Iterable[bytes], decoder: SseDecoder | None = None) -> list[Item]:
    """Everything a decoder says of `chunks`, the end of the stream included."""
    decoder = decoder or SseDecoder()
    items: list[Item] = []
    for chunk in chunks:
        decoder, more = decoder.feed(chunk)
        items += more
    return items + list(decoder.end())


def reference(stream: bytes, limit: int = DEFAULT_LIMIT) -> list[Item]:
    """The same by a naive reading of the whole stream at once."""
    *lines, rest = stream.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
    items: list[Item] = []
    event: bytes = b""
    data: list[bytes] = []
    size = 0
    for number, line in enumerate([*lines, rest]):
        if size + len(line) > limit:
            return [*items, SseFault(f"a server-sent event is larger than {limit} bytes")]
        text = line[3:] if number == 0 and line.startswith(_BOM) else line
        if text == b"data" or text.startswith(b"data:"):
            data.append(text[5:].removeprefix(b" "))
            size += len(text)
        elif text == b"event" or text.startswith(b"event:"):
            event = text[6:].removeprefix(b" ")
        elif text == b"" and number < len(lines):
            if data:
                items.append(SseFrame(event.decode(errors="replace") or None, b"\n".join(data)))
            event, data, size = b"", [], 0
    if data:
        items.append(SseTail(event.decode(errors="replace") or None, b"\n".join(data)))
    return items


def bytewise(stream: bytes) -> list[bytes]:
    return [stream[i : i + 1] for i in range(len(stream))]


def cut(stream: bytes, places: Iterable[int]) -> list[bytes]:
    """`stream` cut at `places` (taken modulo its length, so that any numbers do; doubled ones give empty chunks)."""
    ends = sorted(place % (len(stream) + 1) for place in places)
    return [stream[start:end] for start, end in zip([0, *ends], [*ends, len(stream)], strict=True)]


_PIECES = st.sampled_from(
    [
        *_TOKENS,
        b"\r\n",
        b"\n\n",
        b"data: ",
        b"event: ",
        b"id: 1",
        b"retry: 9",
        b"\x0b",
        b"\x0c",
        b"\x1c",
        b"\x85",
        b"\xff",
        b"\x00",
        "\u2028".encode(),
        "\u0085".encode(),
        "😀é".encode(),
        b'{"a":1}',
    ]
)
_STREAMS = st.lists(_PIECES, max_size=30).map(b"".join)
_PLACES = st.lists(st.integers(0, 10_000), max_size=12)


# Laws.


@given(_STREAMS, _PLACES)
@example(b"data: a\r\ndata: b\r\n\r\ndata: c\r\n\r\n", [8, 17, 19])
@example(_BOM + b"data: a\n\n", [1, 2])
@example("data: a\u2028b\u0085c\x0bd😀\n\n".encode(), [8, 9, 10, 20])
def test_cutting_changes_nothing(stream: bytes, places: list[int]) -> None:
    expected = reference(stream)
    assert decode([stream]) == expected
    assert decode(cut(stream, places)) == expected
    assert decode(bytewise(stream)) == expected


@given(_STREAMS, _PLACES, st.integers(0, 24))
def test_cutting_changes_nothing_under_a_limit(stream: bytes, places: list[int], limit: int) -> None:
    expected = reference(stream, limit)
    assert decode([stream], SseDecoder(limit)) == expected
    assert decode(cut(stream, places), SseDecoder(limit)) == expected
    assert decode(bytewise(stream), SseDecoder(limit)) == expected


@given(st.binary(max_size=200), _PLACES)
def test_garbage_never_raises(stream: bytes, places: list[int]) -> None:
    assert decode(cut(stream, places)) == reference(stream)


_NAMES = st.none() | st.text(st.characters(exclude_characters="\n\r", exclude_categories=["Cs"]), min_size=1)
_DATA = st.one_of(
    st.sampled_from([b"", b" ", b"\n", b"\n\n", b": x", b"data: x\n event: y"]),
    st.text(st.characters(exclude_characters="\r", exclude_categories=["Cs"])).map(str.encode),
    st.binary().map(lambda data: data.replace(b"\r", b"")),
)
_FRAMES = st.lists(st.builds(SseFrame, _NAMES, _DATA), max_size=5)


def encode(frame: SseFrame, end: bytes, space: bytes) -> bytes:
    name = [] if frame.event is None else [b"event: " + frame.event.encode()]
    # Without the space, data that begins with one would lose it.
    lines = [b"data:" + (space or (b" " if line.startswith(b" ") else b"")) + line for line in frame.data.split(b"\n")]
    return end.join([*name, *lines, b"", b""])


@given(_FRAMES, st.sampled_from([b"\n", b"\r", b"\r\n"]), st.sampled_from([b"", b" "]), _PLACES, st.booleans())
def test_what_was_encoded_is_decoded(
    frames: list[SseFrame], end: bytes, space: bytes, places: list[int], marked: bool
) -> None:
    stream = (_BOM if marked else b"") + b"".join(encode(frame, end, space) for frame in frames)
    assert decode(cut(stream, places)) == frames


@given(st.lists(st.tuples(st.integers(0, 50), _PIECES), max_size=25))
def test_old_decoders_stay_usable_however_they_branch(steps: list[tuple[int, bytes]]) -> None:
    versions = [(b"", SseDecoder(), [])] if not steps else [(b"", SseDecoder(), list[Item]())]
    for parent, chunk in steps:
        fed, decoder, items = versions[parent % len(versions)]
        decoder, more = decoder.feed(chunk)
        versions.append((fed + chunk, decoder, [*items, *more]))
    for fed, decoder, items in versions:
        assert items + list(decoder.end()) == reference(fed)


# Enumerations.


def test_every_short_stream_of_tokens_whole_and_byte_by_byte() -> None:
    """All streams of up to 5 of the 8 tokens: 37449."""
    for length in range(6):
        for tokens in product(_TOKENS, repeat=length):
            stream = b"".join(tokens)
            expected = reference(stream)
            assert decode([stream]) == expected, stream
            assert decode(bytewise(stream)) == expected, stream


def test_every_short_stream_of_tokens_cut_at_each_place() -> None:
    """All streams of up to 4 of the 8 tokens, after a data line has begun, cut in two at each place."""
    for length in range(5):
        for tokens in product(_TOKENS, repeat=length):
            stream = b"data:" + b"".join(tokens)
            expected = reference(stream)
            for place in range(5, len(stream)):
                assert decode([stream[:place], stream[place:]]) == expected, (stream, place)


def test_every_limit_on_short_streams() -> None:
    """All streams of up to 4 tokens, under each limit that can matter to two data lines."""
    for tokens in product((b"data:", b"\n", b"\r", b"x", _BOM), repeat=4):
        stream = b"".join(tokens)
        for limit in range(13):
            expected = reference(stream, limit)
            assert decode([stream], SseDecoder(limit)) == expected, (stream, limit)
            assert decode(bytewise(stream), SseDecoder(limit)) == expected, (stream, limit)


# Examples.


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
        (_BOM + b"data: a\n\n", [SseFrame(None, b"a")]),
        (b"\n" + _BOM + b"data: a\n\n", []),
        (_BOM + _BOM + b"data: a\n\n", []),
        (b"data: " + _BOM + b"a\n\n", [SseFrame(None, _BOM + b"a")]),
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
        (_BOM + b"data: a", [SseTail(None, b"a")]),
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

    def splitlines(self, keepends: bool = False) -> list[bytes]:
        Counted.scanned += len(self)
        return super().splitlines(keepends)


def test_the_unfinished_line_is_neither_scanned_again_nor_joined_nor_copied() -> None:
    piece, times = b"x" * 64, 4 * 1024
    Counted.scanned = 0
    decoder, _ = SseDecoder().feed(Counted(b"data: " + piece))
    first = decoder._state
    assert isinstance(first, _Reading)
    for _ in range(times - 1):
        decoder, items = decoder.feed(Counted(piece))
        assert items == ()
    assert Counted.scanned == len(b"data: ") + times * len(piece)
    state = decoder._state
    assert isinstance(state, _Reading)
    # As many pieces as were fed, in the buffer the first one went to: no feed joined them or began a new one.
    assert len(state.line) == times
    assert state.line._slots is first.line._slots
    assert decoder.feed(b"\n\n")[1] == (SseFrame(None, piece * times),)


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
