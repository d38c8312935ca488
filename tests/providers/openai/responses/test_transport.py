"""Requests over real connections: what the server is sent, what becomes of its answers, and when it sees the close."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

import pytest
from openai import AsyncOpenAI

from punk.core.failures import ConnectionLost, Failure, HttpStatus, StreamingUnsupported, Unsupported
from punk.core.json import JsonObject
from punk.providers.base import Body, TransportError
from punk.providers.openai.responses.transport import ResponsesTransport
from punk.providers.openai.transport import GivenClient, OwnClients, compatible_client, openai_client
from tests.providers.openai.responses.events import COMPLETED, CREATED, text
from tests.support.aio import run
from tests.support.server import Answer, Server, WaitForClose, serve
from tests.support.whole import whole

BODY = Body(
    {"model": "m", "input": [{"role": "user", "content": "é"}], "store": False, "stream": True, "odd": {"x": 1}},
    (("x-more", "1"),),
)
PIECES = (CREATED + text("a"), COMPLETED)


def reaching(server: Server) -> ResponsesTransport:
    return ResponsesTransport(OwnClients(lambda: compatible_client("sk-0123456789", server.base + "/v1")))


async def rest_of(transport: ResponsesTransport) -> bytes:
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


def test_the_body_is_sent_as_it_is_and_the_answer_comes_as_bytes() -> None:
    with serve(Answer(PIECES)) as server:
        assert run(rest_of(reaching(server))) == b"".join(PIECES)
        request = server.requests[-1]
        assert (request.path, request.body) == ("/v1/responses", BODY.json)
        assert request.headers["authorization"] == "Bearer sk-0123456789"
        assert request.headers["x-more"] == "1"


def test_a_whole_answer() -> None:
    body: JsonObject = {"model": "m", "input": []}
    with serve(Answer((b'{"a"', b":1}"))) as server:
        assert run(whole(reaching(server), Body(body))) == b'{"a":1}'
        assert server.requests[0].body == {**body, "stream": False}


def test_a_key_that_is_missing_is_found_before_any_request() -> None:
    transport = ResponsesTransport(OwnClients(lambda: openai_client(None, None)))
    failure = failure_of(lambda: transport.prepare(BODY))
    assert isinstance(failure, Unsupported)
    assert "OPENAI_API_KEY" in failure.message


@pytest.mark.parametrize(
    ("status", "body", "failure"),
    [
        (
            401,
            b'{"error":{"message":"Incorrect key sk-0123456789","type":"invalid_request_error"}}',
            HttpStatus(401, "Incorrect key ***", "invalid_request_error", 7.0),
        ),
        (429, b'{"error":{"message":"slow","code":"rate"}}', HttpStatus(429, "slow", "rate", 7.0)),
        (
            400,
            b'{"error":{"message":"stream is not supported by this model"}}',
            StreamingUnsupported("stream is not supported by this model"),
        ),
    ],
)
def test_status_errors_come_at_once_with_the_providers_words(status: int, body: bytes, failure: Failure) -> None:
    with serve(Answer((body,), status, (("content-type", "application/json"), ("retry-after", "7")))) as server:
        assert failure_of(lambda: reaching(server).open(BODY)) == failure
        assert failure_of(lambda: whole(reaching(server), BODY)) == failure
        assert len(server.requests) == 2


@pytest.mark.parametrize(
    "answer", [Answer((PIECES[0],), ending="cut"), Answer((PIECES[0],), ending="reset"), Answer((), ending="reset")]
)
def test_broken_connections(answer: Answer) -> None:
    with serve(answer) as server:
        failure = failure_of(lambda: rest_of(reaching(server)))
        assert isinstance(failure, ConnectionLost)
        assert failure.message
        assert len(server.requests) == 1


def test_closing_and_cancelling_close_the_connection_at_once() -> None:
    async def read_one(transport: ResponsesTransport) -> None:
        stream = await transport.open(BODY)
        assert await stream.read() == PIECES[0]
        await stream.close()
        await stream.close()
        assert await stream.read() is None

    async def read_on(transport: ResponsesTransport) -> None:
        stream = await transport.open(BODY)
        await stream.read()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await stream.read()
        await stream.close()

    async def open_only(transport: ResponsesTransport) -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await transport.open(BODY)

    held = Answer((PIECES[0], WaitForClose()))
    for doing, answer in ((read_one, held), (read_on, held), (open_only, Answer((), before_headers=(WaitForClose(),)))):
        with serve(answer) as server:

            async def main(
                doing: Callable[[ResponsesTransport], Awaitable[None]] = doing, server: Server = server
            ) -> None:
                await doing(reaching(server))
                left_at = time.monotonic()
                await asyncio.sleep(0.2)  # the loop, and with it the pool, lives on
                recorded = server.requests[-1]
                assert recorded.done.wait(5)
                assert recorded.closed_at is not None
                assert recorded.closed_at - left_at < 2  # no timeout had to pass; how fast it is, a benchmark tells

            run(main())


def test_a_given_client_is_used_and_never_closed() -> None:
    async def main(server: Server) -> None:
        async with AsyncOpenAI(base_url=server.base, api_key="k", default_headers={"x-own": "1"}) as client:
            transport = ResponsesTransport(GivenClient(client))
            await transport.prepare(BODY)
            assert await rest_of(transport) == b"".join(PIECES)
            await transport._clients.leave()
            assert not client.is_closed()
            assert server.requests[-1].headers["x-own"] == "1"

    with serve(Answer(PIECES)) as server:
        run(main(server))


def test_an_answer_read_to_its_end_gives_its_connection_back() -> None:
    async def main(server: Server) -> None:
        transport = reaching(server)
        for _ in range(3):
            await rest_of(transport)
        assert server.connections == 1
        await transport._clients.leave()
        await rest_of(transport)
        assert server.connections == 2

    with serve(Answer(PIECES)) as server:
        run(main(server))


def test_tokens_are_counted_at_an_endpoint_of_their_own() -> None:
    body: JsonObject = {"model": "m", "input": [], "odd": {"x": 1}}
    with serve(Answer((b'{"input_tokens":', b"12}"))) as server:
        assert run(whole(reaching(server), Body(body, (("x-more", "1"),), "count"))) == b'{"input_tokens":12}'
        [request] = server.requests
        assert (request.path, request.body) == ("/v1/responses/input_tokens", body)
        assert request.headers["x-more"] == "1"
