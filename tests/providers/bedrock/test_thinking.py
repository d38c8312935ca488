"""How a model is asked to think."""

from __future__ import annotations

from dataclasses import replace

import pytest

from punk.core.failures import Unsupported
from punk.core.json import JsonObject
from punk.core.messages import AssistantMessage, Message, Origin, ToolCallMessage, ToolResultMessage, UserMessage
from punk.core.parts import TextPart, ThinkingPart, ToolCall
from punk.core.thinking import ThinkingConfig
from punk.providers.bedrock.models import thinking_form
from punk.providers.bedrock.settings import BedrockSettings
from tests.providers.bedrock.requests import ADAPTIVE, BUDGET, NOVA, OLDER, TOOL, asked, member


@pytest.mark.parametrize(
    ("model", "form"),
    [
        ("anthropic.claude-v2:1", "none"),
        ("anthropic.claude-instant-v1", "none"),
        ("anthropic.claude-3-5-sonnet-20241022-v2:0", "none"),
        ("anthropic.claude-3-haiku-20240307-v1:0", "none"),
        (OLDER.model, "budget"),
        ("us.anthropic.claude-sonnet-4-20250514-v1:0", "budget_interleaved"),
        ("anthropic.claude-opus-4-1-20250805-v1:0", "budget_interleaved"),
        (BUDGET.model, "budget_interleaved"),
        ("anthropic.claude-opus-4-6-v1", "budget_interleaved"),
        (ADAPTIVE.model, "adaptive"),
        ("anthropic.claude-sonnet-5-5", "adaptive"),
        ("anthropic.claude-fable", "adaptive"),
        (NOVA.model, "nova"),
        ("amazon.nova-pro-v1:0", "none"),
        ("deepseek.r1-v1:0", "none"),
        ("arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/a1", "none"),
    ],
)
def test_the_name_of_a_model_says_how_it_thinks(model: str, form: str) -> None:
    assert thinking_form(model) == form


def test_a_budget() -> None:
    body = asked(replace(BUDGET, max_tokens=500), thinking=ThinkingConfig(token_budget=2048))
    fields: JsonObject = {"thinking": {"type": "enabled", "budget_tokens": 2048}}
    assert member(body, "additionalModelRequestFields") == fields
    assert member(body, "inferenceConfig", "maxTokens") == 2548
    assert member(asked(BUDGET, thinking=ThinkingConfig(token_budget=2048)), "inferenceConfig") is None
    with_tools = asked(BUDGET, tools=(TOOL,), thinking=ThinkingConfig(effort="low", include_thoughts=False))
    assert member(with_tools, "additionalModelRequestFields") == {
        "thinking": {"type": "enabled", "budget_tokens": 2048, "display": "omitted"},
        "anthropic_beta": ["interleaved-thinking-2025-05-14"],
    }
    older = asked(OLDER, tools=(TOOL,), thinking=ThinkingConfig())
    assert member(older, "additionalModelRequestFields") == {"thinking": {"type": "enabled", "budget_tokens": 8192}}


def test_adaptive() -> None:
    body = asked(ADAPTIVE, thinking=ThinkingConfig())
    adaptive: JsonObject = {"thinking": {"type": "adaptive", "display": "summarized"}}
    assert member(body, "additionalModelRequestFields") == adaptive
    assert member(body, "outputConfig") is None
    for config, effort in ((ThinkingConfig(effort="max"), "max"), (ThinkingConfig(token_budget=1), "low")):
        assert member(asked(ADAPTIVE, thinking=config), "outputConfig") == {"effort": effort}
    silent = asked(ADAPTIVE, thinking=ThinkingConfig(include_thoughts=False))
    assert member(silent, "additionalModelRequestFields", "thinking", "display") == "omitted"


