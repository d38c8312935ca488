"""What servers print that is not quite MCP: nobody waits for an answer that cannot be read, and nothing is lost."""

from __future__ import annotations

import asyncio
import sys

import pytest
from mcp_types import JSONRPCError, JSONRPCResponse

from punk.core.json import dump_json, parse_object
from punk.interpreter.mcp.config import MCPServerConfig
from punk.interpreter.mcp.lines import read_line
from tests.support.aio import run
from tests.support.mcp_raw import RAW
from tests.support.mcp_servers import Opened, text_of

SAY = '{"name": "say", "inputSchema": {"type": "object"}}'
TEXT = '{{"jsonrpc": "2.0", "id": ID, "result": {{"content": [{{"type": "text", "text": "{}"}}]}}}}'


def raw(tools: str = f"[{SAY}]", cursor: str = "null") -> MCPServerConfig:
    return MCPServerConfig("raw", command=[sys.executable, "-c", RAW, tools, cursor])


def test_answers_that_can_be_read_in_the_end() -> None:
    async def main() -> None:
        async with Opened(raw()) as tools, asyncio.timeout(10):
            assert await tools.text("say", line=TEXT.format("plain")) == "plain"
            assert await tools.text("say", line=TEXT.format("cut \\ud83d")) == "cut \ufffd"
            assert await tools.text("say", line=TEXT.format("XX!")) == "\ufffd!"

    run(main(), deadline=20)


@pytest.mark.parametrize(
    "line",
    [
        '{"jsonrpc": "2.0", "id": ID}',
        '{"jsonrpc": "2.0", "id": ID, "result": {"content": [], "structuredContent": ' + "[" * 300 + "]" * 300 + "}}",
        '{"jsonrpc": "2.0", "id": ID, "resu',
        '{"jsonrpc": "2.0", "id": ID, "result": {"content": "none"}}',
        '{"jsonrpc": "2.0", "id": ID, "error": "none"}',
    ],
)
def test_an_answer_that_cannot_be_read_is_an_error(line: str) -> None:
    async def main() -> None:
        async with Opened(raw()) as tools, asyncio.timeout(10):
            answer = await tools.ask("say", line=line)
            assert answer.is_error
            assert text_of(answer)
            assert await tools.text("say", line=TEXT.format("again")) == "again"

    run(main(), deadline=20)


@pytest.mark.parametrize(
    "line",
    [
        b"Welcome!",
        b"",
        b"[1]",
        b"{",
        b'{"level": "info", "message": "started"}',
        b'{"method": "x", "id": 3',
        b'{"id": true, "result": 1}',
        b'{"id": [3], "result": 1}',
        b"\xff\xfe",
    ],
)
def test_noise_answers_nobody(line: bytes) -> None:
    assert read_line(line) is None


def test_arguments_that_are_no_unicode_are_repaired() -> None:
    async def main() -> None:
        async with Opened(raw()) as tools:
            assert await tools.text("say", line=TEXT.format("cut \ud83d")) == "cut \ufffd"

    run(main(), deadline=20)


def test_an_empty_cursor_is_the_last_page() -> None:
    async def main() -> None:
        async with Opened(raw(cursor='""')) as tools:
            assert list(tools.by_name) == ["say"]

    run(main(), deadline=20)


def test_a_cursor_that_comes_again_is_the_last_page() -> None:
    async def main() -> None:
        async with Opened(raw(cursor='"again"')) as tools:
            assert len(tools.by_name) == 2

    run(main(), deadline=20)


def test_a_tool_without_a_description_is_described_by_its_title() -> None:
    titled = SAY.replace("{", '{"title": "Say it", ', 1)
    described = titled.replace("{", '{"description": "Say it aloud.", ', 1).replace("say", "shout", 1)

    async def main() -> None:
        async with Opened(raw(f"[{SAY.replace('say', 'mumble')}, {titled}, {described}]")) as tools:
            told = {name: tool.spec.description for name, tool in tools.by_name.items()}
            assert told == {"mumble": "", "say": "Say it", "shout": "Say it aloud."}

    run(main(), deadline=20)


def test_numbers_that_are_no_json_are_left_out_of_a_schema() -> None:
    schema = (
        '{"type": "object", "properties": {"n": {"type": "number", "maximum": Infinity, "enum": [1, NaN]}}, "x": NaN}'
    )

    async def main() -> None:
        async with Opened(raw(f'[{{"name": "say", "inputSchema": {schema}}}]')) as tools:
            shown = parse_object(tools.by_name["say"].spec.parameters).unwrap()
            assert dump_json(shown["properties"]) == '{"n":{"type":"number","enum":[1]}}'
            assert "x" not in shown

    run(main(), deadline=20)


def test_a_listing_that_cannot_be_read_says_what_is_wrong_with_it() -> None:
    from punk.errors import ConfigurationError

    async def main() -> None:
        with pytest.raises(ConfigurationError, match=r"the MCP server 'raw' cannot be started: .*tools.*inputSchema"):
            async with Opened(raw('[{"name": "say"}]')):
                pass

    run(main(), deadline=20)


DEEP = "[" * 300 + "]" * 300


@pytest.mark.parametrize(
    ("line", "asked"),
    [
        ('{"jsonrpc":"2.0","id":5,"result":{"rows":[{"id":4,"v":' + DEEP + "}]}}", 5),
        ('{"result":{"rows":[{"id":4,"method":"x","v":' + DEEP + '}]},"jsonrpc":"2.0","id":5}', 5),
        ('{"jsonrpc":"2.0","id":5,"result":{"rows":[{"id":4,"method":"x"', 5),
        ('{"jsonrpc":"2.0","id":5,"result":{"text":"a \\" } {\\"id\\": 4, ', 5),
        ('{"jsonrpc":"2.0","id":"5"}', "5"),
        ('\ufeff{"jsonrpc":"2.0","id":5}', 5),
    ],
)
def test_who_asked_for_what_cannot_be_read_is_told(line: str, asked: int | str) -> None:
    message = read_line(line.encode())
    assert message is not None
    assert isinstance(message.message, JSONRPCError)
    assert message.message.id == asked


def test_a_byte_order_mark_is_no_part_of_a_message() -> None:
    message = read_line(b'\xef\xbb\xbf{"jsonrpc":"2.0","id":5,"result":{}}')
    assert message is not None
    assert isinstance(message.message, JSONRPCResponse)


@pytest.mark.parametrize("end", ["}", ""])
def test_a_line_of_a_log_is_noise_whatever_it_calls_its_id(end: str) -> None:
    assert read_line(b'{"level":30,"id":5,"msg":"GET"' + end.encode()) is None
