"""What a provider is to the rest of punk: two pure functions and one that talks."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from math import inf
from typing import Literal, NoReturn, Protocol, Self, TypeAlias, final

from returns.result import Result

from punk.core.effects import RequestTurn
from punk.core.events import ProviderEvent
from punk.core.failures import Failure, Malformed, Unsupported
from punk.core.json import JsonObject
from punk.core.retry import RetryPolicy
from punk.core.timeouts import Timeouts

Delivery: TypeAlias = Literal["stream", "whole", "count"]
"""What is asked for: an answer as it grows, the whole answer at once, or only how many tokens the request has."""


@final
@dataclass(frozen=True, slots=True)
class Body:
    """A request as its wire wants it: the JSON body, headers beyond the usual ones, and what is asked for.

    `answer_tool` names the tool through which a structured answer comes, where the wire has no better way. `connect` is
    how many seconds there are to make a connection.
    """

    json: JsonObject = field(repr=False)  # what is laid over it may hold keys
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    delivery: Delivery = "stream"
    answer_tool: str | None = None
    connect: float = inf


class Decoder(Protocol):
    """Turns the bytes of one answer into events. A value: `feed` gives the next decoder."""

    def feed(self, data: bytes) -> tuple[Self, tuple[ProviderEvent, ...]]:
        """The decoder after `data`, and the events in it."""

    def end(self) -> tuple[ProviderEvent, ...]:
        """What the clean end of the bytes means: nothing after a terminal, `TurnFailed` where there was none."""


class TransportError(Exception):
    """A request or its answer broke; `failure` says how, and `secrets` is what it was asked with that its texts may
    hold. The foreign exception is its `__cause__`. None of it is shown but by `punk.providers.secrets.presented`."""

    def __init__(self, failure: Failure, secrets: Iterable[str] = ()) -> None:
        self.failure = failure
        self.secrets: tuple[str, ...] = tuple(secrets)
        super().__init__(failure.message)


class Unpicklable:
    """Holds keys and connections, which must not lie in a file. A copy of it is itself."""

    __slots__ = ()

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a model cannot be pickled, for it holds keys and connections: make it where it is used")

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: object) -> Self:
        return self


class ByteStream(Protocol):
    """One answer under way, used and closed by the one task that opened it."""

    @property
    def secrets(self) -> tuple[str, ...]:
        """The keys it was asked with, which must stand in no text."""

    async def read(self) -> bytes | None:
        """The next bytes, None at the clean end. Raises `TransportError`."""

    async def close(self) -> None:
        """Let go of the connection, at once. May be called again."""


async def read_all(stream: ByteStream) -> bytes:
    """The whole answer, when it has come. Raises `TransportError`."""
    pieces: list[bytes] = []
    while (data := await stream.read()) is not None:
        pieces.append(data)
    return b"".join(pieces)


class Transport(Protocol):
    """Talks to one vendor."""

    async def prepare(self, body: Body) -> None:
        """Find out what would make `body` impossible, without sending it. Raises `TransportError`."""

    async def open(self, body: Body) -> ByteStream:
        """Send `body`, and return when the answer's headers are there. Raises `TransportError`."""


@final
@dataclass(frozen=True, slots=True)
class Provider:
    """One model of one vendor, ready to be asked.

    `family` names its wire: what `ProviderData` and signatures belong to. `encode` makes the request of a turn,
    `decoder` starts decoding a streamed answer, `decode_whole` reads one that came in one piece. `streams` is false
    for a model that cannot stream, `portable` for one with a client that belongs to one event loop. `count` reads the
    number of tokens in the answer to a request that was to be counted, None where a provider does not count.
    `timeouts` and `retry` are what the model's owner said about them.
    """

    family: str
    encode: Callable[[RequestTurn, Delivery], Result[Body, Unsupported]]
    decoder: Callable[[], Decoder]
    decode_whole: Callable[[bytes], tuple[ProviderEvent, ...]]
    transport: Transport
    streams: bool = True
    portable: bool = True
    count: Callable[[bytes], Result[int, Malformed]] | None = None
    timeouts: Timeouts = Timeouts()
    retry: RetryPolicy | None = None
