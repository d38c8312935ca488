"""Requests over real connections: what the server is sent, what becomes of its answers, and when it sees the close."""

from __future__ import annotations

import asyncio
import gzip
import time
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path

import httpx2
import pytest
from anthropic import AsyncAnthropic, CredentialsError
from anthropic.lib.credentials import AccessToken, AsyncAccessTokenProvider
from returns.methods import unwrap_or_failure

from punk.core.effects import RequestTurn
from punk.core.failures import (
    ConnectFailed,
    ConnectionLost,
    Failure,
    HttpStatus,
    StreamingUnsupported,
    TimedOut,
    Unsupported,
)
from punk.core.messages import UserMessage
from punk.core.thinking import ThinkingConfig
from punk.providers.anthropic.provider import anthropic_provider
from punk.providers.anthropic.settings import AnthropicSettings
from punk.providers.anthropic.transport import AnthropicTransport
from punk.providers.base import Body, TransportError
from punk.providers.secrets import FORBIDDEN_HEADER
from tests.providers.anthropic.answers import ending, message, text
from tests.support.aio import run
from tests.support.server import Answer, Pause, Server, WaitForClose, serve
from tests.support.whole import whole

# The SDK warns of this model, and would refuse a whole answer this long.
BODY = Body(
    {
        "model": "claude-sonnet-4-20250514",
        "max_tokens": 500_000,
        "messages": [{"role": "user", "content": "é"}],
        "stream": True,
        "odd": {"x": 1},
    },
    (("anthropic-beta", "b2"),),
)
PIECES = (message(), text(0, "a") + ending())
SECRET = "sk-ant-0123456789"


def own(server: Server, key: str = SECRET) -> AnthropicTransport:
    return AnthropicTransport(api_key=key, base_url=server.base)


async def rest_of(transport: AnthropicTransport) -> bytes:
    stream = await transport.open(BODY)
    try:
        pieces = []
        while (piece := await stream.read()) is not None:
            pieces.append(piece)
        return b"".join(pieces)
    finally:
        await stream.close()


def failure_of(doing: Callable[[], Awaitable[object]]) -> Failure:
    async def main() -> Failure:
        with pytest.raises(TransportError) as caught:
            await doing()
        assert caught.value.failure.message
        assert SECRET not in str(caught.value)
        return caught.value.failure

    return run(main())


def test_the_body_is_sent_as_it_is_and_the_answer_comes_as_bytes() -> None:
    with serve(Answer(PIECES)) as server:
        assert run(rest_of(own(server))) == b"".join(PIECES)
        [request] = server.requests
        assert (request.path, request.body) == ("/v1/messages", BODY.json)
        assert SECRET in request.headers.get("authorization", "") + request.headers.get("x-api-key", "")
        assert request.headers["anthropic-beta"] == "b2"


def test_a_whole_answer_may_be_long() -> None:
    body = Body({**BODY.json, "stream": False})
    with serve(Answer((b'{"a"', b":1}"))) as server:
        assert run(whole(own(server), body)) == b'{"a":1}'
        assert server.requests[0].body == body.json


def test_tokens_are_counted_at_an_endpoint_of_their_own() -> None:
    body = Body({"model": "claude-sonnet-4-20250514", "messages": [], "odd": {"x": 1}}, BODY.headers, "count")
    with serve(Answer((b'{"input_tokens":', b"12}"))) as server:
        assert run(whole(own(server), body)) == b'{"input_tokens":12}'
        [request] = server.requests
        assert (request.path, request.body) == ("/v1/messages/count_tokens", body.json)
        assert request.headers["anthropic-beta"] == "b2"


def test_a_model_puts_it_all_together() -> None:
    settings = AnthropicSettings("claude-opus-4-6", thinking_config=ThinkingConfig(effort="low"))
    with serve(Answer(PIECES)) as server:
        provider = anthropic_provider(settings, own(server))
        body = unwrap_or_failure(provider.encode(RequestTurn(1, (UserMessage("Hi"),), ()), "stream"))
        assert isinstance(body, Body)

        async def main() -> None:
            stream = await provider.transport.open(body)
            _, said = provider.decoder().feed(await stream.read() or b"")
            assert len(said) == 1
            await stream.close()

        run(main())


