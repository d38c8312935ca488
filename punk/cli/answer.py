"""Streams one answer onto a display, and says how it went."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TypeAlias, final

from punk.cli.arguments import Thinking
from punk.cli.display import Display
from punk.core.events import RefusalDelta, TextDelta, ThinkingDelta
from punk.errors import StreamingError
from punk.llm.chat import Chat
from punk.llm.streaming import ChatStream


@final
@dataclass(frozen=True, slots=True)
class Answered:
    """The answer is complete; `chat` ends in it."""

    chat: Chat


@final
@dataclass(frozen=True, slots=True)
class Interrupted:
    """Ctrl-C came; `chat` ends in what had arrived."""

    chat: Chat


@final
@dataclass(frozen=True, slots=True)
class Broke:
    """The stream failed; `chat` ends in what had arrived."""

    chat: Chat
    error: StreamingError


Outcome: TypeAlias = Answered | Interrupted | Broke


async def answer(chat: Chat, display: Display, thinking: Thinking) -> Outcome:
    """Show the answer to `chat`. To be run by `asyncio.run`, which makes of ctrl-C a cancellation.

    Raises other errors than `StreamingError` as they are. The display is closed in any case.
    """
    stream = chat.complete_stream()
    try:
        async with stream:
            await _show(stream, display, thinking)
            return Answered(await stream.chat)
    except asyncio.CancelledError:
        # The connection is closed already, and nobody but ctrl-C cancels this task.
        return Interrupted(_partial(stream, chat))
    except StreamingError as error:
        return Broke(_partial(stream, chat), error)
    finally:
        display.close()


async def _show(stream: ChatStream, display: Display, thinking: Thinking) -> None:
    events = stream.events
    while True:
        try:
            # A wait that times out loses nothing: the next one goes on where it stopped.
            async with asyncio.timeout(display.patience):
                event = (await anext(events)).event
        except TimeoutError:
            display.refresh()
            continue
        except StopAsyncIteration:
            return
        match event:
            case TextDelta(text=text) | RefusalDelta(text=text):
                display.answer(text)
            case ThinkingDelta(text=text) if thinking == "shown":
                display.think(text)
            case _:
                pass


def _partial(stream: ChatStream, chat: Chat) -> Chat:
    try:
        return stream.partial_chat
    except StreamingError:  # it was not even entered
        return chat
