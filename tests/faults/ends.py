"""What the cases of tools, time and cancellation share: tools that remember, edited frames, a world left tidy."""

from __future__ import annotations

import asyncio
import re
import threading
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final, final

import pytest

from punk.core.messages import AssistantMessage, ToolCallMessage
from punk.errors import StreamingError
from punk.llm.chat import Chat
from punk.llm.incomplete import StreamIncompleteError
from punk.llm.messages import UserMessage
from punk.llm.models.base import Model
from punk.llm.streaming import ChatStream
from punk.testing.wires.bedrock_converse import encode_message
from punk.wire.eventstream import MessageDecoder, StreamFault
from tests.faults.judge import LETTING_GO, ONCE
from tests.faults.server import SERVING
from tests.faults.wires import Wire

PAYMENT: Final = '{"account": "bob", "amount": 1000}'
PAID: Final = "paid 1000 to bob"


@final
@dataclass(frozen=True, slots=True)
class Tools:
    """Two tools, and what they were asked."""

    ran: list[tuple[object, ...]] = field(default_factory=list)

    def transfer(self, account: str, amount: float) -> str:
        """Move money to an account."""
        self.ran.append((account, amount))
        return f"paid {amount:g} to {account}"

    def now(self) -> str:
        """Tell the time."""
        self.ran.append(("now",))
        return "high noon"


def asking(model: Model, *tools: Callable[..., object], question: str = "Pay Bob.") -> Chat:
    """A question to `model`, asked once."""
    return Chat([UserMessage(question)], model, tools).with_options(retry=ONCE)


def edited(wire: Wire, frames: Sequence[bytes], old: bytes, new: bytes) -> tuple[bytes, ...]:
    """`frames` with `new` in place of `old`, which must be there."""
    changed = tuple(_edited(wire, frame, old, new) if old in frame else frame for frame in frames)
    assert changed != tuple(frames), f"{old!r} is nowhere in {frames!r}"
    return changed


def _edited(wire: Wire, frame: bytes, old: bytes, new: bytes) -> bytes:
    if wire.family != "bedrock":
        return frame.replace(old, new)
    [message] = MessageDecoder().feed(frame)[1]
    assert not isinstance(message, StreamFault)
    return encode_message(
        {name: str(value) for name, value in message.headers.items()}, message.payload.replace(old, new)
    )


@asynccontextmanager
async def tidy() -> AsyncIterator[None]:
    """Raises AssertionError if what the block has started, tasks or threads, outlives it."""
    tasks, threads = asyncio.all_tasks(), set(threading.enumerate())
    yield
    left = {task for task in asyncio.all_tasks() - tasks if not _is_the_servers(task)}
    assert not left, f"tasks left behind: {left}"
    # A thread that was told to end needs a moment.
    await until(lambda: not {thread for thread in set(threading.enumerate()) - threads if _is_ours(thread)}, LETTING_GO)


def _is_the_servers(task: asyncio.Task[object]) -> bool:
    """Whether `task` answers a request, or waits for whom it answers: punk has no task for an event alone."""
    coroutine = task.get_coro()
    return task.get_name().startswith(SERVING) or getattr(coroutine, "__qualname__", "") == "Event.wait"


def _is_ours(thread: threading.Thread) -> bool:
    """Whether `thread` is none of those that the loop keeps for whoever needs one."""
    return not thread.name.startswith("asyncio_")


async def until(condition: Callable[[], bool], seconds: float = 5.0) -> None:
    """Return once `condition` holds. Raises AssertionError after so many `seconds`."""
    patience = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < patience, "it does not come about"
        await asyncio.sleep(0.001)


async def read_into(shown: list[str], stream: ChatStream) -> None:
    """Read all text of `stream`."""
    async for piece in stream.content_delta:
        shown.append(piece)


async def failed(chat: Chat) -> tuple[StreamingError, str]:
    """The error of a stream that must fail, told twice in the same words, and the text that was shown before."""
    shown: list[str] = []
    stream = chat.complete_stream()
    with pytest.raises(StreamingError) as caught:
        async with stream:
            await read_into(shown, stream)
    error = caught.value
    assert error.message == str(error) != ""
    assert error.partial is stream.state
    with pytest.raises(StreamingError) as again:
        await stream.chat
    assert str(again.value) == str(error)
    kept = "".join(shown)
    assert said_in(stream.partial_chat) == kept
    return error, kept


async def incomplete(stream: ChatStream, kept: str) -> StreamIncompleteError:
    """The error that the final chat of a stream raises that was left early, each time; `kept` is what it had said."""
    with pytest.raises(StreamIncompleteError) as caught:
        await stream.chat
    with pytest.raises(StreamIncompleteError, match=f"^{re.escape(caught.value.message)}$"):
        await stream.chat
    assert caught.value.partial is stream.state
    assert caught.value.partial_chat == stream.partial_chat
    assert said_in(stream.partial_chat) == kept
    return caught.value


def said_in(chat: Chat) -> str:
    """All text of the model in `chat`."""
    return "".join(said.content for said in chat.messages if isinstance(said, AssistantMessage | ToolCallMessage))
