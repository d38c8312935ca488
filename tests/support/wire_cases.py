"""Loads the recorded streams with their sidecars, cuts them, folds them, and says what they amount to."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Protocol, Self, final

from punk.core.events import ProviderEvent
from punk.core.failures import Failure
from punk.core.json import JsonValue
from punk.core.log import Log
from punk.core.messages import AssistantMessage, Message, ToolCallMessage, UserMessage
from punk.core.parts import ToolCall
from punk.core.request import Request, ToolSpec
from punk.core.state import Completed, Failed, StreamState
from punk.core.step import begin, fold
from punk.core.usage import Usage
from tests.support.optional import RECORDINGS, need_recordings


@final
@dataclass(frozen=True, slots=True)
class WireCase:
    """One recorded answer: its body, and the sidecar that says what is in it."""

    protocol: str
    name: str
    body: bytes
    sidecar: Mapping[str, Any]

    @property
    def expected(self) -> Mapping[str, Any]:
        """What the official SDK made of it."""
        expected: Mapping[str, Any] = self.sidecar["expected"]
        return expected

    def __str__(self) -> str:
        return f"{self.protocol}/{self.name}"


def wire_cases(*protocols: str, prefix: str = "") -> list[WireCase]:
    """The cases of `protocols` whose names begin with `prefix`. Skips the module where there are no recordings."""
    need_recordings()
    return [
        _load(protocol, name.stem)
        for protocol in protocols
        for name in sorted((RECORDINGS / protocol).glob(f"{prefix}*.json"))
    ]


def _load(protocol: str, name: str) -> WireCase:
    sidecar = json.loads((RECORDINGS / protocol / f"{name}.json").read_text("utf-8"))
    body = (RECORDINGS / protocol / sidecar["body_file"]).read_bytes()
    assert sha256(body).hexdigest() == sidecar["body_sha256"]
    return WireCase(protocol, name, body, sidecar)


def cuttings(case: WireCase) -> Iterator[tuple[str, list[bytes]]]:
    """The body cut in every way that the tests try: whole, in 1, 7 and 64 bytes, and as the network had cut it."""
    yield "whole", [case.body]
    for size in (1, 7, 64):
        yield f"{size} bytes", [case.body[start : start + size] for start in range(0, len(case.body), size)]
    lengths = case.sidecar["network_chunk_lengths"]
    if lengths:
        yield "as recorded", _cut(case.body, lengths)


def _cut(body: bytes, lengths: Sequence[int]) -> list[bytes]:
    starts = [sum(lengths[:index]) for index in range(len(lengths))]
    assert sum(lengths) == len(body)
    return [body[start : start + length] for start, length in zip(starts, lengths, strict=True)]


class AnyDecoder(Protocol):
    """A decoder of any wire."""

    def feed(self, data: bytes) -> tuple[Self, tuple[ProviderEvent, ...]]:
        """As `punk.providers.base.Decoder`."""

    def end(self) -> tuple[ProviderEvent, ...]:
        """As `punk.providers.base.Decoder`."""


def decode(decoder: AnyDecoder, chunks: Iterable[bytes]) -> tuple[ProviderEvent, ...]:
    """Everything that `decoder` says of `chunks` and of their end."""
    events: list[ProviderEvent] = []
    for chunk in chunks:
        decoder, more = decoder.feed(chunk)
        events += more
    return (*events, *decoder.end())


@final
@dataclass(frozen=True, slots=True)
class Told:
    """What a turn came to, once folded by the core."""

    state: StreamState
    message: AssistantMessage | ToolCallMessage | None

    @property
    def failure(self) -> Failure | None:
        """Why it failed, None if it did not."""
        return self.state.failure if isinstance(self.state, Failed) else None

    @property
    def calls(self) -> tuple[ToolCall, ...]:
        """The calls, whether they would run or not."""
        match self.message:
            case ToolCallMessage() as message:
                return message.calls
            case AssistantMessage(unrun_calls=calls):
                return calls
            case None:
                return ()

    @property
    def reported_usage(self) -> JsonValue:
        """The provider's own record of tokens."""
        usage = self.message.usage if self.message is not None else None
        return usage.reported.value if usage is not None and usage.reported is not None else None

    @property
    def usage(self) -> Usage | None:
        """The tokens in punk's convention."""
        return self.message.usage if self.message is not None else None


def fold_turn(events: Iterable[ProviderEvent], tools: Sequence[ToolSpec] = ()) -> Told:
    """Fold `events` as the answer to a chat of one message, whose calls are handed over and not run."""
    request = Request(Log([UserMessage("Hi")]), tuple(tools), execute_tools=False)
    state, _ = fold(begin(request)[0], events)
    assert isinstance(state, Completed | Failed), state
    last: Message = tuple(state.run.messages)[-1]
    return Told(state, last if isinstance(last, AssistantMessage | ToolCallMessage) else None)


def digests(texts: Iterable[str]) -> list[str]:
    """The digests of signatures, as sidecars have them."""
    return [sha256(text.encode()).hexdigest() for text in texts]


def expected_calls(case: WireCase) -> list[tuple[str, str, str]]:
    """Id, name and arguments of the calls; no arguments stand for `{}`."""
    return [(call["id"], call["name"], call["arguments_raw"] or "{}") for call in case.expected["tool_calls"]]
