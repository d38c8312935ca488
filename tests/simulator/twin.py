"""The same world once more, folded instead of streamed: where nothing depends on time or readers, the end is the same.

And what the whole conversation looks like on a real wire: a history that this wire would refuse is none.
"""

from __future__ import annotations

from dataclasses import replace
from math import inf
from typing import Final

from returns.methods import unwrap_or_failure

from punk.core.effects import RequestTurn
from punk.core.failures import Unsupported
from punk.core.messages import ToolResultMessage
from punk.core.state import AwaitingApproval, Completed, Failed, history
from punk.llm.models.anthropic import AnthropicModel
from punk.providers.base import Provider
from punk.testing.wires.anthropic_request import request_faults
from tests.simulator.life import Life
from tests.simulator.live import live
from tests.simulator.threads import Here
from tests.simulator.world import Body

_PROVIDER: Final[Provider] = AnthropicModel("claude-sonnet-4-5", api_key="none").provider()
EVERY: Final = 4  # worlds of which one is put on a wire
TIMED: Final = frozenset({"slow", "suspended", "plain", "guarded_plain", "aborts", "stuck", "leaves", "reentrant"})


def check_twin(life: Life) -> None:
    """Add to the faults of `life` what its twin and the wire show."""
    if life.first is None:
        return
    if life.world.seed % EVERY == 0:
        _on_a_wire(life)
    if _is_plain(life):
        _folded(life)


def _on_a_wire(life: Life) -> None:
    state = life.state
    open_ends = isinstance(state, AwaitingApproval) or not life.world.execute_tools
    if open_ends:
        return
    turn = RequestTurn(1, history(state), state.run.request.tools)
    match unwrap_or_failure(_PROVIDER.encode(turn, "stream")):
        case Unsupported(message=message):
            life.blame(f"the history cannot be sent: {message}")
        case body:
            if faults := request_faults(body.json):
                life.blame(f"the wire refuses the history: {faults}")


def _is_plain(life: Life) -> bool:
    """Whether nothing in this world depends on who reads, when, or how long it takes."""
    world = life.world
    called = {call.name for message in life.state.run.messages for call in getattr(message, "calls", ())}
    return (
        world.body.kind in ("wait", "chat", "read")
        and not world.outside
        and not life.rescued
        and all(model.streams for model in world.models)
        and not any(reader.cancels_at is not None for reader in world.readers)
        and isinstance(life.state, Completed | Failed)
        and life.total == inf
        and not called & TIMED
        and world.approve in (None, "yes", "no", "odd", "slow")
        and not any(asked.refused_stream for asked in life.asked)
    )


def _folded(life: Life) -> None:
    world = life.world
    other = live(replace(world, body=Body("fold"), readers=()))
    Here.life = life
    mine, its = life.state, other.state
    if other.faults:
        life.faults += [f"folded: {fault}" for fault in other.faults]
    elif life.tie or other.tie:
        pass  # either end is right
    elif type(mine) is not type(its):
        life.blame(f"streamed, it is {type(mine).__name__}; folded, {type(its).__name__}")
    elif _texts(life) != _texts(other):
        life.blame(f"streamed, it is {_texts(life)}; folded, {_texts(other)}")
    other.forget()


def _texts(life: Life) -> list[object]:
    return [
        (message.content, message.is_error) if isinstance(message, ToolResultMessage) else message
        for message in history(life.state)
    ]
