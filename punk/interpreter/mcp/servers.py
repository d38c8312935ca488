"""The MCP servers of a stream, or of several: opened side by side, their tools told apart, closed together."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Collection, Iterable, Sequence
from functools import partial
from typing import Self, TypeAlias, final

from punk.core.request import ToolSpec
from punk.errors import ConfigurationError
from punk.interpreter.mcp.config import MCPServerConfig
from punk.interpreter.mcp.content import parameters_of
from punk.interpreter.mcp.naming import told_apart
from punk.interpreter.mcp.session import Session
from punk.interpreter.threads import in_daemon_thread
from punk.tools.remote import RemoteTool

_EXTRA = 'MCP servers need an extra. Run: pip install "punk-llm[mcp]"'


@final
class MCPServers:
    """MCP servers that several chats share: their sessions stay open for the whole `async with` block.

        async with MCPServers([MCPServerConfig("files", command="mcp-files")]) as servers:
            chat = Chat(...).with_mcp_servers(servers)

    Entering starts them; `ConfigurationError` says which one cannot be. One that dies is started anew when the next
    stream that uses it is entered. They belong to the event loop of their block. Once a block was left, another one may
    be entered.
    """

    def __init__(self, servers: Sequence[MCPServerConfig]) -> None:
        self._configs = checked(servers)
        self._open: tuple[asyncio.AbstractEventLoop, _Fleet] | None = None

    async def __aenter__(self) -> Self:
        if self._open is not None:
            raise ConfigurationError("these MCP servers are open already: use them inside the block that opened them")
        fleet = _Fleet(self._configs)
        self._open = (asyncio.get_running_loop(), fleet)
        try:
            await fleet.start()
        except BaseException:
            self._open = None
            await fleet.end()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._open is not None:
            fleet = self._open[1]
            self._open = None
            await fleet.end()

    def _fleet(self) -> _Fleet:
        if self._open is None:
            raise ConfigurationError("the MCPServers of this chat are not open: use it inside their `async with` block")
        loop, fleet = self._open
        if loop is not asyncio.get_running_loop():
            raise ConfigurationError("the MCPServers of this chat belong to another event loop: open some in this one")
        return fleet


MCPSource: TypeAlias = tuple[MCPServerConfig, ...] | MCPServers
"""Where the MCP tools of a chat come from: servers of each stream's own, or shared ones."""


@final
class StreamServers:
    """The MCP servers of one stream. It ends those that it started itself; shared ones live on."""

    def __init__(self, source: MCPSource) -> None:
        self._source = source
        self._own: _Fleet | None = None

    async def open(self, taken: Collection[str]) -> tuple[RemoteTool, ...]:
        """The tools of all servers, once these are ready, with names that are not in `taken`.

        Raises `ConfigurationError` if one cannot be started; then, as when cancelled, nothing is left of any.
        """
        source = self._source
        if isinstance(source, MCPServers):
            fleet = source._fleet()
        else:
            fleet = self._own = _Fleet(checked(source))
        try:
            await fleet.start()
            return fleet.tools(taken)
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """End what `open` started, even if the caller is cancelled meanwhile. It may be called again."""
        if self._own is not None:
            await self._own.end()


def checked(servers: Iterable[MCPServerConfig]) -> tuple[MCPServerConfig, ...]:
    """`servers`, of which no two have the same name. Raises `ConfigurationError` otherwise."""
    if not isinstance(servers, Iterable):
        raise ConfigurationError(f"MCP servers are a list of MCPServerConfig, or MCPServers, not {servers!r:.60}")
    given = tuple(servers)
    names: set[str] = set()
    for server in given:
        if not isinstance(server, MCPServerConfig):
            raise ConfigurationError(f"an MCP server is an MCPServerConfig, not {type(server).__name__}")
        if server.name in names:
            raise ConfigurationError(f"two MCP servers are called {server.name!r}: give each a name of its own")
        names.add(server.name)
    return given


@final
class _Fleet:
    """One session for each of `configs`, in their order."""

    def __init__(self, configs: tuple[MCPServerConfig, ...]) -> None:
        self._configs = configs
        self._sessions: dict[str, Session] | None = {}
        """By the names of their servers; None once the fleet has ended."""
        self._turn = asyncio.Lock()

    async def start(self) -> None:
        """Start those that do not run, side by side."""
        if not self._configs:
            return
        try:
            # It takes as long as an SDK does: not in the loop.
            await in_daemon_thread(_load, contextvars.copy_context())
        except ImportError as error:
            raise ConfigurationError(_EXTRA) from error
        async with self._turn:
            probed = dict(self._living)
            async with asyncio.TaskGroup() as group:
                asked = {name: group.create_task(session.is_alive()) for name, session in probed.items()}
            # Asked for again after each wait: the fleet may have ended meanwhile, and then nothing more must start.
            sessions = self._living
            dead = [sessions.pop(name) for name, alive in asked.items() if not alive.result()]
            gone = [config for config in self._configs if config.name not in sessions]
            fresh = {config.name: Session(config) for config in gone}
            sessions |= fresh
            await _ended(dead)
            try:
                async with asyncio.TaskGroup() as group:
                    for session in fresh.values():
                        group.create_task(session.opened())
            except BaseException as error:
                for name in fresh:
                    sessions.pop(name, None)
                await _ended(fresh.values())
                if isinstance(error, ExceptionGroup):
                    # The first to fail is what its user has to mend.
                    raise error.exceptions[0] from None
                raise

    @property
    def _living(self) -> dict[str, Session]:
        if self._sessions is None:
            raise ConfigurationError("the MCP servers of this chat were closed meanwhile")
        return self._sessions

    def tools(self, taken: Collection[str]) -> tuple[RemoteTool, ...]:
        """The tools of all sessions, with names that are not in `taken`."""
        sessions = [self._living[config.name] for config in self._configs]
        for session in sessions:
            session.config.check_guarded([tool.name for tool in session.tools])
        listed = [(session, tool) for session in sessions for tool in session.tools]
        names = told_apart(taken, [(session.config.name, tool.name) for session, tool in listed])
        offered: list[RemoteTool] = []
        for name, (session, tool) in zip(names, listed, strict=True):
            hints = tool.annotations
            spec = ToolSpec(
                name,
                tool.description or tool.title or "",
                parameters_of(tool.input_schema),
                requires_approval=session.config.asks_approval(tool.name),
                idempotent=hints is not None and bool(hints.idempotent_hint or hints.read_only_hint),
            )
            offered.append(RemoteTool(spec, partial(session.call, tool.name), session.config.timeout))
        return tuple(offered)

    async def end(self) -> None:
        """End all sessions, even if the caller is cancelled meanwhile."""
        sessions, self._sessions = self._sessions or {}, None
        await _ended(sessions.values())


def _load() -> None:
    import mcp.client
    import mcp.client.streamable_http  # noqa: F401  # most of what sessions use comes with these


async def _ended(sessions: Iterable[Session]) -> None:
    left = {session.end() for session in sessions}
    cancelled: asyncio.CancelledError | None = None
    while left:
        try:
            _, left = await asyncio.wait(left)
        except asyncio.CancelledError as error:
            cancelled = error  # each has an end of its own
            left = {task for task in left if not task.done()}
    if cancelled is not None:
        raise cancelled
