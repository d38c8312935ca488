"""Which exception ends a run, where tools, validators or whoever is asked raise several."""

from __future__ import annotations

import asyncio
from typing import Annotated

import pytest
from pydantic import BeforeValidator

from punk.core.parts import ToolCall
from punk.errors import ToolExecutionAbortError
from punk.llm.chat import Chat
from punk.llm.tools import AsTool, Tool
from tests.llm.script import CALLS, START, answer, ask, call
from tests.support.aio import run

STOP = ToolExecutionAbortError("Enough.")
ABORTS = ExceptionGroup("several", [ValueError("no"), ExceptionGroup("inner", [STOP])])


def calling(tool: AsTool) -> Chat:
    chat, _ = ask([START, *call("tool", '{"n": 1}'), CALLS], answer("never"))
    return chat.with_tools([tool])


@pytest.mark.parametrize("interrupt", [KeyboardInterrupt(), SystemExit()])
def test_an_interrupt_beside_an_abort_comes_first(interrupt: BaseException) -> None:
    both = BaseExceptionGroup("both", [STOP, BaseExceptionGroup("inner", [interrupt])])

    async def tool(n: int) -> str:
        raise both

    with pytest.raises(BaseExceptionGroup) as caught:
        calling(tool).complete()
    assert caught.value is both


def test_of_two_aborts_that_of_the_first_call_is_raised() -> None:
    async def tool(n: int) -> str:
        raise ToolExecutionAbortError(str(n))

    async def main() -> None:
        calls = [event for n in range(8) for event in call("tool", f'{{"n": {n}}}', block=n, id=f"c{n}")]
        for _ in range(5):
            chat, _ = ask([START, *calls, CALLS])
            with pytest.raises(ToolExecutionAbortError, match=r"^0$"):
                await chat.with_tools([tool]).complete_async()

    run(main())


def _refuse(_: object) -> int:
    raise ABORTS


def test_a_validator_may_end_the_stream_in_a_group() -> None:
    def tool(n: Annotated[int, BeforeValidator(_refuse)]) -> str:
        return "ran"

    with pytest.raises(ToolExecutionAbortError) as caught:
        calling(tool).complete()
    assert caught.value is STOP


async def _ask_in_vain(_: ToolCall) -> bool:
    async with asyncio.TaskGroup() as group:
        group.create_task(_fail())
    return True


async def _fail() -> None:
    raise STOP


def _ask_aloud(_: ToolCall) -> bool:
    raise ABORTS


@pytest.mark.parametrize("approve", [_ask_in_vain, _ask_aloud])
def test_who_decides_may_end_the_stream_in_a_group(approve: object) -> None:
    def tool(n: int) -> str:
        return "ran"

    with pytest.raises(ToolExecutionAbortError) as caught:
        calling(Tool(tool, requires_approval=True)).complete(approve=approve)  # type: ignore[arg-type]  # one of these
    assert caught.value is STOP
