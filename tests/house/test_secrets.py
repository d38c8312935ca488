"""No secret that punk is given stands in anything that a program could show of a run, whatever becomes of it."""

from __future__ import annotations

import asyncio
import copy
import io
import os
import pickle
import sys
from collections.abc import Callable, Iterable, Mapping
from contextlib import AsyncExitStack, suppress
from functools import partial
from typing import Final

import pytest

from punk.cli.run import run
from punk.core.media import MediaUrl
from punk.core.parts import ImagePart, TextPart
from punk.errors import PunkError
from punk.interpreter.mcp.config import MCPServerConfig
from punk.llm.chat import Chat
from punk.llm.messages import UserMessage
from punk.llm.models.google import GoogleModel
from punk.llm.options import RunOptions
from punk.llm.retry import RetryPolicy
from punk.llm.timeouts import Timeouts
from tests.conftest import PERSONAL
from tests.house.betraying import FAULTS, REPEATING, good
from tests.house.listening import Heard, listening
from tests.house.planted import WAYS, Way
from tests.llm.script import answer, ask
from tests.providers.wires import WIRES
from tests.support.server import Answer, Server, serve

QUICK: Final[RunOptions] = {"timeouts": Timeouts(first_event=0.2), "retry": RetryPolicy(attempts=2, base=0)}
NOBODY: Final = "http://127.0.0.1:9"
SECRET: Final = "planted-elsewhere-0123456789"

UNSENDABLE: Final = {"a key that is not ASCII": "{}\né", "a key with a line break": "{}\n"}

# What punk cannot keep to itself: others log it of their own accord, and none but their loggers can be told not to.
LOGGED: Final[Mapping[str, frozenset[str]]] = {
    # The query of a base URL is part of each address, which clients tell at level INFO.
    "anthropic query": frozenset({"httpx2", "anthropic._base_client"}),
    **dict.fromkeys(("compatible query", "azure query"), frozenset({"httpx2"})),
    # What is signed is told at level DEBUG, a session's token among it.
    **dict.fromkeys(("aws session token", "AWS_SESSION_TOKEN", "boto3 session"), frozenset({"botocore.auth"})),
}


async def asked(heard: Heard, chat: Chat) -> None:
    """Ask in every manner, and note all that there is to see."""
    stream = chat.complete_stream()
    try:
        async with stream:
            async for _ in stream.content:
                pass
            heard.value("final chat", await stream.chat)
    except Exception as error:
        heard.error(error)
    for complete in (chat.complete_async, chat.count_tokens):
        try:
            await complete()
        except Exception as error:
            heard.error(error)
    assert chat.model is not None
    for place, value in ("stream", stream), ("chat", chat), ("model", chat.model), ("provider", chat.model.provider()):
        heard.value(place, value)
    heard.pickled("chat", chat)
    heard.note("JSON", chat.to_json())
    with suppress(PunkError):  # it was not even begun
        heard.value("state", stream.state)
        heard.pickled("state", stream.state)
        heard.note("JSON", stream.partial_chat.to_json())


