"""Encodes the request of a turn for the Responses wire.

What the wire wants, and what is done about it:

- The conversation is a list of items. A system message may stand anywhere; one without text is left out, as is a user
  message without.
- The server is to store nothing: so reasoning comes and goes encrypted, which has to be asked for. A model that is
  known not to reason refuses to be asked.
- A call and its result are items of their own, told by their call id. Results are text; an error is told by its words.
- Tools are not strict: their schemas are what the user's functions take, and go as they are.
- Stop sequences and top_k are unknown, and refused before any request. `history` has the rules for what was said.
"""

from __future__ import annotations

from typing import Final, assert_never

from returns.result import Failure, Result, Success

from punk.core.effects import RequestTurn
from punk.core.failures import Unsupported
from punk.core.json import JsonObject, JsonValue, parse_object
from punk.core.messages import AssistantMessage, Message, SystemMessage, ToolCallMessage, ToolResultMessage, UserMessage
from punk.core.request import ToolSpec
from punk.core.thinking import ThinkingConfig, effort_for
from punk.providers.base import Body, Delivery
from punk.providers.openai.responses.history import call_id, encode_assistant
from punk.providers.openai.responses.settings import ResponsesSettings
from punk.wire.json import repair_surrogates

_NO_REASONERS: Final = ("gpt-3", "gpt-4", "chatgpt-", "ft:gpt-3", "ft:gpt-4")
"""How the names of the models begin that do not reason."""


def encode(settings: ResponsesSettings, turn: RequestTurn, delivery: Delivery) -> Result[Body, Unsupported]:
    """The body of the request, or why this wire cannot say it. Text that is no Unicode is repaired with U+FFFD."""
    tools: list[JsonValue] = []
    for tool in turn.tools:
        described = _tool(tool)
        if isinstance(described, Unsupported):
            return Failure(described)
        tools.append(described)
    if settings.top_k is not None:
        return Failure(Unsupported("the Responses API takes no top_k: leave it out, or use temperature or top_p"))
    if settings.stop_sequences:
        return Failure(Unsupported('the Responses API takes no stop_sequences: leave them out, or use api="chat"'))
    offered = frozenset(tool.name for tool in turn.tools)
    items = [item for message in turn.messages for item in _items(message, offered)]
    if not items:
        return Failure(Unsupported("there is nothing to send: no message of the chat has text"))
    body: JsonObject = {"model": settings.model, "input": items, "store": False}
    if tools:
        body["tools"] = tools
    body |= _parameters(settings) | (settings.extra_body or {})
    if delivery == "stream":
        body["stream"] = True
    return Success(Body({key: repair_surrogates(value) for key, value in body.items()}))


def _parameters(settings: ResponsesSettings) -> JsonObject:
    config = settings.thinking_config
    reasons = config is not None or not settings.model.startswith(_NO_REASONERS)
    known: JsonObject = {
        "include": ["reasoning.encrypted_content"] if reasons else None,
        "max_output_tokens": settings.max_tokens,
        "temperature": settings.temperature,
        "top_p": settings.top_p,
        "reasoning": _reasoning(config) if config is not None else None,
    }
    return {key: value for key, value in known.items() if value is not None}


def _reasoning(config: ThinkingConfig) -> JsonObject | None:
    asked: JsonObject = {}
    effort = config.effort if config.token_budget is None else effort_for(config.token_budget)
    if effort is not None:
        asked["effort"] = effort
    if config.include_thoughts:
        asked["summary"] = "auto"
    return asked or None


def _tool(tool: ToolSpec) -> JsonObject | Unsupported:
    match parse_object(tool.parameters):
        case Success(dict() as parameters):
            return {
                "type": "function",
                "name": tool.name,
                "description": tool.description,
                "parameters": parameters,
                "strict": False,
            }
        case _:
            return Unsupported(f"the parameters of tool {tool.name} are not a JSON schema of an object")


def _items(message: Message, offered: frozenset[str]) -> list[JsonValue]:
    match message:
        case SystemMessage(content=text):
            return [{"role": "system", "content": text}] if text.strip() else []
        case UserMessage(content=text):
            return [{"role": "user", "content": text}] if text.strip() else []
        case ToolResultMessage(call_id=id_, content=text):
            return [{"type": "function_call_output", "call_id": call_id(id_), "output": text}]
        case AssistantMessage() | ToolCallMessage():
            return encode_assistant(message, offered)
        case _:
            assert_never(message)
