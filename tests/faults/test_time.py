"""Servers that let one wait, over real connections with short clocks: cases 63 to 69.

What ends a stream is asserted, and by which clock; never how long it took, but that no server waited for its deadline.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Mapping
from functools import partial
from typing import Final, Unpack

import pytest
from google.oauth2.credentials import Credentials

from punk.core.events import RetryScheduled
from punk.core.failures import Clock, TimedOut
from punk.errors import StreamingError
from punk.llm.chat import Chat
from punk.llm.models.anthropic import AnthropicModel
from punk.llm.models.azure_openai import AzureOpenAiModel
from punk.llm.models.base import Model
from punk.llm.models.bedrock import BedrockModel
from punk.llm.models.google import GoogleModel
from punk.llm.models.openai import OpenAiModel
from punk.llm.options import RunOptions
from punk.llm.retry import RetryPolicy
from punk.llm.timeouts import Timeouts
from punk.testing.wires.bedrock_converse import encode_event
from tests.faults.byhand import candidate, choice, event
from tests.faults.deaf import deaf
from tests.faults.ends import asking, failed, tidy
from tests.faults.judge import LETTING_GO
from tests.faults.recorder import record
from tests.faults.scripts import Hang, Pause, Repeat, Script, chunk
from tests.faults.server import Exchange
from tests.faults.wires import KEY, WIRES, Family, Wire
from tests.faults.world import World
from tests.llm.script import CALLS, START, call

SHORT: Final = 0.2
THRICE: Final = RetryPolicy(attempts=3, base=0.0)
each_wire = pytest.mark.parametrize("wire", WIRES, ids=str)


def of_the_model(wire: Wire, base: str, timeouts: Timeouts) -> Model:
    """A model with clocks of its own."""
    match wire.name:
        case "anthropic":
            return AnthropicModel("claude-sonnet-5-5", api_key=KEY, base_url=base, timeouts=timeouts)
        case "responses":
            return OpenAiModel("gpt-5.5", api_key=KEY, base_url=base, timeouts=timeouts)
        case "chat":
            return OpenAiModel("gpt-5.5", api="chat", api_key=KEY, base_url=base, timeouts=timeouts)
        case "azure":
            return AzureOpenAiModel("gpt-5.5", api_key=KEY, endpoint=base, timeouts=timeouts)
        case "bedrock":
            named = partial(BedrockModel, "amazon.nova-pro-v1:0", region_name="us-east-1", endpoint_url=base)
            return named(aws_access_key_id="AKID", aws_secret_access_key=KEY, timeouts=timeouts)
        case "gemini":
            return GoogleModel("gemini-3.5-flash", api_key=KEY, base_url=base, timeouts=timeouts)
        case _:
            credentials = Credentials(token=KEY)  # type: ignore[no-untyped-call]  # its own
            named = partial(GoogleModel, "gemini-3.5-flash", project="p", location="us-central1", base_url=base)
            return named(credentials=credentials, timeouts=timeouts)


async def ran_out(chat: Chat, clock: Clock, kept: str = "") -> str:
    """The words of a stream that must end by `clock`, with the text that is `kept` of it."""
    error, shown = await failed(chat)
    assert isinstance(error.failure, TimedOut)
    assert error.failure.clock == clock, error
    assert error.retryable == (clock != "total")
    assert shown == kept
    return f"error: TimedOut {clock}" + (f", {kept!r} kept" if kept else "")


async def folded(chat: Chat, clock: Clock, **options: Unpack[RunOptions]) -> None:
    """The same by `complete_async`."""
    with pytest.raises(StreamingError) as caught:
        await chat.complete_async(**options)
    assert isinstance(caught.value.failure, TimedOut)
    assert caught.value.failure.clock == clock


async def retried(chat: Chat, clock: Clock) -> int:
    """How many requests were made in vain before a stream ended by `clock` in the end."""
    requests = 1
    with pytest.raises(StreamingError) as caught:
        async with chat.with_options(retry=THRICE).complete_stream() as stream:
            async for entry in stream.events:
                requests += isinstance(entry.event, RetryScheduled)
    assert isinstance(caught.value.failure, TimedOut)
    assert caught.value.failure.clock == clock
    return requests


@each_wire
def test_63_no_connection(wire: Wire, world: World) -> None:
    soon = Timeouts(connect=SHORT)

    async def main(base: str) -> set[str]:
        plain = asking(wire.model(base, True))
        by_model = asking(of_the_model(wire, base, soon))
        async with tidy(), asyncio.TaskGroup() as group:
            said = [
                group.create_task(ran_out(by_model, "connect")),
                group.create_task(ran_out(plain.with_options(timeouts=soon), "connect")),
            ]
            # A call goes before its chat.
            group.create_task(folded(plain.with_options(timeouts=Timeouts(connect=99)), "connect", timeouts=soon))
            thrice = group.create_task(retried(plain.with_options(timeouts=soon), "connect"))
        assert thrice.result() == 3
        return {task.result() for task in said}

    with deaf() as base:
        [said] = world.run(main(base))
    record(63, wire.name, f"{said}, set on the model, the chat and the call")
    record(63, wire.name, f"{said}, 3 requests", "every time")


async def silent(wire: Wire, world: World, script: Script, timeouts: Timeouts) -> tuple[str, int]:
    """What comes of a server that plays `script` before anything could be seen, with and without retries; and how many
    requests were made with them."""
    server = world.server
    server.play(script)
    chat = asking(world.model(wire)).with_options(timeouts=timeouts)
    async with tidy(), asyncio.TaskGroup() as group:
        said = group.create_task(ran_out(chat, "first_event"))
        group.create_task(folded(chat, "first_event"))
        thrice = group.create_task(retried(chat, "first_event"))
    assert await server.let_go(LETTING_GO)
    assert len(server.requests) == 2 + thrice.result()
    return said.result(), thrice.result()


def opened(wire: Wire) -> bytes:
    """An answer up to its first text, in one piece: so its clock begins with all of it."""
    return b"".join(wire.opening)


NEVER_BEGUN: Final[Mapping[int, Callable[[Wire], Script]]] = {
    64: lambda wire: (Hang(),),
    65: lambda wire: wire.unended(Hang()),
}


@each_wire
@pytest.mark.parametrize("number", NEVER_BEGUN)
def test_64_65_no_first_event(number: int, wire: Wire, world: World) -> None:
    said, requests = world.run(silent(wire, world, NEVER_BEGUN[number](wire), Timeouts(first_event=SHORT)))
    record(number, wire.name, said)
    record(number, wire.name, f"{said}, {requests} requests", "every time")
    assert requests == 3


@each_wire
def test_66_a_stall(wire: Wire, world: World) -> None:
    async def main() -> str:
        server = world.server
        server.play(wire.unended(opened(wire), Hang()))
        chat = asking(world.model(wire)).with_options(timeouts=Timeouts(progress=SHORT))
        async with tidy(), asyncio.TaskGroup() as group:
            said = group.create_task(ran_out(chat, "progress", "Hello"))
            group.create_task(folded(chat, "progress"))
            # What was seen is never asked for again.
            thrice = group.create_task(retried(chat, "progress"))
        assert await server.let_go(LETTING_GO)
        assert (thrice.result(), len(server.requests)) == (1, 3)
        return said.result()

    said = world.run(main())
    record(66, wire.name, said)
    record(66, wire.name, said, "retries")


SSE_PINGS: Final = {"a comment": b": ping\n\n", "blank lines": b"\n\n"}
PINGS: Final[Mapping[Family, Mapping[str, bytes]]] = {
    "anthropic": {**SSE_PINGS, "an event": event("ping"), "an unknown event": event("nobody_knows")},
    "responses": {
        **SSE_PINGS,
        "an event": event("keepalive"),
        "an unknown event": event("response.nobody_knows"),
        "the state again": event("response.in_progress", response={"id": "r", "status": "in_progress"}),
    },
    "chat": {
        **SSE_PINGS,
        "an event": event("ping"),
        "an empty delta": choice({"content": ""}),
        "no choices": b'data: {"choices": []}\n\n',
    },
    "bedrock": {
        "an unknown event": encode_event("nobodyKnows", {}),
        "an empty delta": encode_event("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": ""}}),
    },
    "gemini": {
        "a comment": b": ping\r\n\r\n",
        "an empty delta": candidate({"text": ""}),
        "no candidates": b'data: {"usageMetadata": {"promptTokenCount": 4}}\r\n\r\n',
    },
}


@each_wire
def test_67_pings_only(wire: Wire, world: World) -> None:
    forms = {f"There is {form}.": form for form in PINGS[wire.family]}

    def respond(exchange: Exchange) -> Script:
        [form] = [form for question, form in forms.items() if question.encode() in exchange.body]
        return wire.unended(opened(wire), beat(wire, form))

    async def main() -> list[str]:
        server = world.server
        server.play(respond)
        soon = Timeouts(progress=SHORT)
        chats = [asking(world.model(wire), question=question).with_options(timeouts=soon) for question in forms]
        async with tidy(), asyncio.TaskGroup() as group:
            said = [group.create_task(ran_out(chat, "progress", "Hello")) for chat in chats]
            group.create_task(folded(chats[0], "progress"))
        assert await server.let_go(LETTING_GO)
        assert len(server.requests) == len(chats) + 1
        return [task.result() for task in said]

    for form, said in zip(forms.values(), world.run(main()), strict=True):
        record(67, wire.name, said, form)


def beat(wire: Wire, form: str) -> Repeat:
    """Signs of life, for ever."""
    return Repeat((chunk(PINGS[wire.family][form]), Pause(0.02)))


@each_wire
def test_67_pings_only_before_the_first_event(wire: Wire, world: World) -> None:
    form = next(iter(PINGS[wire.family]))
    said, requests = world.run(silent(wire, world, wire.unended(beat(wire, form)), Timeouts(first_event=SHORT)))
    record(67, wire.name, f"{said}, {requests} requests", f"{form}, before the first event, every time")
    assert requests == 3


@each_wire
def test_68_the_total_deadline(wire: Wire, world: World) -> None:
    async def main() -> None:
        server = world.server
        server.play(wire.unended(opened(wire), Repeat((chunk(wire.late), Pause(0.02)))))
        chat = asking(world.model(wire)).with_options(timeouts=Timeouts(total=0.3), retry=THRICE)
        async with tidy():
            error, kept = await failed(chat)
        assert isinstance(error.failure, TimedOut)
        assert error.failure.clock == "total"
        assert not error.retryable
        assert ("Hello" + "LATE" * len(kept)).startswith(kept)
        assert await server.let_go(LETTING_GO)
        assert len(server.requests) == 1

    world.run(main())
    record(68, wire.name, "error: TimedOut total, final, what came is kept")


@each_wire
def test_69_a_tool_over_its_limit(wire: Wire, world: World) -> None:
    let_go = threading.Event()
    cancelled: list[str] = []

    async def sleeping() -> str:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            cancelled.append("sleeping")
            raise
        return "late"

    def blocking() -> str:
        let_go.wait(20)
        return "late"

    async def main() -> Chat:
        server = world.server
        both = wire.frames(START, *call("sleeping", id="c1"), *call("blocking", block=1, id="c2"), CALLS)
        server.play(wire.answer(*both), wire.answer(*wire.opening, *wire.rest))
        chat = asking(world.model(wire), sleeping, blocking).with_options(timeouts=Timeouts(tool=SHORT))
        async with tidy():
            final = await chat.complete_async()
            let_go.set()
        assert server.requests[1].body.count(b"the tool took longer than 0.2 s") == 2
        assert b"late" not in server.requests[1].body
        assert len(server.requests) == 2
        return final

    assert world.run(main()).latest_message.content == "Hello, world."
    assert cancelled == ["sleeping"]
    record(69, wire.name, "ok: 'Hello, world.', stop; told 'the tool took longer', 2 requests")
