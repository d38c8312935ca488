"""How a request asks a model to think, by the model's generation."""

from __future__ import annotations

from dataclasses import replace

import pytest
from returns.methods import unwrap_or_failure

from punk.core.effects import RequestTurn
from punk.core.failures import Unsupported
from punk.core.json import JsonObject
from punk.core.messages import AssistantMessage, Message, Origin, ToolCallMessage, ToolResultMessage, UserMessage
from punk.core.parts import TextPart, ThinkingPart, ToolCall
from punk.core.request import ToolSpec
from punk.core.thinking import ThinkingConfig
from punk.providers.anthropic.encode import encode
from punk.providers.anthropic.settings import AnthropicSettings
from punk.providers.anthropic.thinking import Form, thinking_form
from punk.providers.base import Body

TOOL = ToolSpec("look", "", "{}")


def body_of(settings: AnthropicSettings, *tools: ToolSpec) -> Body | Unsupported:
    return unwrap_or_failure(encode(settings, RequestTurn(1, (UserMessage("Hi"),), tools), "stream"))


def thinking_in(settings: AnthropicSettings) -> JsonObject:
    body = body_of(settings)
    assert isinstance(body, Body)
    return {name: value for name, value in body.json.items() if name in ("thinking", "output_config", "max_tokens")}


@pytest.mark.parametrize(
    ("model", "form"),
    [
        ("claude-2.1", "none"),
        ("claude-instant-1.2", "none"),
        ("claude-3-opus-20240229", "none"),
        ("claude-3-5-haiku-20241022", "none"),
        ("claude-3-7-sonnet-20250219", "budget"),
        ("claude-3.7-sonnet", "budget"),
        ("claude-sonnet-4-20250514", "budget_interleaved"),
        ("claude-sonnet-4@20250514", "budget_interleaved"),
        ("claude-sonnet-4-0", "budget_interleaved"),
        ("claude-opus-4-5-20251101", "budget_interleaved"),
        ("claude-opus-4-6", "budget_interleaved"),
        ("anthropic/claude-haiku-4.5", "budget_interleaved"),
        ("us.anthropic.claude-sonnet-4-20250514-v1:0", "budget_interleaved"),
        ("claude-opus-4-7", "adaptive"),
        ("claude-opus-4.8", "adaptive"),
        ("claude-opus-5", "adaptive"),
        ("Claude-Haiku-5-5", "adaptive"),
        ("claude-mythos-preview", "adaptive"),
        ("qwen3-32b", "budget"),
    ],
)
def test_the_form_is_read_from_the_models_name(model: str, form: Form) -> None:
    assert thinking_form(model) == form


@pytest.mark.parametrize(
    ("config", "budget"),
    [
        (ThinkingConfig(token_budget=1024), 1024),
        (ThinkingConfig(effort="minimal"), 1024),
        (ThinkingConfig(effort="high"), 16384),
        (ThinkingConfig(), 8192),
    ],
)
def test_the_older_models_have_a_budget(config: ThinkingConfig, budget: int) -> None:
    said = thinking_in(AnthropicSettings("claude-opus-4-5", max_tokens=32_000, thinking_config=config))
    assert said == {"max_tokens": 32_000, "thinking": {"type": "enabled", "budget_tokens": budget}}


def test_max_tokens_is_raised_above_the_budget() -> None:
    config = ThinkingConfig(token_budget=4000)
    for most, raised in ((4001, 4001), (4000, 8000), (100, 4100)):
        said = thinking_in(AnthropicSettings("claude-opus-4-5", max_tokens=most, thinking_config=config))
        assert said["max_tokens"] == raised


@pytest.mark.parametrize(
    ("config", "effort"),
    [
        (ThinkingConfig(), None),
        (ThinkingConfig(effort="minimal"), "low"),
        (ThinkingConfig(effort="xhigh"), "xhigh"),
        (ThinkingConfig(token_budget=1), "low"),
        (ThinkingConfig(token_budget=10_000), "medium"),
    ],
)
def test_the_newer_models_think_adaptively(config: ThinkingConfig, effort: str | None) -> None:
    said = thinking_in(AnthropicSettings("claude-opus-4-7", max_tokens=100, thinking_config=config))
    asked: JsonObject = {"max_tokens": 100, "thinking": {"type": "adaptive", "display": "summarized"}}
    assert said == (asked if effort is None else {**asked, "output_config": {"effort": effort}})


def test_thoughts_may_be_left_out_of_the_answer() -> None:
    hidden = ThinkingConfig(token_budget=2048, include_thoughts=False)
    for model in ("claude-opus-4-5", "claude-opus-5"):
        said = thinking_in(AnthropicSettings(model, thinking_config=hidden))["thinking"]
        assert isinstance(said, dict)
        assert said["display"] == "omitted"


@pytest.mark.parametrize("config", [ThinkingConfig(token_budget=0), ThinkingConfig(effort="none")])
def test_thinking_can_be_turned_off(config: ThinkingConfig) -> None:
    for model, temperature in (("claude-opus-4-5", 0.5), ("claude-opus-5", None), ("qwen3", 0.5)):
        settings = AnthropicSettings(model, thinking_config=config, temperature=temperature)
        assert thinking_in(settings)["thinking"] == {"type": "disabled"}
    assert "thinking" not in thinking_in(AnthropicSettings("claude-3-5-haiku-20241022", thinking_config=config))
    assert "thinking" not in thinking_in(AnthropicSettings("claude-opus-5"))


