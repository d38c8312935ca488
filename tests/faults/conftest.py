"""One event loop and one server for the cases of a module: what one case does to shared connections, the next feels."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from tests.faults.case import whole
from tests.faults.judge import Bank, ask, judged
from tests.faults.server import serving
from tests.faults.wires import WIRES
from tests.faults.world import World


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    """The loop, with a server in it."""
    with asyncio.Runner() as runner:
        context = serving()
        world = World(runner, runner.run(context.__aenter__()))
        for wire in WIRES:
            # The vendors' modules are imported, slowly, and the clients made: no case is to wait for that.
            play = whole(wire)
            world.server.play(*play.scripts)
            assert world.run(judged("stream", ask(world.model(wire), Bank())), 60) == play.outcome
        yield world
        runner.run(context.__aexit__(None, None, None))
