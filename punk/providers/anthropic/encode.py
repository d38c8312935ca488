"""Encodes a turn's request as the body of a Messages request."""

from __future__ import annotations

from collections.abc import Iterable

from returns.methods import unwrap_or_failure
from returns.result import Failure, Result, Success

from punk.core.effects import RequestTurn
from punk.core.failures import Unsupported
from punk.core.json import JsonObject, JsonValue, parse_object
from punk.core.messages import Message, SystemMessage
from punk.core.request import ToolSpec
from punk.providers.anthropic.history import NAME_LETTERS, NAME_LIMIT, encode_messages, text_blocks
from punk.providers.anthropic.settings import AnthropicSettings
from punk.providers.anthropic.thinking import Thinking, thinking_of
from punk.providers.base import Body, Delivery
from punk.wire.json import repair_surrogates


def encode(settings: AnthropicSettings, turn: RequestTurn, delivery: Delivery) -> Result[Body, Unsupported]:
    """The request for `turn`, or why this wire cannot hold it."""
    thinking = unwrap_or_failure(thinking_of(settings))
    if isinstance(thinking, Unsupported):
        return Failure(thinking)
    messages = unwrap_or_failure(_messages(turn.messages))
    if isinstance(messages, Unsupported):
        return Failure(messages)
    tools = unwrap_or_failure(_tools(turn.tools))
    if isinstance(tools, Unsupported):
        return Failure(tools)
    return Success(_body(settings, delivery, thinking, _system(turn.messages), messages, tools))


def _body(
    settings: AnthropicSettings,
    delivery: Delivery,
    thinking: Thinking,
    system: list[JsonValue],
    messages: list[JsonValue],
    tools: list[JsonValue],
) -> Body:
    # The budget is part of max_tokens: an answer must have room beside it.
    room = settings.max_tokens if settings.max_tokens > thinking.budget else settings.max_tokens + thinking.budget
    optional: JsonObject = {
        "system": system or None,
        "tools": tools or None,
        "temperature": settings.temperature,
        "top_p": settings.top_p,
        "top_k": settings.top_k,
        "stop_sequences": list(settings.stop_sequences) or None,
    }
    body: JsonObject = {
        "model": settings.model,
        "max_tokens": room,
        "messages": messages,
        **{name: value for name, value in optional.items() if value is not None},
        **thinking.fields,
        **(settings.extra_body or {}),
        "stream": delivery == "stream",
    }
    # A request is UTF-8, which has no lone surrogates; a text that was cut between two halves of a character has.
    sendable = repair_surrogates(body)
    assert isinstance(sendable, dict), "an object stays one"
    return Body(sendable, thinking.header_with_tools if tools else ())


def _system(said: Iterable[Message]) -> list[JsonValue]:
    # The wire's own messages are of two roles, so instructions that come late stand with the first ones.
    return [block for message in said if isinstance(message, SystemMessage) for block in text_blocks(message.parts)]


def _messages(said: Iterable[Message]) -> Result[list[JsonValue], Unsupported]:
    messages: list[JsonValue] = [*encode_messages(said)]
    if not messages:
        return Failure(Unsupported("there is nothing to answer: the chat has no message with text beside its system"))
    return Success(messages)


def _tools(specs: tuple[ToolSpec, ...]) -> Result[list[JsonValue], Unsupported]:
    tools: list[JsonValue] = []
    for spec in specs:
        if not spec.name or len(spec.name) > NAME_LIMIT or not NAME_LETTERS.fullmatch(spec.name):
            return Failure(
                Unsupported(
                    f"a tool's name is 1 to {NAME_LIMIT} of the letters a-z, A-Z, 0-9, _ and - for this provider, "
                    f"not {spec.name[:NAME_LIMIT]!r}: rename it"
                )
            )
        schema = parse_object(spec.parameters).value_or(None)
        if schema is None:
            return Failure(Unsupported(f"the parameters of tool {spec.name} are not a JSON schema of an object"))
        tool: JsonObject = {"name": spec.name, "input_schema": {"type": "object", **schema}}
        if spec.description.strip():
            tool["description"] = spec.description
        tools.append(tool)
    return Success(tools)
