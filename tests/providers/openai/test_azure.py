"""Deployments on Azure over real connections: where they are asked, with which credentials, and what answers hold."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

import pytest
from openai import AsyncAzureOpenAI

from punk.core.events import ProviderEvent, TextDelta, TurnEnded, TurnStarted
from punk.core.json import JsonObject
from punk.core.messages import Finish, UserMessage
from punk.errors import ConfigurationError, StreamingError
from punk.llm.chat import Chat
from punk.llm.models.azure_openai import AzureOpenAiModel, TokenProvider
from punk.testing.wires import openai_chat, openai_responses
from tests.providers.openai.chunks import DONE, chunk, sse
from tests.support.aio import run
from tests.support.server import Answer, Server, serve

SAID: Iterable[ProviderEvent] = (TurnStarted("f"), TextDelta(0, "Hi"), TurnEnded(Finish("stop")))
CHAT = Answer([openai_chat.encode_events(SAID)])
RESPONSES = Answer([openai_responses.encode_events(SAID)])


def ask(model: AzureOpenAiModel) -> str:
    chat = Chat(model=model).add_message(UserMessage("Hello"))
    return run(chat.complete_async()).latest_message.content


def test_the_deployment_is_asked_at_its_own_address() -> None:
    with serve(CHAT) as server:
        assert ask(AzureOpenAiModel("my deployment", endpoint=server.base, api_key="mine")) == "Hi"
        request = server.requests[0]
        assert request.path == "/openai/deployments/my%20deployment/chat/completions?api-version=2024-10-21"
        assert request.headers["api-key"] == "mine"
        assert "authorization" not in request.headers
        assert request.body["stream"] is True


def test_responses_name_the_deployment_in_the_body() -> None:
    with serve(RESPONSES) as server:
        assert ask(AzureOpenAiModel("d", endpoint=server.base, api_key="mine", api="responses")) == "Hi"
        request = server.requests[0]
        assert request.path == "/openai/responses?api-version=2025-04-01-preview"
        assert (request.body["model"], request.body["store"]) == ("d", False)


def test_the_environment_says_what_is_not_given(monkeypatch: pytest.MonkeyPatch) -> None:
    with serve(CHAT) as server:
        monkeypatch.setenv("AZURE_OPENAI_ENDPOINT", server.base)
        monkeypatch.setenv("AZURE_OPENAI_API_KEY", "from-env")
        monkeypatch.setenv("OPENAI_API_VERSION", "2099-01-01")
        monkeypatch.setenv("OPENAI_ORG_ID", "org")
        monkeypatch.setenv("OPENAI_PROJECT_ID", "project")
        assert ask(AzureOpenAiModel("d")) == "Hi"
        request = server.requests[0]
        assert request.headers["api-key"] == "from-env"
        assert request.path.endswith("?api-version=2099-01-01")
        assert not [name for name in request.headers if name.startswith("openai-")]
        assert ask(AzureOpenAiModel("d", api_key="given", api_version="2100-01-01")) == "Hi"
        assert server.requests[1].headers["api-key"] == "given"
        assert server.requests[1].path.endswith("?api-version=2100-01-01")


async def _later() -> str:
    await asyncio.sleep(0)
    return "token-2"


@pytest.mark.parametrize(("provider", "token"), [(lambda: "token-1", "token-1"), (_later, "token-2")])
def test_a_token_provider_takes_the_place_of_a_key(
    provider: TokenProvider, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AZURE_OPENAI_API_KEY", "from-env")
    with serve(CHAT) as server:
        assert ask(AzureOpenAiModel("d", endpoint=server.base, azure_ad_token_provider=provider)) == "Hi"
        assert server.requests[0].headers["authorization"] == f"Bearer {token}"
        assert "api-key" not in server.requests[0].headers


def test_a_token_provider_that_fails_is_told_by_name() -> None:
    def broken() -> str:
        raise RuntimeError("no identity here")

    for provider, says in ((broken, "azure_ad_token_provider failed: no identity here"), (lambda: "", "gave no token")):
        model = AzureOpenAiModel("d", endpoint="http://127.0.0.1:9", azure_ad_token_provider=provider)
        with pytest.raises(ConfigurationError, match=says):
            ask(model)


def test_what_is_missing_is_named_before_any_request() -> None:
    with pytest.raises(ConfigurationError, match="AZURE_OPENAI_ENDPOINT"):
        ask(AzureOpenAiModel("d", api_key="k"))
    with pytest.raises(ConfigurationError, match="AZURE_OPENAI_API_KEY"):
        ask(AzureOpenAiModel("d", endpoint="http://127.0.0.1:9"))
    with pytest.raises(ConfigurationError, match="name"):
        AzureOpenAiModel("", endpoint="http://127.0.0.1:9", api_key="k")


def test_a_given_client_is_used_and_left_open() -> None:
    async def main(server: Server) -> None:
        client = AsyncAzureOpenAI(azure_endpoint=server.base, api_key="theirs", api_version="2050-01-01")
        async with AzureOpenAiModel("d", client=client) as model:
            chat = await Chat([UserMessage("Hello")], model).complete_async()
        assert chat.latest_message.content == "Hi"
        assert not client.is_closed()
        await client.close()

    with serve(CHAT) as server:
        run(main(server))
        assert server.requests[0].headers["api-key"] == "theirs"
        assert server.requests[0].path.endswith("?api-version=2050-01-01")


def test_what_azure_says_beside_an_answer_is_no_part_of_it() -> None:
    """It opens with a chunk without choices, filters everything, and leaves the delta out of some choices."""
    opening = sse({"id": "", "object": "", "model": "", "choices": [], "prompt_filter_results": [{"prompt_index": 0}]})
    filtered: JsonObject = {"index": 0, "content_filter_results": {"hate": {"filtered": False, "severity": "safe"}}}
    no_delta = sse({"id": "c", "object": "chat.completion.chunk", "choices": [{**filtered, "finish_reason": None}]})
    body = opening + chunk({"content": "Hi"}) + no_delta + chunk({}, "stop") + DONE
    with serve(Answer([body])) as server:
        assert ask(AzureOpenAiModel("d", endpoint=server.base, api_key="k")) == "Hi"


def test_a_refusal_of_the_filter_keeps_azures_words_and_no_key() -> None:
    body = b'{"error":{"message":"filtered, dear azure-key-12345","code":"content_filter","status":400}}'
    refused = Answer([body], status=400, headers=(("content-type", "application/json"),))
    with serve(refused) as server, pytest.raises(StreamingError) as caught:
        ask(AzureOpenAiModel("d", endpoint=server.base, api_key="azure-key-12345"))
    assert (caught.value.status, caught.value.message) == (400, "filtered, dear ***")


def test_no_key_shows_in_the_models_text() -> None:
    model = AzureOpenAiModel("d", endpoint="http://127.0.0.1:9", api_key="azure-key-12345")
    assert "azure-key" not in repr(model)
    assert model.name == "azure:d"
