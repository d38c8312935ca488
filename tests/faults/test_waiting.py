"""A provider that says when to come back is not asked before; one that does not say is asked three times in all."""

from __future__ import annotations

from typing import Final

import pytest

from punk.llm.chat import Chat
from punk.llm.messages import UserMessage
from punk.llm.retry import RetryPolicy
from tests.faults.judge import Bank, ask
from tests.faults.wires import WIRES, Wire
from tests.faults.world import World

SECONDS: Final = 0.15


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("wire", WIRES, ids=str)
def test_retry_after_is_waited_for(wire: Wire, status: int, world: World) -> None:
    later = wire.refusal(status, "Slow down.", ("retry-after-ms", str(1000 * SECONDS)))
    world.server.play(later, later, wire.answer(*wire.opening, *wire.rest))
    chat = ask(world.model(wire), Bank(), RetryPolicy(attempts=3, base=0.0))
    final = world.run(chat.complete_async())
    assert final.latest_message.content == "Hello, world."
    first, second, third = (asked.came_at for asked in world.server.requests)
    assert second - first >= SECONDS
    assert third - second >= SECONDS


def test_where_nothing_is_said_three_requests_are_made(world: World) -> None:
    wire = WIRES[0]
    down = wire.refusal(503, "Come back later.")
    world.server.play(down, down, wire.answer(*wire.opening, *wire.rest))
    chat = Chat([UserMessage("Pay Bob.")], world.model(wire))
    assert world.run(chat.complete_async()).latest_message.content == "Hello, world."
    assert len(world.server.requests) == 3
