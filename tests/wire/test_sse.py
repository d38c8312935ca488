"""The laws of the server-sent-events decoder: any cutting, garbage, branching; small alphabets are enumerated."""

from __future__ import annotations

from itertools import product

from hypothesis import example, given
from hypothesis import strategies as st

from punk.wire.sse import SseDecoder, SseFrame
from tests.support.sse import BOM, Item, bytewise, cut, decode, reference

_TOKENS = (b"data", b"event", b":", b" ", b"\n", b"\r", b"x", BOM)
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
@example(BOM + b"data: a\n\n", [1, 2])
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
    stream = (BOM if marked else b"") + b"".join(encode(frame, end, space) for frame in frames)
    assert decode(cut(stream, places)) == frames


@given(st.lists(st.tuples(st.integers(0, 50), _PIECES), max_size=25))
def test_old_decoders_stay_usable_however_they_branch(steps: list[tuple[int, bytes]]) -> None:
    versions = [(b"", SseDecoder(), list[Item]())]
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
    for tokens in product((b"data:", b"\n", b"\r", b"x", BOM), repeat=4):
        stream = b"".join(tokens)
        for limit in range(13):
            expected = reference(stream, limit)
            assert decode([stream], SseDecoder(limit)) == expected, (stream, limit)
            assert decode(bytewise(stream), SseDecoder(limit)) == expected, (stream, limit)
