"""The loop that the cases of a module share, and the models in it, each made once."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Final, TypeVar, final

from punk.llm.models.base import Model
from tests.faults.server import FaultServer
from tests.faults.wires import Wire

T = TypeVar("T")

DEADLINE: Final = 10.0


@final
@dataclass(frozen=True, slots=True)
class World:
    """A loop with a server in it."""

    runner: asyncio.Runner
    server: FaultServer
    models: dict[str, Model] = field(default_factory=dict)

    def model(self, wire: Wire) -> Model:
        """The model that reaches the server over `wire`: the same for all cases, and so its connections."""
        return self.models.setdefault(wire.name, wire.model(self.server.base, True))

    def run(self, coroutine: Coroutine[object, object, T], deadline: float = DEADLINE) -> T:
        """The coroutine's result. Raises `TimeoutError` after `deadline` seconds."""

        async def within() -> T:
            async with asyncio.timeout(deadline):
                return await coroutine

        return self.runner.run(within())
