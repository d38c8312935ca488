"""Models that are given a client of the vendor's own: it is used, through its own stream, and left open."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Final, final

import anthropic
import boto3  # type: ignore[import-untyped]  # it has no types
import openai
import pytest
from google import genai
from google.genai.types import HttpOptions
from google.oauth2.credentials import Credentials

from punk.core.failures import ConnectionLost, Truncated
from punk.core.messages import ToolResultMessage, UserMessage
from punk.core.state import Cancelled
from punk.errors import StreamingError
from punk.llm.chat import Chat
from punk.llm.models.anthropic import AnthropicModel
from punk.llm.models.azure_openai import AzureOpenAiModel
from punk.llm.models.base import Model
from punk.llm.models.bedrock import BedrockModel
from punk.llm.models.google import GoogleModel
from punk.llm.models.openai import OpenAiModel
from punk.llm.retry import RetryPolicy
from tests.integration.routes import KEY
from tests.llm.script import read
from tests.support.aimock import Aimock
from tests.support.aio import run


@final
@dataclass(frozen=True, slots=True)
class Given:
    """A model with a client of `name`'s, open inside the block."""

    name: str
    open: Callable[[str], AbstractAsyncContextManager[Model]]


@asynccontextmanager
async def with_openai(base: str) -> AsyncIterator[Model]:
    async with openai.AsyncOpenAI(base_url=f"{base}/v1", api_key=KEY) as client:
        yield OpenAiModel("gpt-5.5", api="responses", client=client)


@asynccontextmanager
async def with_azure(base: str) -> AsyncIterator[Model]:
    async with openai.AsyncAzureOpenAI(azure_endpoint=base, api_key=KEY, api_version="2024-10-21") as client:
        yield AzureOpenAiModel("gpt-5.5", api="chat", client=client)


@asynccontextmanager
async def with_anthropic(base: str) -> AsyncIterator[Model]:
    async with anthropic.AsyncAnthropic(base_url=base, api_key=KEY) as client:
        yield AnthropicModel("claude-sonnet-4-5", client=client)


@asynccontextmanager
async def with_boto3(base: str) -> AsyncIterator[Model]:
    session = boto3.Session(aws_access_key_id=KEY, aws_secret_access_key=KEY, region_name="us-east-1")
    yield BedrockModel("anthropic.claude-sonnet-4-5-20250929-v1:0", session=session, endpoint_url=base)


@asynccontextmanager
async def with_gemini(base: str) -> AsyncIterator[Model]:
    client = genai.Client(api_key=KEY, http_options=HttpOptions(base_url=base))
    yield GoogleModel("gemini-2.5-pro", client=client)
    await client.aio.aclose()
    client.close()


@asynccontextmanager
async def with_vertex(base: str) -> AsyncIterator[Model]:
    client = genai.Client(
        vertexai=True,
        project="p",
        location="us-central1",
        credentials=Credentials(token=KEY),  # type: ignore[no-untyped-call]  # not typed by its authors
        http_options=HttpOptions(base_url=base),
    )
    yield GoogleModel("gemini-2.5-pro", client=client)
    await client.aio.aclose()
    client.close()


GIVEN: Final = (
    Given("openai", with_openai),
    Given("azure", with_azure),
    Given("anthropic", with_anthropic),
    Given("boto3", with_boto3),
    Given("gemini", with_gemini),
    Given("vertex", with_vertex),
)


@pytest.fixture(params=GIVEN, ids=lambda given: given.name)
def given(request: pytest.FixtureRequest) -> Given:
    """One vendor's client."""
    found = request.param
    assert isinstance(found, Given)
    return found


def test_tools_run_and_the_client_stays_open(given: Given, aimock: Aimock) -> None:
    def get_weather(location: str) -> str:
        return f"Sunny in {location}."

    async def main() -> None:
        async with given.open(aimock.base) as model:
            chat = Chat([UserMessage("weather")], model, [get_weather])
            async with chat.complete_stream() as stream:
                assert "".join(await read(stream.thinking_delta)) == "I need the weather tool."
                assert "".join(await read(stream.content_delta)) == "Checking.It is sunny in Paris and Rome."
            final = await stream.chat
            results = [message.content for message in final.messages if isinstance(message, ToolResultMessage)]
            assert results == ["Sunny in Paris.", "Sunny in Rome."]
            again = await final.add_message(UserMessage("hello")).complete_async()
            assert again.latest_message.content == "Hello there, nice to meet you."

    run(main())
    assert len(aimock.settled()) == 3


def test_a_stream_that_breaks_off_is_an_error(given: Given, aimock: Aimock) -> None:
    async def main() -> None:
        async with given.open(aimock.base) as model:
            with pytest.raises(StreamingError) as failed:
                await Chat([UserMessage("halfway")], model).complete_async()
            assert isinstance(failed.value.failure, ConnectionLost | Truncated)

    run(main())


def test_too_many_requests_are_told_at_once(given: Given, aimock: Aimock) -> None:
    async def main() -> None:
        async with given.open(aimock.base) as model:
            with pytest.raises(StreamingError, match="Rate limited") as failed:
                await Chat([UserMessage("busy")], model).complete_async(retry=RetryPolicy(attempts=1))
            assert (failed.value.status, failed.value.retryable, failed.value.retry_after) == (429, True, 1.0)

    run(main())
    assert len(aimock.settled()) == 1


def test_leaving_early_closes_the_connection(given: Given, aimock: Aimock) -> None:
    async def main() -> None:
        async with given.open(aimock.base) as model:
            async with Chat([UserMessage("endless")], model).complete_stream() as stream:
                await anext(stream.content)
            assert isinstance(stream.state, Cancelled)
            (asked,) = await asyncio.to_thread(aimock.settled, deadline=2.0)
            assert asked.answer == "broken"

    run(main())
