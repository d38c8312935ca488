"""What must hold of a decoder for any bytes at all, as one function a wire: each raises `AssertionError` or nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from random import Random
from types import MappingProxyType
from typing import Final, Protocol, Self, TypeAlias, TypeVar
from zlib import crc32

from punk.core.events import CallStarted, ProviderEvent, TurnEnded, TurnFailed
from punk.core.log import Log
from punk.core.messages import UserMessage
from punk.core.request import Request, ToolSpec
from punk.core.state import Completed, Failed, StreamState, history
from punk.core.step import begin, fold
from punk.providers.anthropic import decode as anthropic
from punk.providers.bedrock import decode as converse
from punk.providers.bedrock import whole as converse_whole
from punk.providers.google import decode as gemini
from punk.providers.openai.chat import decode as chat
from punk.providers.openai.responses import decode as responses
from punk.testing import laws
from punk.wire.eventstream import Message, MessageDecoder, StreamFault
from punk.wire.sse import SseDecoder, SseFrame
from tests.support.sse import bytewise, cut, reference

Target: TypeAlias = Callable[[bytes], None]

BYTEWISE_LIMIT: Final = 256
"""Bodies up to so many bytes are fed byte by byte as well: that is every cut there is, two of them at a time."""
_STEPWISE_LIMIT: Final = 40
"""Turns of up to so many events may be checked after each of them, which costs the square of their number."""
_STEPWISE_SHARE: Final = 3
"""One in so many turns is: what the fuzzer is for are the decoders, and theirs are the other checks."""
_BRANCHES: Final = 16
"""One in so many states of a reader is fed something else as well."""
_HANDED_OVER: Final = Request(Log([UserMessage("Hi")]), max_rounds=1, execute_tools=False)  # a pause is an end

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class Reader(Protocol[T_co]):
    """What turns bytes into items: a decoder, of whatever layer."""

    def feed(self, data: bytes, /) -> tuple[Self, tuple[T_co, ...]]:
        """The next reader, and the items in `data`."""

    def end(self) -> tuple[T_co, ...]:
        """The items that the end of the bytes leaves."""


def sse(data: bytes) -> None:
    """Server-sent events are what a naive reading says they are, however they are cut, and within any limit."""
    for decoder in (SseDecoder(), SseDecoder(limit=crc32(data) % 64)):
        items = check_cuts(decoder, data)
        expect(list(items) == reference(data, decoder.limit), f"a naive reading gives {reference(data, decoder.limit)}")
        expect(all(isinstance(item, SseFrame) for item in items[:-1]), f"a tail or a fault is not the last of {items}")
        check_texts(items)


def eventstream(data: bytes) -> None:
    """Messages of an event stream are the same however they are cut; nothing follows a fault."""
    for decoder in (MessageDecoder(), MessageDecoder(limit=crc32(data) % 64)):
        items = check_cuts(_Messages(decoder), data)
        expect(all(isinstance(item, Message) for item in items[:-1]), f"something follows a fault: {items}")
        check_texts(items)
        after, _ = decoder.feed(data)
        faults = [item for item in items if isinstance(item, StreamFault)]
        expect(not faults or after.pending == 0, "what is broken waits for more")
        expect(not faults or after.feed(data) == (after, ()), "what is broken says more")


def check_decoder(start: Reader[ProviderEvent], body: bytes) -> None:
    """All that must hold of the decoder `start` and the answer `body`."""
    events = check_cuts(start, body)
    check_turn(events)
    after, said = start.feed(body)
    expect(after.end() == after.end(), "ending twice gives something else")
    if said and isinstance(said[-1], TurnEnded | TurnFailed):
        expect(after.end() == (), f"the end follows the terminal: {after.end()}")
        for more in (body, b"\n\n", b'data: {"error":{"message":"x"}}\n\n', b"{", b"\0\0\0\x10\0\0\0\0"):
            later, again = after.feed(more)
            expect(again == () and later.end() == (), f"{again} and {later.end()} follow the terminal")


def check_whole(decode_whole: Callable[[bytes], tuple[ProviderEvent, ...]], body: bytes) -> None:
    """All that must hold of the answer `body` that came in one piece."""
    events = decode_whole(body)
    expect(events == decode_whole(body), "the same body gives something else")
    check_turn(events)


def check_cuts(start: Reader[T], body: bytes) -> tuple[T, ...]:
    """What `start` says of `body`: law 12 says that it is the same however `body` is cut."""
    items = _read(start, [body])
    for chunks in _cuttings(body):
        again = _read(start, chunks)
        if again != items:
            at = next((i for i, (one, other) in enumerate(zip(again, items, strict=False)) if one != other), -1)
            sizes = [len(chunk) for chunk in chunks[:20]]
            raise AssertionError(f"item {at} is {again[at:][:1]}, and {items[at:][:1]} if not cut as {sizes}")
    return items


def check_turn(events: Sequence[ProviderEvent]) -> StreamState:
    """One terminal, at the end; texts that can be sent; and all the laws of the core, with calls run or handed over."""
    ends = [isinstance(event, TurnEnded | TurnFailed) for event in events]
    expect(ends[-1:] == [True] and sum(ends) == 1, f"there is not one terminal at the end: {events}")
    check_texts(events)
    state = _check_run(_HANDED_OVER, events)
    expect(isinstance(state, Completed | Failed), f"the turn ended in {type(state).__name__}")
    names = dict.fromkeys(event.name for event in events if isinstance(event, CallStarted))
    if names:
        tools = tuple(ToolSpec(name, "", '{"type":"object"}') for name in names)
        _check_run(Request(Log([UserMessage("Hi")]), tools), events)
    return state


def check_texts(items: Iterable[object]) -> None:
    """Every text in `items` can be encoded as UTF-8."""
    for item in items:
        for text in _texts(item):
            try:
                text.encode()
            except UnicodeEncodeError as error:
                raise AssertionError(f"{item!r} holds a text that cannot be sent") from error


def expect(true: bool, otherwise: str) -> None:
    """Say what is wrong, unless nothing is."""
    if not true:
        raise AssertionError(otherwise[:4000])


def _check_run(request: Request, events: Sequence[ProviderEvent]) -> StreamState:
    if len(events) <= _STEPWISE_LIMIT and crc32(repr(events).encode(errors="replace")) % _STEPWISE_SHARE == 0:
        return laws.check_stream(request, events)
    state, effects = fold(begin(request)[0], events)
    laws.check_calls_that_run(state, effects)
    laws.check_nothing_is_lost(state)
    laws.check_history(state)
    laws.check_starts(state)
    laws.check_cancel(state)
    laws.check_json(history(state))
    return state


def _read(reader: Reader[T], chunks: Iterable[bytes]) -> tuple[T, ...]:
    items: list[T] = []
    for index, chunk in enumerate(chunks):
        before = reader
        reader, more = before.feed(chunk)
        if index % _BRANCHES == len(chunk) % _BRANCHES:
            # The old one stays usable, and what it is fed then is not seen in this one.
            before.feed(b"\n\r{\n")
        items += more
    return (*items, *reader.end())


def _cuttings(body: bytes) -> Iterator[list[bytes]]:
    # Places that depend on all of the input: a fuzzer that changes any of it tries others.
    lots = Random(crc32(body))
    ends = [at for at, byte in enumerate(body) if byte in b"\r\n"]
    places = [lots.choice(ends) + lots.randrange(3) for _ in range(3) if ends]
    yield cut(body, [*places, *(lots.randrange(len(body) + 1) for _ in range(lots.randrange(1, 5)))])
    if len(body) <= BYTEWISE_LIMIT:
        yield bytewise(body)
    else:
        size = lots.randrange(5, 200)
        yield [body[start : start + size] for start in range(0, len(body), size)]


def _texts(item: object) -> Iterator[str]:
    match item:
        case str():
            yield item
        case tuple() | list():
            for inner in item:
                yield from _texts(inner)
        case Mapping():
            for key, value in item.items():
                yield from _texts(key)
                yield from _texts(value)
        case _ if is_dataclass(item):
            for each in fields(item):
                yield from _texts(getattr(item, each.name))
        case _:
            pass


class _Messages:
    """The messages of an event stream, as a reader: their end says nothing."""

    def __init__(self, decoder: MessageDecoder) -> None:
        self._decoder = decoder

    def feed(self, data: bytes, /) -> tuple[_Messages, tuple[Message | StreamFault, ...]]:
        """As `MessageDecoder.feed`."""
        decoder, messages = self._decoder.feed(data)
        return _Messages(decoder), messages

    def end(self) -> tuple[Message | StreamFault, ...]:
        """Nothing."""
        return ()


_WHOLE: Final = (
    anthropic.decode_whole,
    chat.decode_whole,
    responses.decode_whole,
    converse_whole.decode_whole,
    gemini.decode_whole,
)


def _whole(data: bytes) -> None:
    for decode_whole in _WHOLE:
        check_whole(decode_whole, data)


def _total(target: Target) -> Target:
    """`target`, for which raising anything is as wrong as breaking a law."""

    def run(data: bytes) -> None:
        try:
            target(data)
        except AssertionError:
            raise
        except Exception as error:
            raise AssertionError(f"raised {error!r}"[:500]) from error

    return run


TARGETS: Final[Mapping[str, Target]] = MappingProxyType(
    {
        "sse": _total(sse),
        "eventstream": _total(eventstream),
        "anthropic": _total(lambda data: check_decoder(anthropic.AnthropicDecoder(), data)),
        "openai_responses": _total(lambda data: check_decoder(responses.ResponsesDecoder(), data)),
        "openai_chat": _total(lambda data: check_decoder(chat.ChatDecoder(), data)),
        "bedrock_converse": _total(lambda data: check_decoder(converse.ConverseDecoder(), data)),
        "gemini": _total(lambda data: check_decoder(gemini.GeminiDecoder(), data)),
        "whole": _total(_whole),
    }
)
