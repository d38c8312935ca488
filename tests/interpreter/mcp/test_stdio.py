"""Tests of servers that are programs of ours: what they answer, and how they die."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from pathlib import Path

import pytest

from punk.core.media import InlineMedia
from punk.core.parts import DocumentPart, ImagePart, TextPart
from punk.core.tool_events import ToolProgressed
from punk.errors import ConfigurationError
from punk.interpreter.mcp.config import MCPServerConfig
from punk.interpreter.mcp.servers import StreamServers
from tests.support.aio import run
from tests.support.mcp_earlier import EARLIER
from tests.support.mcp_server import PNG
from tests.support.mcp_servers import Opened, Tools, is_gone, is_over, noted, over_stdio, until_noted


def test_what_a_server_answers() -> None:
    async def main() -> None:
        async with Opened(over_stdio(SECRET="from the config"), taken=["pid"]) as tools:
            assert await tools.text("echo", text="hi") == "echo: hi"
            long = "ä" * 300_000
            assert await tools.text("echo", text=long) == f"echo: {long}"
            assert await tools.text("variable", name="SECRET") == "from the config"
            assert await tools.text("variable", name="PUNK_TEST_UNSEEN") == "(unset)"
            assert await tools.error("fail") == "no such luck"
            assert await tools.text("steps") == "arrived"
            assert tools.reports == [
                ToolProgressed("call", "half way", 1.0, 2.0),
                ToolProgressed("call", None, 2.0, 2.0),
            ]
            assert (await tools.ask("gallery")).parts == (
                ImagePart(InlineMedia("image/png", PNG)),
                DocumentPart(InlineMedia("audio/wav", PNG)),
                TextPart("a note"),
                DocumentPart(InlineMedia("application/octet-stream", PNG), "plan 1.pdf"),
                TextPart("y\nfile:///x/y.txt"),
                TextPart("(image/png that cannot be read: it is not valid base64)"),
            )
            assert await tools.text("dotted_n_me") == "dotted"
            assert "echo" in await tools.error("echo")  # a bad call says what is wrong with it
            assert "pid" not in tools.by_name
            assert (await tools.text("files_pid")).isdigit()
            described(tools)

    os.environ["PUNK_TEST_UNSEEN"] = "seen"
    try:
        run(main(), deadline=20)
    finally:
        del os.environ["PUNK_TEST_UNSEEN"]


def described(tools: Tools) -> None:
    echo = tools.by_name["echo"]
    assert echo.spec.description == "Say it again."
    assert '"required":["text"]' in echo.spec.parameters
    assert (echo.spec.idempotent, tools.by_name["fail"].spec.idempotent) == (True, False)
    assert not echo.spec.requires_approval
    assert echo.timeout is None


def test_two_servers_side_by_side() -> None:
    async def main() -> None:
        first = over_stdio("a")
        second = MCPServerConfig(
            "b", command=first.program, env={}, timeout=7, requires_approval={"fail"}, start_timeout=20
        )
        async with Opened(first, second) as tools:
            assert [tool.spec.name for tool in tools.all][:2] == ["a_echo", "a_variable"]
            assert await tools.text("a_pid") != await tools.text("b_pid")
            assert tools.by_name["b_fail"].spec.requires_approval
            assert not tools.by_name["b_echo"].spec.requires_approval
            assert not tools.by_name["a_fail"].spec.requires_approval
            assert (tools.by_name["a_pid"].timeout, tools.by_name["b_pid"].timeout) == (None, 7)

    run(main(), deadline=20)


def test_a_call_that_is_cancelled_leaves_the_session_usable(tmp_path: Path) -> None:
    notes = tmp_path / "notes"

    async def main() -> None:
        async with Opened(over_stdio(notes=notes)) as tools:
            call = asyncio.create_task(tools.ask("slow"))
            await until_noted(notes, "began")
            began = time.monotonic()
            call.cancel()
            await asyncio.wait({call})
            assert call.cancelled()
            assert time.monotonic() - began < 0.1
            await until_noted(notes, "cancelled")
            assert await tools.text("echo", text="still here") == "echo: still here"

    run(main(), deadline=20)


def test_the_server_is_told_of_calls_that_its_end_cancels(tmp_path: Path) -> None:
    notes = tmp_path / "notes"

    async def main() -> None:
        async with Opened(over_stdio(notes=notes)) as tools:
            call = asyncio.create_task(tools.error("slow"))
            await until_noted(notes, "began")
        assert await call == "the MCP server 'files' was closed"
        assert noted(notes, "cancelled")
        assert await tools.error("echo", text="x") == "the MCP server 'files' was closed"

    run(main(), deadline=20)


def test_a_server_that_dies_in_a_call(tmp_path: Path) -> None:
    async def main() -> None:
        async with Opened(over_stdio(notes=tmp_path / "notes", KEY="key-12345")) as tools:
            pid, child = int(await tools.text("pid")), int(await tools.text("child"))
            other = asyncio.create_task(tools.error("slow"))
            await until_noted(tmp_path / "notes", "began")
            died = "the MCP server 'files' died: exited with code 7; it said: out of memory, …"
            assert await tools.error("die") == died
            assert await other == died
            assert await tools.error("echo", text="x") == died
            # It is reaped at once, with its children, not when the stream is left.
            assert is_gone(pid)
            assert is_over(child)

    run(main(), deadline=20)


def test_a_server_that_is_killed_in_a_call(tmp_path: Path) -> None:
    async def main() -> None:
        async with Opened(over_stdio(notes=tmp_path / "notes")) as tools:
            pid = int(await tools.text("pid"))
            call = asyncio.create_task(tools.error("slow"))
            await until_noted(tmp_path / "notes", "began")
            os.kill(pid, signal.SIGKILL)
            began = time.monotonic()
            assert await call == "the MCP server 'files' died: was killed by signal 9"
            assert time.monotonic() - began < 1

    run(main(), deadline=20)


def test_a_server_that_ends_at_a_request_it_does_not_know() -> None:
    async def main() -> None:
        async with Opened(MCPServerConfig("a", command=[sys.executable, "-c", EARLIER])) as tools:
            assert list(tools.by_name) == ["old"]
            assert await tools.error("old") == (
                "the MCP server 'a' died: exited with code 1; it said: expected initialize"
            )

    run(main(), deadline=20)


def test_two_servers_of_one_name() -> None:
    async def main() -> None:
        with pytest.raises(ConfigurationError, match="two MCP servers are called 'files'"):
            await StreamServers((over_stdio(), over_stdio())).open([])

    run(main())
