"""Asks for responses, or how many tokens they would read: the request's way through the SDK's client."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, cast, final

from punk.providers.base import Body
from punk.providers.http import patience
from punk.providers.openai.transport import OpenAiTransport, Request

if TYPE_CHECKING:
    from openai import AsyncOpenAI, AsyncStream
    from openai.types.responses import ResponseInputParam, ResponseStreamEvent


@final
class ResponsesTransport(OpenAiTransport["AsyncStream[ResponseStreamEvent]"]):
    """Talks to the Responses endpoints of one server."""

    def _request(self, client: AsyncOpenAI, body: Body) -> Request[AsyncStream[ResponseStreamEvent]]:
        # The fields that the SDK itself looks at are named; it lays the others over them as they are.
        rest = dict(body.json)
        headers = dict(body.headers)
        timeout = patience(body.connect, client.timeout)
        if body.delivery == "count":
            counting = client.responses.input_tokens.with_streaming_response
            # Only the bytes are read, so that it does not matter what else the SDK could make of them.
            return cast(
                "Request[AsyncStream[ResponseStreamEvent]]",
                counting.count(extra_body=rest, extra_headers=headers, timeout=timeout),
            )
        return client.responses.with_streaming_response.create(
            model=cast("str", rest.pop("model")),
            input=cast("ResponseInputParam", rest.pop("input")),
            stream=cast("Literal[True]", rest.pop("stream", False)),
            extra_body=rest,
            extra_headers=headers,
            timeout=timeout,
        )
