"""A real model behind llama.cpp's own server of this wire, whose habits are not the vendor's."""

from __future__ import annotations

import pytest
from returns.methods import unwrap_or_failure

from punk.core.effects import RequestTurn
from punk.core.events import ProviderEvent
from punk.core.failures import HttpStatus
from punk.core.json import JsonValue
from punk.core.messages import AssistantMessage, UserMessage
from punk.providers.anthropic.provider import anthropic_provider
from punk.providers.anthropic.settings import AnthropicSettings
from punk.providers.anthropic.transport import AnthropicTransport
from punk.providers.base import Body, Delivery, Provider, TransportError
from tests.support.aio import run
from tests.support.local_server import local_server
from tests.support.whole import whole
from tests.support.wire_cases import Told, fold_turn


def request(provider: Provider, delivery: Delivery) -> Body:
    said = (UserMessage("Say hello."), AssistantMessage("Hello!"), UserMessage("Count to five."))
    body = unwrap_or_failure(provider.encode(RequestTurn(1, said, ()), delivery))
    assert isinstance(body, Body)
    return body


async def streamed(provider: Provider) -> tuple[ProviderEvent, ...]:
    stream = await provider.transport.open(request(provider, "stream"))
    decoder, events = provider.decoder(), list[ProviderEvent]()
    while (piece := await stream.read()) is not None:
        decoder, said = decoder.feed(piece)
        events.extend(said)
    await stream.close()
    return (*events, *decoder.end())


def test_a_real_answer_streamed_and_whole() -> None:
    with local_server() as url:
        transport = AnthropicTransport(api_key="any", base_url=url)
        provider = anthropic_provider(AnthropicSettings("local", max_tokens=12, temperature=0.0), transport)
        assert_answered(fold_turn(run(streamed(provider))))
        assert_answered(fold_turn(provider.decode_whole(run(whole(transport, request(provider, "whole"))))))

        words: JsonValue = [{"role": "user", "content": "x " * 40_000}]
        with pytest.raises(TransportError) as refused:
            run(transport.open(Body({"model": "local", "messages": words, "max_tokens": 1, "stream": True})))
        failure = refused.value.failure
        assert isinstance(failure, HttpStatus)
        assert (failure.status, failure.error_type) == (400, "exceed_context_size_error")


def assert_answered(told: Told) -> None:
    assert told.failure is None
    assert told.message is not None
    assert told.message.content
    assert told.message.finish_reason in ("stop", "max_tokens")
    assert told.usage is not None
    assert (told.usage.output_tokens or 0) > 0
