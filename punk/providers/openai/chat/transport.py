"""Asks for chat completions: the request's way through the SDK's client."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, cast, final

from punk.providers.base import Body
from punk.providers.http import patience
from punk.providers.openai.transport import OpenAiTransport, Request

if TYPE_CHECKING:
    from openai import AsyncOpenAI, AsyncStream
    from openai.types.chat import ChatCompletionChunk, ChatCompletionMessageParam


@final
class ChatTransport(OpenAiTransport["AsyncStream[ChatCompletionChunk]"]):
    """Talks to the chat-completions endpoint of one server."""

    def _request(self, client: AsyncOpenAI, body: Body) -> Request[AsyncStream[ChatCompletionChunk]]:
        # The fields that the SDK itself looks at are named; it lays the others over them as they are.
        rest = dict(body.json)
        return client.chat.completions.with_streaming_response.create(
            model=cast("str", rest.pop("model")),
            messages=cast("list[ChatCompletionMessageParam]", rest.pop("messages")),
            stream=cast("Literal[True]", rest.pop("stream", False)),
            extra_body=rest,
            extra_headers=dict(body.headers),
            timeout=patience(body.connect, client.timeout),
        )
