"""Starts the MCP server of the tests, and asks the tools of servers."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import final

from punk.core.json import JsonObject
from punk.core.parts import TextPart
from punk.core.tool_events import ToolProgressed
from punk.interpreter.mcp.config import MCPServerConfig
from punk.interpreter.mcp.servers import MCPServers, StreamServers
from punk.tools.context import ToolContext
from punk.tools.remote import RemoteTool, ToolAnswer

PROGRAM = str(Path(__file__).with_name("mcp_server.py"))
PATIENCE = 5.0


def over_stdio(name: str = "files", notes: Path | None = None, **env: str) -> MCPServerConfig:
    """The server as a program of the client's."""
    if notes is not None:
        env["NOTES"] = str(notes)
    return MCPServerConfig(name, command=[sys.executable, PROGRAM, "stdio"], env=env)


@final
class HttpServer:
    """The server as a process that is reached by HTTP."""

    def __init__(self, notes: Path, port: int = 0) -> None:
        self.notes = notes
        env = {**os.environ, "NOTES": str(notes)}
        command = [sys.executable, PROGRAM, "http", str(port)]
        self.process = subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        with self.process.stdout as said:
            self.port = int(said.readline())

    @property
    def url(self) -> str:
        """Where it is reached; the query is a secret."""
        return f"http://127.0.0.1:{self.port}/mcp?key=query-98765"

    def kill(self) -> None:
        """End it at once."""
        self.process.kill()
        self.process.wait(PATIENCE)


@contextmanager
def over_http(notes: Path, port: int = 0) -> Iterator[HttpServer]:
    """A running server, killed at the end of the block."""
    server = HttpServer(notes, port)
    try:
        yield server
    finally:
        server.kill()


@final
class Tools:
    """The tools of a stream, by their names."""

    def __init__(self, tools: tuple[RemoteTool, ...]) -> None:
        self.all = tools
        self.by_name = {tool.spec.name: tool for tool in tools}
        self.reports: list[ToolProgressed] = []

    async def ask(self, name: str, /, **arguments: str) -> ToolAnswer:
        """The answer of the tool `name`."""
        given: JsonObject = {**arguments}
        return await self.by_name[name].ask(given, ToolContext("call", name, self.reports.append))

    async def text(self, name: str, /, **arguments: str) -> str:
        """The text with which the tool `name` answers."""
        answer = await self.ask(name, **arguments)
        assert not answer.is_error, answer
        return text_of(answer)

    async def error(self, name: str, /, **arguments: str) -> str:
        """The text of the error with which the tool `name` answers."""
        answer = await self.ask(name, **arguments)
        assert answer.is_error, answer
        return text_of(answer)


@final
class Opened:
    """The tools of servers of a stream's own, or shared, for a block."""

    def __init__(self, *source: MCPServerConfig | MCPServers, taken: Collection[str] = ()) -> None:
        first = source[0]
        configs = tuple(config for config in source if isinstance(config, MCPServerConfig))
        self._servers = StreamServers(first if isinstance(first, MCPServers) else configs)
        self._taken = taken

    async def __aenter__(self) -> Tools:
        return Tools(await self._servers.open(self._taken))

    async def __aexit__(self, *_: object) -> None:
        await self._servers.close()


def text_of(answer: ToolAnswer) -> str:
    """The text of an answer that is one text."""
    (part,) = answer.parts
    assert isinstance(part, TextPart)
    return part.text


def is_gone(pid: int) -> bool:
    """Whether no process has the id `pid`."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def is_over(pid: int) -> bool:
    """Whether the process `pid`, which is not our child, has ended soon; whoever inherits it may not reap it."""
    patience = time.monotonic() + PATIENCE
    while time.monotonic() < patience:
        try:
            state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return True
        if state == "Z":
            return True
        time.sleep(0.01)
    return False


def noted(notes: Path, what: str) -> bool:
    """Whether the server has noted `what` by now."""
    return notes.exists() and what in notes.read_text(encoding="utf-8").split()


async def until_noted(notes: Path, what: str) -> None:
    """Return once the server has noted `what`."""
    while not noted(notes, what):
        await asyncio.sleep(0.01)
