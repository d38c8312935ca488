"""What a model is told of its settings when it is made, and that they reach its requests."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from punk.core.messages import UserMessage
from punk.core.request import OneTool, ToolChoice
from punk.errors import ConfigurationError
from punk.llm.chat import Chat
from punk.llm.models.anthropic import AnthropicModel
from punk.llm.models.azure_openai import AzureOpenAiModel
from punk.llm.models.base import Model
from punk.llm.models.bedrock import BedrockModel
from punk.llm.models.google import GoogleModel
from punk.llm.models.openai import OpenAiCompatibleModel, OpenAiModel
from punk.llm.models.settings_check import check_settings
from tests.providers.anthropic.answers import ending, message, text
from tests.support.aio import run
from tests.support.server import Answer, serve

HI = UserMessage("Hi")


def now() -> str:
    """The time."""
    return "noon"


def test_a_choice_of_tools_reaches_the_request() -> None:
    with serve(Answer((message() + text(0, "a") + ending(),))) as server:
        model = AnthropicModel("claude-opus-5", tool_choice="none", api_key="k", base_url=server.base)
        run(Chat((HI,), model, [now]).complete_async())
        assert server.requests[0].body["tool_choice"] == {"type": "none"}


@pytest.mark.parametrize(
    ("model", "word"),
    [
        (AnthropicModel("claude-opus-5", api_key="k", seed=1), "seed"),
        (AnthropicModel("claude-opus-5", api_key="k", temperature=0.2), "temperature"),
        (AnthropicModel("claude-opus-5", api_key="k", tool_choice="required"), "no tools"),
        (OpenAiModel("gpt-5.5", api_key="k", seed=1), "seed"),
        (OpenAiModel("gpt-5.5", api_key="k", tool_choice=OneTool("f")), "'f'"),
        (OpenAiModel("gpt-5.5", api="chat", api_key="k", tool_choice="required"), "no tools"),
    ],
)
def test_what_a_wire_cannot_say_is_told_before_any_request(model: Model, word: str) -> None:
    with pytest.raises(ConfigurationError, match=re.escape(word)):
        run(Chat((HI,), model).complete_async())


@pytest.mark.parametrize("choice", ["any", "f", "", 1])
def test_a_choice_is_one_of_those_there_are(choice: ToolChoice) -> None:
    for make in (AnthropicModel, OpenAiModel, AzureOpenAiModel, GoogleModel, BedrockModel):
        with pytest.raises(ConfigurationError, match="tool_choice"):
            make("m", tool_choice=choice)


def test_top_k_is_a_number_of_tokens() -> None:
    with pytest.raises(ConfigurationError, match="top_k"):
        AnthropicModel("m", top_k=0)
    with pytest.raises(ConfigurationError, match="top_k"):
        OpenAiCompatibleModel("m", base_url="http://x/v1", top_k=-1)
    check_settings("m", None, None, None, 1, OneTool("f"))


@pytest.mark.parametrize("make", [AnthropicModel, OpenAiModel, AzureOpenAiModel, GoogleModel, BedrockModel])
def test_one_text_to_stop_at_is_not_taken_for_its_letters(make: Callable[..., Model]) -> None:
    with pytest.raises(ConfigurationError, match=r"\['END'\]"):
        make("m", stop_sequences="END")
    with pytest.raises(ConfigurationError, match="one letter or more"):
        make("m", stop_sequences=["END", ""])


def test_what_is_no_client_is_refused_and_so_is_what_a_client_has_itself() -> None:
    import anthropic
    import openai

    for wrong in (anthropic.Anthropic(api_key="k"), object(), openai.AsyncOpenAI(api_key="k")):
        with pytest.raises(ConfigurationError, match="such as AsyncAnthropic"):
            AnthropicModel("m", client=wrong)  # type: ignore[arg-type]  # what is refused
    with pytest.raises(ConfigurationError, match="such as AsyncOpenAI"):
        OpenAiModel("m", client=openai.OpenAI(api_key="k"))  # type: ignore[arg-type]  # what is refused
    with pytest.raises(ConfigurationError, match="knows its base_url"):
        OpenAiModel("m", client=openai.AsyncOpenAI(api_key="k"), base_url="http://x")
    with pytest.raises(ConfigurationError, match="knows its api_key"):
        AnthropicModel("m", client=anthropic.AsyncAnthropic(api_key="k"), api_key="k")
    azure = openai.AsyncAzureOpenAI(api_key="k", azure_endpoint="http://x", api_version="1")
    with pytest.raises(ConfigurationError, match="knows its endpoint, api_version"):
        AzureOpenAiModel("m", client=azure, endpoint="http://x", api_version="1")


@pytest.mark.parametrize("make", [OpenAiModel, AzureOpenAiModel])
def test_top_k_is_refused_by_openai_in_words(make: Callable[..., Model]) -> None:
    model = make("m", top_k=3, api_key="k", **({"endpoint": "http://x"} if make is AzureOpenAiModel else {}))
    with pytest.raises(ConfigurationError, match="top_k"):
        run(Chat((HI,), model).complete_async())
