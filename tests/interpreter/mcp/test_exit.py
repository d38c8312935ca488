"""Tests that nothing of a program is left, and that none holds up the exit."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import sys
import time
from pathlib import Path

import pytest

from punk.core.failures import Failure
from punk.interpreter.mcp.config import MCPServerConfig
from punk.interpreter.mcp.servers import StreamServers
from punk.interpreter.runtime import Runtime
from tests.llm.script import answer, ask
from tests.support.aio import run
from tests.support.mcp_earlier import EARLIER
from tests.support.mcp_raw import RAW
from tests.support.mcp_servers import Tools, is_gone, is_over, over_stdio, until_noted


def test_a_server_that_hangs_does_not_hold_up_the_exit(tmp_path: Path) -> None:
    async def main() -> None:
        servers = StreamServers((over_stdio(notes=tmp_path / "notes"),))
        tools = Tools(await servers.open([]))
        pid, child = int(await tools.text("pid")), int(await tools.text("child"))
        call = asyncio.create_task(tools.ask("hang"))
        await until_noted(tmp_path / "notes", "hanging")
        call.cancel()
        await asyncio.wait({call})
        second = asyncio.create_task(tools.ask("echo", text="x" * 200_000))  # more than a pipe holds
        await asyncio.sleep(0.05)
        second.cancel()
        began = time.monotonic()
        await servers.close()
        assert time.monotonic() - began < 0.9
        assert is_gone(pid)
        assert is_over(child)
        await servers.close()

    run(main(), deadline=20)


def test_closing_goes_on_when_it_is_cancelled(tmp_path: Path) -> None:
    async def main() -> None:
        servers = StreamServers((over_stdio(notes=tmp_path / "notes"),))
        tools = Tools(await servers.open([]))
        pid = int(await tools.text("pid"))
        call = asyncio.create_task(tools.ask("hang"))
        await until_noted(tmp_path / "notes", "hanging")
        closing = asyncio.create_task(servers.close())
        for _ in range(3):
            await asyncio.sleep(0.02)
            closing.cancel()
        await asyncio.wait({closing})
        assert closing.cancelled()
        assert is_gone(pid)
        assert (await call).is_error

    run(main(), deadline=20)


def test_opening_that_is_cancelled_leaves_nothing(tmp_path: Path) -> None:
    async def main() -> int:
        pids = tmp_path / "pid"
        program = f"import os, time; open({str(pids)!r}, 'w').write(str(os.getpid())); time.sleep(60)"
        servers = StreamServers((MCPServerConfig("a", command=[sys.executable, "-c", program]),))
        opening = asyncio.create_task(servers.open([]))
        while not (pids.exists() and pids.read_text()):
            await asyncio.sleep(0.01)
        opening.cancel()
        await asyncio.wait({opening})
        assert opening.cancelled()
        return int(pids.read_text())

    assert is_gone(run(main(), deadline=20))


@pytest.mark.parametrize("hangs", [False, True])
def test_a_loop_that_ends_first_leaves_nothing(tmp_path: Path, hangs: bool) -> None:
    async def main() -> int:
        tools = Tools(await StreamServers((over_stdio(notes=tmp_path / "notes"),)).open([]))
        pid = int(await tools.text("pid"))
        if hangs:
            asyncio.get_running_loop().create_task(tools.ask("hang")).add_done_callback(lambda _: None)
            await until_noted(tmp_path / "notes", "hanging")
        return pid

    began = time.monotonic()
    pid = asyncio.run(main())
    assert is_gone(pid)
    assert time.monotonic() - began < 10


ESCAPED = """
import os, subprocess, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], start_new_session=True)
with open(os.environ["NOTES"], "w") as notes:
    notes.write(str(child.pid))
if asked["params"]["arguments"]["then"] == "exit":
    os._exit(3)
time.sleep(60)
"""


@pytest.mark.parametrize("then", ["exit", "stay"])
def test_a_child_that_escapes_with_the_pipes_keeps_nothing_open(tmp_path: Path, then: str) -> None:
    notes = tmp_path / "notes"
    program = EARLIER.replace(
        "        case _:", f'        case "tools/call":\n            exec({ESCAPED!r})\n        case _:'
    )

    async def main() -> None:
        config = MCPServerConfig("a", command=[sys.executable, "-c", program], env={"NOTES": str(notes)})
        servers = StreamServers((config,))
        tools = Tools(await servers.open([]))
        unread: asyncio.Task[str] | None = None
        call = asyncio.create_task(tools.error("old", then=then))
        while not (notes.exists() and notes.read_text()):
            await asyncio.sleep(0.01)
        if then == "exit":
            assert await call == "the MCP server 'a' died: exited with code 3"
        else:
            unread = asyncio.create_task(tools.error("old", text="x" * 300_000))
            await asyncio.sleep(0.05)
        began = time.monotonic()
        await servers.close()
        assert time.monotonic() - began < 0.9
        if unread is not None:
            assert await call == await unread == "the MCP server 'a' was closed"

    try:
        run(main(), deadline=20)
        gc.collect()
    finally:
        os.kill(int(notes.read_text()), signal.SIGKILL)


NOTED = "import os\nopen(os.environ['NOTES'], 'w').write(str(os.getpid()))\n" + RAW


def test_a_stream_that_is_cancelled_on_entering_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    notes = tmp_path / "notes"

    async def main() -> None:
        is_ready = asyncio.Event()

        async def hangs(_: Runtime) -> Failure | None:
            is_ready.set()
            await asyncio.sleep(20)
            return None

        monkeypatch.setattr(Runtime, "refused", hangs)
        chat, _ = ask(answer("never"))
        config = MCPServerConfig("a", command=[sys.executable, "-c", NOTED, "[]", "null"], env={"NOTES": str(notes)})
        entering = asyncio.create_task(chat.with_mcp_servers([config]).complete_async())
        await is_ready.wait()
        assert not is_gone(int(notes.read_text()))
        entering.cancel()
        await asyncio.wait({entering})
        assert entering.cancelled()
        assert is_gone(int(notes.read_text()))

    run(main(), deadline=20)
