"""Servers that let one wait, over real connections with short clocks: cases 63 to 69.

What ends a stream is asserted, and by which clock; never how long it took, but that no server waited for its deadline.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Mapping
from typing import Final, TypeAlias

import pytest

from punk.core.failures import TimedOut
from punk.core.timeouts import ReadClock
from punk.llm.chat import Chat
from punk.llm.timeouts import Timeouts
from punk.testing.wires.bedrock_converse import encode_event
from tests.faults.byhand import candidate, choice, event
from tests.faults.clocks import THRICE, folded, of_the_model, ran_out, retried
from tests.faults.deaf import deaf
from tests.faults.ends import asking, failed, tidy
from tests.faults.judge import LETTING_GO
from tests.faults.recorder import record
from tests.faults.scripts import Hang, Pause, Repeat, Script, Send, chunk
from tests.faults.server import Exchange
from tests.faults.wires import WIRES, Family, Wire
from tests.faults.world import World
from tests.llm.script import CALLS, START, call

SHORT: Final = 0.2
OK: Final = Send(b"HTTP/1.1 200 OK\r\n")
Form: TypeAlias = tuple[int, str]
"""A case, by its number and variant."""
Scripts: TypeAlias = Mapping[Form, Script]
each_wire = pytest.mark.parametrize("wire", WIRES, ids=str)


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


SSE_PINGS: Final = {"a comment": b": ping\n\n", "blank lines": b"\n\n", "a line without end": b":"}
PINGS: Final[Mapping[Family, Mapping[str, bytes]]] = {
    "anthropic": {
        **SSE_PINGS,
        "an event": event("ping"),
        "an unknown event": event("nobody_knows"),
        "an empty delta": event("content_block_delta", index=0, delta={"type": "text_delta", "text": ""}),
        "usage": event("message_delta", delta={}, usage={"output_tokens": 1}),
    },
    "responses": {
        **SSE_PINGS,
        "an event": event("keepalive"),
        "an unknown event": event("response.nobody_knows"),
        "an empty delta": event("response.output_text.delta", output_index=0, content_index=0, delta=""),
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
        "a line without end": b":",
        "an empty delta": candidate({"text": ""}),
        "no candidates": b'data: {"usageMetadata": {"promptTokenCount": 4}}\r\n\r\n',
    },
}


def opened(wire: Wire) -> bytes:
    """An answer up to its first text, in one piece: so its clock begins with all of it."""
    return b"".join(wire.opening)


def beat(wire: Wire, form: str) -> Repeat:
    """Signs of life, for ever."""
    return Repeat((chunk(PINGS[wire.family][form]), Pause(0.02)))


async def each_form(wire: Wire, world: World, scripts: Scripts, clock: ReadClock, kept: str) -> Mapping[Form, str]:
    """What comes of servers that play `scripts`, all at once: each stream must end by `clock`, be it folded or not, and
    be asked for three times as long as nothing is `kept`, if it is asked for again at all."""
    server, model = world.server, world.model(wire)
    questions = {form: f"This is {form[0]} {form[1]}." for form in scripts}

    def respond(exchange: Exchange) -> Script:
        [form] = [form for form, question in questions.items() if question.encode() in exchange.body]
        return scripts[form]

    server.play(respond)
    soon = Timeouts(first_event=SHORT) if clock == "first_event" else Timeouts(progress=SHORT)
    chats = {form: asking(model, question=words).with_options(timeouts=soon) for form, words in questions.items()}
    async with tidy(), asyncio.TaskGroup() as group:
        said = {form: group.create_task(ran_out(chat, clock, kept)) for form, chat in chats.items()}
        again = [group.create_task(retried(chat, clock)) for chat in chats.values()]
        group.create_task(folded(next(iter(chats.values())), clock))
    assert await server.let_go(LETTING_GO)
    assert {task.result() for task in again} == {1 if kept else 3}
    # A machine that stalls lets a clock run out before the request is on its way.
    assert len(chats) < len(server.requests) <= len(chats) * (2 if kept else 4) + 1
    return {form: task.result() for form, task in said.items()}


@each_wire
def test_64_65_67_no_first_event(wire: Wire, world: World) -> None:
    ping = next(iter(PINGS[wire.family]))
    scripts: Scripts = {
        (64, ""): (Hang(),),
        (64, "headers without end"): (OK, Repeat((Send(b"x-more: to come\r\n"), Pause(0.02)))),
        (64, "a header line without end"): (OK, Send(b"x-long: "), Repeat((Send(b"x"), Pause(0.02)))),
        (64, "100 Continue for ever"): (Repeat((Send(b"HTTP/1.1 100 Continue\r\n\r\n"), Pause(0.02))),),
        (65, ""): wire.unended(Hang()),
        (67, f"{ping}, before the first event"): wire.unended(beat(wire, ping)),
    }
    for (number, variant), said in world.run(each_form(wire, world, scripts, "first_event", "")).items():
        record(number, wire.name, said, variant)
        record(number, wire.name, f"{said}, 3 requests", f"{variant}, every time" if variant else "every time")


@each_wire
def test_66_67_no_progress(wire: Wire, world: World) -> None:
    stall: Scripts = {(66, ""): wire.unended(opened(wire), Hang())}
    pings: Scripts = {(67, form): wire.unended(opened(wire), beat(wire, form)) for form in PINGS[wire.family]}
    found = world.run(each_form(wire, world, {**stall, **pings}, "progress", "Hello"))
    for (number, variant), said in found.items():
        record(number, wire.name, said, variant)
        # What was seen is never asked for again.
        record(number, wire.name, said, f"{variant}, retries" if variant else "retries")


@each_wire
def test_68_the_total_deadline(wire: Wire, world: World) -> None:
    async def main() -> None:
        server = world.server
        server.play(wire.unended(opened(wire), Repeat((chunk(wire.late), Pause(0.02)))))
        chat = asking(world.model(wire)).with_options(timeouts=Timeouts(total=0.4), retry=THRICE)
        async with tidy():
            error, kept = await failed(chat)
        assert isinstance(error.failure, TimedOut)
        assert error.failure.clock == "total"
        assert not error.retryable
        assert ("Hello" + "LATE" * len(kept)).startswith(kept)
        assert await server.let_go(LETTING_GO)
        assert len(server.requests) <= 1  # a machine that stalls may not come to it

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
