"""Encodes the request of a turn for the Responses wire, by its `rules` (`history` encodes what an assistant said).

The server is to store nothing: so reasoning comes and goes encrypted, which has to be asked for. A model that is known
not to reason refuses to be asked. A structured answer is asked for as a format of the text, beside tools and thinking
too.
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
from punk.providers.encoding import asked_choice, laid_over, refused_tool_name, tool_schema
from punk.providers.openai.answer_form import answer_form
from punk.providers.openai.naming import NAMES
from punk.providers.openai.responses.content import content_of, output_of
from punk.providers.openai.responses.history import encode_assistant
from punk.providers.openai.responses.rules import COUNTED, IDS, refused_words, with_media_told
from punk.providers.openai.responses.settings import ResponsesSettings
from punk.providers.openai.strict import strict_parameters
from punk.providers.openai.thinking import asked_thinking, effort_of, reasons, room_for
from punk.wire.json import repair_surrogates


def encode(settings: ResponsesSettings, turn: RequestTurn, delivery: Delivery) -> Result[Body, Unsupported]:
    """The body of the request, or why this wire cannot say it. Text that is no Unicode is repaired with U+FFFD."""
    if refused := _refused(settings) or refused_words(settings.model, turn.messages):
        return Failure(refused)
    thinking = asked_thinking(settings.model, settings.thinking_config)
    if isinstance(thinking, Unsupported):
        return Failure(thinking)
    tools = _tools(turn.tools)
    if isinstance(tools, Unsupported):
        return Failure(tools)
    choice = asked_choice(settings.tool_choice, turn)
    if isinstance(choice, Unsupported):
        return Failure(choice)
    form = None if turn.output is None else answer_form(turn.output)
    if isinstance(form, Unsupported):
        return Failure(form)
    offered = frozenset(tool.name for tool in turn.tools)
    items = [item for message in with_media_told(settings.model, turn.messages) for item in _items(message, offered)]
    if not items:
        return Failure(Unsupported("there is nothing to send: no message of the chat has text"))
    asked: JsonObject = {
        "tools": tools or None,
        "tool_choice": None if choice is None else _choice(choice),
        "text": None if form is None else {"format": {"type": "json_schema", **form}},
    }
    body: JsonObject = {"model": settings.model, "input": items, "store": False}
    body |= {key: value for key, value in (_parameters(settings, thinking) | asked).items() if value is not None}
    body = laid_over(body, settings.extra_body, "text")
    if delivery == "stream":
        body["stream"] = True
    if delivery == "count":
        body = {key: value for key, value in body.items() if key in COUNTED}
    return Success(Body({key: repair_surrogates(value) for key, value in body.items()}, delivery=delivery))


def _refused(settings: ResponsesSettings) -> Unsupported | None:
    if settings.top_k is not None:
        return Unsupported("the Responses API takes no top_k: leave it out, or use temperature or top_p")
    if settings.stop_sequences:
        return Unsupported('the Responses API takes no stop_sequences: leave them out, or use api="chat"')
    if settings.seed is not None:
        return Unsupported('the Responses API takes no seed: leave it out, or use api="chat"')
    return None


def _parameters(settings: ResponsesSettings, thinking: ThinkingConfig | None) -> JsonObject:
    return {
        "include": ["reasoning.encrypted_content"] if reasons(settings.model) else None,
        "max_output_tokens": room_for(settings.max_tokens, thinking),
        "temperature": settings.temperature,
        "top_p": settings.top_p,
        "reasoning": _reasoning(thinking) if thinking is not None else None,
    }


def _reasoning(config: ThinkingConfig) -> JsonObject | None:
    asked: JsonObject = {}
    effort = effort_of(config)
    if effort is not None:
        asked["effort"] = effort
    if config.include_thoughts:
        asked["summary"] = "auto"
    return asked or None


def _choice(choice: ToolChoice) -> JsonValue:
    return {"type": "function", "name": choice.name} if isinstance(choice, OneTool) else choice


def _tools(specs: Iterable[ToolSpec]) -> list[JsonValue] | Unsupported:
    tools: list[JsonValue] = []
    for spec in specs:
        schema = refused_tool_name(spec.name, NAMES) or tool_schema(spec)
        if isinstance(schema, Unsupported):
            return schema
        described: JsonObject = {"name": spec.name, "description": spec.description, "parameters": schema}
        form = strict_parameters(schema) if spec.strict else {"strict": False}
        tools.append({"type": "function", **described, **form})
    return tools


def _items(message: Message, offered: frozenset[str]) -> list[JsonValue]:
    match message:
        case SystemMessage(parts=parts):
            content = content_of(parts)
            return [] if content is None else [{"role": "system", "content": content}]
        case UserMessage(parts=parts):
            content = content_of(parts)
            return [] if content is None else [{"role": "user", "content": content}]
        case ToolResultMessage(call_id=id_, parts=parts):
            return [{"type": "function_call_output", "call_id": IDS.spelled(id_), "output": output_of(parts)}]
        case AssistantMessage() | ToolCallMessage():
            return encode_assistant(message, offered)
        case _:
            assert_never(message)
