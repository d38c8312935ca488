"""Runs the sealed calls of one turn side by side and reports what becomes of each as it happens."""

from __future__ import annotations

import asyncio
import contextvars
from dataclasses import dataclass
from typing import Protocol, final

from punk.core.events import ToolAbortRequested, ToolReturned, ToolStarted
from punk.core.parts import ToolCall
from punk.interpreter.tool_call import GRACE_SECONDS, Outcome, run_call
from punk.tools.toolbox import Toolbox


@final
@dataclass(frozen=True, slots=True)
class ToolLimits:
    """Bounds of the tools of a run: how many at once, and how many seconds each; None is no bound."""

    concurrency: int | None = None
    seconds: float | None = None


class Report(Protocol):
    """Takes what happened, with the exception behind it; false if nobody wants more of this round."""

    def __call__(
        self, event: ToolStarted | ToolReturned | ToolAbortRequested, cause: BaseException | None = None
    ) -> bool: ...


async def run_tools(
    calls: tuple[ToolCall, ...], toolbox: Toolbox, limits: ToolLimits, context: contextvars.Context, report: Report
) -> None:
    """Run `calls`, each in a copy of `context`. When `report` says so, or the caller is cancelled, the rest are
    cancelled and awaited."""
    gate = asyncio.Semaphore(limits.concurrency or len(calls))

    async def run_one(call: ToolCall) -> Outcome:
        async with gate:
            report(ToolStarted(call.id))
            return await run_call(call, toolbox, context, limits.seconds)

    tasks = [asyncio.create_task(run_one(call), name="punk-tool") for call in calls]
    pending = set(tasks)
    wanted = True
    try:
        while pending and wanted:
            done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
            for task in sorted(done, key=tasks.index):
                outcome = task.result()
                wanted = report(outcome.event, outcome.abort) and wanted
    finally:
        for task in pending:
            task.cancel()
        if pending:
            await asyncio.wait(pending, timeout=2 * GRACE_SECONDS)
