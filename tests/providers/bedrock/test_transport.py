"""Requests over real connections: what the server is sent, and what becomes of its answers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from punk.core.failures import ConnectFailed, ConnectionLost, Failure, HttpStatus, StreamingUnsupported, Unsupported
from punk.core.json import JsonValue, dump_json
from punk.providers.base import Body, Delivery, TransportError
from punk.providers.bedrock.access import AwsAccess
from punk.providers.bedrock.transport import BedrockClients, BedrockTransport
from tests.providers.bedrock.answers import ending, message, metadata, text
from tests.providers.bedrock.aws import BODY, KEY, MESSAGES, MODEL, SECRET, TOKEN, botos, is_signed, keyed
from tests.support.aio import run
from tests.support.server import Answer, serve
from tests.support.whole import whole

STREAM = (("content-type", "application/vnd.amazon.eventstream"),)
PIECES = (message(), text(0, "a") + ending() + metadata())
ARN = "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/a1b2"


def failure_of(doing: Callable[[], Awaitable[object]]) -> Failure:
    async def main() -> Failure:
        with pytest.raises(TransportError) as caught:
            await doing()
        assert caught.value.failure.message
        assert SECRET not in str(caught.value)
        assert TOKEN not in str(caught.value)
        return caught.value.failure

    return run(main())


@pytest.mark.parametrize("model", [MODEL, ARN, "us.amazon.nova-micro-v1:0", "a/b c~é?#%"])
def test_the_request_is_botocores_and_its_signature_holds(model: str) -> None:
    with serve(Answer(PIECES, headers=STREAM)) as server:
        assert run(whole(keyed(server, model), BODY)) == b"".join(PIECES)
        botos(server, modelId=model, messages=MESSAGES)
        ours, theirs = server.requests
        assert (ours.path, ours.body) == (theirs.path, theirs.body)
        for name in ("content-type", "accept-encoding", "x-amz-security-token"):
            assert ours.headers[name] == theirs.headers[name]
        assert signed_names(ours.headers) == signed_names(theirs.headers)
        assert is_signed(server, ours, dump_json(BODY.json).encode())
        assert not is_signed(server, ours, b"{}")


def signed_names(headers: dict[str, str]) -> str:
    return headers["authorization"].partition("SignedHeaders=")[2].partition(",")[0]


@pytest.mark.parametrize(
    ("delivery", "operation", "fields"),
    [
        ("whole", "converse", {"messages": [*MESSAGES]}),
        ("count", "count_tokens", {"input": {"converse": {"messages": [*MESSAGES]}}}),
    ],
)
def test_each_delivery_has_an_operation(delivery: Delivery, operation: str, fields: dict[str, JsonValue]) -> None:
    with serve(Answer((b"{}",), headers=(("content-type", "application/json"),))) as server:
        assert run(whole(keyed(server), Body(dict(fields), delivery=delivery))) == b"{}"
        botos(server, operation, modelId=MODEL, **fields)
        ours, theirs = server.requests
        assert (ours.path, ours.body) == (theirs.path, theirs.body)


def test_tokens_are_counted_for_the_model_in_a_profile() -> None:
    with serve(Answer((b"{}",))) as server:
        run(whole(keyed(server, f"us.{MODEL}"), Body({}, delivery="count")))
        run(whole(keyed(server, ARN), Body({}, delivery="count")))
        assert server.requests[0].path == f"/model/{MODEL.replace(':', '%3A')}/count-tokens"
        assert server.requests[1].path == f"/model/{ARN.replace(':', '%3A').replace('/', '%2F')}/count-tokens"


def refusal(error_type: str | None, body: bytes, status: int = 400) -> Answer:
    named = (("x-amzn-errortype", error_type),) if error_type else ()
    return Answer((body,), status, (("content-type", "application/json"), ("retry-after", "7"), *named))


@pytest.mark.parametrize(
    ("answer", "failure"),
    [
        (
            refusal("ThrottlingException:http://internal.amazon.com/coral/", b'{"message":"Too many"}', 429),
            HttpStatus(429, "Too many", "ThrottlingException", 7.0),
        ),
        (
            refusal("com.amazon.coral#AccessDeniedException", b'{"Message":"no %s"}' % SECRET.encode(), 403),
            HttpStatus(403, "no ***", "AccessDeniedException", 7.0),
        ),
        (
            refusal(None, b'{"__type":"a#ResourceNotFoundException","message":"%s"}' % TOKEN.encode(), 404),
            HttpStatus(404, "***", "ResourceNotFoundException", 7.0),
        ),
        (
            refusal("ServiceUnavailableException", b"{}", 503),
            HttpStatus(503, "HTTP 503: the provider is not available", "ServiceUnavailableException", 7.0),
        ),
        (
            refusal(None, b"<html>x</html>", 502),
            HttpStatus(502, "HTTP 502: a gateway got no good answer from the provider", None, 7.0),
        ),
        (
            refusal("ValidationException", b'{"message":"The model is unsupported for streaming"}'),
            StreamingUnsupported("The model is unsupported for streaming"),
        ),
        (refusal(None, b"", 307), HttpStatus(307, "HTTP 307: the provider answered with an error", None, 7.0)),
    ],
)
def test_status_errors_come_at_once_with_the_providers_words(answer: Answer, failure: Failure) -> None:
    with serve(answer) as server:
        assert failure_of(lambda: keyed(server).open(BODY)) == failure
        assert len(server.requests) == 1


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
        assert isinstance(failure_of(lambda: whole(keyed(server), BODY)), ConnectionLost)
        assert len(server.requests) == 1


def test_a_refusal_that_breaks_off_is_one() -> None:
    with serve(Answer((b'{"mess',), 400, ending="cut")) as server:
        failure = failure_of(lambda: whole(keyed(server), BODY))
        assert isinstance(failure, HttpStatus)
        assert failure.status == 400


@pytest.mark.parametrize(
    ("url", "kind"), [("http://127.0.0.1:1", ConnectFailed), ("nowhere", Unsupported), ("http://x:y", Unsupported)]
)
def test_servers_that_are_not_there(url: str, kind: type[Failure]) -> None:
    transport = BedrockTransport(BedrockClients(AwsAccess("eu-west-1", KEY, SECRET, endpoint_url=url)), MODEL)
    assert isinstance(failure_of(lambda: transport.open(BODY)), kind)


def test_what_no_request_can_hold() -> None:
    with serve(Answer(PIECES)) as server:
        broken = (Body({"temperature": float("nan")}), Body({}, (("x-own", "a\nb"),)))
        for body in broken:
            failure = failure_of(lambda body=body: keyed(server).open(body))  # type: ignore[misc]  # a default
            assert isinstance(failure, Unsupported | ConnectFailed)
        assert not server.requests
