"""Tests that a server that cannot start is a clear error, and that nothing is left of any."""

from __future__ import annotations

import asyncio
import builtins
import socket
import sys
import time
from collections.abc import Mapping, Sequence

import pytest

from punk.errors import ConfigurationError
from punk.interpreter.mcp.config import MCPServerConfig
from punk.interpreter.mcp.process import Program
from punk.interpreter.mcp.servers import StreamServers
from tests.support.aio import run
from tests.support.mcp_servers import over_stdio
from tests.support.server import Answer, Pause, WaitForClose, serve

SECRET = "secret-12345"


def refusal(*configs: MCPServerConfig, within: float = 3.0) -> str:
    """The words with which opening the servers fails; nothing is left of them."""

    async def main() -> str:
        servers = StreamServers(configs)
        began = time.monotonic()
        with pytest.raises(ConfigurationError) as caught:
            await servers.open([])
        assert time.monotonic() - began < within
        assert asyncio.all_tasks() == {asyncio.current_task()}
        await servers.close()
        return caught.value.message

    said = run(main(), deadline=15)
    assert SECRET not in said
    return said


def program(code: str) -> Sequence[str]:
    return (sys.executable, "-c", code)


CANNOT = "the MCP server 'bad' cannot be started: "


@pytest.mark.parametrize(
    ("command", "env", "says"),
    [
        (["punk-no-such-program"], {}, "'punk-no-such-program' cannot be run: No such file or directory"),
        (["/"], {}, "'/' cannot be run: Permission denied"),
        (["a\0b"], {}, "'a\\x00b' cannot be run: embedded null byte"),
        (program("pass"), {}, "exited with code 0"),
        (program("import os, signal; os.kill(os.getpid(), signal.SIGTERM)"), {}, "was killed by signal 15"),
        (
            program("import os, sys; sys.exit('the key ' + os.environ['KEY'] + ' is wrong')"),
            {"KEY": SECRET},
            "exited with code 1; it said: the key … is wrong",
        ),
        (program("print('Usage: x', flush=True)"), {}, "exited with code 0; it printed what is not MCP: 'Usage: x'"),
        (program("print('First\\nSecond')"), {}, "exited with code 0; it printed what is not MCP: 'First'"),
    ],
)
def test_a_program_that_does_not_run(command: Sequence[str], env: Mapping[str, str], says: str) -> None:
    assert refusal(MCPServerConfig("bad", command=command, env=env)) == CANNOT + says


def test_a_directory_that_is_not_there() -> None:
    said = refusal(MCPServerConfig("bad", command=program("pass"), cwd="/no/such/place"))
    assert said == f"{CANNOT}its cwd '/no/such/place' cannot be used: No such file or directory"


def test_long_last_words_are_cut() -> None:
    said = refusal(MCPServerConfig("bad", command=program("import sys; sys.exit('x' * 9999 + 'last')")))
    assert said.startswith(f"{CANNOT}exited with code 1; it said: …xx")
    assert said.endswith("xlast")
    assert len(said) < 600


def test_of_what_a_program_says_only_the_end_is_kept() -> None:
    async def main() -> None:
        program = Program(asyncio.get_running_loop())
        for said in (b"x" * 9999, b"y" * 9999, b"last"):
            program.pipe_data_received(2, said)
        assert program.last_words.endswith("yylast")
        assert len(program.last_words) < 9999

    run(main())


def test_a_program_that_closes_its_output_and_stays() -> None:
    said = refusal(MCPServerConfig("bad", command=program("import os, time; os.close(1); time.sleep(60)")))
    assert said == f"{CANNOT}closed its output"


@pytest.mark.parametrize("says", ["print('Hello!', flush=True)", "pass"])
def test_a_program_that_does_not_speak_mcp(says: str) -> None:
    code = f"import signal, time; signal.signal(15, signal.SIG_IGN); {says}; time.sleep(60)"
    said = refusal(MCPServerConfig("bad", command=program(code), start_timeout=0.5))
    assert said.startswith(f"{CANNOT}it was not ready within 0.5 seconds")
    assert ("it printed what is not MCP" in said) == (says != "pass")


def test_a_greeting_before_the_protocol_is_forgiven() -> None:
    async def main() -> None:
        good = over_stdio()
        path = good.program[1]
        serving = f"import runpy, sys; sys.argv = ['x', 'stdio']; runpy.run_path({path!r}, run_name='__main__')"
        greeting = f"print('Hello', flush=True); {serving}"
        servers = StreamServers((MCPServerConfig("files", command=program(greeting)),))
        try:
            assert await servers.open([])
        finally:
            await servers.close()

    run(main(), deadline=15)


def test_the_others_are_closed_again_at_once() -> None:
    slow = MCPServerConfig("slow", command=program("import time; time.sleep(60)"))
    bad = MCPServerConfig("bad", command=program("pass"))
    assert refusal(slow, bad, over_stdio()) == CANNOT + "exited with code 0"


def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    said = refusal(MCPServerConfig("bad", url=f"http://127.0.0.1:{port}/mcp?key={SECRET}", headers={"x-key": SECRET}))
    assert said == CANNOT + "All connection attempts failed"


HTML = ("content-type", "text/html")
JSON = ("content-type", "application/json")


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (Answer([b"no"], status=401), "it answered with HTTP status 401; "),
        (Answer([b"no"], status=404), "it answered with HTTP status 404; "),
        (Answer([b"no"], status=500), "it answered with HTTP status 500; "),
        (Answer([b"<html>"], headers=(HTML,)), "Unexpected content type: text/html"),
        (Answer([b'{"error": "' + SECRET.encode() + b'"}'], headers=(JSON,)), "Failed to parse JSON response: "),
        (Answer([b""], status=302, headers=(("location", f"http://x/?key={SECRET}"),)), "Redirect to http://x/ not"),
        (Answer([], before_headers=[Pause(0.01)], ending="reset"), ""),
    ],
)
def test_what_is_no_mcp_server(answer: Answer, says: str) -> None:
    with serve(answer) as scripted:
        url = f"{scripted.base}/mcp?key={SECRET}"
        said = refusal(MCPServerConfig("bad", url=url, headers={"x-key": SECRET}))
    assert said.startswith(CANNOT + says)


def test_a_server_that_never_answers() -> None:
    with serve(Answer([], before_headers=[WaitForClose()])) as scripted:
        said = refusal(MCPServerConfig("bad", url=scripted.base, start_timeout=0.3))
    assert said == CANNOT + "it was not ready within 0.3 seconds"


def test_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *rest: object) -> object:
        if name.partition(".")[0] == "mcp":
            raise ImportError(name)
        return real(name, *rest)  # type: ignore[arg-type]  # the arguments of an import statement, passed on

    monkeypatch.setattr(builtins, "__import__", without)
    said = refusal(over_stdio())
    assert 'pip install "punk-llm[mcp]"' in said


def test_no_servers_need_nothing() -> None:
    async def main() -> None:
        servers = StreamServers(())
        assert await servers.open([]) == ()
        await servers.close()

    run(main())
