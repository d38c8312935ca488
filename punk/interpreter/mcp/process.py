"""A program that is spoken to in lines: its process group, its pipes, and an end that it cannot put off."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Final, Literal, TypeAlias, cast, final

GRACE: Final = 0.2
"""Seconds that the program has for each step of its end before it is made to take the next one."""
_LAST: Final = 1.0
"""Seconds after SIGKILL: only a process that may not be killed at all takes them."""
_LONGEST_LINE: Final = 2**26
_TAIL: Final = 2**12

Step: TypeAlias = Literal["asked", "told"]
"""How far its end has been pressed, before it is killed: its input was closed, it had SIGTERM."""
_STEPS: Final[tuple[Step, ...]] = ("asked", "told")


@final
class Program(asyncio.SubprocessProtocol):
    """A running program, in a process group of its own. Made by `start`, and to be ended by `stop`.

    Not asyncio's Process: that one waits for whoever has inherited the pipes, and has no end of its own.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.ended: asyncio.Future[None] = loop.create_future()
        """Done once the program has closed its output or has exited."""
        self._loop = loop
        self._exited: asyncio.Future[None] = loop.create_future()
        self._released: asyncio.Future[None] = loop.create_future()
        self._transport: asyncio.SubprocessTransport | None = None
        self._input: asyncio.WriteTransport | None = None
        self._unfinished = bytearray()
        self._lines: deque[bytes] = deque()
        self._waiting: asyncio.Future[None] | None = None
        self._errors = bytearray()
        self._pressed: Step | None = None
        self.fate: str = ""
        """How it ended by itself, as in "exited with code 1"; empty if it did not."""

    @classmethod
    async def start(cls, words: Sequence[str], env: Mapping[str, str], cwd: str | os.PathLike[str] | None) -> Program:
        """The program of `words`, which sees only `env`. Raises OSError or ValueError where it cannot be started."""
        loop = asyncio.get_running_loop()
        program = cls(loop)
        await loop.subprocess_exec(lambda: program, *words, env=dict(env), cwd=cwd, start_new_session=True)
        return program

    # What the loop tells of it.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It runs."""
        self._transport = cast("asyncio.SubprocessTransport", transport)
        self._input = cast("asyncio.WriteTransport | None", self._transport.get_pipe_transport(0))

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        """Keep whole lines of the output, and the end of what it says on stderr."""
        if fd == 2:
            self._errors += data
            del self._errors[:-_TAIL]
            return
        if b"\n" in data:
            *lines, rest = data.split(b"\n")
            self._lines.append(bytes(self._unfinished) + lines[0])
            self._lines.extend(lines[1:])
            self._unfinished = bytearray(rest)
            self._wake()
        else:
            self._unfinished += data
            if len(self._unfinished) > _LONGEST_LINE:
                self._end()

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:
        """The output has ended: nothing comes after it."""
        if fd == 1:
            self._end()

    def process_exited(self) -> None:
        """Its exit is known, and it has been reaped."""
        code = None if self._transport is None else self._transport.get_returncode()
        if self._pressed is None and code is not None:
            self.fate = f"exited with code {code}" if code >= 0 else f"was killed by signal {-code}"
        self._settle(self._exited)
        # What it had written is still to be read; its children may keep the output open for good.
        self._loop.call_later(GRACE / 2, self._end)

    def connection_lost(self, exc: Exception | None) -> None:
        """The process and all pipes are gone."""
        self._settle(self._released)

    # What a session does with it.

    async def line(self) -> bytes | None:
        """The next line of its output, without its end; None once there is none. A cancelled wait loses nothing."""
        while not self._lines:
            if self.ended.done():
                return None
            self._waiting = self._loop.create_future()
            await self._waiting
        return self._lines.popleft()

    def write(self, data: bytes) -> bool:
        """Send `data` to its input, without waiting; False if that is closed."""
        if self._input is None or self._input.is_closing():
            return False
        self._input.write(data)
        return True

    async def stop(self) -> None:
        """End the program and its children, whatever they do, and let go of all. It takes less than a second.

        A caller that is cancelled meanwhile makes it only harsher.
        """
        cancelled: asyncio.CancelledError | None = None
        for step in _STEPS:
            try:
                if self._pressed is None and (self.ended.done() or self.is_deaf):
                    # An exit of its own is told apart from one that we ask for.
                    await asyncio.wait({self._exited}, timeout=GRACE)
                if not self._exited.done():
                    self._press(step)
                    await asyncio.wait({self._exited}, timeout=GRACE)
            except asyncio.CancelledError as error:
                cancelled = error
        self._kill()  # its children outlive it otherwise
        late = await self._persist(self._exited)
        self._close()
        later = await self._persist(self._released)
        self._end()
        if (cancelled := later or late or cancelled) is not None:
            raise cancelled

    async def _persist(self, future: asyncio.Future[None]) -> asyncio.CancelledError | None:
        """Wait for `future`, even if the caller is cancelled: then that is the result."""
        cancelled: asyncio.CancelledError | None = None
        deadline = self._loop.time() + _LAST
        while not future.done() and (left := deadline - self._loop.time()) > 0:
            try:
                await asyncio.wait({future}, timeout=left)
            except asyncio.CancelledError as error:
                cancelled = error
        return cancelled

    @property
    def last_words(self) -> str:
        """The end of what it has said on stderr."""
        return self._errors.decode("utf-8", "replace").strip()

    @property
    def is_deaf(self) -> bool:
        """Whether its input is closed."""
        return self._input is None or self._input.is_closing()

    def _press(self, step: Step) -> None:
        self._pressed = step
        match step:
            case "asked":
                if self._input is not None:
                    self._input.close()
            case "told":
                self._signal(signal.SIGTERM)

    def _kill(self) -> None:
        self._signal(signal.SIGTERM if sys.platform == "win32" else signal.SIGKILL)

    def _signal(self, number: signal.Signals) -> None:
        transport = self._transport
        if transport is None:
            return
        with suppress(ProcessLookupError, PermissionError):
            if sys.platform == "win32":
                transport.send_signal(number)
            else:
                os.killpg(transport.get_pid(), number)

    def _close(self) -> None:
        transport = self._transport
        if transport is not None:
            if self._input is not None and (not self.is_deaf or self._input.get_write_buffer_size()):
                self._input.abort()  # what was never read would keep it open
            transport.close()

    def _end(self) -> None:
        if self._pressed is None and not self.fate:
            self.fate = "closed its output"
        self._settle(self.ended)
        self._wake()

    def _wake(self) -> None:
        if self._waiting is not None:
            self._settle(self._waiting)

    @staticmethod
    def _settle(future: asyncio.Future[None]) -> None:
        if not future.done():
            future.set_result(None)
