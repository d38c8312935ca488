"""Requests over punk's own connections: what the server is sent, and what becomes of its answers."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import google.auth
import httpx
import pytest
from google.auth import exceptions
from google.auth.credentials import Credentials as AnyCredentials
from google.genai import Client
from google.genai.types import HttpOptions
from google.oauth2.credentials import Credentials

from punk.core.failures import (
    ConnectFailed,
    Failure,
    HttpStatus,
    StreamingUnsupported,
    Unsupported,
    is_retryable,
)
from punk.core.json import dump_json
from punk.llm.models.google import GoogleModel
from punk.providers.base import Body
from punk.providers.google.transport.failures import STALE
from tests.providers.google.connections import BODY, ERROR, PIECES, SECRET, failure_of, rest_of, transport_of
from tests.support.aio import run
from tests.support.server import Answer, Server, serve
from tests.support.whole import whole


def own(server: Server, key: str = "k", model: str = "gemini-3-flash") -> GoogleModel:
    return GoogleModel(model, api_key=key, base_url=server.base)


def token(value: str | None = "tok") -> AnyCredentials:
    return Credentials(token=value)  # type: ignore[no-untyped-call]  # its own


def vertex(server: Server, credentials: AnyCredentials | None) -> GoogleModel:
    return GoogleModel("m", project="p", location="us-central1", credentials=credentials, base_url=server.base)


def test_the_body_is_sent_as_it_is_and_the_answer_comes_as_bytes() -> None:
    with serve(Answer(PIECES)) as server:
        transport = transport_of(own(server, SECRET))
        run(transport.prepare(BODY))
        assert run(rest_of(transport, Body(BODY.json, (("x-more", "1"),)))) == b"".join(PIECES)
        request = server.requests[-1]
        assert request.body == BODY.json
        assert request.path == "/v1/models/gemini-3-flash:streamGenerateContent?alt=sse"
        assert (request.headers["x-goog-api-key"], request.headers["x-more"]) == (SECRET, "1")
        assert "authorization" not in request.headers


@pytest.mark.parametrize("through_vertex", [False, True])
def test_the_sdk_sends_its_request_to_the_same_place(through_vertex: bool) -> None:
    async def sdk(server: Server) -> None:
        options = HttpOptions(base_url=server.base)
        if through_vertex:
            client = Client(
                vertexai=True, project="p", location="us-central1", credentials=token(), http_options=options
            )
        else:
            client = Client(api_key="k", http_options=options)
        async for _ in await client.aio.models.generate_content_stream(model="m", contents="Hi"):
            pass
        await client.aio.aclose()
        client.close()

    with serve(Answer(PIECES)) as server:
        run(sdk(server))
        model = vertex(server, token()) if through_vertex else own(server, model="m")
        run(rest_of(transport_of(model)))
        theirs, ours = server.requests
        assert ours.path == theirs.path
        for name in ("x-goog-api-key", "authorization", "content-type"):
            assert ours.headers.get(name) == theirs.headers.get(name)


def test_whole_answers_and_counts_have_their_own_addresses() -> None:
    with serve(Answer((b'{"a"', b":1}"))) as server:
        transport = transport_of(own(server))
        assert run(whole(transport, Body(BODY.json, delivery="whole"))) == b'{"a":1}'
        assert run(whole(transport, Body(BODY.json, delivery="count"))) == b'{"a":1}'
        paths = ["/v1/models/gemini-3-flash:generateContent", "/v1/models/gemini-3-flash:countTokens"]
        assert [request.path for request in server.requests] == paths


def test_a_compressed_answer() -> None:
    headers = (("content-type", "text/event-stream"), ("content-encoding", "gzip"))
    with serve(Answer((gzip.compress(b"".join(PIECES)),), headers=headers)) as server:
        assert run(rest_of(transport_of(own(server)))) == b"".join(PIECES)


JSON = (("content-type", "application/json"),)
QUOTA = HttpStatus(429, "slow down, ***", "RESOURCE_EXHAUSTED", 21.5)


@pytest.mark.parametrize(
    ("status", "body", "headers", "failure"),
    [
        (429, dump_json(ERROR), JSON, QUOTA),
        (429, dump_json([ERROR]), JSON, QUOTA),
        (429, dump_json(ERROR), (*JSON, ("retry-after", "3")), HttpStatus(429, QUOTA.message, QUOTA.error_type, 3.0)),
        (403, "<html>no</html>", (), HttpStatus(403, "HTTP 403: access was refused")),
        (302, "", (("location", "http://127.0.0.1:1/"),), None),
        (400, '{"error":{"message":"Streaming is not supported"}}', JSON, StreamingUnsupported),
    ],
)
def test_refusals(status: int, body: str, headers: tuple[tuple[str, str], ...], failure: object) -> None:
    with serve(Answer((body.encode(),), status, headers)) as server:
        found = failure_of(lambda: rest_of(transport_of(own(server, SECRET))))
        if isinstance(failure, HttpStatus):
            assert found == failure
        else:
            assert isinstance(found, HttpStatus if failure is None else StreamingUnsupported)
        assert SECRET not in found.message
        assert len(server.requests) == 1


def test_a_refusal_that_breaks_off() -> None:
    with serve(Answer((b"{",), 500, ending="cut")) as server:
        failure = failure_of(lambda: rest_of(transport_of(own(server))))
        assert isinstance(failure, HttpStatus)
        assert failure.status == 500


@pytest.mark.parametrize(("url", "kind"), [("http://127.0.0.1:1", ConnectFailed), ("nowhere", Unsupported)])
def test_servers_that_are_not_there(url: str, kind: type[Failure]) -> None:
    model = GoogleModel("m", api_key="k", base_url=url)
    assert isinstance(failure_of(lambda: rest_of(transport_of(model))), kind)


@pytest.mark.parametrize("key", ["ключ", "k\nx"])
def test_keys_that_no_request_can_hold(key: str) -> None:
    with serve(Answer(PIECES)) as server:
        failure = failure_of(lambda: rest_of(transport_of(own(server, key))))
        assert isinstance(failure, Unsupported)
        assert key not in failure.message
        assert server.requests == []


def test_what_is_missing_is_told_before_a_request() -> None:
    for doing in (lambda t: t.prepare(BODY), lambda t: t.open(BODY)):
        failure = failure_of(lambda doing=doing: doing(transport_of(GoogleModel("m"))))  # type: ignore[misc]  # a default
        assert isinstance(failure, Unsupported)
        assert "GOOGLE_API_KEY" in failure.message


def test_the_key_may_come_later(monkeypatch: pytest.MonkeyPatch) -> None:
    with serve(Answer(PIECES)) as server:
        model = GoogleModel("m", base_url=server.base)
        assert isinstance(failure_of(lambda: transport_of(model).prepare(BODY)), Unsupported)
        monkeypatch.setenv("GEMINI_API_KEY", "later")
        assert run(rest_of(transport_of(model))) == b"".join(PIECES)
        assert server.requests[-1].headers["x-goog-api-key"] == "later"


def forbidden(*args: object, **kwargs: object) -> Any:
    raise AssertionError("credentials were looked up although some were given")


class Renewed(Credentials):
    """Credentials that are renewed without a network, and count how often."""

    def __init__(self, seconds: float = 3600, error: Exception | None = None, token: object = "token") -> None:
        super().__init__(token=None)  # type: ignore[no-untyped-call]  # its own
        self.renewals = 0
        self._seconds = seconds
        self._error = error
        self._said = token

    def refresh(self, request: object) -> None:
        if self._error is not None:
            raise self._error
        self.renewals += 1
        self.token = f"token-{self.renewals}" if self._said == "token" else self._said
        self.expiry = datetime.now(UTC).replace(tzinfo=None) + timedelta(seconds=self._seconds)


def test_given_credentials_are_used_and_never_looked_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(google.auth, "default", forbidden)
    monkeypatch.setenv("GOOGLE_API_KEY", "not this one")
    with serve(Answer(PIECES)) as server:
        credentials: AnyCredentials = Credentials(token="tok", quota_project_id="q")  # type: ignore[no-untyped-call]  # its
        run(rest_of(transport_of(vertex(server, credentials))))
        headers = server.requests[-1].headers
        assert (headers["authorization"], headers["x-goog-user-project"]) == ("Bearer tok", "q")
        assert "x-goog-api-key" not in headers


@pytest.mark.parametrize(("seconds", "renewals"), [(3600, 1), (0, 3)])
def test_a_token_is_renewed_when_it_has_expired(seconds: float, renewals: int) -> None:
    credentials = Renewed(seconds)

    async def main(server: Server) -> None:
        transport = transport_of(vertex(server, credentials))
        for _ in range(3):
            await rest_of(transport)

    with serve(Answer(PIECES)) as server:
        run(main(server))
        assert server.requests[-1].headers["authorization"] == f"Bearer token-{renewals}"
    assert credentials.renewals == renewals


def test_many_at_once_renew_a_token_once() -> None:
    credentials = Renewed()

    async def main(server: Server) -> None:
        transport = transport_of(vertex(server, credentials))
        await asyncio.gather(*(rest_of(transport) for _ in range(20)))

    with serve(Answer(PIECES)) as server:
        run(main(server))
        assert {request.headers["authorization"] for request in server.requests} == {"Bearer token-1"}
    assert credentials.renewals == 1


def test_credentials_of_the_environment_bring_their_project(monkeypatch: pytest.MonkeyPatch) -> None:
    found: list[tuple[AnyCredentials, str | None]] = [(token(), "found"), (token(), None)]
    monkeypatch.setattr(google.auth, "default", lambda scopes: found.pop(0))
    monkeypatch.setenv("GOOGLE_GENAI_USE_VERTEXAI", "true")
    with serve(Answer(PIECES)) as server:
        monkeypatch.setenv("GOOGLE_VERTEX_BASE_URL", server.base)
        run(rest_of(transport_of(GoogleModel("m"))))
        assert server.requests[-1].path.startswith("/v1beta1/projects/found/locations/global/publishers/google/")
        monkeypatch.setenv("GOOGLE_VERTEX_BASE_URL", server.base + "/")
        failure = failure_of(lambda: transport_of(GoogleModel("m")).prepare(BODY))
        assert isinstance(failure, Unsupported)
        assert "GOOGLE_CLOUD_PROJECT" in failure.message


@pytest.mark.parametrize("written", ["[]", "7", '{"type":"service_account"}'])
def test_a_file_that_holds_no_credentials(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, written: str) -> None:
    (tmp_path / "file.json").write_text(written)
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "file.json"))
    failure = failure_of(lambda: transport_of(GoogleModel("m", project="p")).prepare(BODY))
    assert isinstance(failure, Unsupported)
    assert "GOOGLE_APPLICATION_CREDENTIALS" in failure.message


def test_no_credentials() -> None:
    failure = failure_of(lambda: transport_of(GoogleModel("m", project="nobody")).prepare(BODY))
    assert isinstance(failure, Unsupported)
    assert "GOOGLE_APPLICATION_CREDENTIALS" in failure.message


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (exceptions.RefreshError("invalid_grant tok"), Unsupported),  # type: ignore[no-untyped-call]  # its own
        (exceptions.TransportError("no route"), ConnectFailed),  # type: ignore[no-untyped-call]  # its own
        (ConnectionResetError("invalid_grant"), ConnectFailed),
        (TimeoutError(), ConnectFailed),
        (httpx.ConnectTimeout("no route"), ConnectFailed),
        (RuntimeError("invalid_grant tok"), Unsupported),
        (ValueError("invalid_grant tok"), Unsupported),
        (KeyError("access_token"), Unsupported),
        (FileNotFoundError("a file"), Unsupported),
    ],
)
def test_tokens_that_are_not_renewed(error: Exception, kind: type[Failure]) -> None:
    with serve(Answer(PIECES)) as server:
        failure = failure_of(lambda: rest_of(transport_of(vertex(server, Renewed(error=error)))))
        assert isinstance(failure, kind)
        assert "invalid_grant" not in failure.message
        assert "credentials" in failure.message
        assert is_retryable(failure) == (kind is ConnectFailed)
        assert server.requests == []


@pytest.mark.parametrize("nothing", ["", b"", None], ids=repr)
def test_credentials_that_are_renewed_to_nothing(nothing: object) -> None:
    with serve(Answer(PIECES)) as server:
        model = vertex(server, Renewed(token=nothing))
        assert failure_of(lambda: rest_of(transport_of(model))) == STALE
        assert server.requests == []


def test_a_token_of_bytes() -> None:
    with serve(Answer(PIECES)) as server:
        run(rest_of(transport_of(vertex(server, Renewed(token=b"tok")))))
        assert server.requests[-1].headers["authorization"] == "Bearer tok"


def test_an_expiry_that_no_clock_compares_with() -> None:
    with serve(Answer(PIECES)) as server:
        credentials = token()
        credentials.expiry = datetime.now(UTC)
        failure = failure_of(lambda: rest_of(transport_of(vertex(server, credentials))))
        assert isinstance(failure, Unsupported)
        assert "TypeError" in failure.message


def test_models_share_connections_which_a_block_closes() -> None:
    async def main(server: Server) -> None:
        for _ in range(3):
            await rest_of(transport_of(own(server)))
        assert server.connections == 1
        async with own(server) as model:
            await rest_of(transport_of(model))
            assert server.connections == 1
        await rest_of(transport_of(own(server)))
        assert server.connections == 2
        async with GoogleModel("m"):
            pass

    with serve(Answer(PIECES)) as server:
        run(main(server))


def test_secrets_of_an_answer_are_known() -> None:
    async def secrets(make: Callable[[Server], GoogleModel], server: Server) -> tuple[str, ...]:
        stream = await transport_of(make(server)).open(BODY)
        await stream.close()
        return stream.secrets

    with serve(Answer(PIECES)) as server:
        assert run(secrets(lambda server: own(server, SECRET), server)) == (SECRET,)
        assert run(secrets(lambda server: vertex(server, token()), server)) == ("tok",)
        assert SECRET not in json.dumps([request.path for request in server.requests])
