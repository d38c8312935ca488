"""MCP servers that die, hang, or say what nobody understands, in a chat: cases 89 to 93.

The model is a scripted one: what a server does is no concern of the wire of the model.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from punk.core.events import ProviderEvent
from punk.core.json import dump_json
from punk.core.messages import ToolResultMessage
from punk.errors import ConfigurationError
from punk.llm.chat import Chat
from punk.llm.mcp import MCPServerConfig
from tests.faults.ends import tidy
from tests.faults.recorder import record
from tests.faults.server import refusing
from tests.llm.script import CALLS, START, answer, ask, call
from tests.support.aio import run
from tests.support.mcp_raw import RAW
from tests.support.mcp_servers import HttpServer, is_over, noted, over_http

DEADLINE = 20.0
SAY = '[{"name": "say", "inputSchema": {"type": "object"}}]'
NOTING = "import os\nwith open(os.environ['NOTES'], 'w') as notes:\n    notes.write(str(os.getpid()))\n"


def program(text: str, *arguments: str, notes: Path | None = None, timeout: float | None = None) -> MCPServerConfig:
    """A server that is a program of the client's, over stdio; its process is in the `notes`."""
    env = {} if notes is None else {"NOTES": str(notes)}
    source = text if notes is None else NOTING + text
    return MCPServerConfig("tested", command=[sys.executable, "-c", source, *arguments], env=env, timeout=timeout)


def raw(notes: Path | None = None, timeout: float | None = None, text: str = RAW) -> MCPServerConfig:
    """A server that says what it is told to say."""
    return program(text, SAY, "null", notes=notes, timeout=timeout)


def saying(line: str) -> list[ProviderEvent]:
    """A turn that has a server say `line`."""
    return [START, *call("say", dump_json({"line": line})), CALLS]


def results(chat: Chat) -> list[tuple[str, bool]]:
    """What the tools of a chat answered, and whether these are errors."""
    return [(said.content, said.is_error) for said in chat.messages if isinstance(said, ToolResultMessage)]


def went_on(
    config: MCPServerConfig, *turns: Sequence[ProviderEvent], tools: Sequence[Callable[..., object]] = ()
) -> list[tuple[str, bool]]:
    """The results of a run that must come to its whole end, with a server."""

    async def main() -> list[tuple[str, bool]]:
        chat, model = ask(*turns, answer("ok"))
        async with tidy():
            final = await chat.with_tools(tools).with_mcp_servers([config]).complete_async()
        assert final.latest_message.content == "ok"
        assert len(model.requests) == len(turns) + 1
        return results(final)

    return run(main(), deadline=DEADLINE)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HttpServer]:
    """A server over HTTP, for all tests of the module."""
    with over_http(tmp_path_factory.mktemp("mcp") / "notes") as server:
        yield server


def web(server: HttpServer, timeout: float | None = None) -> MCPServerConfig:
    """How it is reached."""
    return MCPServerConfig("web", url=server.url, timeout=timeout)


@pytest.mark.parametrize("way", ["no such program", "a program that ends", "a closed port"])
def test_89_dead_before_the_start(way: str) -> None:
    async def main(config: MCPServerConfig) -> None:
        chat, model = ask(answer("never"))
        async with tidy():
            stream = chat.with_mcp_servers([config]).complete_stream()
            for work in (stream.__aenter__(), stream.final()):
                with pytest.raises(ConfigurationError, match="cannot be started") as caught:
                    await work
                assert caught.value.message
        assert model.requests == ()

    with refusing() as base:
        ways = {
            "no such program": MCPServerConfig("tested", command=["/nowhere/no-such-program"]),
            "a program that ends": program("raise SystemExit(3)"),
            "a closed port": MCPServerConfig("tested", url=f"{base}/mcp"),
        }
        run(main(ways[way]), deadline=DEADLINE)
    record(89, "any", "ConfigurationError on entering, no request", way)


def bent(old: str, new: str) -> str:
    """The program of a raw server, with `new` in place of `old`."""
    assert old in RAW
    return RAW.replace(old, new)


def in_a_call(work: str) -> str:
    """The program of a raw server that does `work` when it is called, and answers nothing if that comes to an end."""
    branch = f'    if asked["method"] == "tools/call":\n        {work}\n        continue\n'
    return bent("    said = said", f"{branch}    said = said")


def pid_in(notes: Path) -> int:
    """The process of a server that has noted it."""
    return int(notes.read_text(encoding="utf-8").split()[0])


def test_90_dies_between_list_and_call(tmp_path: Path) -> None:
    def kill() -> str:
        pid = pid_in(tmp_path / "pid")
        os.kill(pid, signal.SIGKILL)
        assert is_over(pid)
        return "killed"

    turns = [START, *call("kill"), CALLS], saying("anything")
    [killed, died] = went_on(raw(tmp_path / "pid"), *turns, tools=[kill])
    assert killed == ("killed", False)
    assert died == ("the MCP server 'tested' died: was killed by signal 9", True)
    record(90, "any", "ok: told 'the MCP server died'", "stdio, killed")


def test_90_ends_after_its_list() -> None:
    last = "    sys.stdout.flush()\n"
    ending = bent(last, f"{last}    asked['method'] == 'tools/list' and sys.exit(3)\n")
    [(told, is_error)] = went_on(raw(text=ending), saying("anything"))
    assert is_error
    assert told == "the MCP server 'tested' died: exited with code 3"
    record(90, "any", "ok: told 'the MCP server died'", "stdio, ends after its list")


