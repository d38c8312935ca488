"""Money never moves on a call that is not whole: over every wire, from real connections that are cut or end badly."""

from __future__ import annotations

from contextlib import suppress
from typing import Final

import pytest

from punk.core.events import RefusalDelta, TurnEnded
from punk.core.history import INTERRUPTED
from punk.core.json import dump_json
from punk.core.messages import AssistantMessage, Finish, FinishReason, ToolCallMessage
from punk.core.parts import ToolCall
from punk.core.retry import RetryPolicy
from punk.errors import StreamingError
from punk.llm.chat import Chat
from punk.llm.messages import UserMessage
from tests.llm.script import CALLS, START, answer, call, text
from tests.providers.wires import WIRES, Wire
from tests.support.server import Answer, Ending, serve

ARGUMENTS: Final = '{"account": "bob", "amount": 1000}'
MOVE: Final = call("transfer", ARGUMENTS, block=1)
CUTS: Final = 12


class Bank:
    """Counts what it moves."""

    def __init__(self) -> None:
        self.moved: list[tuple[str, float]] = []

    def transfer(self, account: str, amount: float) -> str:
        """Move money to an account."""
        self.moved.append((account, amount))
        return "done"


def asked(wire: Wire, base: str, bank: Bank) -> Chat:
    return Chat([UserMessage("Pay Bob.")], wire.model(base), [bank.transfer])


@pytest.mark.parametrize("wire", WIRES, ids=str)
def test_a_whole_call_moves_it_once(wire: Wire) -> None:
    bank = Bank()
    turns = [wire.write([START, *text("I will."), *MOVE, CALLS]), wire.write(answer("Done."))]
    with serve(*(Answer([turn]) for turn in turns)) as server:
        final = asked(wire, server.base, bank).complete()
    assert bank.moved == [("bob", 1000.0)]
    assert final.latest_message.content == "Done."


@pytest.mark.parametrize("wire", WIRES, ids=str)
def test_a_call_that_is_taken_up_again_moves_it_once_and_the_model_is_told_so(wire: Wire) -> None:
    bank = Bank()
    left = ToolCallMessage([ToolCall("c1", "transfer", ARGUMENTS)])
    with serve(Answer([wire.write(answer("Done."))])) as server:
        asked(wire, server.base, bank).add_message(left).complete()
    assert bank.moved == [("bob", 1000.0)]
    (request,) = server.requests
    assert '"done"' in dump_json(request.body)
    assert INTERRUPTED not in dump_json(request.body)


@pytest.mark.parametrize("ending", ["clean", "cut", "reset"])
@pytest.mark.parametrize("wire", WIRES, ids=str)
def test_a_cut_call_moves_nothing(wire: Wire, ending: Ending) -> None:
    bank = Bank()
    whole = wire.write([START, *text("I will."), *MOVE, CALLS])
    # What stands before the end of the turn is what a cut call looks like; the end itself law 14 has, byte by byte.
    last = len(wire.write([START, *text("I will."), *MOVE]))
    places = sorted({round(last * place / CUTS) for place in range(CUTS)})
    with serve(*(Answer([whole[:place]] if place else [], ending=ending) for place in places)) as server:
        chat = asked(wire, server.base, bank).with_options(retry=RetryPolicy(attempts=1))
        for _ in places:
            with pytest.raises(StreamingError):
                chat.complete()
    assert len(server.requests) == len(places)
    assert bank.moved == []


@pytest.mark.parametrize("reason", ["max_tokens", "refusal", "content_filter"])
@pytest.mark.parametrize("wire", WIRES, ids=str)
def test_a_turn_that_ends_badly_moves_nothing(wire: Wire, reason: FinishReason) -> None:
    bank = Bank()
    first = [RefusalDelta(0, "I will not.")] if reason == "refusal" else text("I will.")
    with serve(Answer([wire.write([START, *first, *MOVE, TurnEnded(Finish(reason))])])) as server:
        chat = asked(wire, server.base, bank)
        final = chat.complete()
    assert bank.moved == []
    assert isinstance(final.latest_message, AssistantMessage)
    # Not every wire has a word for each of these reasons.
    assert final.latest_message.finish_reason not in ("stop", "tool_use", None)
    assert [unrun.name for unrun in final.latest_message.unrun_calls] == ["transfer"]
    assert not [message for message in final.messages if isinstance(message, ToolCallMessage)]


@pytest.mark.parametrize("wire", WIRES, ids=str)
def test_arguments_that_are_cut_in_a_whole_turn_move_nothing(wire: Wire) -> None:
    bank = Bank()
    broken = call("transfer", '{"account": "bob", "amount": 1', block=1)
    turns = [wire.write([START, *text("I will."), *broken, CALLS]), wire.write(answer("Sorry."))]
    # Some wires cannot say it: then the turn fails, or has no end.
    with serve(*(Answer([turn]) for turn in turns)) as server, suppress(StreamingError):
        asked(wire, server.base, bank).complete()
    assert bank.moved == []