def test_a_compressed_answer() -> None:
    headers = (("content-type", "text/event-stream"), ("content-encoding", "gzip"))
    with serve(Answer((gzip.compress(b"".join(PIECES)),), headers=headers)) as server:
        assert run(rest_of(own(server))) == b"".join(PIECES)


@pytest.mark.parametrize("variable", ["HOME", "ANTHROPIC_CONFIG_DIR"])
def test_the_key_comes_from_the_environment_or_is_asked_for(
    variable: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    # The SDK looks for profiles on the disk, too: none, or a folder that lacks the one that is asked for.
    monkeypatch.setenv(variable, str(tmp_path))
    with serve(Answer(PIECES)) as server:
        transport = AnthropicTransport(base_url=server.base)
        for doing in (transport.prepare, transport.open):
            failure = failure_of(lambda doing=doing: doing(BODY))  # type: ignore[misc]  # a default
            assert isinstance(failure, Unsupported)
            assert "ANTHROPIC_API_KEY" in failure.message

        async def try_again() -> bytes:
            with pytest.raises(TransportError):
                await transport.prepare(BODY)
            monkeypatch.setenv("ANTHROPIC_API_KEY", SECRET)
            await transport.prepare(BODY)
            return await rest_of(transport)

        assert run(try_again()) == b"".join(PIECES)


async def no_credentials() -> AccessToken:
    raise CredentialsError("no file")


@pytest.mark.parametrize("credentials", [None, no_credentials])
def test_a_given_client_without_a_key_is_told_so(
    credentials: AsyncAccessTokenProvider | None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))

    async def main() -> object:
        async with AsyncAnthropic(base_url="http://127.0.0.1:1", credentials=credentials) as client:
            return await AnthropicTransport(client=client).open(BODY)

    assert isinstance(failure_of(main), Unsupported)


JSON = (("content-type", "application/json"), ("retry-after", "7"))


@pytest.mark.parametrize(
    ("status", "body", "failure"),
    [
        (
            401,
            b'{"type":"error","error":{"type":"authentication_error","message":"invalid %s"}}' % SECRET.encode(),
            HttpStatus(401, "invalid ***", "authentication_error", 7.0),
        ),
        (
            529,
            b'{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}',
            HttpStatus(529, "Overloaded", "overloaded_error", 7.0),
        ),
        (
            502,
            b"<html>x</html>",
            HttpStatus(502, "HTTP 502: a gateway got no good answer from the provider", None, 7.0),
        ),
        (
            400,
            b'{"error":{"message":"streaming is not supported"}}',
            StreamingUnsupported("streaming is not supported"),
        ),
    ],
)
def test_status_errors_come_at_once_with_the_providers_words(status: int, body: bytes, failure: Failure) -> None:
    with serve(Answer((body,), status, JSON)) as server:
        assert failure_of(lambda: own(server).open(BODY)) == failure
        assert failure_of(lambda: whole(own(server), BODY)) == failure
        assert len(server.requests) == 2


@pytest.mark.parametrize(
    "answer",
    [
        Answer((PIECES[0],), ending="cut"),
        Answer((PIECES[0],), ending="reset"),
        Answer((), ending="reset"),
    ],
)
def test_broken_connections(answer: Answer) -> None:
    with serve(answer) as server:
        assert isinstance(failure_of(lambda: rest_of(own(server))), ConnectionLost)
        assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("url", "kind"), [("http://127.0.0.1:1", ConnectFailed), ("nowhere", Unsupported), ("http://x:y", Unsupported)]
)
def test_servers_that_are_not_there(url: str, kind: type[Failure]) -> None:
    transport = AnthropicTransport(api_key=SECRET, base_url=url)
    assert isinstance(failure_of(lambda: transport.open(BODY)), kind)


