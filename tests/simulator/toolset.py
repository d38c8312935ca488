"""The tools of the simulated world, and who approves their calls."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from math import inf
from typing import Any, Final

from punk.core.parts import ToolCall
from punk.errors import StreamingError, ToolExecutionAbortError
from punk.llm.tools import Approve, AsTool, Denied, Tool, ToolContext, Verdict
from tests.simulator.life import EPSILON, Life
from tests.simulator.threads import Here

STUCK: Final = 0.5
"""Seconds that a stuck tool is given."""


async def quick(context: ToolContext) -> str:
    Here.life.runs_tool(context.call_id, False)
    return "quick"


async def slow(context: ToolContext, seconds: float = 0.1, deaf: float = 0.0) -> str:
    life = Here.life
    life.runs_tool(context.call_id, False)
    context.report("begun", progress=0)
    await _passes(seconds, deaf, life.tool_seconds)
    context.report(progress=1)
    return f"after {seconds}"


def plain(context: ToolContext) -> str:
    Here.life.runs_tool(context.call_id, True)
    context.report("plain")
    return "plain"


def suspended(context: ToolContext, seconds: float = 0.0) -> Awaitable[str]:
    Here.life.runs_tool(context.call_id, True)
    return _later(seconds)


async def _later(seconds: float) -> str:
    await asyncio.sleep(seconds)
    return "later"


async def raises(context: ToolContext) -> str:
    Here.life.runs_tool(context.call_id, False)
    raise ValueError("no")


async def aborts(context: ToolContext, seconds: float = 0.0) -> str:
    life = Here.life
    life.runs_tool(context.call_id, False)
    await asyncio.sleep(seconds)
    error = ToolExecutionAbortError(f"{context.call_id} stops")
    life.aborts.append(error)
    raise error


async def cancels_itself(context: ToolContext) -> str:
    Here.life.runs_tool(context.call_id, False)
    raise asyncio.CancelledError


async def stuck(context: ToolContext, deaf: float = 0.0) -> str:
    Here.life.runs_tool(context.call_id, False)
    await _passes(inf, deaf, STUCK)
    return "never"


async def guarded(context: ToolContext) -> str:
    Here.life.runs_tool(context.call_id, False)
    return "guarded"


def guarded_plain(context: ToolContext) -> str:
    Here.life.runs_tool(context.call_id, True)
    return "guarded"


async def reentrant(context: ToolContext) -> str:
    life = Here.life
    life.runs_tool(context.call_id, False)
    if life.stream is not None:
        try:
            await anext(aiter(life.stream.content))
        except StreamingError:
            return "refused"
        life.blame("a tool could read the stream that waits for it")
    return "alone"


async def leaves(context: ToolContext, seconds: float = 0.0) -> str:
    life = Here.life
    life.runs_tool(context.call_id, False)
    await asyncio.sleep(seconds)
    # Some rounds of the loop later, so that others may be anywhere between two steps.
    for _ in range(int(life.random.random() * 6)):
        await asyncio.sleep(0)
    if life.stream is not None:
        life.stream.cancel()
        await asyncio.sleep(0.001)
        life.blame("a tool went on after it cancelled the stream")
    return "left"


async def single(context: ToolContext, seconds: float = 0.0) -> str:
    life = Here.life
    life.runs_tool(context.call_id, False)
    life.single += 1
    if life.single > 1:
        life.blame("two calls run of a tool that runs alone")
    try:
        await asyncio.sleep(seconds)
    finally:
        life.single -= 1
    return "single"


async def _passes(seconds: float, deaf: float, limit: float) -> None:
    life = Here.life
    life.busy += 1
    try:
        await _listens(life, seconds, deaf, limit)
    finally:
        life.busy -= 1


async def _listens(life: Life, seconds: float, deaf: float, limit: float) -> None:
    begun = life.loop._now
    try:
        if seconds == inf:
            await life.for_ever(limit)
        else:
            await asyncio.sleep(seconds)
    except asyncio.CancelledError:
        if not life.is_over and abs(life.loop._now - begun - limit) > EPSILON:
            life.blame(f"a tool was broken off after {life.loop._now - begun:g} s, and {limit:g} is its clock")
        if deaf:
            life.deaf_tools = True
            await asyncio.sleep(deaf)
        raise
    if life.loop._now - begun > limit + EPSILON:
        life.blame(f"a tool ran for {life.loop._now - begun:g} s, and {limit:g} is its clock")


TOOLS: Final[tuple[AsTool, ...]] = (
    quick,
    slow,
    plain,
    suspended,
    raises,
    aborts,
    cancels_itself,
    Tool(stuck, timeout=STUCK),
    Tool(guarded, requires_approval=True),
    Tool(guarded_plain, requires_approval=True, concurrency=1),
    reentrant,
    leaves,
    Tool(single, concurrency=1),
)


async def _yes(call: ToolCall) -> bool:
    return True


async def _no(call: ToolCall) -> Verdict:
    await asyncio.sleep(0)
    return False


async def _slow(call: ToolCall) -> bool:
    await asyncio.sleep(0.4)
    return True


async def _odd(call: ToolCall) -> Verdict:
    await asyncio.sleep(0.01)
    return Denied("odd") if call.id[-1] in "13" else True


def _plain(call: ToolCall) -> bool:
    return True


async def _raises(call: ToolCall) -> bool:
    raise ValueError("who knows")


async def _aborts(call: ToolCall) -> bool:
    error = ToolExecutionAbortError(f"{call.id} must not be")
    Here.life.aborts.append(error)
    raise error


async def _never(call: ToolCall) -> bool:
    await Here.life.for_ever(inf)
    return True


async def _nonsense(call: ToolCall) -> Any:
    return "maybe"


APPROVALS: Final[dict[str, Approve]] = {
    "yes": _yes,
    "no": _no,
    "slow": _slow,
    "odd": _odd,
    "plain": _plain,
    "raises": _raises,
    "aborts": _aborts,
    "never": _never,
    "nonsense": _nonsense,
}
