"""The engine's queue and the way of a request through it, with a scripted runtime in place of a model."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import cast

import pytest
from xllamacpp import Server

from punk.errors import ConfigurationError
from punk.providers.local import engine as engine_module
from punk.providers.local.engine import engine_for
from punk.providers.local.runtime import EngineSettings, LoadedModel
from punk.providers.local.transport import LocalGenerationError, LocalStream, open_stream, supports_tools
from tests.support.aio import run

Chunk = dict[str, object]
PATIENCE = 10.0


def chunk(content: str | None, finish: str | None = None) -> Chunk:
    return {"choices": [{"index": 0, "delta": {"content": content}, "finish_reason": finish}]}


STOP = chunk(None, "stop")


class Script:
    """A runtime that says what each request's `script` holds; a chunk of None waits for `go_on`."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.go_on = threading.Event()
        self.bodies: list[Mapping[str, object]] = []
        self.stopped_by_callback = 0
        self.settled = 0

    def handle_chat_completions(self, body: Mapping[str, object], callback: Callable[[Chunk], bool]) -> None:
        self.bodies.append(body)
        self.begun.set()
        for said in cast("Sequence[Chunk | Exception | None]", body["script"]):
            if isinstance(said, Exception):
                raise said
            if said is None:
                assert self.go_on.wait(PATIENCE)
            elif callback(said):
                self.stopped_by_callback += 1
                return

    def handle_metrics(self) -> str:
        self.settled += 1
        return "{}"


@pytest.fixture
def script() -> Script:
    return Script()


