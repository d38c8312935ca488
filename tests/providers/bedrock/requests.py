"""Encodes conversations for the Converse wire, and has every body judged: by its rules, and by botocore."""

from __future__ import annotations

import base64
from dataclasses import replace
from typing import Any

from returns.methods import unwrap_or_failure

from punk.core.effects import RequestTurn
from punk.core.failures import Unsupported
from punk.core.json import JsonObject, JsonValue
from punk.core.media import InlineMedia
from punk.core.messages import (
    AssistantMessage,
    Message,
    Origin,
    UserMessage,
)
from punk.core.parts import (
    AssistantPart,
    TextPart,
)
from punk.core.provider_data import ProviderData
from punk.core.request import OutputSpec, ToolSpec
from punk.core.thinking import ThinkingConfig
from punk.providers.base import Body, Delivery
from punk.providers.bedrock.encode import encode
from punk.providers.bedrock.settings import BedrockSettings
from punk.providers.bedrock.wire import FAMILY
from punk.testing.wires.bedrock_converse_request import request_faults
from tests.providers.bedrock.aws import faults_of

OURS = Origin(FAMILY)
SETTINGS = BedrockSettings("anthropic.claude-opus-4-6-v1")
TOOL = ToolSpec("f", "Does f.", '{"properties":{"x":{"type":"integer"}}}')
HI = UserMessage("Hi")
PNG = InlineMedia("image/png", b"\x89PNG")
PDF = InlineMedia("application/pdf", b"%PDF")


def data(value: JsonValue, family: str = FAMILY) -> ProviderData:
    return ProviderData.of(family, value)


def encoded(
    *messages: Message,
    tools: tuple[ToolSpec, ...] = (),
    settings: BedrockSettings = SETTINGS,
    delivery: Delivery = "stream",
) -> Body | Unsupported:
    return unwrap_or_failure(encode(settings, RequestTurn(1, messages, tools), delivery))


def body_of(*messages: Message, tools: tuple[ToolSpec, ...] = (), settings: BedrockSettings = SETTINGS) -> JsonObject:
    body = encoded(*messages, tools=tools, settings=settings)
    assert isinstance(body, Body), body
    assert request_faults(body.json) == ()
    assert faults_of(with_bytes(body.json)) == ""
    return body.json


def with_bytes(value: Any) -> Any:
    """The body as botocore takes it: bytes where JSON has base64."""
    match value:
        case list():
            return [with_bytes(item) for item in value]
        case dict():
            return {
                k: base64.b64decode(v) if k in ("bytes", "redactedContent") else with_bytes(v) for k, v in value.items()
            }
        case _:
            return value


def messages_of(*messages: Message, tools: tuple[ToolSpec, ...] = ()) -> list[tuple[JsonValue, JsonValue]]:
    said = body_of(*messages, tools=tools)["messages"]
    assert isinstance(said, list)
    return [(message["role"], message["content"]) for message in said if isinstance(message, dict)]


def answer_of(*parts: AssistantPart, origin: Origin = OURS) -> list[JsonValue]:
    """The blocks of an answer with these parts, and a text after them so that none is the last."""
    said = messages_of(HI, AssistantMessage([*parts, TextPart(".")], origin=origin), UserMessage("Go"))
    blocks = said[1][1]
    assert isinstance(blocks, list)
    assert blocks[-1] == {"text": "."}
    return blocks[:-1]


def result(id_: str, text: str, status: str = "success") -> JsonObject:
    return {"toolResult": {"toolUseId": id_, "content": [{"text": text}], "status": status}}


def spec(name: str, schema: JsonObject, description: str | None = None) -> JsonObject:
    about: JsonObject = {"description": description} if description else {}
    return {"toolSpec": {"name": name, **about, "inputSchema": {"json": {"type": "object", **schema}}}}


BUDGET = BedrockSettings("us.anthropic.claude-sonnet-4-5-20250929-v1:0")
OLDER = BedrockSettings("anthropic.claude-3-7-sonnet-20250219-v1:0")
ADAPTIVE = BedrockSettings("global.anthropic.claude-opus-4-7-v1")
NOVA = BedrockSettings("us.amazon.nova-2-lite-v1:0")


def asked(
    settings: BedrockSettings,
    *said: Message,
    tools: tuple[ToolSpec, ...] = (),
    output: OutputSpec | None = None,
    thinking: ThinkingConfig | None = None,
) -> Body | Unsupported:
    turn = RequestTurn(1, (HI, *said), tools, output)
    settings = replace(settings, thinking_config=thinking) if thinking is not None else settings
    body = encode(settings, turn, "stream").map(lambda made: made)
    result = body.value_or(None)
    if result is None:
        refused = body.failure()
        assert refused.message
        return refused
    assert request_faults(result.json) == ()
    assert faults_of(result.json) == ""
    return result


def member(body: Body | Unsupported, *path: str) -> JsonValue:
    assert isinstance(body, Body), body
    value: JsonValue = body.json
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return value