def test_a_key_that_no_request_can_hold() -> None:
    with serve(Answer(PIECES)) as server:
        transport = AnthropicTransport(api_key=f"{SECRET}\nx", base_url=server.base)
        assert failure_of(lambda: transport.open(BODY)) == FORBIDDEN_HEADER
        assert server.requests == []


@pytest.mark.parametrize(
    ("answer", "clock"),
    [
        (Answer((), before_headers=(Pause(5),)), "first_event"),
        (Answer((Pause(5),)), "first_event"),
        (Answer((PIECES[0], Pause(5))), "progress"),
    ],
)
def test_silence_ends_the_waiting(answer: Answer, clock: str) -> None:
    with serve(answer) as server:

        async def main() -> None:
            timeout = httpx2.Timeout(5, read=0.1)
            async with AsyncAnthropic(base_url=server.base, api_key=SECRET, timeout=timeout) as client:
                with pytest.raises(TransportError) as caught:
                    await rest_of(AnthropicTransport(client=client))
                failure = caught.value.failure
                assert isinstance(failure, TimedOut)
                assert failure.clock == clock

        run(main())
        assert len(server.requests) == 1


async def read_one(transport: AnthropicTransport, server: Server) -> None:
    stream = await transport.open(BODY)
    assert await stream.read() == PIECES[0]
    await stream.close()
    await stream.close()
    assert await stream.read() is None


async def read_on(transport: AnthropicTransport, server: Server) -> None:
    stream = await transport.open(BODY)
    await stream.read()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await stream.read()
    await stream.close()


async def open_only(transport: AnthropicTransport, server: Server) -> None:
    await cancelled_once_asked(transport.open(BODY), server)


async def send_only(transport: AnthropicTransport, server: Server) -> None:
    await cancelled_once_asked(whole(transport, BODY), server)


async def cancelled_once_asked(doing: Coroutine[object, object, object], server: Server) -> None:
    task = asyncio.create_task(doing)
    while not server.requests:
        await asyncio.sleep(0.01)
    await asyncio.sleep(0.05)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


HELD = Answer((PIECES[0], WaitForClose()))
MUTE = Answer((), before_headers=(WaitForClose(),))


@pytest.mark.parametrize(
    ("doing", "answer"), [(read_one, HELD), (read_on, HELD), (open_only, MUTE), (send_only, MUTE), (send_only, HELD)]
)
def test_closing_and_cancelling_close_the_connection_at_once(
    doing: Callable[[AnthropicTransport, Server], Awaitable[None]], answer: Answer
) -> None:
    with serve(answer) as server:

        async def main() -> None:
            await doing(own(server), server)
            left_at = time.monotonic()
            await asyncio.sleep(0.2)  # the loop, and with it the pool, lives on
            [request] = server.requests
            assert request.done.wait(5)
            assert request.closed_at is not None
            assert request.closed_at - left_at < 2  # no timeout had to pass; how fast it is, a benchmark tells

        run(main())


def test_an_answer_read_to_its_end_gives_its_connection_back() -> None:
    async def main(server: Server) -> None:
        transport = own(server)
        for _ in range(3):
            await rest_of(transport)
        assert server.connections == 1
        await transport.leave()
        await transport.leave()
        await rest_of(transport)
        assert server.connections == 2

    with serve(Answer(PIECES)) as server:
        run(main(server))


def test_a_given_client_is_used_and_never_closed() -> None:
    async def main(server: Server) -> None:
        headers = {"x-own": "1", "anthropic-beta": "b1"}
        async with AsyncAnthropic(base_url=server.base, api_key=SECRET, default_headers=headers) as client:
            transport = AnthropicTransport(client=client)
            await transport.prepare(BODY)
            assert await rest_of(transport) == b"".join(PIECES)
            await transport.leave()
            assert not client.is_closed()
            sent = server.requests[-1].headers
            assert (sent["x-own"], sent["anthropic-beta"]) == ("1", "b1,b2")

    with serve(Answer(PIECES)) as server:
        run(main(server))
