"""Calls that are broken, cut or strange, over real connections: cases 48 to 57.

A tool runs from a whole call alone; for every other one the model is told why not, and goes on.
"""

from __future__ import annotations

from typing import Final

import pytest

from punk.core.json import dump_json
from punk.llm.timeouts import Timeouts
from tests.faults.case import NotHere
from tests.faults.cases_tools import CASES, By
from tests.faults.ends import Tools, asking
from tests.faults.judge import LETTING_GO, MODES, Mode, judged
from tests.faults.recorder import record
from tests.faults.wires import WIRES, Wire
from tests.faults.world import World

EVERY: Final = [
    pytest.param(number, variant, play, wire, id=f"{number}{'-' * bool(variant)}{variant.replace(' ', '_')}-{wire}")
    for number, variant, play in CASES
    for wire in WIRES
]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("number", "variant", "by", "wire"), EVERY)
def test_call(number: int, variant: str, by: By, wire: Wire, mode: Mode, world: World) -> None:
    play = by(wire)
    if isinstance(play, NotHere):
        record(number, wire.name, str(play), variant)
        return
    server, tools = world.server, Tools()
    server.play(*play.scripts)
    chat = asking(world.model(wire), tools.transfer, tools.now)
    outcome = world.run(judged(mode, chat.with_options(max_rounds=3, timeouts=Timeouts(progress=play.progress))))
    assert world.run(server.let_go(LETTING_GO)), "the connection is still open a second after the block was left"
    assert sorted(tools.ran) == sorted(play.ran)
    assert len(server.requests) == play.requests
    asked = dump_json(server.requests[-1].json)
    assert [words for words in play.told if words in asked] == [*play.told]
    ran = f"; ran {len(play.ran)}" if play.ran else "; not run"
    words = f", told {', '.join(map(repr, play.told))}" if play.told else ""
    asked_often = f", {play.requests} requests" if play.requests > 1 else ""
    record(number, wire.name, f"{outcome}{ran}{words}{asked_often}", variant)
    assert outcome == play.outcome, f"{outcome}, not {play.outcome}"