async def lived(heard: Heard, way: Way, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put one way through every fault."""

    async def put(base: str, secret: str, faults: Iterable[str]) -> None:
        for name, value in way.variables.items():
            monkeypatch.setenv(name, value.format(base=base, secret=secret))
        async with AsyncExitStack() as stack:
            try:
                chat = Chat([UserMessage("q")], way.make(base, secret, stack))
            except PunkError as error:
                heard.error(error)
                return
            chat = chat.with_options(**QUICK)
            for fault in faults:
                heard.during = fault
                server.answers[0] = partial(FAULTS.get(fault, good), way.wire)
                await asked(heard, chat)

    await put(server.base, way.secret, FAULTS)
    heard.during = "nobody listens"
    await put(NOBODY, way.secret, [heard.during])
    for fault, form in UNSENDABLE.items():
        heard.during = fault
        await put(server.base, form.format(way.secret), [fault])


@pytest.fixture(scope="module", params=WAYS, ids=str)
def told(request: pytest.FixtureRequest) -> tuple[Way, Heard]:
    """A way, and all that is to be heard of it."""
    way = request.param
    assert isinstance(way, Way)
    with pytest.MonkeyPatch.context() as monkeypatch:
        for name in [name for name in os.environ if name.startswith(PERSONAL)]:
            monkeypatch.delenv(name)
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        with serve(Answer([])) as server, listening() as heard:
            asyncio.run(lived(heard, way, server, monkeypatch))
    assert {shown.during for shown in heard.all} > FAULTS.keys()
    return way, heard


def test_punk_shows_no_secret(told: tuple[Way, Heard]) -> None:
    way, heard = told
    assert heard.leaks(way.forms, "punk") == []


def test_no_exception_behind_punks_shows_a_secret(told: tuple[Way, Heard]) -> None:
    way, heard = told
    assert heard.leaks(way.forms, "behind") == []


def test_no_library_logs_a_secret_of_itself_but_those_that_are_known_to(told: tuple[Way, Heard]) -> None:
    way, heard = told
    # A library that is to tell everything also tells what came, and a server may have repeated it.
    leaks = [leak for leak in heard.leaks(way.forms, "log") if not leak.startswith(tuple(REPEATING))]
    loggers = {leak.partition(": …")[0].rpartition("log of ")[2] for leak in leaks}
    assert loggers == LOGGED.get(way.name, frozenset()), leaks


@pytest.mark.parametrize("way", WAYS, ids=str)
def test_no_model_is_pickled_and_a_copy_reaches_the_same(way: Way, monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> None:
        for name, value in way.variables.items():
            monkeypatch.setenv(name, value.format(base=NOBODY, secret=way.secret))
        async with AsyncExitStack() as stack:
            model = way.make(NOBODY, way.secret, stack)
            if "client" not in way.name or not isinstance(model, GoogleModel):
                assert copy.deepcopy(model) == model
            for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
                with pytest.raises(TypeError, match="a model cannot be pickled"):
                    pickle.dumps(model, protocol)

    asyncio.run(main())


def test_a_signed_address_stands_in_the_conversation_alone() -> None:
    message = UserMessage([TextPart("q"), ImagePart(MediaUrl(f"https://x.example/a.png?signature={SECRET}"))])
    (wire,) = (wire for wire in WIRES if wire.name == "anthropic")
    with serve(Answer([])) as server, listening() as heard:
        chat = Chat([message], wire.model(server.base)).with_options(**QUICK)
        for fault in ("a good answer", "silence", "an end before the end"):
            server.answers[0] = partial(FAULTS[fault], wire)
            try:
                heard.value("chat", chat.complete())
            except PunkError as error:
                heard.error(error)
    heard.all = [shown for shown in heard.all if not shown.place.startswith("pickle")]
    assert heard.leaks([SECRET], "punk", "behind") == []


@pytest.mark.parametrize("fault", ["a good answer", "a key refused", "an error in its midst", "a broken header"])
def test_the_command_shows_no_key(
    fault: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (wire,) = (wire for wire in WIRES if wire.name == "openai-responses")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO()))
    monkeypatch.setattr("punk.cli.prompt._something_comes", lambda: True)
    with serve(partial(FAULTS[fault], wire)) as server, listening() as heard:
        monkeypatch.setenv("OPENAI_API_KEY", SECRET)
        monkeypatch.setenv("OPENAI_BASE_URL", f"{server.base}/v1")
        run(["q"])
        run(["q", "--json"])
        heard.note("screen", "".join(capsys.readouterr()))
    assert heard.leaks([SECRET], "punk") == []


def _program(code: str, *arguments: str, **env: str) -> MCPServerConfig:
    command = [sys.executable, "-c", f"import os, sys, time; {code}", *arguments]
    return MCPServerConfig("s", command=command, env=env, start_timeout=1)


REACHED: Final = ("a header", "a query", "a password")
SERVERS: Final[Mapping[str, Callable[[str], MCPServerConfig]]] = {
    "a variable": lambda _: _program("sys.exit(os.environ['KEY'])", KEY=SECRET),
    "a variable, no MCP": lambda _: _program("print(os.environ['KEY'], flush=True); time.sleep(9)", KEY=SECRET),
    "no program": lambda _: MCPServerConfig("s", command=["punk-no-such-program"], env={"KEY": SECRET}),
    "an argument": lambda _: _program("sys.exit(sys.argv[1])", SECRET),
    "an option": lambda _: _program("sys.exit(sys.argv[1][6:])", f"--key={SECRET}"),
    "a header": lambda base: MCPServerConfig("s", url=f"{base}/mcp", headers={"authorization": f"Bearer {SECRET}"}),
    "a query": lambda base: MCPServerConfig("s", url=f"{base}/mcp?key={SECRET}"),
    "a password": lambda base: MCPServerConfig("s", url=base.replace("//", f"//user:{SECRET}@")),
    "a header, nobody": lambda _: MCPServerConfig("s", url=NOBODY, headers={"x-key": SECRET}),
}


MCP_FAULTS: Final = ("a key refused", "an error that is no JSON", "a broken header", "a redirect")


@pytest.mark.parametrize(
    ("name", "fault"),
    [(name, fault) for name in SERVERS for fault in (MCP_FAULTS if name in REACHED else MCP_FAULTS[:1])],
)
def test_what_mcp_servers_are_given_is_shown_nowhere(name: str, fault: str) -> None:
    with serve(partial(FAULTS[fault], WIRES[0])) as server, listening() as heard:
        config = SERVERS[name](server.base)
        chat, _ = ask(answer("Hello"))
        chat = chat.with_mcp_servers([config])
        with pytest.raises(PunkError) as caught:
            asyncio.run(chat.complete_async())
        heard.error(caught.value)
        heard.value("config", config)
        heard.value("chat", chat)
        heard.note("JSON", chat.to_json())
    assert heard.leaks([SECRET], "punk", "behind") == []
