"""Encodes the request of a turn for the chat-completions wire, by the `rules` that it has.

`include_thoughts` has no meaning here: a server shows its thinking or does not. A structured answer is asked for as a
form of the response, beside tools and thinking too. Tokens cannot be counted.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import assert_never

from returns.result import Failure, Result, Success

from punk.core.effects import RequestTurn
from punk.core.failures import Unsupported
from punk.core.json import JsonObject, JsonValue
from punk.core.messages import AssistantMessage, Message, SystemMessage, ToolCallMessage, ToolResultMessage, UserMessage
from punk.core.request import OneTool, ToolChoice, ToolSpec
from punk.core.thinking import ThinkingConfig
from punk.providers.base import Body, Delivery
from punk.providers.encoding import asked_choice, refused_tool_name, tool_schema
from punk.providers.openai.answer_form import answer_form
from punk.providers.openai.chat.assistant import encode_assistant
from punk.providers.openai.chat.content import content_of
from punk.providers.openai.chat.results import encode_result
from punk.providers.openai.chat.rules import refused_words, with_media_told
from punk.providers.openai.chat.settings import ChatSettings, Flavour
from punk.providers.openai.naming import NAMES
from punk.providers.openai.strict import strict_parameters
from punk.providers.openai.thinking import asked_thinking, effort_of, room_for
from punk.wire.json import repair_surrogates


def encode(settings: ChatSettings, turn: RequestTurn, delivery: Delivery) -> Result[Body, Unsupported]:
    """The body of the request, or why this wire cannot say it. Text that is no Unicode is repaired with U+FFFD."""
    if delivery == "count":
        return Failure(Unsupported("chat completions count no tokens: the usage of an answer says how many it took"))
    if settings.flavour == "openai" and settings.top_k is not None:
        return Failure(Unsupported("OpenAI's models take no top_k: leave it out, or use temperature or top_p"))
    config = settings.thinking_config
    thinking = asked_thinking(settings.model, config) if settings.flavour == "openai" else config
    if isinstance(thinking, Unsupported):
        return Failure(thinking)
    if refused := refused_words(settings, turn.messages):
        return Failure(refused)
    tools = _tools(turn.tools, settings.flavour)
    if isinstance(tools, Unsupported):
        return Failure(tools)
    choice = asked_choice(settings.tool_choice, turn)
    if isinstance(choice, Unsupported):
        return Failure(choice)
    form = None if turn.output is None else answer_form(turn.output)
    if isinstance(form, Unsupported):
        return Failure(form)
    offered = frozenset(tool.name for tool in turn.tools)
    messages = _messages(with_media_told(settings, turn.messages), settings.flavour, offered)
    if not messages:
        return Failure(Unsupported("there is nothing to send: no message of the chat has text"))
    asked: JsonObject = {
        "tools": tools or None,
        "tool_choice": None if choice is None else _choice(choice),
        "response_format": None if form is None else {"type": "json_schema", "json_schema": form},
        "stream_options": {"include_usage": True} if delivery == "stream" else None,
    }
    body: JsonObject = {"model": settings.model, "messages": messages}
    body |= {key: value for key, value in (_parameters(settings, thinking) | asked).items() if value is not None}
    body |= settings.extra_body or {}
    if delivery == "stream":
        body["stream"] = True
    return Success(Body({key: repair_surrogates(value) for key, value in body.items()}, delivery=delivery))


def _parameters(settings: ChatSettings, thinking: ThinkingConfig | None) -> JsonObject:
    limit = "max_completion_tokens" if settings.flavour == "openai" else "max_tokens"
    return {
        limit: room_for(settings.max_tokens, thinking),
        "temperature": settings.temperature,
        "top_p": settings.top_p,
        "top_k": settings.top_k,
        "stop": [*settings.stop_sequences] or None,
        "seed": settings.seed,
        "reasoning_effort": None if thinking is None else effort_of(thinking),
    }


def _choice(choice: ToolChoice) -> JsonValue:
    return {"type": "function", "function": {"name": choice.name}} if isinstance(choice, OneTool) else choice


def _tools(specs: Iterable[ToolSpec], flavour: Flavour) -> list[JsonValue] | Unsupported:
    tools: list[JsonValue] = []
    for spec in specs:
        refused = refused_tool_name(spec.name, NAMES) if flavour == "openai" else None
        schema = refused or tool_schema(spec)
        if isinstance(schema, Unsupported):
            return schema
        described: JsonObject = {"name": spec.name, "description": spec.description, "parameters": schema}
        if spec.strict and flavour == "openai":
            described |= strict_parameters(schema)
        tools.append({"type": "function", "function": described})
    return tools


def _messages(messages: Iterable[Message], flavour: Flavour, offered: frozenset[str]) -> list[JsonValue]:
    encoded: list[JsonValue] = []
    apart: list[JsonValue] = []
    for message in messages:
        if isinstance(message, ToolResultMessage):
            encoded.append(encode_result(message, apart))
            continue
        encoded += [*_shown(apart), *_message(message, flavour, offered)]
        apart = []
    return [*encoded, *_shown(apart)]


def _shown(apart: list[JsonValue]) -> list[JsonValue]:
    """The message with what stands apart from the results behind which it comes."""
    return [{"role": "user", "content": apart}] if apart else []


def _message(
    message: SystemMessage | UserMessage | AssistantMessage | ToolCallMessage,
    flavour: Flavour,
    offered: frozenset[str],
) -> list[JsonValue]:
    match message:
        case SystemMessage(parts=parts):
            content = content_of(parts)
            return [] if content is None else [{"role": "system", "content": content}]
        case UserMessage(parts=parts):
            content = content_of(parts)
            return [] if content is None else [{"role": "user", "content": content}]
        case AssistantMessage() | ToolCallMessage():
            said = encode_assistant(message, flavour, offered)
            return [] if said is None else [said]
        case _:
            assert_never(message)
