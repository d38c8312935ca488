"""A client of Google's SDK that was given: its requests are punk's, its chunks are read as those of the wire."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import httpx2
import pytest
from google.genai import Client
from google.genai.types import HttpOptions, HttpRetryOptions
from google.oauth2.credentials import Credentials

from punk.core.events import ProviderEvent, TurnFailed
from punk.core.failures import (
    ConnectFailed,
    ConnectionLost,
    Failure,
    HttpStatus,
    Malformed,
    ProviderError,
    TimedOut,
    Unsupported,
)
from punk.core.json import dump_json
from punk.core.messages import UserMessage
from punk.core.retry import RetryPolicy
from punk.errors import ConfigurationError, StreamingError
from punk.llm.chat import Chat
from punk.llm.models.google import GoogleModel
from punk.providers.base import Body, TransportError
from punk.providers.google.decode import GeminiDecoder
from punk.providers.google.transport.failures import foreign_failure
from tests.providers.google.chunks import call, chunk, decoded, sse, text
from tests.providers.google.connections import BODY, ERROR, PIECES, SECRET, rest_of, transport_of
from tests.support.aio import run
from tests.support.server import Answer, Pause, Server, serve
from tests.support.wire_cases import decode


@asynccontextmanager
async def client_of(server: Server, **options: object) -> AsyncIterator[Client]:
    client = Client(
        api_key=SECRET,
        http_options=HttpOptions.model_validate(
            {"base_url": server.base, "retry_options": HttpRetryOptions(attempts=3, initial_delay=0.01), **options}
        ),
    )
    try:
        yield client
    finally:
        await client.aio.aclose()
        client.close()


async def ask(server: Server, body: Body = BODY, **options: object) -> bytes:
    async with client_of(server, **options) as client:
        return await rest_of(transport_of(GoogleModel("m", client=client)), body)


async def failure_in(server: Server, **options: object) -> Failure:
    with pytest.raises(TransportError) as caught:
        await ask(server, BODY, **options)
    return caught.value.failure


SIGNED = (
    chunk(text("hm", thought=True), usageMetadata={"promptTokenCount": 1, "totalTokenCount": 2}),
    chunk(call("f", args={"data": "a_b-c", "thoughtSignature": "x-y"}, id="1"), text("", thoughtSignature="a+/b")),
    chunk(
        {"inlineData": {"data": "+/+/", "mimeType": "image/png"}},
        {"executableCode": {"code": "1", "language": "PYTHON"}},
    ),
    chunk(text("é\u2028"), reason="STOP", more={"groundingMetadata": {"webSearchQueries": ["q"]}}),
)


def test_its_chunks_say_what_the_wire_said() -> None:
    with serve(Answer(SIGNED)) as server:
        told = decode(GeminiDecoder(), [run(ask(server))])
    assert told == decoded(*SIGNED)
    assert not isinstance(told[-1], TurnFailed)


@pytest.mark.parametrize("through_vertex", [False, True])
def test_the_request_is_punks_own(through_vertex: bool) -> None:
    async def main(server: Server) -> bool:
        options = HttpOptions(base_url=server.base)
        credentials = Credentials(token="tok")  # type: ignore[no-untyped-call]  # its own
        client = (
            Client(vertexai=True, project="p", location="us-east1", credentials=credentials, http_options=options)
            if through_vertex
            else Client(api_key="k", http_options=options)
        )
        model = GoogleModel("m", client=client)
        transport = transport_of(model)
        await transport.prepare(BODY)
        await rest_of(transport, Body(BODY.json, (("x-more", "1"),)))
        await rest_of(transport, Body(BODY.json, delivery="whole"))
        async with model:
            pass
        await rest_of(transport, Body({"generateContentRequest": BODY.json}, delivery="count"))
        await client.aio.aclose()
        client.close()

        first, second, third = server.requests
        # An empty field of the SDK's own says nothing.
        assert (first.body, first.headers["x-more"]) == ({"generationConfig": {}, **BODY.json}, "1")
        assert second.body == first.body
        assert third.body == {"contents": [], "generateContentRequest": BODY.json}
        methods = [request.path.rpartition(":")[2] for request in server.requests]
        assert methods == ["streamGenerateContent?alt=sse", "generateContent", "countTokens"]
        return "projects/p" in first.path

    with serve(Answer(PIECES), Answer((PIECES[1][6:],)), Answer((b'{"totalTokens":5}',))) as server:
        assert run(main(server)) is through_vertex


def test_a_whole_answer_and_a_count_are_read() -> None:
    with serve(Answer((PIECES[1][6:],)), Answer((b'{"totalTokens":5}',))) as server:
        provider = GoogleModel("m", api_key="k").provider()
        whole = run(ask(server, Body(BODY.json, delivery="whole")))
        assert provider.decode_whole(whole) == provider.decode_whole(PIECES[1][6:])
        count = run(ask(server, Body(BODY.json, delivery="count")))
        assert provider.count is not None
        assert provider.count(count).unwrap() == 5


def test_refusals_are_not_tried_again() -> None:
    with serve(Answer((dump_json(ERROR).encode(),), 429, (("content-type", "application/json"),))) as server:
        failure = run(failure_in(server))
        assert failure == HttpStatus(429, "slow down, ***", "RESOURCE_EXHAUSTED", 21.5)
        assert len(server.requests) == 1


@pytest.mark.parametrize("error", [sse(ERROR), b"\r\n" + dump_json(ERROR).encode() + b"\r\n"])
def test_an_error_in_the_midst(error: bytes) -> None:
    with serve(Answer((PIECES[0], error))) as server:
        failure = run(failure_in(server))
        assert isinstance(failure, ProviderError)
        assert (failure.error_type, failure.retry_after) == ("RESOURCE_EXHAUSTED", 21.5)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (Answer((PIECES[0], Pause(0.05)), ending="reset"), ConnectionLost),
        (Answer((PIECES[0],), ending="cut"), ConnectionLost),
        (Answer((b"data: {oh\r\n\r\n",)), Malformed),
        (Answer((PIECES[0], b'data: {"candidates":7}\r\n\r\n')), Malformed),
    ],
)
def test_answers_that_break(answer: Answer, kind: type[Failure]) -> None:
    with serve(answer) as server:
        failure = run(failure_in(server))
        assert isinstance(failure, kind)
        assert failure.message


def test_no_server() -> None:
    server = Server(())
    server.port = 1
    assert isinstance(run(failure_in(server)), ConnectFailed)


@pytest.mark.parametrize("family", [httpx, httpx2])
@pytest.mark.parametrize(
    ("answer", "clock"),
    [(Answer((), before_headers=(Pause(5),)), "first_event"), (Answer((PIECES[0], Pause(5))), "progress")],
)
def test_silence_in_either_family_of_clients(family: object, answer: Answer, clock: str) -> None:
    async def main(server: Server) -> Failure:
        assert family in (httpx, httpx2)
        own = httpx.AsyncClient() if family is httpx else httpx2.AsyncClient()
        try:
            return await failure_in(server, timeout=200, httpx_async_client=own)
        finally:
            await own.aclose()

    with serve(answer) as server:
        failure = run(main(server))
        assert isinstance(failure, TimedOut)
        assert failure.clock == clock


ANSWERS = {
    "refused": Answer((dump_json(ERROR).encode(),), 429, (("content-type", "application/json"),)),
    "at once": Answer((sse(ERROR),)),
    "in the midst": Answer((PIECES[0], sse(ERROR))),
}


class Late(Credentials):
    """Credentials that get their token when they are first needed."""

    def __init__(self, token: object) -> None:
        super().__init__(token=None)  # type: ignore[no-untyped-call]  # its own
        self.late = token

    def refresh(self, request: object) -> None:
        self.token = self.late


@pytest.mark.parametrize("how", ANSWERS)
@pytest.mark.parametrize("of_vertex", [False, True])
def test_what_a_client_asks_with_stands_in_no_message(how: str, of_vertex: bool) -> None:
    async def main(server: Server) -> str:
        options = HttpOptions(base_url=server.base)
        client = (
            Client(vertexai=True, project="p", location="l", credentials=Late(SECRET), http_options=options)
            if of_vertex
            else Client(api_key=SECRET, http_options=options)
        )
        try:
            with pytest.raises(StreamingError) as caught:
                async with Chat(
                    [UserMessage("q")], model=GoogleModel("m", client=client, retry=RetryPolicy(attempts=1))
                ).complete_stream() as stream:
                    await stream.chat
            return caught.value.message
        finally:
            await client.aio.aclose()
            client.close()

    with serve(ANSWERS[how]) as server:
        message = run(main(server))
        assert "slow down" in message
        assert SECRET not in message


@pytest.mark.parametrize("body", ["<!DOCTYPE html><title>404</title>", "nothing here", "", '{"message":"no","code":5}'])
def test_a_refusal_that_is_not_googles_is_told_as_over_punks_own_connections(body: str) -> None:
    async def main(server: Server) -> tuple[Failure, Failure]:
        with pytest.raises(TransportError) as caught:
            await rest_of(transport_of(GoogleModel("m", api_key="k", base_url=server.base)))
        return await failure_in(server), caught.value.failure

    with serve(Answer((body.encode(),), 404)) as server:
        theirs, ours = run(main(server))
        assert theirs == ours
        assert isinstance(theirs, HttpStatus)
        assert "<" not in theirs.message


def test_what_the_client_is_not_asked_it_does_not_do() -> None:
    """A paused answer is gone on from by punk alone, and calls are its own."""
    paused = chunk(text("a"), reason="CONTINUATION", more={"continuationToken": "dG9r"})
    with serve(Answer((paused,))) as server:
        told = decode(GeminiDecoder(), [run(ask(server))])
        assert told == decoded(paused)
        assert len(server.requests) == 1


def test_an_answer_that_was_left_reads_no_more() -> None:
    async def main(server: Server) -> tuple[ProviderEvent, ...]:
        async with client_of(server) as client:
            stream = await transport_of(GoogleModel("m", client=client)).open(BODY)
            first = await stream.read()
            assert first is not None
            await stream.close()
            await stream.close()
            assert await stream.read() is None
            assert stream.secrets == (SECRET,)
            return GeminiDecoder().feed(first)[1]

    with serve(Answer((*PIECES, Pause(5)))) as server:
        assert run(main(server)) == GeminiDecoder().feed(PIECES[0])[1]


def test_credentials_that_are_not_renewed() -> None:
    async def main(server: Server) -> Failure:
        credentials = Credentials(token=None, refresh_token="r")  # type: ignore[no-untyped-call]  # its own
        options = HttpOptions(base_url=server.base)
        client = Client(vertexai=True, project="p", location="l", credentials=credentials, http_options=options)
        with pytest.raises(TransportError) as caught:
            await rest_of(transport_of(GoogleModel("m", client=client)))
        await client.aio.aclose()
        client.close()
        return caught.value.failure

    with serve(Answer(PIECES)) as server:
        assert isinstance(run(main(server)), Unsupported)
        assert server.requests == []


def of_aiohttp(name: str, *bases: type[Exception]) -> Exception:
    """An exception as aiohttp, which the SDK uses where it finds it, would raise it."""
    made: Exception = type(name, bases, {"__module__": "aiohttp.client_exceptions"})("10.0.0.1")
    return made


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (of_aiohttp("ClientConnectorError", OSError), ConnectFailed),
        (of_aiohttp("ServerTimeoutError", TimeoutError), TimedOut),
        (of_aiohttp("ClientOSError", OSError), ConnectionLost),
        (of_aiohttp("ClientPayloadError", Exception), ConnectionLost),
        (of_aiohttp("ServerDisconnectedError", Exception), ConnectionLost),
    ],
)
def test_the_third_family_of_clients(error: Exception, kind: type[Failure]) -> None:
    assert isinstance(foreign_failure(error, "progress"), kind)


def test_it_belongs_to_the_loop_it_was_first_used_in() -> None:
    with serve(Answer(PIECES)) as server:
        client = Client(api_key=SECRET, http_options=HttpOptions(base_url=server.base))
        chat = Chat([UserMessage("Hi")], GoogleModel("m", client=client))

        async def main() -> None:
            await chat.complete_async()
            await client.aio.aclose()

        run(main())
        with pytest.raises(ConfigurationError, match="another event loop"):
            chat.complete()
        assert len(server.requests) == 1
        client.close()


def test_the_client_stays_open() -> None:
    async def main(server: Server) -> None:
        async with client_of(server) as client:
            model = GoogleModel("m", client=client)
            async with model:
                await rest_of(transport_of(model))
            await rest_of(transport_of(model))
            assert server.connections == 1

    with serve(Answer(PIECES)) as server:
        run(main(server))
