"""Keys for AWS, and what botocore makes of the same request."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress

import boto3  # type: ignore[import-untyped]  # it has no types
from botocore.auth import SigV4Auth  # type: ignore[import-untyped]
from botocore.awsrequest import AWSRequest  # type: ignore[import-untyped]
from botocore.config import Config  # type: ignore[import-untyped]
from botocore.credentials import Credentials  # type: ignore[import-untyped]
from botocore.session import get_session  # type: ignore[import-untyped]
from botocore.validate import ParamValidator  # type: ignore[import-untyped]

from punk.core.json import JsonObject
from punk.providers.base import Body
from punk.providers.bedrock.access import AwsAccess
from punk.providers.bedrock.transport import BedrockClients, BedrockTransport
from tests.support.server import Recorded, Server

KEY = "AKIDEXAMPLE012345678"
SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
TOKEN = "FwoGZXIvYXdzEXAMPLE=="
MODEL = "anthropic.claude-sonnet-4-5-20250929-v1:0"
MESSAGES: list[JsonObject] = [{"role": "user", "content": [{"text": "é"}]}]
BODY = Body({"messages": [*MESSAGES]})
OPERATIONS = {"stream": "ConverseStream", "whole": "Converse", "count": "CountTokens"}

# What a real client of boto3 needs to say nothing twice.
ONCE = Config(retries={"total_max_attempts": 1})


def keyed(server: Server, model: str = MODEL, token: str | None = TOKEN) -> BedrockTransport:
    """A way to the server with keys."""
    return BedrockTransport(BedrockClients(AwsAccess("eu-west-1", KEY, SECRET, token, endpoint_url=server.base)), model)


def botos(server: Server, operation: str = "converse_stream", **fields: object) -> None:
    """Have a real client of boto3 send a request to the server; what becomes of it is of no interest."""
    session = boto3.Session(KEY, SECRET, TOKEN, region_name="eu-west-1")
    client = session.client("bedrock-runtime", endpoint_url=server.base, config=ONCE)
    with suppress(Exception):
        answer = getattr(client, operation)(**fields)
        if "stream" in answer:
            answer["stream"].close()
    client.close()


def is_signed(server: Server, request: Recorded, content: bytes, region: str = "eu-west-1") -> bool:
    """Whether botocore signs what the server got in the same way, at the same moment."""
    given = dict(part.split("=", 1) for part in request.headers["authorization"].partition(" ")[2].split(", "))
    headers = {name: request.headers[name] for name in given["SignedHeaders"].split(";")}
    again = AWSRequest("POST", f"{server.base}{request.path}", headers=headers, data=content)
    again.context["timestamp"] = request.headers["x-amz-date"]
    signer = SigV4Auth(Credentials(KEY, SECRET), "bedrock", region)
    text = signer.string_to_sign(again, signer.canonical_request(again))
    return bool(signer.signature(text, again) == given["Signature"])


def faults_of(body: Mapping[str, object], delivery: str = "stream") -> str:
    """What the service model has against a request, empty if nothing."""
    shape = get_session().get_service_model("bedrock-runtime").operation_model(OPERATIONS[delivery]).input_shape
    report = ParamValidator().validate({**body, "modelId": MODEL}, shape)
    return str(report.generate_report())
