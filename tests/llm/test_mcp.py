"""MCP servers in a chat: their tools run beside functions, under the same rules, and leave nothing behind."""

from __future__ import annotations

import asyncio
import sys
import threading
from pathlib import Path

import pytest

from punk.core.json import dump_json
from punk.core.messages import ToolResultMessage
from punk.core.tool_events import ToolProgressed, ToolReturned
from punk.errors import ConfigurationError
from punk.llm.chat import Chat
from punk.llm.incomplete import StreamIncompleteError
from punk.llm.mcp import MCPServerConfig, MCPServers
from punk.testing import ScriptedModel
from tests.llm.script import CALLS, START, answer, ask, call, read
from tests.support.aio import run
from tests.support.mcp_raw import RAW
from tests.support.mcp_servers import is_over, over_http, over_stdio


def results(chat: Chat) -> list[tuple[str, str, bool]]:
    return [(m.name, m.content, m.is_error) for m in chat.messages if isinstance(m, ToolResultMessage)]


def raw(*tools: str, requires_approval: bool | list[str] = False) -> MCPServerConfig:
    listed = ", ".join(f'{{"name": "{tool}", "inputSchema": {{"type": "object"}}}}' for tool in tools)
    command = [sys.executable, "-c", RAW, f"[{listed}]", "null"]
    return MCPServerConfig("raw", command=command, requires_approval=requires_approval)


def say(text: str) -> str:
    """The arguments with which a raw server says `text`."""
    content = f'[{{"type": "text", "text": "{text}"}}]'
    line = f'{{"jsonrpc": "2.0", "id": ID, "result": {{"content": {content}}}}}'
    return dump_json({"line": line})


def test_tools_of_servers_run_beside_functions(tmp_path: Path) -> None:
    def echo(text: str) -> str:
        return f"here: {text}"

    with over_http(tmp_path / "notes") as server:
        servers = [over_stdio("files"), MCPServerConfig("web", url=server.url)]
        turn = [
            START,
            *call("echo", '{"text": "a"}', id="1"),
            *call("files_echo", '{"text": "b"}', block=1, id="2"),
            *call("web_echo", '{"text": "c"}', block=2, id="3"),
            CALLS,
        ]
        chat, model = ask(turn, answer("ok"))
        final = chat.with_tools([echo]).with_mcp_servers(servers).complete()
    assert [text for _, text, _ in results(final)] == ["here: a", "echo: b", "echo: c"]
    assert {"echo", "files_echo", "web_echo"} <= {tool.name for tool in model.requests[0].tools}


def test_a_stream_that_is_left_while_a_server_works_leaves_nothing(tmp_path: Path) -> None:
    async def main() -> None:
        notes = tmp_path / "notes"
        chat, _ = ask([START, *call("pid", id="p"), *call("slow", block=1, id="s"), CALLS])
        before, threads = asyncio.all_tasks(), set(threading.enumerate())
        child = 0
        async with chat.with_mcp_servers([over_stdio(notes=notes)]).complete_stream() as stream:
            async for entry in stream.events:
                if isinstance(entry.event, ToolReturned):
                    child = int(entry.event.content)
                    break
        assert asyncio.all_tasks() == before
        assert is_over(child)
        assert not [thread for thread in set(threading.enumerate()) - threads if thread.name.startswith("punk")]
        assert [error for _, _, error in results(stream.partial_chat)] == [False, True]

    run(main(), deadline=20)


def test_progress_of_a_server_is_progress() -> None:
    async def main() -> None:
        chat, _ = ask([START, *call("steps", "{}"), CALLS], answer("ok"))
        async with chat.with_mcp_servers([over_stdio()]).complete_stream() as stream:
            events = [entry.event for entry in await read(stream.events)]
        assert [event for event in events if isinstance(event, ToolProgressed)]

    run(main(), deadline=20)


def test_a_guarded_tool_of_a_server_waits_in_another_process_too() -> None:
    server = raw("pay", "look", requires_approval=["pay"])
    turn = [START, *call("pay", say("paid"), id="p"), *call("look", say("seen"), block=1, id="l"), CALLS]
    chat, _ = ask(turn)
    with pytest.raises(StreamIncompleteError) as caught:
        chat.with_mcp_servers([server]).complete()
    saved = caught.value.partial_chat.approve("p").to_json()
    model = ScriptedModel([answer("ok")])
    final = Chat.from_json(saved, model=model).with_mcp_servers([server]).complete()
    assert results(final) == [("pay", "paid", False), ("look", "seen", False)]


def test_a_guard_that_guards_nothing_is_told_before_any_request() -> None:
    chat, model = ask(answer("ok"))
    with pytest.raises(ConfigurationError, match=r"'raw' has no tools \['pai'\], .* it has \['pay'\]"):
        chat.with_mcp_servers([raw("pay", requires_approval=["pai"])]).complete()
    assert model.requests == ()


def test_a_tool_that_is_called_as_ours_is_told_apart() -> None:
    model = ScriptedModel([answer('{"answer": [1]}'), answer("ok")])
    chat = Chat(model=model).with_mcp_servers([raw("final_answer")])
    assert chat.add_messages(ask()[0].messages).with_output(list[int]).complete().parsed == [1]
    chat.add_messages(ask()[0].messages).complete()
    assert [[tool.name for tool in request.tools] for request in model.requests] == [
        ["raw_final_answer"],
        ["final_answer"],
    ]


def test_shared_servers_outlive_their_streams() -> None:
    async def main() -> None:
        turn = [START, *call("echo", '{"text": "a"}'), CALLS]
        async with MCPServers([over_stdio()]) as servers:
            for _ in range(2):
                chat, _ = ask(turn, answer("ok"))
                assert results(await chat.with_mcp_servers(servers).complete_async()) == [("echo", "echo: a", False)]
        chat, model = ask(turn)
        with pytest.raises(ConfigurationError, match="are not open"):
            await chat.with_mcp_servers(servers).complete_async()
        assert model.requests == ()

    run(main(), deadline=20)


def test_the_sync_way_works_inside_a_loop_too() -> None:
    async def main() -> None:
        chat, _ = ask([START, *call("echo", '{"text": "a"}'), CALLS], answer("ok"))
        assert results(chat.with_mcp_servers([over_stdio()]).complete()) == [("echo", "echo: a", False)]

    run(main(), deadline=20)
