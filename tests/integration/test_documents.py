"""Runs the examples of the README and of the streaming documentation over every route."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from punk.core.messages import AssistantMessage
from punk.core.thinking import ThinkingConfig
from punk.llm.chat import Chat
from punk.llm.messages import UserMessage
from punk.llm.models import anthropic, defaults
from punk.llm.models.base import Model
from punk.llm.streaming import ToolExecutionAbortError
from punk.llm.tools import Tool
from tests.integration.routes import Route
from tests.support.aimock import SHARED, Aimock
from tests.support.documentation import look_up, namespace
from tests.support.examples import Example, examples_in, open_names, programs_in, run_example
from tests.support.paths import README

SEED = SHARED.parent / "SEED.md"
THINKING = ThinkingConfig(token_budget=2000)


def examples() -> list[Example]:
    """The examples of both documents that ask a model, as printed but for the root of the imports; each once."""
    seed = SEED.read_text("utf-8").replace("patterpunk", "punk") if SEED.is_file() else ""
    found = examples_in(seed, SEED.name) + examples_in(README.read_text("utf-8"), README.name)
    return [*{example.code: example for example in found if talks(example)}.values()]


def talks(example: Example) -> bool:
    """Whether it asks a model."""
    signs = ("stream.content", "stream.thinking", "stream.partial_output", ".complete(")
    return any(sign in example.code for sign in signs)


# What an example with the code on the left prints, among other things.
SIGNS = {
    "Final response:": "Final response: Hello there, nice to meet you.",
    "Pre-tool thinking": "Pre-tool thinking: I look it up.\nPost-tool thinking: Now I\n",
    "Post-tool thinking": "Post-tool thinking: Now I know.\nEntan\n",
    "before completion": "Stream was cancelled before completion",
    "get_weather, calculate": "It is sunny in Paris and Rome.",
    "get_stock_price": "".join(f"ToolResultMessage: {price}\n" for price in ("$178.5", "$141.25", "$378.9")),
    "=== Thinking": "=== Thinking ===\n3x = 15.\n\n=== Response ===\nx = 5.\n",
    'print("Thinking:")': "Thinking:\nI look it up.\n\nResponse:\nE",
    "haiku": "\rHello there, nice to meet you.",
    "Received chunk": "Received chunk: Entan",
    "stream.partial_output": "Paris: 21.5\n",
    "MCPServerConfig": "\rIt is noon there.It is noon in Rome.\nIt is noon in Rome.\n",
}


@pytest.fixture
def names(route: Route, aimock: Aimock, monkeypatch: pytest.MonkeyPatch) -> Mapping[str, object]:
    """What the examples leave open. A chat without a model, and the one model that they name, take this route."""

    def model(model: str = "", thinking_config: ThinkingConfig | None = None) -> Model:
        return route.make(aimock.base, {} if thinking_config is None else {"thinking_config": thinking_config})

    monkeypatch.setattr(defaults, "VENDORS", (replace(defaults.VENDORS[0], prefix="route", make=model),))
    monkeypatch.setenv("PUNK_MODEL", "route")
    monkeypatch.setattr(anthropic, "AnthropicModel", model)
    chat = Chat([UserMessage("What is entanglement?")], model(thinking_config=THINKING), [look_up])
    payment = chat.with_tools([Tool(look_up, requires_approval=True)])
    return {**namespace(), "chat": chat, "payment": payment}


@pytest.mark.parametrize("example", examples(), ids=lambda e: f"{e.document}-{e.line}")
def test_example(
    example: Example, names: Mapping[str, object], aimock: Aimock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("builtins.input", lambda question: "y")
    for name, code in programs_in(examples_in(README.read_text("utf-8"), README.name)).items():
        (tmp_path / name).write_text(code, "utf-8")
    ran = run_example(example, names)
    for sign, expected in SIGNS.items():
        if sign in example.code:
            assert expected in ran.output
    if "print(content)" in example.code and "chat" in open_names(example):
        assert "Entangled particles share one state, however far apart." in ran.output
    final = ran.names.get("final_chat")
    if isinstance(final, Chat):
        assert isinstance(final.latest_message, AssistantMessage)
        assert final.latest_message.content
    assert aimock.settled()


def only(sign: str) -> Example:
    """The README's example with this code."""
    (found,) = (example for example in examples_in(README.read_text("utf-8"), README.name) if sign in example.code)
    return found


HANDLING = only("# Handle tool abort")


def test_a_model_that_thinks_then_both_loops(names: Mapping[str, object]) -> None:
    asked = run_example(only("127 * 389"), names)
    ran = run_example(only('print("\\nResponse:")'), {**names, "chat": asked.names["chat"]})
    assert ran.output.startswith("Thinking:\n127*400=50800")
    assert ran.output.endswith("127*11=1397.\n\nResponse:\n127 * 389 = 49403.\n")


def test_handling_of_a_failure(names: Mapping[str, object]) -> None:
    busy = Chat([UserMessage("busy")])
    assert run_example(HANDLING, {**names, "chat": busy}).output == "Streaming failed: Rate limited\n"


def test_handling_of_an_abort(names: Mapping[str, object]) -> None:
    def get_weather(location: str) -> str:
        raise ToolExecutionAbortError("Dangerous action blocked")

    chat = Chat([UserMessage("weather")], tools=[get_weather])
    ran = run_example(HANDLING, {**names, "chat": chat})
    assert ran.output == "Checking.\nTool aborted: Dangerous action blocked\n"
    ran = run_example(only("def dangerous_tool"), {**names, "chat": chat})
    assert ran.output == "Checking.\nStream aborted: Dangerous action blocked\n"


def test_falling_back_where_a_model_cannot_stream(route: Route, names: Mapping[str, object], aimock: Aimock) -> None:
    chat = Chat([UserMessage("hello")], route.make(aimock.base, {"streams": False}))
    final = run_example(HANDLING, {**names, "chat": chat}).names["final_chat"]
    assert isinstance(final, Chat)
    assert final.latest_message.content == "Hello there, nice to meet you."
