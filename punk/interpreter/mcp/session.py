"""A session with one MCP server, in a task of its own, which the calls of other tasks share."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any, Final, Literal, TypeVar, final

from punk.core.json import JsonObject
from punk.errors import ConfigurationError
from punk.interpreter.mcp.config import MCPServerConfig
from punk.interpreter.mcp.content import answer_of, error_answer
from punk.interpreter.mcp.http import HttpLink
from punk.interpreter.mcp.stdio import StdioLink
from punk.tools.context import ToolContext
from punk.tools.remote import ToolAnswer
from punk.wire.json import repair_surrogates

if TYPE_CHECKING:
    from mcp.client import Client
    from mcp_types import Tool

R = TypeVar("R")

_COURTESY: Final = 0.1
"""Seconds in which the server is told that its calls are cancelled, before the session ends."""
_EPITAPH: Final = 0.5
"""Seconds that a call whose connection was lost waits for what the session says of its end."""
_PROBE: Final = 5.0
"""Seconds in which a server that was idle shows that it is still there."""
_SHOWN: Final = 300
_LINES: Final = 3
_LOST: Final = "its connection was lost"


@final
class Session:
    """A session with the server of `config`. It starts when it is made; its owner sees that it ends, with `end`."""

    def __init__(self, config: MCPServerConfig) -> None:
        self.config = config
        loop = asyncio.get_running_loop()
        self._deadline = loop.time() + config.start_timeout
        self._link: StdioLink | HttpLink = StdioLink(config) if config.url is None else HttpLink(config)
        self._client: Client | None = None
        self._listed: asyncio.Future[tuple[Tool, ...]] = loop.create_future()
        self._leave: asyncio.Future[None] = loop.create_future()
        self._requests: set[asyncio.Task[Any]] = set()  # of many types, and none is looked at
        self._why = ""  # what ended it; nothing if we did
        self._task = loop.create_task(self._live(), name=f"punk-mcp-{config.name}")

    # What its owner does.

    async def opened(self) -> None:
        """Return once the server's `tools` are known. Raises `ConfigurationError` if it cannot start."""
        left = self._deadline - asyncio.get_running_loop().time()
        steps: set[asyncio.Future[Any]] = {self._listed, self._task}
        await asyncio.wait(steps, timeout=max(left, 0), return_when=asyncio.FIRST_COMPLETED)
        if self._listed.done():
            return
        why = self._why or "it was closed"
        if not self._task.done():
            words = self._link.last_words()
            why = f"it was not ready within {self.config.start_timeout:g} seconds" + (words and f"; {words}")
        raise ConfigurationError(self._told(f"cannot be started: {why}"))

    @property
    def tools(self) -> tuple[Tool, ...]:
        """The tools of a session that was opened."""
        return self._listed.result()

    async def is_alive(self) -> bool:
        """Whether its server still answers; one that is reached by HTTP is asked."""
        client = self._client
        if client is None or self._task.done() or self._link.ended.done():
            return False
        if isinstance(self._link, StdioLink):
            return not self._link.is_deaf
        asked = await self._request(client.list_tools(), _PROBE)
        return asked.done() and not asked.cancelled() and asked.exception() is None

    def end(self) -> asyncio.Task[None]:
        """Begin to end the session. Its task is done once the server and all else of it are gone, within a second."""
        if not self._listed.done():
            self._task.cancel()
        elif not self._leave.done():
            self._leave.set_result(None)
        return self._task

    # What its tools do.

    async def call(self, tool: str, arguments: JsonObject, context: ToolContext) -> ToolAnswer:
        """The server's answer to a call of `tool`; an error that says so where there is none.

        A caller that is cancelled leaves at once; the server is told, and the session lives on.
        """
        client = self._client
        if client is None or self._task.done():
            return error_answer(self._told(self._end_of_it))

        async def heard(progress: float, total: float | None, message: str | None) -> None:
            context.report(message, progress=progress, total=total)

        request = await self._request(client.call_tool(tool, _writable(arguments), progress_callback=heard))
        if not request.done() or request.cancelled():
            return error_answer(self._told(self._end_of_it))
        error = request.exception()
        if error is None:
            return answer_of(request.result().model_dump(mode="json", by_alias=True, exclude_none=True))
        if _is_lost(error):
            await asyncio.wait({self._task}, timeout=_EPITAPH)
        what = self._end_of_it if self._task.done() else f"did not answer the call: {_message(error)}"
        return error_answer(self._told(what))

    async def _request(self, coroutine: Coroutine[object, object, R], patience: float | None = None) -> asyncio.Task[R]:
        """Ask in a task that the session owns, for taking a request back may take the SDK seconds; it may not be done,
        where the session is over or `patience` is."""
        request = asyncio.get_running_loop().create_task(coroutine)
        self._requests.add(request)
        request.add_done_callback(self._answered)
        try:
            await asyncio.wait({request, self._task}, timeout=patience, return_when=asyncio.FIRST_COMPLETED)
        finally:
            request.cancel()
        return request

    def _answered(self, request: asyncio.Task[R]) -> None:
        self._requests.discard(request)
        if not request.cancelled():
            request.exception()  # somebody has looked, even if its caller has left

    # What its task does.

    async def _live(self) -> None:
        try:
            try:
                await self._converse("auto")
            except Exception as error:
                if self._listed.done() or self.config.url is not None or not _is_lost(_first(error)):
                    raise
            else:
                return
            # Some servers end at a request that is younger than they: started anew, they are asked as of old.
            await self._converse("legacy")
        except Exception as error:
            if not self._leave.done():
                self._why = self._reason(error)
        finally:
            await self._take_back()

    async def _converse(self, mode: Literal["auto", "legacy"]) -> None:
        """Hold the session until somebody ends it."""
        from mcp.client import Client

        async with Client(self._link, cache=None, mode=mode) as client:
            self._listed.set_result(await _all_tools(client))
            self._client = client
            ends: set[asyncio.Future[None]] = {self._leave, self._link.ended}
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            if self._leave.done():
                await self._take_back()
            else:
                self._why = _LOST
        if self._why:
            self._why = self._reason(None)  # now that its exit is known

    async def _take_back(self) -> None:
        """Cancel all requests, so that the server is told."""
        for request in self._requests:
            request.cancel()
        if self._requests:
            await asyncio.wait(self._requests, timeout=_COURTESY)

    def _reason(self, error: Exception | None) -> str:
        words = self._link.last_words()
        if error is None or (words and _is_lost(_first(error))):
            return words or _LOST
        return words + (words and "; ") + _message(_first(error))

    @property
    def _end_of_it(self) -> str:
        return f"died: {self._why}" if self._why else "was closed"

    def _told(self, what: str) -> str:
        return self.config.without_secrets(f"the MCP server {self.config.name!r} {what}")


def _writable(arguments: JsonObject) -> JsonObject:
    """`arguments` as text that can be sent: a model may cut an emoji in two."""
    repaired = repair_surrogates(arguments)
    assert isinstance(repaired, dict), "an object stays one"
    return repaired


async def _all_tools(client: Client) -> tuple[Tool, ...]:
    tools: list[Tool] = []
    cursor: str | None = None
    while True:
        page = await client.list_tools(cursor=cursor)
        tools += page.tools
        if not page.next_cursor or page.next_cursor == cursor:
            return tuple(tools)
        cursor = page.next_cursor


def _first(error: BaseException) -> BaseException:
    """The error itself, not the groups around it."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def _is_lost(error: BaseException) -> bool:
    from mcp.shared.exceptions import MCPError
    from mcp_types import CONNECTION_CLOSED

    return isinstance(error, MCPError) and error.code == CONNECTION_CLOSED


def _message(error: BaseException) -> str:
    """The first lines of what `error` says."""
    lines = (line.strip() for line in str(error).strip().splitlines()[:_LINES])
    return " ".join(lines)[:_SHOWN] or type(error).__name__
