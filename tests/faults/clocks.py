"""Models with clocks of their own, and streams that must end by one."""

from __future__ import annotations

from functools import partial
from typing import Final, Unpack

import pytest
from google.oauth2.credentials import Credentials

from punk.core.events import RetryScheduled
from punk.core.failures import Clock, TimedOut
from punk.errors import StreamingError
from punk.llm.chat import Chat
from punk.llm.models.anthropic import AnthropicModel
from punk.llm.models.azure_openai import AzureOpenAiModel
from punk.llm.models.base import Model
from punk.llm.models.bedrock import BedrockModel
from punk.llm.models.google import GoogleModel
from punk.llm.models.openai import OpenAiModel
from punk.llm.options import RunOptions
from punk.llm.retry import RetryPolicy
from punk.llm.timeouts import Timeouts
from tests.faults.ends import failed
from tests.faults.wires import KEY, Wire

THRICE: Final = RetryPolicy(attempts=3, base=0.0)


def of_the_model(wire: Wire, base: str, timeouts: Timeouts) -> Model:
    """A model with clocks of its own."""
    match wire.name:
        case "anthropic":
            return AnthropicModel("claude-sonnet-5-5", api_key=KEY, base_url=base, timeouts=timeouts)
        case "responses":
            return OpenAiModel("gpt-5.5", api_key=KEY, base_url=base, timeouts=timeouts)
        case "chat":
            return OpenAiModel("gpt-5.5", api="chat", api_key=KEY, base_url=base, timeouts=timeouts)
        case "azure":
            return AzureOpenAiModel("gpt-5.5", api_key=KEY, endpoint=base, timeouts=timeouts)
        case "bedrock":
            nova = partial(BedrockModel, "amazon.nova-pro-v1:0", region_name="us-east-1", endpoint_url=base)
            return nova(aws_access_key_id="AKID", aws_secret_access_key=KEY, timeouts=timeouts)
        case "gemini":
            return GoogleModel("gemini-3.5-flash", api_key=KEY, base_url=base, timeouts=timeouts)
        case _:
            credentials = Credentials(token=KEY)  # type: ignore[no-untyped-call]  # its own
            vertex = partial(GoogleModel, "gemini-3.5-flash", project="p", location="us-central1", base_url=base)
            return vertex(credentials=credentials, timeouts=timeouts)


async def ran_out(chat: Chat, clock: Clock, kept: str = "") -> str:
    """The words of a stream that must end by `clock`, with the text that is `kept` of it."""
    error, shown = await failed(chat)
    assert isinstance(error.failure, TimedOut)
    assert error.failure.clock == clock, error
    assert error.retryable == (clock != "total")
    assert shown == kept
    return f"error: TimedOut {clock}" + (f", {kept!r} kept" if kept else "")


async def folded(chat: Chat, clock: Clock, **options: Unpack[RunOptions]) -> None:
    """The same by `complete_async`."""
    with pytest.raises(StreamingError) as caught:
        await chat.complete_async(**options)
    assert isinstance(caught.value.failure, TimedOut)
    assert caught.value.failure.clock == clock


async def retried(chat: Chat, clock: Clock) -> int:
    """How many requests were made in vain before a stream ended by `clock` in the end."""
    requests = 1
    with pytest.raises(StreamingError) as caught:
        async with chat.with_options(retry=THRICE).complete_stream() as stream:
            async for entry in stream.events:
                requests += isinstance(entry.event, RetryScheduled)
    assert isinstance(caught.value.failure, TimedOut)
    assert caught.value.failure.clock == clock
    return requests
