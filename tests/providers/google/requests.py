"""Encodes turns, and checks what comes of them by the wire's rules and by the types of Google's own SDK."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from google.genai import types
from pydantic import BaseModel
from returns.methods import unwrap_or_failure

from punk.core.effects import RequestTurn
from punk.core.failures import Unsupported
from punk.core.json import JsonObject, JsonValue
from punk.core.messages import Message, Origin, UserMessage
from punk.core.provider_data import ProviderData
from punk.core.request import OutputSpec, ToolSpec
from punk.providers.base import Body, Delivery
from punk.providers.google.encode import encode
from punk.providers.google.settings import GoogleSettings
from punk.providers.google.wire import FAMILY
from punk.testing.wires.gemini_request import request_faults

SETTINGS: Final = GoogleSettings("gemini-3-flash")
OLD: Final = GoogleSettings("gemini-2.5-flash")
OURS: Final = Origin(FAMILY, "gemini-3-flash")
HI: Final = UserMessage("Hi")
SAID_HI: Final[JsonObject] = {"role": "user", "parts": [{"text": "Hi"}]}
TOOL: Final = ToolSpec("f", "Looks.", '{"type":"object","properties":{"x":{"type":"integer"}}}')

_TYPES: Final[dict[str, type[BaseModel]]] = {
    "systemInstruction": types.Content,
    "toolConfig": types.ToolConfig,
    "generationConfig": types.GenerationConfig,
}


def data(value: JsonValue, family: str = FAMILY) -> ProviderData:
    return ProviderData.of(family, value)


def encoded(
    messages: Sequence[Message],
    settings: GoogleSettings = SETTINGS,
    tools: Sequence[ToolSpec] = (),
    delivery: Delivery = "stream",
    output: OutputSpec | None = None,
) -> Body | Unsupported:
    turn = RequestTurn(1, tuple(messages), tuple(tools), output)
    return unwrap_or_failure(encode(settings, turn, delivery))


def body_of(
    *messages: Message,
    settings: GoogleSettings = SETTINGS,
    tools: Sequence[ToolSpec] = (),
    output: OutputSpec | None = None,
) -> JsonObject:
    body = encoded(messages, settings, tools, output=output)
    assert isinstance(body, Body), body
    assert request_faults(body.json) == ()
    check_types(body.json)
    return body.json


def check_types(body: JsonObject) -> None:
    """Raise `ValidationError` for what the SDK's types do not hold."""
    for content in _list(body["contents"]):
        types.Content.model_validate(content)
    for tool in _list(body.get("tools")):
        types.Tool.model_validate(tool)
    for name, model in _TYPES.items():
        if name in body:
            model.model_validate(body[name])


def contents_of(*messages: Message, settings: GoogleSettings = SETTINGS) -> JsonValue:
    return body_of(*messages, settings=settings)["contents"]


def refused(*messages: Message, settings: GoogleSettings = SETTINGS, tools: Sequence[ToolSpec] = ()) -> str:
    refusal = encoded(messages or (HI,), settings, tools)
    assert isinstance(refusal, Unsupported), refusal
    return refusal.message


def _list(value: JsonValue) -> list[JsonValue]:
    return value if isinstance(value, list) else []
