"""Requests over real connections: what the server is sent, what becomes of its answers, and when it sees the close."""

from __future__ import annotations

import asyncio
import gzip
import json
import time
from collections.abc import Awaitable, Callable
from functools import partial

import httpx2
import pytest
from openai import AsyncOpenAI

from punk.core.failures import (
    ConnectFailed,
    ConnectionLost,
    Failure,
    HttpStatus,
    StreamingUnsupported,
    TimedOut,
    Unsupported,
)
from punk.core.json import JsonObject
from punk.providers.base import Body, TransportError
from punk.providers.openai.chat.transport import ChatTransport
from punk.providers.openai.transport import GivenClient, OwnClients, compatible_client, openai_client
from tests.providers.openai.chunks import DONE, chunk
from tests.support.aio import run
from tests.support.server import Answer, Pause, Server, WaitForClose, serve
from tests.support.whole import whole

BODY = Body(
    {"model": "m", "messages": [{"role": "user", "content": "é"}], "stream": True, "odd": {"x": 1}}, (("x-more", "1"),)
)
PIECES = (chunk({"content": "a"}), chunk({}, "stop") + DONE)


def compatible(server: Server, key: str | None = None) -> ChatTransport:
    return ChatTransport(OwnClients(lambda: compatible_client(key, server.base + "/v1")))


async def rest_of(transport: ChatTransport) -> bytes:
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
        return caught.value.failure

    return run(main())


def seconds_to_close(server: Server, since: float) -> float:
    recorded = server.requests[-1]
    assert recorded.done.wait(5)
    assert recorded.closed_at is not None
    return recorded.closed_at - since


def test_the_body_is_sent_as_it_is_and_the_answer_comes_as_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "OPENAI_ORG_ID", "OPENAI_PROJECT_ID", "OPENAI_ADMIN_KEY"):
        monkeypatch.setenv(name, "secret")
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", "Authorization: Bearer secret")
    with serve(Answer(PIECES)) as server:
        for key, header in ((None, "Bearer none"), ("mine", "Bearer mine")):
            assert run(rest_of(compatible(server, key))) == b"".join(PIECES)
            request = server.requests[-1]
            assert (request.path, request.body) == ("/v1/chat/completions", BODY.json)
            assert request.headers["authorization"] == header
            assert request.headers["x-more"] == "1"
            assert "secret" not in json.dumps(request.headers)


def test_openai_itself_takes_its_key_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    with serve(Answer(PIECES)) as server:
        transport = ChatTransport(OwnClients(lambda: openai_client(None, server.base)))
        failure = failure_of(lambda: transport.prepare(BODY))
        assert isinstance(failure, Unsupported)
        assert "OPENAI_API_KEY" in failure.message
        monkeypatch.setenv("OPENAI_API_KEY", "k")
        assert run(rest_of(transport)) == b"".join(PIECES)
        assert server.requests[-1].headers["authorization"] == "Bearer k"


def test_a_whole_answer() -> None:
    body: JsonObject = {"model": "m", "messages": []}
    with serve(Answer((b'{"a"', b":1}"))) as server:
        assert run(whole(compatible(server), Body(body))) == b'{"a":1}'
        assert server.requests[0].body == {**body, "stream": False}


def test_a_compressed_answer() -> None:
    headers = (("content-type", "text/event-stream"), ("content-encoding", "gzip"))
    with serve(Answer((gzip.compress(b"".join(PIECES)),), headers=headers)) as server:
        assert run(rest_of(compatible(server))) == b"".join(PIECES)


SECRET = "sk-0123456789"
JSON = (("content-type", "application/json"), ("retry-after", "7"))


@pytest.mark.parametrize(
    ("status", "body", "failure"),
    [
        (
            401,
            b'{"error":{"message":"Incorrect key %s","type":"invalid_request_error"}}' % SECRET.encode(),
            HttpStatus(401, "Incorrect key ***", "invalid_request_error", 7.0),
        ),
        (429, b'{"error":{"message":"slow","code":"rate"}}', HttpStatus(429, "slow", "rate", 7.0)),
        (500, b"", HttpStatus(500, "HTTP 500: the provider had an internal error", None, 7.0)),
        (
            502,
            b"<html>bad</html>",
            HttpStatus(502, "HTTP 502: a gateway got no good answer from the provider", None, 7.0),
        ),
        (
            400,
            b'{"error":{"message":"stream is not supported by this model"}}',
            StreamingUnsupported("stream is not supported by this model"),
        ),
    ],
)
def test_status_errors_come_at_once_with_the_providers_words(status: int, body: bytes, failure: Failure) -> None:
    with serve(Answer((body,), status, JSON)) as server:
        assert failure_of(lambda: compatible(server, SECRET).open(BODY)) == failure
        assert failure_of(lambda: whole(compatible(server, SECRET), BODY)) == failure
        assert len(server.requests) == 2


