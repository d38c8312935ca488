"""Short ways to write the turns that scripted models play."""

from __future__ import annotations

from collections.abc import AsyncIterable, Sequence
from typing import TypeVar

from punk.core.events import (
    CallDelta,
    CallEnded,
    CallStarted,
    ProviderEvent,
    TextDelta,
    ThinkingDelta,
    ThinkingSealed,
    TurnEnded,
    TurnStarted,
)
from punk.core.messages import Finish, UserMessage
from punk.llm.chat import Chat
from punk.testing import ScriptedModel, ScriptItem

T = TypeVar("T")

START = TurnStarted("scripted", "m", "r")
STOP = TurnEnded(Finish("stop"))
CALLS = TurnEnded(Finish("tool_use"))


def text(*pieces: str, block: int = 0) -> list[ProviderEvent]:
    """Deltas of one text block."""
    return [TextDelta(block, piece) for piece in pieces]


def thinking(*pieces: str, block: int = 0, signature: str = "sig") -> list[ProviderEvent]:
    """A block of thinking, sealed."""
    return [*(ThinkingDelta(block, piece) for piece in pieces), ThinkingSealed(block, signature)]


def call(name: str, arguments: str = "{}", *, block: int = 0, id: str = "c1") -> list[ProviderEvent]:
    """A whole call, its arguments in two pieces."""
    half = len(arguments) // 2
    return [
        CallStarted(block, id, name),
        CallDelta(block, arguments[:half]),
        CallDelta(block, arguments[half:]),
        CallEnded(block),
    ]


def answer(*pieces: str) -> list[ProviderEvent]:
    """A whole turn of text."""
    return [START, *text(*pieces), STOP]


def ask(*turns: Sequence[ScriptItem], batch: int = 1, streams: bool = True) -> tuple[Chat, ScriptedModel]:
    """A chat with one question to a model that plays `turns`, and the model."""
    model = ScriptedModel(turns, batch=batch, streams=streams)
    return Chat(model=model).add_message(UserMessage("q")), model


async def read(pieces: AsyncIterable[T]) -> list[T]:
    """All that comes."""
    return [piece async for piece in pieces]
