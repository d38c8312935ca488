"""Asks the caller's own function whether a call may run."""

from __future__ import annotations

import asyncio
import contextvars
import reprlib
from collections.abc import Awaitable
from dataclasses import dataclass, field
from typing import final

from punk.core.parts import ToolCall
from punk.errors import ToolExecutionAbortError
from punk.interpreter.threads import in_daemon_thread
from punk.tools.abort import abort_in
from punk.tools.approval import Approve, Denied, Verdict
from punk.tools.result import describe_error
from punk.tools.schema import is_async


@final
@dataclass(frozen=True, slots=True)
class Desk:
    """Where calls are approved. A plain function may read from the terminal: so it is asked one call at a time. Without
    one, no call is approved."""

    approve: Approve | None
    _queue: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def ask(self, call: ToolCall, context: contextvars.Context) -> Denied | None:
        """None if `call` may run.

        Raises `ToolExecutionAbortError` if the function failed, or answered with something else than a verdict: what
        nobody decided must not run.
        """
        if self.approve is None:
            return Denied("There is nobody to approve it.")
        try:
            verdict = await self._verdict(self.approve, call, context)
        except Exception as error:
            if (abort := abort_in(error)) is not None:
                raise abort from None
            raise ToolExecutionAbortError(f"approve failed for {call.name}: {describe_error(error)}") from error
        match verdict:
            case True:
                return None
            case False:
                return Denied()
            case Denied():
                return verdict
            case other:
                given = f"{reprlib.repr(other)} as for {call.name}"
                raise ToolExecutionAbortError(f"approve answers with True, False or Denied(reason), not with {given}")

    async def _verdict(self, approve: Approve, call: ToolCall, context: contextvars.Context) -> Verdict:
        if is_async(approve):
            verdict = approve(call)
        else:
            async with self._queue:
                verdict = await in_daemon_thread(lambda: approve(call), context)
        return await verdict if isinstance(verdict, Awaitable) else verdict
