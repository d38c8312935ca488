"""The real model: it streams beside a live loop, queues, cancels, and lets the interpreter exit."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time

import pytest

from punk.errors import ConfigurationError
from punk.providers.local.runtime import EngineSettings
from punk.providers.local.transport import LocalStream, open_stream
from tests.support.aio import run
from tests.support.paths import ROOT

LONG_PROMPT = "hello world " * 1500


def ask(prompt: str, max_tokens: int = 24) -> dict[str, object]:
    return {
        "messages": [{"role": "user", "content": prompt}],
        "max_tokens": max_tokens,
        "temperature": 0,
        "stream_options": {"include_usage": True},
    }


def content_of(payload: bytes) -> str:
    match json.loads(payload):
        case {"choices": [{"delta": {"content": str(content)}}]}:
            return content
        case _:
            return ""


async def rest_of(stream: LocalStream) -> list[bytes]:
    payloads = []
    while (payload := await stream.read()) is not None:
        payloads.append(payload)
    return payloads


def text_of(payloads: list[bytes]) -> str:
    assert payloads[-1] == b"[DONE]"
    return "".join(content_of(payload) for payload in payloads[:-1])


async def first_words(stream: LocalStream) -> None:
    while not content_of(await stream.read() or b"{}"):
        pass


def test_an_answer_streams_while_the_loop_lives(model: EngineSettings) -> None:
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            await asyncio.sleep(0.001)
            ticks += 1

    async def main() -> None:
        ticker = asyncio.create_task(tick())
        stream = await open_stream(model, ask("Explain rain.", 32))
        ticks_at_words = []
        payloads = []
        while (payload := await stream.read()) is not None:
            payloads.append(payload)
            if payload != b"[DONE]" and content_of(payload):
                ticks_at_words.append(ticks)
        await stream.close()
        ticker.cancel()
        await asyncio.wait([ticker])
        assert text_of(payloads).strip()
        assert len(ticks_at_words) > 10
        # A blocked loop would get the words in one heap, with no tick between.
        assert len(set(ticks_at_words)) > len(ticks_at_words) / 2
        assert json.loads(payloads[-2])["usage"]["completion_tokens"] > 0
        assert str(model.path) not in b"".join(payloads).decode(), "no path of this machine"

    run(main())


def test_two_at_once_both_complete(model: EngineSettings) -> None:
    async def main() -> None:
        streams = [await open_stream(model, ask(prompt)) for prompt in ("Explain rain.", "Explain the sun.")]
        rain, sun = [text_of(answer) for answer in await asyncio.gather(*map(rest_of, streams))]
        assert rain
        assert sun
        assert rain != sun

    run(main(), deadline=60)


def test_an_answer_cancelled_midway_leaves_the_model_usable(model: EngineSettings) -> None:
    async def main() -> None:
        before = text_of(await rest_of(await open_stream(model, ask("Explain rain."))))
        stream = await open_stream(model, ask("Tell a very long story.", 3000))
        await first_words(stream)
        started = time.monotonic()
        await stream.close()
        assert time.monotonic() - started < 2, "3000 tokens take half a minute"
        assert text_of(await rest_of(await open_stream(model, ask("Explain rain.")))) == before

    run(main(), deadline=60)


def test_a_long_prompt_is_left_between_batches(model: EngineSettings) -> None:
    async def main() -> None:
        stream = await open_stream(model, ask(LONG_PROMPT))
        assert b"prompt_progress" in (await stream.read() or b"")
        async with asyncio.timeout(10):  # the whole prompt takes twice as long and more
            await stream.close()

    run(main(), deadline=60)


def test_a_queued_request_can_be_cancelled(model: EngineSettings) -> None:
    async def main() -> None:
        running = await open_stream(model, ask("Explain rain."))
        queued = await open_stream(model, ask("Explain the sun."))
        await queued.close()
        assert text_of(await rest_of(running))

    run(main())


def test_a_prompt_that_is_too_long_is_an_error_chunk_and_no_end(model: EngineSettings) -> None:
    async def main() -> None:
        (payload,) = await rest_of(await open_stream(model, ask("a " * 6000)))
        assert json.loads(payload)["error"]["type"] == "exceed_context_size_error"

    run(main())


def test_tools_are_refused(model: EngineSettings) -> None:
    async def main() -> None:
        with pytest.raises(ConfigurationError, match="cannot use tools"):
            await open_stream(model, {**ask("hi"), "tools": [{"type": "function", "function": {"name": "f"}}]})

    run(main())


LEAVE = """
import asyncio, sys
from pathlib import Path
from punk.providers.local.runtime import EngineSettings
from punk.providers.local.transport import open_stream

async def main(how, prompt):
    asyncio.get_running_loop().slow_callback_duration = 60  # a busy machine is slow, and would be told of on stderr
    body = {"messages": [{"role": "user", "content": prompt}], "max_tokens": 3000}
    streams = [await open_stream(EngineSettings(Path(sys.argv[1])), body) for _ in range(2)]
    for _ in range(2 if how == "prompt" else 8):
        assert await streams[0].read()
    if how == "exit":
        sys.exit(0)

async def load():
    from punk.providers.local.engine import engine_for
    engine_for(EngineSettings(Path(sys.argv[1])))

how = sys.argv[2]
asyncio.run(load() if how == "load" else main(how, "hello world " * 1500 if how == "prompt" else "Tell a long story."))
print("left")
"""


@pytest.mark.parametrize("how", ["answer", "prompt", "exit", "load"])
def test_leaving_the_program_midway_neither_hangs_nor_crashes(how: str, model: EngineSettings) -> None:
    command = [sys.executable, "-X", "dev", "-c", LEAVE, str(model.path), how]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == ("" if how == "exit" else "left\n")