def test_90_dies_between_list_and_call_over_http(tmp_path: Path) -> None:
    with over_http(tmp_path / "notes") as mortal:

        def kill() -> str:
            mortal.kill()
            return "killed"

        turns = [START, *call("kill"), CALLS], [START, *call("echo", '{"text": "a"}', id="c2"), CALLS]
        [killed, died] = went_on(web(mortal), *turns, tools=[kill])
    assert killed == ("killed", False)
    assert died[1]
    assert died[0].startswith("the MCP server 'web' d")  # died, or did not answer the call
    record(90, "any", "ok: told 'the MCP server did not answer'", "http, killed")


def test_91_hangs() -> None:
    assert went_on(raw(timeout=0.3, text=in_a_call("pass")), saying("")) == [("the tool took longer than 0.3 s", True)]
    record(91, "any", "ok: told 'the tool took longer'", "stdio")


def test_91_hangs_over_http(server: HttpServer) -> None:
    found = went_on(web(server, 0.3), [START, *call("slow"), CALLS])
    assert found == [("the tool took longer than 0.3 s", True)]
    record(91, "any", "ok: told 'the tool took longer'", "http")


def test_91_never_ready() -> None:
    async def main() -> None:
        text = "import time; time.sleep(60)"
        config = MCPServerConfig("tested", command=[sys.executable, "-c", text], start_timeout=0.3)
        chat, model = ask(answer("never"))
        async with tidy():
            with pytest.raises(ConfigurationError, match=r"it was not ready within 0\.3 seconds"):
                await chat.with_mcp_servers([config]).complete_async()
        assert model.requests == ()

    run(main(), deadline=DEADLINE)
    record(91, "any", "ConfigurationError on entering, no request", "never ready")


def test_92_an_error_is_passed_on(server: HttpServer) -> None:
    assert went_on(web(server), [START, *call("fail"), CALLS]) == [("no such luck", True)]
    content = [{"type": "text", "text": "no such luck"}]
    line = json.dumps({"jsonrpc": "2.0", "id": 0, "result": {"content": content, "isError": True}})
    assert went_on(raw(), saying(line.replace('"id": 0', '"id": ID'))) == [("no such luck", True)]
    record(92, "any", "ok: told 'no such luck', an error")


def test_92_an_error_of_the_protocol() -> None:
    line = '{"jsonrpc": "2.0", "id": ID, "error": {"code": -32602, "message": "no such tool"}}'
    [(told, is_error)] = went_on(raw(), saying(line))
    assert is_error
    assert told.endswith("no such tool")
    record(92, "any", "ok: told 'no such tool', an error", "of the protocol")


# What is no answer to anything is noise: the call waits on.
GARBAGE = {
    "no answer at all": ("Welcome!", 0.5, "took longer"),
    "bytes that are no text": ("XXXX", 0.5, "took longer"),
    "half an answer": ('{"jsonrpc": "2.0", "id": ID, "resu', None, "did not answer"),
    "an answer of a wrong type": ('{"jsonrpc": "2.0", "id": ID, "result": {"content": 7}}', None, "did not answer"),
}
FINE = '{"jsonrpc": "2.0", "id": ID, "result": {"content": [{"type": "text", "text": "fine"}]}}'


@pytest.mark.parametrize("kind", GARBAGE)
def test_93_prints_garbage(kind: str) -> None:
    line, timeout, what = GARBAGE[kind]
    [(told, is_error), after] = went_on(raw(timeout=timeout), saying(line), saying(FINE))
    assert is_error
    assert what in told
    assert after == ("fine", False)
    record(93, "any", f"ok: told that it {what}, and its next call is answered", kind)


def test_93_noise_before_an_answer() -> None:
    noisy = bent("    sys.stdout.buffer", "    print('Welcome!', flush=True)\n    sys.stdout.buffer")
    assert went_on(raw(text=noisy), saying(FINE)) == [("fine", False)]
    record(93, "any", "ok: the noise is ignored", "noise")


def test_93_killed_in_a_call(tmp_path: Path) -> None:
    killing = in_a_call("import os; os.kill(os.getpid(), 9)")
    [(told, is_error)] = went_on(raw(tmp_path / "pid", text=killing), saying(""))
    assert (told, is_error) == ("the MCP server 'tested' died: was killed by signal 9", True)
    assert is_over(pid_in(tmp_path / "pid"))
    record(93, "any", "ok: told 'the MCP server died'", "killed")


def test_93_left_while_it_hangs(tmp_path: Path) -> None:
    notes = tmp_path / "pid"
    hanging = in_a_call("import os, time; open(os.environ['NOTES'], 'a').write(' called'); time.sleep(60)")

    async def main() -> int:
        chat, _ = ask(saying(""))
        async with tidy():
            task = asyncio.create_task(chat.with_mcp_servers([raw(notes, text=hanging)]).complete_async())
            while not noted(notes, "called"):
                await asyncio.sleep(0.01)
            task.cancel()
            await asyncio.wait({task})
            assert task.cancelled()
        return pid_in(notes)

    assert is_over(run(main(), deadline=DEADLINE))
    record(93, "any", "CancelledError, and the process is gone", "left while it hangs")
