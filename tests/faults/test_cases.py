"""Every fault of a stream on every wire, over real connections: the outcome is the right one, and nothing is left."""

from __future__ import annotations

import socket
from contextlib import ExitStack
from typing import Final, NoReturn

import pytest

from punk.llm.models.base import Model
from tests.faults.case import Case, NotHere, Play
from tests.faults.cases import CASES
from tests.faults.judge import LETTING_GO, MODES, Bank, CannotStream, Mode, ask, judged
from tests.faults.recorder import ALL_WIRES, current, record
from tests.faults.server import refusing
from tests.faults.wires import WIRES, Wire
from tests.faults.world import World

EVERY: Final = [pytest.param(case, wire, id=f"{case}-{wire}") for case in CASES for wire in WIRES]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("case", "wire"), EVERY)
def test_fault(case: Case, wire: Wire, mode: Mode, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    play = case.play(wire)
    if isinstance(play, NotHere):
        record(case.number, wire.name, str(play), case.variant)
        return
    if mode == "fold" and play.outcome == CannotStream():
        return  # such a model is asked for the whole answer
    bank, server = Bank(), world.server
    server.play(*play.scripts)
    with ExitStack() as stack:
        model = _model(play, wire, world, stack, monkeypatch)
        outcome = world.run(judged(mode, ask(model, bank, play.retry)))
    assert world.run(server.let_go(LETTING_GO)), "the connection is still open a second after the block was left"
    assert len(bank.moved) == play.ran, f"the tool ran: {bank.moved}"
    assert len(server.requests) == play.requests
    asked = f", {play.requests} requests" if play.requests > 1 else ""
    record(case.number, wire.name, f"{outcome}{asked}", case.variant)
    assert outcome == play.outcome, f"{outcome}, not {play.outcome}"


def test_the_table_has_a_cell_for_every_case_and_wire_and_no_other() -> None:
    ours = {case.number for case in CASES}
    table = {case: set(cells) for case, cells in current().items() if case[0] in ours}
    assert table == {(case.number, case.variant): set(ALL_WIRES) for case in CASES}


def _model(play: Play, wire: Wire, world: World, stack: ExitStack, monkeypatch: pytest.MonkeyPatch) -> Model:
    match play.address:
        case "the server":
            return world.model(wire) if play.streams else wire.model(world.server.base, False)
        case "a closed port":
            return wire.model(stack.enter_context(refusing()), True)
        case "an unknown host":
            monkeypatch.setattr(socket, "getaddrinfo", _unknown)
            return wire.model("http://nowhere.invalid", True)


def _unknown(*_: object, **__: object) -> NoReturn:
    raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
