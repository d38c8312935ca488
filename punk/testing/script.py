"""What a scripted turn may hold beside a provider's events: where it breaks, and where it waits."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TypeAlias, final

from punk.core.events import ProviderEvent
from punk.core.failures import Failure


@final
@dataclass(frozen=True, slots=True)
class Fault:
    """The answer breaks here with `failure`; as the first item of a turn, no answer comes about at all."""

    failure: Failure


@final
class Gate:
    """The answer waits here until the test, in the same event loop, releases it."""

    __slots__ = ("_reached", "_released")

    def __init__(self) -> None:
        self._reached = asyncio.Event()
        self._released = asyncio.Event()

    def release(self) -> None:
        """Let the answer go on, now or once it gets here."""
        self._released.set()

    async def reached(self) -> None:
        """Return once the answer waits here, or has waited."""
        await self._reached.wait()

    async def passed(self) -> None:
        """Wait to be released: what the scripted answer does."""
        self._reached.set()
        await self._released.wait()


@final
@dataclass(frozen=True, slots=True)
class Pause:
    """The answer waits here for so many seconds of its event loop."""

    seconds: float

    async def passed(self) -> None:
        """Wait that long: what the scripted answer does."""
        await asyncio.sleep(self.seconds)


ScriptItem: TypeAlias = ProviderEvent | Fault | Gate | Pause
