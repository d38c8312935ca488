"""Runs the sealed calls of one turn side by side and reports what becomes of each as it happens."""

from __future__ import annotations

import asyncio
import contextvars
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass
from math import inf
from typing import Final, Protocol, final

from returns.methods import unwrap_or_failure

from punk.core.effects import RunTools
from punk.core.parts import ToolCall
from punk.core.tool_events import ToolApproved, ToolEvent, ToolStarted
from punk.interpreter.approval import Desk
from punk.interpreter.tool_call import GRACE_SECONDS, Hearing, Outcome, prepare_call, refused, run_call
from punk.tools.approval import Approve
from punk.tools.schema import FunctionTool
from punk.tools.toolbox import AnyTool, Toolbox

_LEFT: Final = "the run has ended"
"""Read by nobody: the round is not wanted any more."""


@final
@dataclass(frozen=True, slots=True)
class ToolRules:
    """The tools of a run, and how they are run: how many calls at once (None is no bound), how many seconds each, who
    approves those that need it (None is nobody)."""

    toolbox: Toolbox
    concurrency: int | None = None
    seconds: float = inf
    approve: Approve | None = None


class Report(Protocol):
    """Takes what happened, with the exception behind it; false if nobody wants more of this round."""

    def __call__(self, event: ToolEvent, cause: BaseException | None = None) -> bool: ...


async def run_tools(effect: RunTools, rules: ToolRules, context: contextvars.Context, report: Report) -> None:
    """Run the calls of `effect`, each in a copy of `context`. When `report` says so, or the caller is cancelled, the
    rest are cancelled and awaited."""
    gates = _Gates(rules, len(effect.calls))
    desk = Desk(rules.approve)

    async def run_one(call: ToolCall) -> Outcome:
        match unwrap_or_failure(rules.toolbox.lookup(call.name)):
            case str(problem):
                return refused(call, problem)
            case tool:
                pass
        hearing = Hearing(report)
        guarded = call.id in effect.unapproved
        bound = await prepare_call(call, tool, hearing, desk if guarded else None, context)
        if isinstance(bound, Outcome):
            return bound
        if guarded:
            report(ToolApproved(call.id))
        async with gates.own(tool), gates.all:
            if not report(ToolStarted(call.id)):
                # Whoever left was told that what had not begun was not run: so it must not begin.
                return refused(call, _LEFT)
            seconds = rules.seconds if tool.timeout is None else tool.timeout
            return await run_call(call, bound, hearing, context, seconds)

    tasks = [asyncio.create_task(run_one(call), name="punk-tool") for call in effect.calls]
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
        for task in tasks:
            if task.done() and not task.cancelled():
                task.exception()  # looked at: the first one is enough to tell


@final
class _Gates:
    """Let so many calls run at once as the tools and the run allow."""

    def __init__(self, rules: ToolRules, calls: int) -> None:
        self.all = asyncio.Semaphore(rules.concurrency or calls)
        self._own = {
            name: asyncio.Semaphore(tool.concurrency)
            for name, tool in rules.toolbox.by_name.items()
            if isinstance(tool, FunctionTool) and tool.concurrency is not None
        }

    def own(self, tool: AnyTool) -> AbstractAsyncContextManager[object]:
        """The gate of `tool` alone. It comes first: who waits there takes no place from others."""
        return self._own.get(tool.spec.name) or nullcontext()