def test_nova() -> None:
    for config, effort in (
        (ThinkingConfig(), "medium"),
        (ThinkingConfig(effort="minimal"), "low"),
        (ThinkingConfig(token_budget=70_000), "high"),
    ):
        fields: JsonObject = {"reasoningConfig": {"type": "enabled", "maxReasoningEffort": effort}}
        assert member(asked(NOVA, thinking=config), "additionalModelRequestFields") == fields
    off: JsonObject = {"reasoningConfig": {"type": "disabled"}}
    assert member(asked(NOVA, thinking=ThinkingConfig(effort="none")), "additionalModelRequestFields") == off
    bounded = asked(replace(NOVA, max_tokens=9), thinking=ThinkingConfig(effort="max"))
    assert isinstance(bounded, Unsupported)
    assert "max_tokens" in bounded.message


@pytest.mark.parametrize("settings", [BUDGET, OLDER, ADAPTIVE])
def test_no_thinking(settings: BedrockSettings) -> None:
    off: JsonObject = {"thinking": {"type": "disabled"}}
    for config in (ThinkingConfig(effort="none"), ThinkingConfig(token_budget=0)):
        assert member(asked(settings, thinking=config), "additionalModelRequestFields") == off
    assert member(asked(settings), "additionalModelRequestFields") is None


def test_models_that_cannot_be_asked() -> None:
    llama = BedrockSettings("meta.llama3-70b-instruct-v1:0")
    refused = asked(llama, thinking=ThinkingConfig())
    assert isinstance(refused, Unsupported)
    assert "extra_body" in refused.message
    assert member(asked(llama, thinking=ThinkingConfig(effort="none")), "additionalModelRequestFields") is None


@pytest.mark.parametrize(
    ("settings", "config", "word"),
    [
        (BUDGET, ThinkingConfig(token_budget=1000), "1024"),
        (replace(BUDGET, temperature=0.5), ThinkingConfig(), "temperature"),
        (replace(ADAPTIVE, top_k=3), ThinkingConfig(), "top_k"),
        (replace(BUDGET, top_p=0.5), ThinkingConfig(), "top_p"),
    ],
)
def test_what_does_not_go_with_thinking(settings: BedrockSettings, config: ThinkingConfig, word: str) -> None:
    refused = asked(settings, thinking=config)
    assert isinstance(refused, Unsupported)
    assert word in refused.message


@pytest.mark.parametrize(
    ("model", "takes_both"),
    [
        ("anthropic.claude-opus-4-1-20250805-v1:0", False),
        ("us.anthropic.claude-haiku-4-5-20251001-v1:0", False),
        ("anthropic.claude-opus-4-6-v1", False),
        ("us.anthropic.claude-sonnet-4-20250514-v1:0", True),
        (OLDER.model, True),
        (ADAPTIVE.model, True),
        ("anthropic.claude-fable", True),
        (NOVA.model, True),
    ],
)
def test_temperature_or_top_p(model: str, takes_both: bool) -> None:
    settings = BedrockSettings(model, temperature=0.0, top_p=0.5)
    both = asked(settings)
    if takes_both:
        assert member(both, "inferenceConfig") == {"temperature": 0.0, "topP": 0.5}
    else:
        assert both == Unsupported("this model takes temperature or top_p, not both: leave one of the two out")
    assert member(asked(replace(settings, top_p=None)), "inferenceConfig") == {"temperature": 0.0}
    assert member(asked(replace(settings, temperature=None)), "inferenceConfig") == {"topP": 0.5}


CALL = ToolCall("c", "now", "{}")
RESULT = ToolResultMessage("c", "now", "12:00")
THOUGHT = ThinkingPart("hm", "signature")


@pytest.mark.parametrize(
    ("said", "thinks"),
    [
        ([ToolCallMessage([CALL]), RESULT], False),
        ([ToolCallMessage([TextPart("Let me see."), CALL]), RESULT], False),
        ([ToolCallMessage([THOUGHT, CALL], origin=Origin("bedrock-converse")), RESULT], True),
        ([ToolCallMessage([CALL]), RESULT, AssistantMessage("Noon."), UserMessage("And now?")], True),
        ([AssistantMessage("Noon."), UserMessage("And now?")], True),
    ],
)
def test_a_turn_that_began_without_thinking_is_answered_without(said: list[Message], thinks: bool) -> None:
    config = ThinkingConfig(token_budget=2048)
    body = asked(BUDGET, *said, tools=(TOOL,), thinking=config)
    assert (member(body, "additionalModelRequestFields", "thinking") is not None) == thinks