def test_a_short_key_is_no_secret_to_blot_out_of_words() -> None:
    with serve(Answer((b'{"error":{"message":"no key: none given"}}',), 401)) as server:
        for key in (None, "k"):
            failure = failure_of(lambda key=key: compatible(server, key).open(BODY))  # type: ignore[misc]  # a default
            assert failure == HttpStatus(401, "no key: none given")


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (Answer((PIECES[0],), ending="cut"), ConnectionLost),
        (Answer((PIECES[0],), ending="reset"), ConnectionLost),
        (Answer((), ending="reset"), ConnectionLost),
    ],
)
def test_broken_connections(answer: Answer, kind: type[Failure]) -> None:
    with serve(answer) as server:
        failure = failure_of(lambda: rest_of(compatible(server)))
        assert isinstance(failure, kind)
        assert failure.message
        assert len(server.requests) == 1


@pytest.mark.parametrize(("url", "kind"), [("http://127.0.0.1:1/v1", ConnectFailed), ("nowhere", Unsupported)])
def test_servers_that_are_not_there(url: str, kind: type[Failure]) -> None:
    assert isinstance(
        failure_of(lambda: ChatTransport(OwnClients(lambda: compatible_client("k", url))).open(BODY)), kind
    )


def test_settings_that_no_request_can_be_made_of() -> None:
    with serve(Answer(PIECES)) as server:
        for key, url in (("ключ", server.base), ("k\nx", server.base), ("k", "http://x:y")):
            transport = ChatTransport(OwnClients(partial(compatible_client, key, url)))
            failure = failure_of(partial(transport.open, BODY))
            assert isinstance(failure, Unsupported)
            assert "ключ" not in failure.message
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
        timeout = httpx2.Timeout(5, read=0.1)

        async def main() -> None:
            async with AsyncOpenAI(base_url=server.base, api_key="k", timeout=timeout) as client:
                with pytest.raises(TransportError) as caught:
                    await rest_of(ChatTransport(GivenClient(client)))
                failure = caught.value.failure
                assert isinstance(failure, TimedOut)
                assert failure.clock == clock

        run(main())
        assert len(server.requests) == 1


def test_closing_and_cancelling_close_the_connection_at_once() -> None:
    async def read_one(transport: ChatTransport) -> None:
        stream = await transport.open(BODY)
        assert await stream.read() == PIECES[0]
        await stream.close()
        await stream.close()
        assert await stream.read() is None

    async def read_on(transport: ChatTransport) -> None:
        stream = await transport.open(BODY)
        await stream.read()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await stream.read()
        await stream.close()

    async def open_only(transport: ChatTransport) -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await transport.open(BODY)

    held = Answer((PIECES[0], WaitForClose()))
    for doing, answer in ((read_one, held), (read_on, held), (open_only, Answer((), before_headers=(WaitForClose(),)))):
        with serve(answer) as server:

            async def main(doing: Callable[[ChatTransport], Awaitable[None]] = doing, server: Server = server) -> None:
                await doing(compatible(server))
                left_at = time.monotonic()
                await asyncio.sleep(0.2)  # the loop, and with it the pool, lives on
                assert seconds_to_close(server, left_at) < 2  # no timeout had to pass; a benchmark tells how fast

            run(main())


def test_an_answer_read_to_its_end_gives_its_connection_back() -> None:
    async def main(server: Server) -> None:
        transport = compatible(server)
        for _ in range(3):
            await rest_of(transport)
        assert server.connections == 1
        await transport._clients.leave()
        await rest_of(transport)
        assert server.connections == 2

    with serve(Answer(PIECES)) as server:
        run(main(server))


def test_a_given_client_is_used_and_never_closed() -> None:
    async def main(server: Server) -> None:
        async with AsyncOpenAI(base_url=server.base, api_key="k", default_headers={"x-own": "1"}) as client:
            transport = ChatTransport(GivenClient(client))
            await transport.prepare(BODY)
            assert await rest_of(transport) == b"".join(PIECES)
            await transport._clients.leave()
            assert not client.is_closed()
            assert server.requests[-1].headers["x-own"] == "1"

    with serve(Answer(PIECES)) as server:
        run(main(server))
