"""Tests of servers that several chats share."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import pytest

from punk.errors import ConfigurationError
from punk.interpreter.mcp import session
from punk.interpreter.mcp.config import MCPServerConfig
from punk.interpreter.mcp.servers import MCPServers, StreamServers
from tests.support.aio import run
from tests.support.mcp_servers import Opened, Tools, is_gone, over_http, over_stdio, until_noted


def test_sessions_outlive_the_streams_and_end_with_the_block() -> None:
    async def main() -> None:
        async with MCPServers([over_stdio()]) as servers:
            async with Opened(servers) as first, Opened(servers, taken=["echo"]) as second:
                assert "echo" in first.by_name
                assert "files_echo" in second.by_name
                pid = await first.text("pid")
                assert await second.text("pid") == pid
            async with Opened(servers) as third:
                assert await third.text("pid") == pid
        assert is_gone(int(pid))
        assert await third.error("pid") == "the MCP server 'files' was closed"

    run(main(), deadline=20)


def test_a_server_that_died_is_started_anew_for_the_next_stream() -> None:
    async def main() -> None:
        async with MCPServers([over_stdio("a"), over_stdio("b")]) as servers, Opened(servers) as tools:
            before, other = await tools.text("a_pid"), await tools.text("b_pid")
            os.kill(int(before), signal.SIGKILL)
            assert "died: was killed by signal 9" in await tools.error("a_pid")
            async with Opened(servers) as later, Opened(servers) as latest:
                after = await later.text("a_pid")
                assert after != before
                assert await latest.text("a_pid") == after
                assert await later.text("b_pid") == other
            # A stream keeps the tools that it was given.
            assert "died: was killed by signal 9" in await tools.error("a_pid")

    run(main(), deadline=20)


def test_one_that_cannot_be_started_anew(tmp_path: Path) -> None:
    async def main() -> None:
        config = over_stdio("a")
        program = tmp_path / "program"
        program.write_text(f"#!/bin/sh\nexec {' '.join(config.program)}\n", encoding="utf-8")
        program.chmod(0o700)
        moving = MCPServerConfig("b", command=str(program))
        async with MCPServers([config, moving]) as servers, Opened(servers) as tools:
            pid = int(await tools.text("b_pid"))
            assert (await tools.error("b_die")).startswith("the MCP server 'b' died: exited with code 7")
            assert is_gone(pid)
            program.unlink()
            with pytest.raises(ConfigurationError, match=r"^the MCP server 'b' cannot be started: "):
                await StreamServers(servers).open([])
            assert await tools.text("a_echo", text="x") == "echo: x"

    run(main(), deadline=20)


def test_an_http_server_that_was_started_anew_between_two_streams(tmp_path: Path) -> None:
    async def main() -> None:
        with over_http(tmp_path / "first") as server:
            port = server.port
            config = MCPServerConfig("web", url=server.url)
            servers = MCPServers([config])
            await servers.__aenter__()
            async with Opened(servers) as tools:
                before = await tools.text("pid")
        with pytest.raises(ConfigurationError, match=r"^the MCP server 'web' cannot be started: "):
            await StreamServers(servers).open([])
        with over_http(tmp_path / "second", port):
            async with Opened(servers) as tools:
                assert await tools.text("pid") != before
            await servers.__aexit__(None, None, None)

    run(main(), deadline=20)


def test_an_http_server_that_hangs_between_two_streams(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "_PROBE", 0.2)

    async def main() -> None:
        with over_http(tmp_path / "notes") as server:
            async with MCPServers([MCPServerConfig("web", url=server.url, start_timeout=2)]) as servers:
                os.kill(server.process.pid, signal.SIGSTOP)
                with pytest.raises(ConfigurationError, match="'web' cannot be started: it was not ready within 2 s"):
                    await StreamServers(servers).open([])

    run(main(), deadline=20)


def test_leaving_the_block_ends_the_calls_of_streams_that_still_run(tmp_path: Path) -> None:
    async def main() -> None:
        notes = tmp_path / "notes"
        async with MCPServers([over_stdio(notes=notes)]) as servers:
            tools = await Opened(servers).__aenter__()
            call = asyncio.create_task(tools.error("slow"))
            await until_noted(notes, "began")
        assert await call == "the MCP server 'files' was closed"

    run(main(), deadline=20)


def test_leaving_the_block_ends_a_stream_that_is_being_entered() -> None:
    async def main() -> None:
        good = over_stdio("a")
        async with MCPServers([good]) as servers:
            async with Opened(servers) as tools:
                assert (await tools.error("die")).startswith("the MCP server 'a' died")
            entering = asyncio.create_task(StreamServers(servers).open([]))
            await asyncio.sleep(0.05)
        with pytest.raises(ConfigurationError, match="it was closed"):
            await entering

    run(main(), deadline=20)


def test_where_and_when_they_may_be_used() -> None:
    servers = MCPServers([over_stdio()])

    async def enter_stream() -> None:
        await StreamServers(servers).open([])

    async def main() -> None:
        with pytest.raises(ConfigurationError, match="are not open"):
            await enter_stream()
        async with servers:
            with pytest.raises(ConfigurationError, match="open already"):
                await servers.__aenter__()
            await enter_stream()
            with pytest.raises(ConfigurationError, match="another event loop"):
                await asyncio.to_thread(asyncio.run, enter_stream())
        with pytest.raises(ConfigurationError, match="are not open"):
            await enter_stream()
        async with servers:
            await enter_stream()

    asyncio.run(asyncio.wait_for(main(), 20))  # `to_thread` keeps a thread


def test_a_block_that_cannot_be_entered() -> None:
    async def main() -> None:
        servers = MCPServers([MCPServerConfig("bad", command="punk-no-such-program")])
        for _ in range(2):
            with pytest.raises(ConfigurationError, match="'bad' cannot be started"):
                async with servers:
                    pass

    run(main())


@pytest.mark.parametrize("wrong", [[over_stdio(), over_stdio()], ["files"]])
def test_what_is_no_set_of_servers(wrong: list[MCPServerConfig]) -> None:
    with pytest.raises(ConfigurationError, match=r"two MCP servers are called|not str"):
        MCPServers(wrong)


@pytest.mark.parametrize("moments", [0, 1, 3, 30])
def test_a_block_that_is_left_while_a_stream_starts_what_died_leaves_nothing(moments: int) -> None:
    async def main() -> None:
        async with MCPServers([over_stdio()]) as servers:
            tools = Tools(await StreamServers(servers).open([]))
            os.kill(int(await tools.text("pid")), signal.SIGKILL)
            await tools.error("echo", text="x")
            stream = asyncio.create_task(StreamServers(servers).open([]))
            for _ in range(moments):
                await asyncio.sleep(0)
        await asyncio.wait({stream})
        assert isinstance(stream.exception(), ConfigurationError)
        # Each has its session's task, which ends with its program.
        assert [task.get_name() for task in asyncio.all_tasks() if "mcp" in task.get_name()] == []

    run(main(), deadline=20)


def test_a_stream_that_waits_for_servers_that_cannot_be_entered_starts_none() -> None:
    async def main() -> None:
        servers = MCPServers([over_stdio(), MCPServerConfig("bad", command="punk-no-such-program")])
        entering = asyncio.create_task(servers.__aenter__())
        await asyncio.sleep(0)
        stream = asyncio.create_task(StreamServers(servers).open([]))
        await asyncio.wait({entering, stream})
        assert isinstance(entering.exception(), ConfigurationError)
        assert isinstance(stream.exception(), ConfigurationError)
        assert [task.get_name() for task in asyncio.all_tasks() if "mcp" in task.get_name()] == []

    run(main(), deadline=20)
