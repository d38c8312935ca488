"""The way to an MCP server that is a program of ours: JSON-RPC, one message a line, through its pipes.

Not `mcp.client.stdio`: there a server that hangs holds up the exit for seconds, and its last words go to our stderr.
Here they are kept for the error that needs them; logging them is what a server has its own means for.
"""

from __future__ import annotations

import asyncio
import shutil
from typing import TYPE_CHECKING, Final, Self, final

from punk.errors import ConfigurationError
from punk.interpreter.mcp.config import MCPServerConfig
from punk.interpreter.mcp.lines import read_line
from punk.interpreter.mcp.process import Program

if TYPE_CHECKING:
    from mcp.shared.message import SessionMessage

_SHOWN: Final = 500
"""Characters of what a server has printed that an error shows."""


_AT_ONCE: Final = 50
"""Lines that are taken before others have their turn."""


@final
class StdioLink:
    """Starts the program of `config` when it is entered, and ends it when it is left."""

    def __init__(self, config: MCPServerConfig) -> None:
        self._config = config
        self._program: Program | None = None
        self._incoming: _Incoming | None = None

    async def __aenter__(self) -> tuple[_Incoming, _Outgoing]:
        from mcp.client.stdio import get_default_environment

        env = get_default_environment() | dict(self._config.env or {})
        first, *arguments = self._config.program
        # On Windows, only what is called by its whole name (npx.cmd) can be started.
        words = (shutil.which(first, path=env.get("PATH")) or first, *arguments)
        try:
            self._program = program = await Program.start(words, env, self._config.cwd)
        except OSError as error:
            raise ConfigurationError(_cannot_run(first, self._config, error)) from error
        except ValueError as error:
            raise ConfigurationError(f"{first!r} cannot be run: {error}") from error
        self._incoming = _Incoming(program)
        return self._incoming, _Outgoing(program)

    async def __aexit__(self, *_: object) -> None:
        if self._program is not None:
            await self._program.stop()

    @property
    def ended(self) -> asyncio.Future[None]:
        """Done once the server has ended by itself; there once the link is entered."""
        assert self._program is not None
        return self._program.ended

    @property
    def is_deaf(self) -> bool:
        """Whether the server has closed its input: nothing more can be asked of it."""
        return self._program is None or self._program.is_deaf

    def last_words(self) -> str:
        """What an error should say of the server's end, maybe nothing. It may hold secrets."""
        program = self._program
        if program is None:
            return ""
        noise = "" if self._incoming is None else self._incoming.noise
        said = [program.fate, noise and f"it printed what is not MCP: {noise[:_SHOWN]!r}"]
        if words := program.last_words:
            said.append(f"it said: {words if len(words) <= _SHOWN else '…' + words[1 - _SHOWN :]}")
        return "; ".join(part for part in said if part)


def _cannot_run(program: str, config: MCPServerConfig, error: OSError) -> str:
    what = error.strerror or type(error).__name__
    if config.cwd is not None and error.filename == config.cwd:
        return f"its cwd {config.cwd!r} cannot be used: {what}"
    hint = "; arguments are items of their own: command=[program, argument]" if " " in program else ""
    return f"{error.filename or program!r} cannot be run: {what}{hint}"


@final
class _Incoming:
    """The messages of the server, as `mcp` reads them; `noise` is the first line that was none."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._taken = 0
        self.noise: str = ""

    async def receive(self) -> SessionMessage | Exception:
        from anyio import EndOfStream

        try:
            return await self.__anext__()
        except StopAsyncIteration:
            raise EndOfStream from None

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> SessionMessage | Exception:
        while (line := await self._program.line()) is not None:
            self._taken += 1
            if self._taken % _AT_ONCE == 0:
                await asyncio.sleep(0)  # what comes in a flood is not to hold up the loop
            if (message := read_line(line)) is not None:
                return message
            # A server that greets its terminal first may still be one.
            self.noise = self.noise or line.decode("utf-8", "replace").strip()
        raise StopAsyncIteration

    async def aclose(self) -> None:
        """The pipe is closed with the program."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()


@final
class _Outgoing:
    """Takes the messages for the server, as `mcp` writes them. It never waits: a server that hangs blocks nobody."""

    def __init__(self, program: Program) -> None:
        self._program = program

    async def send(self, item: SessionMessage, /) -> None:
        from anyio import BrokenResourceError

        line = item.message.model_dump_json(by_alias=True, exclude_unset=True)
        if not self._program.write(line.encode("utf-8", "replace") + b"\n"):
            raise BrokenResourceError

    async def aclose(self) -> None:
        """The pipe is closed with the program."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()
