"""Asks a model through the public API, and judges what came of it by what must be true of every fault."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias, TypeVar, final

from punk.core.failures import ConnectFailed, ConnectionLost, Failure, HttpStatus, ProviderError
from punk.core.messages import AssistantMessage, FinishReason, ToolCallMessage
from punk.core.state import StreamState, history
from punk.errors import PunkError, StreamingError, StreamingNotSupported
from punk.llm.chat import Chat
from punk.llm.messages import UserMessage
from punk.llm.models.base import Model
from punk.llm.retry import RetryPolicy
from punk.llm.streaming import ChatStream
from tests.faults.server import SERVING, Exchange
from tests.faults.wires import KEY

T = TypeVar("T")

SHORT: Final = 60
LONGEST_MESSAGE: Final = 700
LETTING_GO: Final = 1.0
"""Seconds in which the end of what was left must be seen."""


@final
@dataclass(frozen=True, slots=True)
class Completed:
    """The answer is whole."""

    text: str = "Hello, world."
    reason: FinishReason | None = "stop"

    def __str__(self) -> str:
        return f"ok: {self.text!r}, {self.reason}" if len(self.text) <= SHORT else f"ok: {len(self.text)} characters"


@final
@dataclass(frozen=True, slots=True)
class Fails:
    """The stream fails, with the text that was `kept` before; `again` says whether a retry may help."""

    failure: type[Failure]
    again: bool
    kept: str = ""
    status: int | None = None
    retry_after: float | None = None
    error_type: str | None = None
    has_cause: bool = True

    def __str__(self) -> str:
        what = self.failure.__name__ if self.status is None else f"{self.failure.__name__} {self.status}"
        words = (
            what if self.error_type is None else f"{what} {self.error_type}",
            "retryable" if self.again else "final",
            "" if self.retry_after is None else f"after {self.retry_after:g} s",
            f"{self.kept!r} kept" if self.kept else "",
            "" if self.has_cause else "no cause",
        )
        return "error: " + ", ".join(filter(None, words))


@final
@dataclass(frozen=True, slots=True)
class CannotStream:
    """`StreamingNotSupported`."""

    def __str__(self) -> str:
        return "StreamingNotSupported"


Outcome: TypeAlias = Completed | Fails | CannotStream


@final
@dataclass(frozen=True, slots=True)
class Bank:
    """A tool that must not run by mistake, and what it was asked to move."""

    moved: list[tuple[str, float]] = field(default_factory=list)

    def transfer(self, account: str, amount: float) -> str:
        """Move money to an account."""
        self.moved.append((account, amount))
        return "done"


ONCE: Final = RetryPolicy(attempts=1)


def ask(model: Model, bank: Bank, retry: RetryPolicy = ONCE) -> Chat:
    """The chat of every case: the one place where it is made."""
    return Chat([UserMessage("Pay Bob.")], model, [bank.transfer]).with_options(retry=retry)


async def streamed(chat: Chat) -> Outcome:
    """What comes of `chat`, read as a stream. Raises AssertionError where a promise of every stream is broken."""
    shown: list[str] = []
    try:
        async with chat.complete_stream() as stream:
            read = await _told(_show(stream, shown))
            inside = await _told(stream.chat)
    except StreamingNotSupported:
        return CannotStream()  # on entering
    after = await _told(stream.chat)
    assert "" not in shown
    kept = "".join(shown)
    assert kept == _text_of(stream.state)
    if not isinstance(read, PunkError):
        assert isinstance(inside, Chat)
        assert inside == after
        return _completed(inside, kept)
    for again in (inside, after):
        assert type(again) is type(read)
        assert str(again) == str(read)
    await _told(_show(stream, shown))
    assert kept == "".join(shown), "a later loop shows more"
    if isinstance(read, StreamingError):
        assert read.partial is stream.state
    return _failed(read, kept)


async def folded(chat: Chat) -> Outcome:
    """What comes of `chat` by `complete_async`."""
    told = await _told(chat.complete_async())
    if isinstance(told, Chat):
        return _completed(told, _text_in(told.messages))
    partial = told.partial if isinstance(told, StreamingError) else None
    return _failed(told, "" if partial is None else _text_of(partial))


Mode: TypeAlias = Literal["stream", "fold"]
MODES: Final[Mapping[Mode, Callable[[Chat], Awaitable[Outcome]]]] = {"stream": streamed, "fold": folded}


async def judged(mode: Mode, chat: Chat) -> Outcome:
    """What comes of `chat`. Raises AssertionError if tasks or threads are left behind."""
    tasks, threads = asyncio.all_tasks(), set(threading.enumerate())
    outcome = await MODES[mode](chat)
    left = {task for task in asyncio.all_tasks() - tasks if not task.get_name().startswith(SERVING)}
    assert not left, f"tasks left behind: {left}"
    patience = time.monotonic() + LETTING_GO  # one that was told to end needs a moment
    while (new := _threads_but(threads)) and time.monotonic() < patience:
        await asyncio.sleep(0.001)
    assert not new, f"threads left behind: {new}"
    return outcome


def _threads_but(known: set[threading.Thread]) -> set[threading.Thread]:
    """Threads that are new, but for those that the loop keeps for whoever needs one."""
    return {
        thread for thread in threading.enumerate() if thread not in known and not thread.name.startswith("asyncio_")
    }


async def _show(stream: ChatStream, shown: list[str]) -> None:
    async for piece in stream.content_delta:
        shown.append(piece)


async def _told(asked: Awaitable[T]) -> T | PunkError:
    try:
        return await asked
    except PunkError as error:
        return error


def _completed(chat: Chat, text: str) -> Completed:
    last = chat.latest_message
    assert isinstance(last, AssistantMessage)
    return Completed(text, last.finish_reason)


def _failed(error: PunkError, kept: str) -> Outcome:
    assert error.message == str(error) != ""
    assert len(error.message) < LONGEST_MESSAGE
    assert not {"\n", "<"} & {*error.message}
    assert KEY not in f"{error!r} {getattr(error, 'failure', None)!r}"
    if isinstance(error, StreamingNotSupported):
        return CannotStream()
    assert type(error) is StreamingError
    failure = error.failure
    assert failure is not None
    # Only the connection breaks with an exception on every wire; what is read in the bytes has none behind it.
    has_cause = error.__cause__ is not None or not isinstance(failure, ConnectFailed | ConnectionLost)
    assert not isinstance(error.__cause__, PunkError)
    error_type = failure.error_type if isinstance(failure, HttpStatus | ProviderError) else None
    return Fails(type(failure), error.retryable, kept, error.status, error.retry_after, error_type, has_cause)


def _text_of(state: StreamState) -> str:
    return _text_in(history(state))


def _text_in(messages: Iterable[object]) -> str:
    return "".join(said.content for said in messages if isinstance(said, AssistantMessage | ToolCallMessage))


_HEADERS: Final = ("authorization", "x-api-key", "api-key", "x-goog-api-key")


def echo(exchange: Exchange) -> str:
    """The keys in the headers of a request, as a careless server repeats them."""
    lines = [line.partition(":") for line in exchange.head.decode().split("\r\n")]
    return " ".join(value.strip() for name, _, value in lines if name.lower() in _HEADERS)
