"""The engine: its queue, its one load, its coming to rest."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest

from punk.errors import ConfigurationError
from punk.providers.base import TransportError
from punk.providers.local import engine as engine_module
from punk.providers.local.engine import engine_for
from punk.providers.local.runtime import EngineSettings, LoadedModel
from punk.providers.local.transport import open_stream, supports_tools
from tests.providers.local.scripted import PATIENCE, STOP, Script, body, chunk, has_begun, rest_of
from tests.support.aio import run

if TYPE_CHECKING:
    from xllamacpp import Server


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
            with pytest.raises(TransportError, match="closed"):
                await reader
        script.go_on.set()
        assert await rest_of(running) == await rest_of(last) == [STOP, b"[DONE]"]

    run(main())
    assert [said["number"] for said in script.bodies] == [0, 2]


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
    model = LoadedModel(cast("Server", script), supports_tools=True)
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
