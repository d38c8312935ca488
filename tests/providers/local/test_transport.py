"""The way of one answer from the runtime to its reader."""

from __future__ import annotations

import asyncio
import json

import pytest

from punk.providers.base import TransportError
from punk.providers.local.runtime import EngineSettings
from punk.providers.local.transport import open_stream
from tests.providers.local.scripted import STOP, Chunk, Script, body, chunk, rest_of
from tests.support.aio import run


def test_a_complete_answer_ends_in_done_and_then_in_none(settings: EngineSettings, script: Script) -> None:
    async def main() -> None:
        stream = await open_stream(settings, {**body(chunk("é\u2028🎉"), STOP, {"choices": [], "usage": {}}), "n": 1})
        assert await rest_of(stream) == [chunk("é\u2028🎉"), STOP, {"choices": [], "usage": {}}, b"[DONE]"]
        assert await stream.read() is None
        await stream.close()
        await stream.close()
        assert await stream.read() is None

    run(main())
    assert script.bodies[0]["stream"] is True
    assert script.bodies[0]["return_progress"] is True
    assert script.bodies[0]["n"] == 1


@pytest.mark.parametrize("cut", [[], [chunk("a")], [chunk("a"), {"error": {"code": 400, "message": "too long"}}]])
def test_an_answer_without_a_finish_reason_is_never_done(cut: list[Chunk], settings: EngineSettings) -> None:
    async def main() -> None:
        assert await rest_of(await open_stream(settings, body(*cut))) == cut

    run(main())


@pytest.mark.parametrize("late", [[], [chunk("a")], [chunk("a"), STOP]])
def test_the_runtimes_exception_comes_after_what_was_said(late: list[Chunk], settings: EngineSettings) -> None:
    async def main() -> None:
        stream = await open_stream(settings, body(*late, ValueError("'messages' is required")))
        for said in late:
            assert json.loads(await stream.read() or b"") == said
        for _ in range(2):
            with pytest.raises(TransportError, match="'messages' is required"):
                await stream.read()
        await stream.close()

    run(main())


def test_an_exception_without_a_text_still_has_a_message(settings: EngineSettings) -> None:
    async def main() -> None:
        with pytest.raises(TransportError, match="RuntimeError"):
            await (await open_stream(settings, body(RuntimeError()))).read()

    run(main())


def test_a_fault_in_the_callback_is_handed_over(settings: EngineSettings, script: Script) -> None:
    async def main() -> None:
        stream = await open_stream(settings, body({"not": object()}, chunk("never"), STOP))
        with pytest.raises(TransportError, match="JSON serializable"):
            await stream.read()

    run(main())
    assert script.stopped_by_callback == 1


def test_close_waits_for_the_worker_and_stops_the_answer(settings: EngineSettings, script: Script) -> None:
    async def main() -> None:
        stream = await open_stream(settings, body(chunk("a"), None, chunk("b"), STOP))
        assert json.loads(await stream.read() or b"") == chunk("a")
        closing = [asyncio.create_task(stream.close()) for _ in range(2)]
        done, _ = await asyncio.wait(closing, timeout=0.05)
        assert not done, "the worker is still in the request"
        script.go_on.set()
        await asyncio.gather(*closing)
        with pytest.raises(TransportError, match="closed"):
            await stream.read()

    run(main())
    assert script.stopped_by_callback == 1


def test_a_cancelled_read_loses_nothing(settings: EngineSettings, script: Script) -> None:
    async def main() -> None:
        stream = await open_stream(settings, body(None, chunk("a"), STOP))
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(stream.read(), 0.02)
        script.go_on.set()
        assert await rest_of(stream) == [chunk("a"), STOP, b"[DONE]"]

    run(main())
