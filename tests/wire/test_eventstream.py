"""Amazon's event stream: the same messages as botocore's parser finds, however it is cut, and damage is a value."""

from __future__ import annotations

from binascii import crc32
from collections.abc import Iterable
from struct import pack
from uuid import UUID

import pytest
from botocore.eventstream import EventStreamBuffer, ParserError  # type: ignore[import-untyped]  # it has no types
from hypothesis import given
from hypothesis import strategies as st

from punk.core.log import Log
from punk.testing.wires.bedrock_converse import encode_message
from punk.wire.eventstream import HEADERS_LIMIT, HeaderValue, Message, MessageDecoder, StreamFault
from tests.support.sse import cut

Item = Message | StreamFault


def framed(head: bytes, payload: bytes, *, length: int | None = None, headers_length: int | None = None) -> bytes:
    """A message with these bytes for headers; its lengths may lie, its checksums are right."""
    sizes = 16 + len(head) + len(payload) if length is None else length
    prelude = pack("!II", sizes, len(head) if headers_length is None else headers_length)
    whole = prelude + pack("!I", crc32(prelude)) + head + payload
    return whole + pack("!I", crc32(whole))


def header(name: str, kind: int, value: bytes) -> bytes:
    return bytes([len(name.encode())]) + name.encode() + bytes([kind]) + value


def decode(chunks: Iterable[bytes], decoder: MessageDecoder | None = None) -> list[Item]:
    decoder = decoder or MessageDecoder()
    items: list[Item] = []
    for chunk in chunks:
        decoder, more = decoder.feed(chunk)
        items += more
    return items


def botocores(stream: bytes) -> list[Item]:
    """What botocore finds, its exceptions as faults."""
    buffer = EventStreamBuffer()
    buffer.add_data(stream)
    items: list[Item] = []
    try:
        items.extend(Message(message.headers, message.payload) for message in buffer)
    except (ParserError, UnicodeDecodeError, KeyError):
        items.append(StreamFault("…"))
    return items


def alike(items: list[Item]) -> list[tuple[dict[str, HeaderValue], bytes] | None]:
    return [(dict(item.headers), item.payload) if isinstance(item, Message) else None for item in items]


VALUES = st.one_of(
    st.booleans().map(lambda value: (0 if value else 1, b"")),
    st.integers(-128, 127).map(lambda n: (2, pack("!b", n))),
    st.integers(-(2**15), 2**15 - 1).map(lambda n: (3, pack("!h", n))),
    st.integers(-(2**31), 2**31 - 1).map(lambda n: (4, pack("!i", n))),
    st.integers(-(2**63), 2**63 - 1).map(lambda n: (5, pack("!q", n))),
    st.binary(max_size=20).map(lambda raw: (6, pack("!H", len(raw)) + raw)),
    st.text(st.characters(codec="utf-8"), max_size=9).map(lambda s: (7, pack("!H", len(s.encode())) + s.encode())),
    st.integers(0, 2**60).map(lambda n: (8, pack("!q", n))),
    st.uuids().map(lambda uuid: (9, uuid.bytes)),
)
HEADERS = st.dictionaries(st.text(st.characters(codec="utf-8"), min_size=1, max_size=5), VALUES, max_size=3)
MESSAGES = st.tuples(HEADERS, st.binary(max_size=40)).map(
    lambda pair: framed(b"".join(header(name, *value) for name, value in pair[0].items()), pair[1])
)
STREAMS = st.lists(MESSAGES, max_size=4).map(b"".join)
PLACES = st.lists(st.integers(0, 1000), max_size=8)


@given(STREAMS, PLACES)
def test_cutting_changes_nothing_and_botocore_finds_the_same(stream: bytes, places: list[int]) -> None:
    items = decode([stream])
    assert alike(items) == alike(botocores(stream))
    assert decode(cut(stream, places)) == items
    assert decode(stream[at : at + 1] for at in range(len(stream))) == items


@given(STREAMS.filter(bool), st.integers(0, 10_000), st.integers(1, 255))
def test_one_damaged_byte_is_found_where_botocore_finds_it(stream: bytes, place: int, change: int) -> None:
    place %= len(stream)
    damaged = stream[:place] + bytes([stream[place] ^ change]) + stream[place + 1 :]
    items = decode([damaged])
    assert alike(items) == alike(botocores(damaged))
    assert isinstance(items[-1], StreamFault)
    assert decode(damaged[at : at + 1] for at in range(len(damaged))) == items


