"""The wires that faults are tried on: how a user reaches each, how its server writes an answer, and bends it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final, Literal, TypeAlias, final

from google.oauth2.credentials import Credentials

from punk.core.events import ProviderEvent
from punk.llm.models.anthropic import AnthropicModel
from punk.llm.models.azure_openai import AzureOpenAiModel
from punk.llm.models.base import Model
from punk.llm.models.bedrock import BedrockModel
from punk.llm.models.google import GoogleModel
from punk.llm.models.openai import OpenAiModel
from punk.testing.wires import anthropic, bedrock_converse, gemini, openai_chat, openai_responses
from punk.testing.wires.bedrock_converse import encode_message
from punk.wire.eventstream import MessageDecoder, StreamFault
from tests.faults.scripts import SSE, Headers, Script, Step, answer, document, unended
from tests.llm.script import START, STOP, text
from tests.providers.wires import Write

Family: TypeAlias = Literal["anthropic", "responses", "chat", "bedrock", "gemini"]

KEY: Final = "sk-hidden-0123456789"
"""The key, which must stand in no text. (Bedrock's is never sent.)"""

_WRITERS: Final[Mapping[Family, Write]] = {
    "anthropic": anthropic.encode_events,
    "responses": openai_responses.encode_events,
    "chat": openai_chat.encode_events,
    "bedrock": bedrock_converse.encode_events,
    "gemini": gemini.encode_events,
}
_BINARY: Final[Headers] = (("content-type", "application/vnd.amazon.eventstream"),)


@final
@dataclass(frozen=True, slots=True)
class Wire:
    """One wire, by name. `model` reaches a server at a base URL; with False, it is one that cannot stream."""

    name: str
    family: Family
    model: Callable[[str, bool], Model]

    def __str__(self) -> str:
        return self.name

    @property
    def headers(self) -> Headers:
        """What an answer's headers say of its body."""
        return _BINARY if self.family == "bedrock" else SSE

    def frames(self, *events: ProviderEvent) -> tuple[bytes, ...]:
        """What a server says for `events`, a frame each."""
        body = _WRITERS[self.family](events)
        if self.family != "bedrock":
            end = b"\r\n\r\n" if self.family == "gemini" else b"\n\n"
            return tuple(frame + end for frame in body.split(end)[:-1])
        frames: list[bytes] = []
        while body:
            length = int.from_bytes(body[:4], "big")
            frames.append(body[:length])
            body = body[length:]
        return tuple(frames)

    @property
    def opening(self) -> tuple[bytes, ...]:
        """The frames of an answer up to its first text, `Hello`."""
        return self.frames(START, *text("Hello"))

    @property
    def rest(self) -> tuple[bytes, ...]:
        """The frames that come after `opening`: `, world.`, and the end."""
        return self.frames(START, *text("Hello", ", world."), STOP)[len(self.opening) :]

    @property
    def late(self) -> bytes:
        """A frame with the text `LATE`."""
        return self.says(b'"LATE"')

    def says(self, value: bytes) -> bytes:
        """A frame with `value`, some JSON, for its text."""
        (frame,) = self.frames(START, *text("Hello", "MARK"))[len(self.opening) :]
        return self.payload(self._payload_of(frame).replace(b'"MARK"', value))

    def payload(self, payload: bytes) -> bytes:
        """A frame as of a text, with another payload."""
        (frame,) = self.frames(START, *text("Hello", "MARK"))[len(self.opening) :]
        if self.family == "bedrock":
            headers = {":event-type": "contentBlockDelta", ":message-type": "event"}
            return encode_message(headers, payload)
        return frame.replace(self._payload_of(frame), payload)

    def _payload_of(self, frame: bytes) -> bytes:
        if self.family != "bedrock":
            return frame.partition(b"data: ")[2].rstrip(b"\r\n")
        [message] = MessageDecoder().feed(frame)[1]
        assert not isinstance(message, StreamFault)
        return message.payload

    def answer(self, *frames: bytes) -> Script:
        """A whole answer."""
        return answer(*frames, headers=self.headers)

    def unended(self, *frames: bytes | Step) -> Script:
        """An answer with no end; the last step says what becomes of it."""
        return unended(*frames, headers=self.headers)

    def refusal(self, status: int, message: str, *headers: tuple[str, str]) -> Script:
        """An answer with an HTTP error status, as this vendor writes one."""
        match self.family:
            case "bedrock":
                named = (("x-amzn-errortype", "SomeException"), *headers)
                return document({"message": message}, status=status, headers=named)
            case "gemini":
                error = {"code": status, "message": message, "status": "SOME_STATUS"}
                return document({"error": error}, status=status, headers=headers)
            case _:
                error = {"type": "some_error", "message": message}
                return document({"type": "error", "error": error}, status=status, headers=headers)


def _bedrock(base: str, streams: bool) -> Model:
    make = partial(BedrockModel, "anthropic.claude-sonnet-4-5-20250929-v1:0", region_name="us-east-1")
    return make(aws_access_key_id="AKID", aws_secret_access_key=KEY, endpoint_url=base, streams=streams)


def _vertex(base: str, streams: bool) -> Model:
    credentials = Credentials(token=KEY)  # type: ignore[no-untyped-call]  # its own
    make = partial(GoogleModel, "gemini-3.5-flash", project="p", location="us-central1", credentials=credentials)
    return make(base_url=base, streams=streams)


WIRES: Final = (
    Wire(
        "anthropic",
        "anthropic",
        lambda base, streams: AnthropicModel("claude-sonnet-5-5", api_key=KEY, base_url=base, streams=streams),
    ),
    Wire(
        "responses",
        "responses",
        lambda base, streams: OpenAiModel("gpt-5.5", api_key=KEY, base_url=f"{base}/v1", streams=streams),
    ),
    Wire(
        "chat",
        "chat",
        lambda base, streams: OpenAiModel("gpt-5.5", api="chat", api_key=KEY, base_url=f"{base}/v1", streams=streams),
    ),
    Wire(
        "azure",
        "chat",
        lambda base, streams: AzureOpenAiModel("gpt-5.5", api_key=KEY, endpoint=base, streams=streams),
    ),
    Wire("bedrock", "bedrock", _bedrock),
    Wire(
        "gemini",
        "gemini",
        lambda base, streams: GoogleModel("gemini-3.5-flash", api_key=KEY, base_url=base, streams=streams),
    ),
    Wire("vertex", "gemini", _vertex),
)
