"""Tests of servers that are reached by streamable HTTP: what they answer, and that none holds anybody up."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from punk.core.json import JsonObject, JsonValue
from punk.core.parts import ImagePart
from punk.core.tool_events import ToolProgressed
from punk.errors import ConfigurationError
from punk.interpreter.mcp.config import MCPServerConfig
from punk.interpreter.mcp.servers import StreamServers
from tests.support.aio import run
from tests.support.mcp_servers import HttpServer, Opened, Tools, over_http, until_noted
from tests.support.server import Answer, Pause, Recorded, serve

KEY = "header-12345"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HttpServer]:
    with over_http(tmp_path_factory.mktemp("http") / "notes") as running:
        yield running


def config_of(server: HttpServer) -> MCPServerConfig:
    return MCPServerConfig("web", url=server.url, headers={"x-key": KEY})


def test_what_a_server_answers(server: HttpServer) -> None:
    async def main() -> None:
        async with Opened(config_of(server)) as tools:
            assert await tools.text("echo", text="hi") == "echo: hi"
            assert await tools.text("header", name="x-key") == KEY
            assert await tools.error("fail") == "no such luck"
            assert await tools.text("steps") == "arrived"
            assert tools.reports == [
                ToolProgressed("call", "half way", 1.0, 2.0),
                ToolProgressed("call", None, 2.0, 2.0),
            ]
            assert isinstance((await tools.ask("gallery")).parts[0], ImagePart)

    run(main(), deadline=20)


def test_a_call_that_is_cancelled_leaves_the_session_usable(server: HttpServer) -> None:
    async def main() -> None:
        async with Opened(config_of(server)) as tools:
            call = asyncio.create_task(tools.ask("slow"))
            await until_noted(server.notes, "began")
            began = time.monotonic()
            call.cancel()
            await asyncio.wait({call})
            assert call.cancelled()
            assert time.monotonic() - began < 0.1
            await until_noted(server.notes, "cancelled")
            assert await tools.text("echo", text="still here") == "echo: still here"

    run(main(), deadline=20)


def test_a_server_that_hangs_and_one_that_is_killed(tmp_path: Path) -> None:
    async def main() -> None:
        with over_http(tmp_path / "notes") as server:
            servers = StreamServers((config_of(server),))
            tools = Tools(await servers.open([]))
            hung = asyncio.create_task(tools.ask("hang"))
            await until_noted(server.notes, "hanging")
            began = time.monotonic()
            hung.cancel()
            await asyncio.wait({hung})
            assert time.monotonic() - began < 0.1
            os.kill(server.process.pid, signal.SIGCONT)
            assert await tools.text("echo", text="again") == "echo: again"

            os.kill(server.process.pid, signal.SIGSTOP)
            call = asyncio.create_task(tools.error("slow"))
            await asyncio.sleep(0.1)
            began = time.monotonic()
            await servers.close()
            assert time.monotonic() - began < 0.9
            assert await call == "the MCP server 'web' was closed"
            os.kill(server.process.pid, signal.SIGCONT)

            async with Opened(config_of(server)) as tools:
                call = asyncio.create_task(tools.error("slow"))
                await until_noted(server.notes, "began")
                began = time.monotonic()
                server.kill()
                said = await call
                assert time.monotonic() - began < 1.5
                assert said.startswith("the MCP server 'web' d")  # died, or did not answer the call
                later = await tools.error("echo", text="x")
                assert later == "the MCP server 'web' did not answer the call: All connection attempts failed"
                assert KEY not in said + later
                assert "query-98765" not in said + later

    run(main(), deadline=25)


# A server of the protocol's earlier days, which has sessions: the official client speaks to both.

SESSION = ("mcp-session-id", "session-1")
JSON = ("content-type", "application/json")


def result(request: Recorded, value: JsonObject, *headers: tuple[str, str]) -> Answer:
    body: JsonObject = {"jsonrpc": "2.0", "id": request.body["id"], "result": value}
    return Answer([json.dumps(body).encode()], headers=(JSON, *headers))


def listed(*names: str, cursor: str | None = None) -> JsonObject:
    tools: list[JsonValue] = [{"name": name, "inputSchema": {"type": "object"}} for name in names]
    page: JsonObject = {"tools": tools}
    return page if cursor is None else page | {"nextCursor": cursor}


def earlier(request: Recorded) -> Answer:
    match request.body:
        case {"method": "initialize"}:
            about: JsonObject = {"name": "earlier", "version": "1"}
            ready: JsonObject = {"protocolVersion": "2025-06-18", "capabilities": {"tools": {}}, "serverInfo": about}
            return result(request, ready, SESSION)
        case {"method": "notifications/initialized"}:
            return Answer([], status=202)
        case {"method": "tools/list", "params": {"cursor": "more"}}:
            return result(request, listed("third"))
        case {"method": "tools/list"}:
            return result(request, listed("first", "second", cursor="more"))
        case {"method": "tools/call", "params": {"name": "second"}}:
            return result(request, {"content": [], "structuredContent": {"n": 2}})
        case {"method": "server/discover"}:
            return Answer([b"{}"], status=400, headers=(JSON,))
        case {"method": _}:
            return Answer([], before_headers=[Pause(20)])
        case _ if "last-event-id" in request.headers or request.headers.get("accept") == "text/event-stream":
            return Answer([b"{}"], status=405, headers=(JSON,))
        case _:
            return Answer([], before_headers=[Pause(20)])  # DELETE


@pytest.mark.parametrize("hangs", [False, True])
def test_a_session_of_the_earlier_protocol_is_given_up_in_time(hangs: bool) -> None:
    async def main() -> None:
        with serve(earlier) as scripted:
            servers = StreamServers((MCPServerConfig("old", url=f"{scripted.base}/mcp"),))
            tools = Tools(await servers.open([]))
            assert list(tools.by_name) == ["first", "second", "third"]
            assert await tools.text("second") == '{"n":2}'
            call: asyncio.Task[str] | None = None
            if hangs:
                call = asyncio.create_task(tools.error("first"))
                while not any("first" in str(request.body) for request in scripted.requests):
                    await asyncio.sleep(0.01)
            began = time.monotonic()
            await servers.close()
            assert time.monotonic() - began < 0.9
            told = [request.body.get("method") for request in scripted.requests]
            assert ("notifications/cancelled" in told) == hangs
            if call is not None:
                assert await call == "the MCP server 'old' was closed"
            farewell = scripted.requests[-1]
            assert (farewell.body, farewell.headers["mcp-session-id"]) == ({}, "session-1")

    run(main(), deadline=20)


def test_a_call_that_is_refused_does_not_end_the_session() -> None:
    def refuses(request: Recorded) -> Answer:
        match request.body:
            case {"method": "tools/call", "params": {"name": "first"}}:
                error: JsonObject = {"code": -32000, "message": f"not with {KEY}"}
                body: JsonObject = {"jsonrpc": "2.0", "id": request.body["id"], "error": error}
                return Answer([json.dumps(body).encode()], headers=(JSON,))
            case {"method": "tools/call", "params": {"name": "third"}}:
                return result(request, {"content": "what?"})
            case _:
                return earlier(request)

    async def main() -> None:
        with serve(refuses) as scripted:
            config = MCPServerConfig("old", url=f"{scripted.base}/mcp", headers={"x-key": KEY})
            async with Opened(config) as tools:
                assert await tools.error("first") == "the MCP server 'old' did not answer the call: not with …"
                assert "did not answer the call: " in await tools.error("third")
                assert await tools.text("second") == '{"n":2}'

    run(main(), deadline=20)


def test_only_what_was_asked_for_explains_an_end() -> None:
    def silent(request: Recorded) -> Answer:
        match request.body:
            case {"method": "tools/list"}:
                return Answer([], before_headers=[Pause(20)])
            case {"method": _}:
                return earlier(request)
            case _:
                return Answer([b"{}"], status=405, headers=(JSON,))

    async def main() -> None:
        with serve(silent) as scripted:
            config = MCPServerConfig("old", url=f"{scripted.base}/mcp", start_timeout=1)
            with pytest.raises(ConfigurationError) as caught:
                await StreamServers((config,)).open([])
            # That it refuses a stream of notices (with status 405) says nothing of why it is silent.
            assert {} in [request.body for request in scripted.requests if request.done.is_set()]
        assert caught.value.message == ("the MCP server 'old' cannot be started: it was not ready within 1 seconds")

    run(main(), deadline=20)