@given(st.lists(st.binary(max_size=30), max_size=6))
def test_garbage_never_raises(chunks: list[bytes]) -> None:
    items = decode(chunks)
    assert all(isinstance(item, Message) for item in items[:-1])


@given(STREAMS, PLACES, st.binary(max_size=60))
def test_an_old_decoder_stays_usable(stream: bytes, places: list[int], other: bytes) -> None:
    decoder = MessageDecoder()
    for piece in cut(stream, places):
        before, expected = decoder, decoder.feed(piece)
        before.feed(other)  # another future of the same past
        assert before.feed(piece) == expected
        decoder = expected[0]


def test_headers_of_every_type() -> None:
    uuid = UUID("12345678-1234-5678-1234-567812345678")
    head = b"".join(
        (
            header("yes", 0, b""),
            header("no", 1, b""),
            header("byte", 2, b"\xff"),
            header("short", 3, b"\xff\xfe"),
            header("int", 4, b"\x00\x00\x00\x05"),
            header("long", 5, b"\xff" * 8),
            header("bytes", 6, b"\x00\x02\x00\xff"),
            header("text", 7, b"\x00\x02" + "é".encode()),
            header("time", 8, b"\x00" * 6 + b"\x01\x00"),
            header("uuid", 9, uuid.bytes),
        )
    )
    [message] = decode([framed(head, b"x")])
    assert isinstance(message, Message)
    assert message.payload == b"x"
    assert dict(message.headers) == {
        "yes": True,
        "no": False,
        "byte": -1,
        "short": -2,
        "int": 5,
        "long": -1,
        "bytes": b"\x00\xff",
        "text": "é",
        "time": 256,
        "uuid": uuid.bytes,
    }


GOOD = encode_message({"a": "b"}, b"{}")


@pytest.mark.parametrize(
    ("broken", "why"),
    [
        (framed(header("a", 10, b""), b""), "headers are damaged"),
        (framed(header("a", 7, b"\x00\x09x"), b""), "headers are damaged"),
        (framed(header("a", 7, b"\x00\x01\xff"), b""), "headers are damaged"),
        (framed(header("a", 9, b"short"), b""), "headers are damaged"),
        (framed(b"\x05ab", b""), "headers are damaged"),
        (framed(b"\x01a", b""), "headers are damaged"),
        (framed(header("a", 0, b"") * 2, b""), "'a' twice"),
        (framed(b"", b"", length=15), "15 bytes"),
        (framed(b"", b"", headers_length=1), "1 of them headers"),
        (framed(b"", b"", length=2**32 - 1), "bytes"),
        (framed(b"", b"", length=HEADERS_LIMIT + 100, headers_length=HEADERS_LIMIT + 1), "headers"),
        (b"HTTP/1.1 200 OK", "prelude"),
        (GOOD[:-1] + b"\x00", "checksum"),
    ],
)
def test_damage_is_a_value_and_ends_the_stream(broken: bytes, why: str) -> None:
    [first, fault] = decode([GOOD + broken])
    assert isinstance(first, Message)
    assert isinstance(fault, StreamFault)
    assert why in fault.message
    assert decode([broken[:13], broken[13:], GOOD, GOOD]) == [fault]


def test_a_payload_has_a_limit() -> None:
    decoder = MessageDecoder(limit=10)
    assert isinstance(decode([encode_message({}, b"x" * 10)], decoder)[0], Message)
    assert isinstance(decode([encode_message({}, b"x" * 11)], decoder)[0], StreamFault)


def test_what_is_pending_is_known() -> None:
    decoder, _ = MessageDecoder().feed(GOOD + GOOD[:5])
    assert decoder.pending == 5
    decoder, messages = decoder.feed(GOOD[5:])
    assert (decoder.pending, len(messages)) == (0, 1)
    assert decoder.feed(b"garbage that is long enough")[0].pending == 0
    assert decoder.feed(b"")[0] is decoder


def test_a_message_in_many_pieces_is_joined_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """What waits is not looked at again: no more pieces are walked through than came."""
    walked = 0
    walk = Log.__iter__

    def counting(log: Log[bytes]) -> Iterable[bytes]:
        nonlocal walked
        walked += len(log)
        return walk(log)

    monkeypatch.setattr(Log, "__iter__", counting)
    stream = encode_message({}, b"x" * 5000) * 3
    assert len(decode(stream[at : at + 1] for at in range(len(stream)))) == 3
    assert 0 < walked <= len(stream)
