"""Encodes the request of a turn for the chat-completions wire.

What the wire wants, and what is done about it:

- Messages in any order of roles; a system message may stand anywhere. One without text is left out.
- An assistant message has text, a refusal or calls; one with none of them is left out. Text beside calls that is blank
  is left out too.
- Calls are answered by `tool` messages right after them, in their order. Results are text; an error is told by its
  words alone.
- A call's arguments are the text of a JSON object: `{}` stands for any others. `names` holds the rules of ids and
  names, `assistant` those of thinking and opaque parts.
- `include_thoughts` has no meaning here: a server shows its thinking or does not.
"""

from __future__ import annotations

from typing import assert_never

from returns.result import Failure, Result, Success

from punk.core.effects import RequestTurn
from punk.core.failures import Unsupported
from punk.core.json import JsonObject, JsonValue, parse_object
from punk.core.messages import AssistantMessage, Message, SystemMessage, ToolCallMessage, ToolResultMessage, UserMessage
from punk.core.request import ToolSpec
from punk.core.thinking import ThinkingConfig, effort_for
from punk.providers.base import Body, Delivery
from punk.providers.openai.chat.assistant import encode_assistant
from punk.providers.openai.chat.names import call_id
from punk.providers.openai.chat.settings import ChatSettings, Flavour
from punk.wire.json import repair_surrogates


def encode(settings: ChatSettings, turn: RequestTurn, delivery: Delivery) -> Result[Body, Unsupported]:
    """The body of the request, or why this wire cannot say it. Text that is no Unicode is repaired with U+FFFD."""
    tools: list[JsonValue] = []
    for tool in turn.tools:
        described = _tool(tool)
        if isinstance(described, Unsupported):
            return Failure(described)
        tools.append(described)
    if settings.flavour == "openai" and settings.top_k is not None:
        return Failure(Unsupported("OpenAI's models take no top_k: leave it out, or use temperature or top_p"))
    offered = frozenset(tool.name for tool in turn.tools)
    messages: list[JsonValue] = [
        encoded for message in turn.messages if (encoded := _message(message, settings.flavour, offered)) is not None
    ]
    if not messages:
        return Failure(Unsupported("there is nothing to send: no message of the chat has text"))
    body: JsonObject = {"model": settings.model, "messages": messages}
    if tools:
        body["tools"] = tools
    body |= _parameters(settings)
    if delivery == "stream":
        body["stream_options"] = {"include_usage": True}
    body |= settings.extra_body or {}
    if delivery == "stream":
        body["stream"] = True
    return Success(Body({key: repair_surrogates(value) for key, value in body.items()}))


def _parameters(settings: ChatSettings) -> JsonObject:
    limit = "max_completion_tokens" if settings.flavour == "openai" else "max_tokens"
    known: JsonObject = {
        limit: settings.max_tokens,
        "temperature": settings.temperature,
        "top_p": settings.top_p,
        "top_k": settings.top_k,
        "stop": [*settings.stop_sequences] or None,
        "reasoning_effort": _effort(settings.thinking_config),
    }
    return {key: value for key, value in known.items() if value is not None}


def _effort(config: ThinkingConfig | None) -> str | None:
    if config is None:
        return None
    return config.effort if config.token_budget is None else effort_for(config.token_budget)


def _tool(tool: ToolSpec) -> JsonObject | Unsupported:
    match parse_object(tool.parameters):
        case Success(dict() as parameters):
            described: JsonObject = {"name": tool.name, "description": tool.description, "parameters": parameters}
            return {"type": "function", "function": described}
        case _:
            return Unsupported(f"the parameters of tool {tool.name} are not a JSON schema of an object")


def _message(message: Message, flavour: Flavour, offered: frozenset[str]) -> JsonObject | None:
    match message:
        case SystemMessage(content=text):
            return {"role": "system", "content": text} if text.strip() else None
        case UserMessage(content=text):
            return {"role": "user", "content": text} if text.strip() else None
        case ToolResultMessage(call_id=id_, content=text):
            return {"role": "tool", "tool_call_id": call_id(id_), "content": text}
        case AssistantMessage() | ToolCallMessage():
            return encode_assistant(message, flavour, offered)
        case _:
            assert_never(message)