def test_interleaved_thinking_is_asked_for_where_tools_come_with_a_budget() -> None:
    config = ThinkingConfig(token_budget=2048)
    asked = {
        (model, tools): body.headers
        for model in ("claude-3-7-sonnet-20250219", "claude-sonnet-4-5", "claude-opus-5", "qwen3")
        for tools in ((), (TOOL,))
        if isinstance(body := body_of(AnthropicSettings(model, thinking_config=config), *tools), Body)
    }
    assert len(asked) == 8
    assert {key: value for key, value in asked.items() if value} == {
        ("claude-sonnet-4-5", (TOOL,)): (("anthropic-beta", "interleaved-thinking-2025-05-14"),)
    }
    body = body_of(AnthropicSettings("claude-sonnet-4-5"), TOOL)
    assert isinstance(body, Body)
    assert body.headers == ()


@pytest.mark.parametrize(
    ("settings", "word"),
    [
        (AnthropicSettings("claude-opus-4-5", thinking_config=ThinkingConfig(token_budget=1023)), "1024"),
        (AnthropicSettings("claude-3-opus-20240229", thinking_config=ThinkingConfig()), "cannot think"),
        (AnthropicSettings("claude-opus-4-5", thinking_config=ThinkingConfig(), temperature=0.2), "temperature"),
        (AnthropicSettings("claude-opus-5", thinking_config=ThinkingConfig(), top_k=5), "top_k"),
        (AnthropicSettings("claude-opus-5", thinking_config=ThinkingConfig(), top_p=0.5), "top_p"),
        (AnthropicSettings("claude-opus-4-5", thinking_config=ThinkingConfig(), top_p=0.9), "top_p below 0.95"),
        (AnthropicSettings("claude-opus-4-7", temperature=0.2), "temperature does not go with claude-opus-4-7"),
        (AnthropicSettings("claude-sonnet-5-5", top_k=5), "top_k"),
        (AnthropicSettings("claude-opus-4-7", top_p=0.99), "top_p"),
    ],
)
def test_what_cannot_be_is_refused_with_what_to_do(settings: AnthropicSettings, word: str) -> None:
    refused = body_of(settings)
    assert isinstance(refused, Unsupported)
    assert word in refused.message


def test_sampling_that_goes_with_thinking_is_let_through() -> None:
    settings = AnthropicSettings("claude-opus-4-0", thinking_config=ThinkingConfig(), temperature=1, top_p=0.95)
    body = body_of(settings)
    assert isinstance(body, Body)
    assert (body.json["temperature"], body.json["top_p"]) == (1, 0.95)


@pytest.mark.parametrize(
    "model", ["claude-opus-4-1-20250805", "claude-sonnet-4-5", "claude-haiku-4.5", "claude-opus-4-6"]
)
def test_some_models_take_a_temperature_or_a_top_p(model: str) -> None:
    both = AnthropicSettings(model, temperature=1, top_p=0.95)
    thinking = replace(both, thinking_config=ThinkingConfig())
    for settings in (both, replace(both, temperature=0.0), thinking):
        assert body_of(settings) == Unsupported(
            "this model takes temperature or top_p, not both: leave one of the two out"
        )
    for settings in (replace(both, top_p=None), replace(both, temperature=None), replace(thinking, top_p=None)):
        assert isinstance(body_of(settings), Body)


@pytest.mark.parametrize("model", ["claude-sonnet-4-20250514", "claude-3-5-haiku-20241022", "qwen3"])
def test_older_models_take_sampling_parameters(model: str) -> None:
    body = body_of(AnthropicSettings(model, temperature=0.2, top_p=0.5, top_k=4))
    assert isinstance(body, Body)
    assert (body.json["temperature"], body.json["top_p"], body.json["top_k"]) == (0.2, 0.5, 4)


CALL = ToolCall("c", "look", "{}")
RESULT = ToolResultMessage("c", "look", "seen")
THOUGHT = ThinkingPart("hm", "signature")
OURS = Origin("anthropic")


@pytest.mark.parametrize(
    ("said", "thinks"),
    [
        ([ToolCallMessage([CALL]), RESULT], False),
        ([ToolCallMessage([TextPart("Let me see."), CALL]), RESULT], False),
        ([ToolCallMessage([THOUGHT, CALL], origin=Origin("gemini")), RESULT], False),
        ([ToolCallMessage([THOUGHT, CALL], origin=OURS), RESULT], True),
        ([ToolCallMessage([THOUGHT, CALL], origin=OURS), RESULT, ToolCallMessage([CALL], origin=OURS), RESULT], True),
        ([ToolCallMessage([CALL]), RESULT, AssistantMessage("Seen."), UserMessage("And now?")], True),
        ([AssistantMessage("Seen."), UserMessage("And now?")], True),
    ],
)
@pytest.mark.parametrize("model", ["claude-sonnet-4-20250514", "claude-opus-4-8"])
def test_a_turn_that_began_without_thinking_is_answered_without(said: list[Message], thinks: bool, model: str) -> None:
    """Only a budget wants that: a model that decides itself takes any turn."""
    settings = AnthropicSettings(model, thinking_config=ThinkingConfig(token_budget=2048))
    turn = RequestTurn(1, (UserMessage("Hi"), *said), (TOOL,))
    body = encode(settings, turn, "stream").unwrap()
    assert ("thinking" in body.json) == (thinks or "4-8" in model)
    assert bool(body.headers) == (thinks and "4-8" not in model)