@pytest.fixture
def settings(script: Script, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> EngineSettings:
    """Settings whose engine, already running, is the script."""
    model = LoadedModel(cast(Server, script), supports_tools=False)
    monkeypatch.setattr(engine_module, "load_model", lambda _settings: model)
    settings = EngineSettings(tmp_path / "scripted.gguf")
    engine_for(settings)
    return settings


def body(*said: Chunk | Exception | None) -> Chunk:
    return {"messages": [], "script": said}


async def rest_of(stream: LocalStream) -> list[object]:
    payloads: list[object] = []
    while (payload := await stream.read()) is not None:
        payloads.append(payload if payload == b"[DONE]" else json.loads(payload))
    return payloads


async def has_begun(script: Script) -> None:
    assert await asyncio.to_thread(script.begun.wait, PATIENCE)


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
            with pytest.raises(LocalGenerationError, match="'messages' is required"):
                await stream.read()
        await stream.close()

    run(main())


def test_an_exception_without_a_text_still_has_a_message(settings: EngineSettings) -> None:
    async def main() -> None:
        with pytest.raises(LocalGenerationError, match="RuntimeError"):
            await (await open_stream(settings, body(RuntimeError()))).read()

    run(main())


def test_a_fault_in_the_callback_is_handed_over(settings: EngineSettings, script: Script) -> None:
    async def main() -> None:
        stream = await open_stream(settings, body({"not": object()}, chunk("never"), STOP))
        with pytest.raises(LocalGenerationError, match="JSON serializable"):
            await stream.read()

    run(main())
    assert script.stopped_by_callback == 1


def test_requests_are_answered_one_at_a_time_in_order(settings: EngineSettings, script: Script) -> None:
    async def main() -> None:
        streams = [await open_stream(settings, {**body(None, STOP), "number": number}) for number in range(4)]
        await has_begun(script)
        script.go_on.set()
        answers = await asyncio.gather(*(rest_of(stream) for stream in reversed(streams)))
        assert answers == [[STOP, b"[DONE]"]] * 4

    run(main())
    assert [said["number"] for said in script.bodies] == [0, 1, 2, 3]


def test_a_queued_request_leaves_at_once_and_never_runs(settings: EngineSettings, script: Script) -> None:
    async def main() -> None:
        running, queued, last = [await open_stream(settings, {**body(None, STOP), "number": n}) for n in range(3)]
        await has_begun(script)
        reader = asyncio.create_task(queued.read())
        await asyncio.sleep(0)
        async with asyncio.timeout(PATIENCE / 2):
            await queued.close()
            await queued.close()
            with pytest.raises(LocalGenerationError, match="closed"):
                await reader
        script.go_on.set()
        assert await rest_of(running) == await rest_of(last) == [STOP, b"[DONE]"]

    run(main())
    assert [said["number"] for said in script.bodies] == [0, 2]


def test_close_waits_for_the_worker_and_stops_the_answer(settings: EngineSettings, script: Script) -> None:
    async def main() -> None:
        stream = await open_stream(settings, body(chunk("a"), None, chunk("b"), STOP))
        assert json.loads(await stream.read() or b"") == chunk("a")
        closing = [asyncio.create_task(stream.close()) for _ in range(2)]
        done, _ = await asyncio.wait(closing, timeout=0.05)
        assert not done, "the worker is still in the request"
        script.go_on.set()
        await asyncio.gather(*closing)
        with pytest.raises(LocalGenerationError, match="closed"):
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


def test_an_answer_for_a_closed_loop_is_given_up(settings: EngineSettings, script: Script) -> None:
    async def leave() -> None:
        await open_stream(settings, body(None, chunk("a"), STOP))
        await has_begun(script)

    async def main() -> None:
        assert await rest_of(await open_stream(settings, body(STOP))) == [STOP, b"[DONE]"]

    run(leave())
    script.go_on.set()
    run(main())
    assert script.stopped_by_callback == 1


def test_two_loops_can_share_a_model(settings: EngineSettings) -> None:
    async def main() -> list[object]:
        return await rest_of(await open_stream(settings, body(chunk("a"), STOP)))

    answers: list[list[object]] = []
    threads = [threading.Thread(target=lambda: answers.append(asyncio.run(main()))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert answers == [[chunk("a"), STOP, b"[DONE]"]] * 3


def test_tools_are_refused_before_anything_is_asked(settings: EngineSettings, script: Script) -> None:
    async def main() -> None:
        assert await supports_tools(settings) is False
        with pytest.raises(ConfigurationError, match="scripted cannot use tools"):
            await open_stream(settings, {**body(STOP), "tools": [{"type": "function"}]})
        assert await rest_of(await open_stream(settings, {**body(STOP), "tools": []})) == [STOP, b"[DONE]"]

    run(main())
    assert len(script.bodies) == 1


def test_one_engine_a_process_and_settings(settings: EngineSettings, tmp_path: Path) -> None:
    assert engine_for(settings) is engine_for(EngineSettings(tmp_path / "scripted.gguf"))
    assert engine_for(settings) is not engine_for(EngineSettings(settings.path, context_tokens=512))


def test_all_who_wait_hear_that_loading_failed_and_the_next_tries_again(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, script: Script
) -> None:
    go_on = threading.Event()

    def fail(_settings: EngineSettings) -> LoadedModel:
        assert go_on.wait(PATIENCE)
        raise ConfigurationError("is it a GGUF file?")

    monkeypatch.setattr(engine_module, "load_model", fail)
    settings = EngineSettings(tmp_path / "bad.gguf")

    async def wait() -> None:
        waiting = [asyncio.create_task(open_stream(settings, body(STOP))) for _ in range(3)]
        await asyncio.sleep(0.01)
        waiting[0].cancel()
        go_on.set()
        errors = await asyncio.gather(*waiting, return_exceptions=True)
        assert isinstance(errors[0], asyncio.CancelledError)
        assert [str(error) for error in errors[1:]] == ["is it a GGUF file?"] * 2

    run(wait())
    model = LoadedModel(cast(Server, script), supports_tools=True)
    monkeypatch.setattr(engine_module, "load_model", lambda _settings: model)
    engine_for(settings)
    assert run(supports_tools(settings)) is True


def test_an_unforeseen_fault_while_loading_hangs_nobody(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def fail(_settings: EngineSettings) -> LoadedModel:
        raise MemoryError

    monkeypatch.setattr(engine_module, "load_model", fail)
    with pytest.raises(ConfigurationError, match="MemoryError"):
        run(supports_tools(EngineSettings(tmp_path / "huge.gguf")))


def test_coming_to_rest_stops_what_runs_drops_what_waits_and_settles(settings: EngineSettings, script: Script) -> None:
    engine = engine_for(settings)

    async def main() -> None:
        await open_stream(settings, body(None, chunk("a"), STOP))
        await open_stream(settings, body(STOP))
        await has_begun(script)

    run(main())
    engine.come_to_rest(0.01)
    assert script.settled == 0
    script.go_on.set()
    engine.come_to_rest(PATIENCE)
    assert script.stopped_by_callback == 1
    assert len(script.bodies) == 1
    assert script.settled > 0
