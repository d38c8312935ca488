"""The scripted model plays what it was given, waits and breaks where it should, and remembers what it was asked."""

from __future__ import annotations

import asyncio
import subprocess
import sys

import pytest

from punk.core.events import CallEnded, CallStarted, TextDelta, TurnEnded, TurnFailed
from punk.core.failures import ConnectFailed, ConnectionLost, Truncated
from punk.core.messages import Finish, ToolResultMessage, UserMessage
from punk.errors import StreamingError, StreamingNotSupported
from punk.llm.chat import Chat
from punk.llm.models.base import Model
from punk.testing import Fault, Gate, ScriptedModel, ScriptItem
from tests.support.aio import run

STOP = TurnEnded(Finish("stop"))
HELLO: tuple[ScriptItem, ...] = (TextDelta(0, "Hel"), TextDelta(0, "lo"), STOP)


def chat(model: ScriptedModel) -> Chat:
    return Chat([UserMessage("hi")], model)


@pytest.mark.parametrize("batch", [1, 2, 3, 10])
def test_a_turn_is_played_whatever_the_batch(batch: int) -> None:
    model = ScriptedModel([HELLO], batch=batch)

    async def read() -> list[str]:
        async with chat(model).complete_stream() as stream:
            return [delta async for delta in stream.content_delta]

    assert run(read()) == ["Hel", "lo"]
    assert [request.messages for request in model.requests] == [(UserMessage("hi"),)]
    assert (model.opened, model.closed) == (1, 1)


def test_it_is_a_model() -> None:
    model: Model = ScriptedModel([])
    assert model.name == "scripted"


def test_each_request_has_its_turn() -> None:
    def f() -> str:
        return "done"

    call: list[ScriptItem] = [CallStarted(0, "a", "f"), CallEnded(0), TurnEnded(Finish("tool_use"))]
    model = ScriptedModel([call, HELLO])
    final = run(chat(model).with_tools([f]).complete_async())
    assert final.latest_message.content == "Hello"
    assert [request.round for request in model.requests] == [1, 2]
    assert model.requests[1].messages[-1] == ToolResultMessage("a", "f", "done")
    assert (model.opened, model.closed) == (2, 2)


def test_a_request_beyond_the_last_turn_finds_no_connection() -> None:
    model = ScriptedModel([])
    with pytest.raises(StreamingError, match="the script has 0 turns") as caught:
        run(chat(model).complete_async())
    assert isinstance(caught.value.failure, ConnectFailed)
    assert (len(model.requests), model.opened) == (1, 0)


def test_a_turn_without_a_last_event_is_truncated() -> None:
    with pytest.raises(StreamingError) as caught:
        run(chat(ScriptedModel([[TextDelta(0, "Hel")]])).complete_async())
    assert isinstance(caught.value.failure, Truncated)


@pytest.mark.parametrize(("before", "opened"), [((), 0), ((TextDelta(0, "Hel"), TextDelta(0, "lo")), 1)])
@pytest.mark.parametrize("batch", [1, 9])
def test_a_fault_breaks_the_answer(before: tuple[ScriptItem, ...], opened: int, batch: int) -> None:
    model = ScriptedModel([[*before, Fault(ConnectionLost("cut")), *HELLO]], batch=batch)

    async def read() -> str:
        deltas: list[str] = []
        async with chat(model).complete_stream() as stream:
            with pytest.raises(StreamingError, match="cut"):
                async for delta in stream.content_delta:
                    deltas.append(delta)  # what came before the error is kept
        return "".join(deltas)

    assert run(read()) == ("Hello" if before else "")
    assert (model.opened, model.closed) == (opened, opened)


@pytest.mark.parametrize("batch", [1, 9])
def test_a_gate_holds_the_answer_until_it_is_released(batch: int) -> None:
    async def read() -> None:
        gate = Gate()
        model = ScriptedModel([[TextDelta(0, "Hel"), gate, *HELLO[1:]]], batch=batch)
        async with chat(model).complete_stream() as stream:
            deltas = stream.content_delta
            assert await anext(deltas) == "Hel"
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(anext(deltas), 0.02)
            await gate.reached()
            gate.release()
            assert [delta async for delta in deltas] == ["lo"]

    run(read())


def test_a_gate_that_was_released_before_holds_nothing() -> None:
    async def read() -> str:
        gate = Gate()
        gate.release()
        final = await chat(ScriptedModel([[gate, *HELLO]])).complete_async()
        await gate.reached()
        return final.latest_message.content

    assert run(read()) == "Hello"


@pytest.mark.parametrize("last", [STOP, TurnFailed(ConnectionLost("cut"))])
@pytest.mark.parametrize("batch", [1, 9])
def test_nothing_after_a_last_event_is_played(last: ScriptItem, batch: int) -> None:
    decoder = ScriptedModel([[TextDelta(0, "x"), last, TextDelta(0, "LATE"), STOP]], batch=batch).provider().decoder()
    decoder, events = decoder.feed(b"0 0 4")
    assert events == (TextDelta(0, "x"), last)
    assert decoder.feed(b"0 2 4")[1] == decoder.end() == ()


def test_a_model_that_cannot_stream_answers_in_one_piece() -> None:
    async def read() -> str:
        gate = Gate()
        gate.release()
        model = ScriptedModel([[gate, *HELLO]], streams=False)
        with pytest.raises(StreamingNotSupported):
            async with chat(model).complete_stream():
                pass
        final = await chat(model).complete_async()
        assert (len(model.requests), model.opened) == (1, 0)
        return final.latest_message.content

    assert run(read()) == "Hello"
    with pytest.raises(StreamingError, match="cut"):
        run(chat(ScriptedModel([[*HELLO[:2], Fault(ConnectionLost("cut"))]], streams=False)).complete_async())


def test_a_batch_holds_something() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        ScriptedModel([], batch=0)


def test_the_model_needs_no_hypothesis() -> None:
    code = "import sys; sys.modules['hypothesis'] = None; import punk.testing, punk.testing.laws"
    subprocess.run([sys.executable, "-c", code], check=True)
