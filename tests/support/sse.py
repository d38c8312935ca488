"""A naive reading of server-sent events, and ways to cut a stream, for the tests of the decoder."""

from __future__ import annotations

from collections.abc import Iterable

from punk.wire.sse import DEFAULT_LIMIT, SseDecoder, SseFault, SseFrame, SseTail

Item = SseFrame | SseTail | SseFault

BOM = b"\xef\xbb\xbf"


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
        text = line[3:] if number == 0 and line.startswith(BOM) else line
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
