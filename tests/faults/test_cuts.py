"""An answer that is cut anywhere, over real connections: nothing is made up, nothing runs, what came is kept."""

from __future__ import annotations

import asyncio
import re
from typing import Final, Literal, TypeAlias

import pytest

from punk.core.events import CallDelta, CallEnded, CallStarted, TextDelta, TurnEnded
from punk.core.failures import ConnectionLost, Truncated
from punk.errors import StreamingError
from punk.llm.chat import Chat
from punk.llm.messages import UserMessage
from punk.llm.models.base import Model
from tests.faults.judge import ONCE, Bank
from tests.faults.scripts import Close, Pause, Reset, Script, answer
from tests.faults.server import Exchange
from tests.faults.wires import WIRES, Wire
from tests.faults.world import World
from tests.llm.script import CALLS, START

AT_ONCE: Final = 50
PLACE: Final = re.compile(rb"Cut at (\d+)\.")

# Closed where the body's length is not known beforehand, so in good order; closed inside of a chunked body; reset.
Ending: TypeAlias = Literal["unframed", "closed", "reset"]
# The first place of each, and how far it is to the next one. What a clean end means at every byte, law 14 has.
PLACES: Final[dict[Ending, tuple[int, int]]] = {"unframed": (0, 9), "closed": (0, 3), "reset": (1, 3)}
# Azure and Vertex speak as others do.
TALKS: Final = [wire for wire in WIRES if wire.name == wire.family]


ARGUMENTS: Final = '{"account": "bob", "amount": 1000}'
TURN: Final = (
    START,
    TextDelta(0, "Grüße."),
    CallStarted(1, "c1", "transfer"),
    CallDelta(1, ARGUMENTS),
    CallEnded(1),
    CALLS,
)


@pytest.mark.parametrize("ending", PLACES)
@pytest.mark.parametrize("wire", TALKS, ids=str)
def test_a_cut_anywhere(wire: Wire, ending: Ending, world: World) -> None:
    body = b"".join(wire.frames(*TURN))
    model = world.model(wire)

    def respond(exchange: Exchange) -> Script:
        if b"done" in exchange.body:
            return wire.answer(*wire.opening, *wire.rest)
        found = PLACE.search(exchange.body)
        assert found is not None
        said = body[: int(found[1])]
        match ending:
            case "unframed":
                return answer(said, headers=wire.headers, framing="close")
            case "closed":
                return wire.unended(*filter(None, [said]), Close())
            case "reset":
                return wire.unended(*filter(None, [said]), Pause(0.005), Reset())

    async def cut(place: int, turn: asyncio.Semaphore) -> None:
        async with turn:
            expected, is_whole = _said(model, body[:place], clean=ending == "unframed")
            bank, shown = Bank(), list[str]()
            failure = await _failure(
                Chat([UserMessage(f"Cut at {place}.")], model, [bank.transfer]).with_options(retry=ONCE), shown
            )
        where = f"cut at {place} of {len(body)}"
        assert bank.moved == [("bob", 1000.0)] * is_whole, where
        assert "".join(shown) == expected + "Hello, world." * is_whole, where
        assert failure is None if is_whole else failure is (Truncated if ending == "unframed" else ConnectionLost), (
            where
        )

    async def everywhere() -> None:
        turn = asyncio.Semaphore(AT_ONCE)
        async with asyncio.TaskGroup() as group:
            first, step = PLACES[ending]
            for place in (*range(first, len(body), step), len(body)):
                group.create_task(cut(place, turn))
        assert await world.server.let_go()

    before = asyncio.all_tasks(world.runner.get_loop())
    world.server.play(respond)
    world.run(everywhere(), deadline=60)
    assert asyncio.all_tasks(world.runner.get_loop()) - before - world.server.tasks == set()


def _said(model: Model, body: bytes, *, clean: bool) -> tuple[str, bool]:
    """The text in `body`, and whether it is a whole answer, by its decoder alone."""
    decoder, events = model.provider().decoder().feed(body)
    if clean:
        events += decoder.end()
    texts = [event.text for event in events if isinstance(event, TextDelta)]
    return "".join(texts), any(isinstance(event, TurnEnded) for event in events)


async def _failure(chat: Chat, shown: list[str]) -> type[object] | None:
    try:
        async with chat.complete_stream() as stream:
            async for piece in stream.content_delta:
                shown.append(piece)
    except StreamingError as error:
        return type(error.failure)
    return None
