"""Which model a chat without one uses."""

from __future__ import annotations

import pytest

from punk.errors import ConfigurationError
from punk.llm.models.anthropic import AnthropicModel
from punk.llm.models.azure_openai import AzureOpenAiModel
from punk.llm.models.defaults import named_model, resolve
from punk.llm.models.local import LocalModel
from punk.llm.models.openai import OpenAiCompatibleModel, OpenAiModel


@pytest.mark.parametrize(
    ("environment", "name"),
    [
        ({"PUNK_MODEL": "anthropic:claude-x", "OPENAI_API_KEY": "k"}, "anthropic:claude-x"),
        ({"PUNK_MODEL": " openai:gpt-x "}, "openai:gpt-x"),
        ({"PUNK_MODEL": "local", "OPENAI_API_KEY": "k"}, "local"),
        ({"PUNK_MODEL": "", "OPENAI_API_KEY": "k"}, "openai:gpt-5.5"),
        ({"ANTHROPIC_API_KEY": "k", "OPENAI_API_KEY": "k"}, "anthropic:claude-sonnet-5-5"),
        ({"ANTHROPIC_API_KEY": "", "OPENAI_API_KEY": "k"}, "openai:gpt-5.5"),
        ({"AZURE_OPENAI_API_KEY": "k"}, "azure:gpt-5.5"),
        ({"PUNK_MODEL": "azure:mine"}, "azure:mine"),
        ({"GEMINI_API_KEY": "k"}, "google:gemini-3.5-flash"),
        ({"GOOGLE_API_KEY": "k", "AWS_PROFILE": "p"}, "google:gemini-3.5-flash"),
        ({"AWS_PROFILE": "p"}, "bedrock:global.anthropic.claude-sonnet-4-5-20250929-v1:0"),
        ({"AWS_BEARER_TOKEN_BEDROCK": "b"}, "bedrock:global.anthropic.claude-sonnet-4-5-20250929-v1:0"),
        ({"PUNK_MODEL": "bedrock:eu.x:1", "OPENAI_API_KEY": "k"}, "bedrock:eu.x:1"),
        ({"PUNK_MODEL": "google:gemini-x"}, "google:gemini-x"),
        ({}, "local"),
    ],
)
def test_the_environment_decides(monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], name: str) -> None:
    for key, value in environment.items():
        monkeypatch.setenv(key, value)
    assert resolve(None).name == name


def test_a_given_model_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PUNK_MODEL", "local")
    model = OpenAiModel("gpt-x", api_key="k")
    assert resolve(model) is model


def test_names_stand_for_models() -> None:
    assert isinstance(named_model("anthropic"), AnthropicModel)
    assert isinstance(named_model("openai:gpt-x"), OpenAiModel)
    assert isinstance(named_model("local:some.gguf"), LocalModel)
    assert named_model("local:some.gguf").name == "local:some.gguf"
    with pytest.raises(ConfigurationError, match=r"anthropic:MODEL, openai:MODEL, azure:MODEL.*, or local"):
        named_model("nobody:x")


def test_a_missing_embedded_model_names_every_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PUNK_LOCAL_MODEL", "nowhere.gguf")
    with pytest.raises(ConfigurationError, match=r"nowhere\.gguf"):
        LocalModel().provider()


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"max_tokens": 0}, "max_tokens"),
        ({"temperature": -1.0}, "temperature"),
        ({"top_p": 2.0}, "top_p"),
    ],
)
def test_settings_that_cannot_be_are_refused_where_they_are_made(settings: dict[str, float], says: str) -> None:
    for make in (
        lambda: AnthropicModel("m", **settings),  # type: ignore[arg-type]  # settings by name
        lambda: OpenAiModel("m", **settings),  # type: ignore[arg-type]  # settings by name
        lambda: OpenAiCompatibleModel("m", base_url="http://x/v1", **settings),  # type: ignore[arg-type]  # by name
        lambda: LocalModel(**settings),  # type: ignore[arg-type]  # settings by name
    ):
        with pytest.raises(ConfigurationError, match=says):
            make()
    with pytest.raises(ConfigurationError, match="context_tokens"):
        LocalModel(context_tokens=0)
    with pytest.raises(ConfigurationError, match="responses, chat"):
        OpenAiModel("m", api="completions")  # type: ignore[arg-type]  # what is refused
    with pytest.raises(ConfigurationError, match="name"):
        OpenAiModel("")


def test_a_client_that_is_not_async_is_refused_where_it_is_given() -> None:
    with pytest.raises(ConfigurationError, match=r"AsyncOpenAI\(\.\.\.\), not object"):
        OpenAiModel("m", client=object())  # type: ignore[arg-type]  # what is refused
    with pytest.raises(ConfigurationError, match="AsyncAzureOpenAI"):
        AzureOpenAiModel("m", client=object())  # type: ignore[arg-type]  # what is refused


def test_no_key_shows_in_a_models_text() -> None:
    for model in (AnthropicModel("m", api_key="secret-key"), OpenAiModel("m", api_key="secret-key")):
        assert "secret-key" not in repr(model)
        assert "secret-key" not in repr(model.provider())
