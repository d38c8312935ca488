"""Encodes the request of a turn for the chat-completions wire.

What the wire wants, and what is done about it:

- Messages in any order of roles; a system message may stand anywhere. One without text is left out.
- An assistant message has text, a refusal or calls; one with none of them is left out. Text beside calls that is blank
  is left out too.
- Calls are answered by `tool` messages right after them, in their order. Results are text; an error is told by its
  words alone.
- A call's arguments are the text of a JSON object: `{}` stands for any others. `names` holds the rules of ids and names.
- Thinking: OpenAI takes none. A compatible server takes its own back: reasoning details always, thinking in a field of
  the message or in pieces of content only beside calls (DeepSeek and Kimi want it there; elsewhere it is of no use, or
  refused). Nothing is sent of another family's.
- Opaque parts are pieces of content, for the compatible server that sent such ones.
- `include_thoughts` has no meaning here: a server shows its thinking or does not.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import assert_never

from returns.result import Failure, Result, Success

from punk.core.effects import RequestTurn
from punk.core.failures import Unsupported
from punk.core.json import JsonObject, JsonValue, parse_object
from punk.core.messages import AssistantMessage, Message, SystemMessage, ToolCallMessage, ToolResultMessage, UserMessage
from punk.core.parts import AssistantPart, OpaquePart, RefusalPart, TextPart, ThinkingPart, ToolCall
from punk.core.request import ToolSpec
from punk.core.thinking import ThinkingConfig, effort_for
from punk.providers.base import Body, Delivery
from punk.providers.openai.chat.names import call_id, call_name
from punk.providers.openai.chat.reasoning import channel_of, details_of
from punk.providers.openai.chat.settings import FAMILY, ChatSettings, Flavour
from punk.wire.json import repair_surrogates


def encode(settings: ChatSettings, turn: RequestTurn, delivery: Delivery) -> Result[Body, Unsupported]:
    """The body of the request, or why this wire cannot say it. Text that is no Unicode is repaired with U+FFFD."""
    tools = [_tool(tool) for tool in turn.tools]
    for tool in tools:
        if isinstance(tool, Unsupported):
            return Failure(tool)
    if settings.flavour == "openai" and settings.top_k is not None:
        return Failure(Unsupported("OpenAI's models take no top_k: leave it out, or use temperature or top_p"))
    offered = frozenset(tool.name for tool in turn.tools)
    messages = [document for message in turn.messages for document in _message(message, settings.flavour, offered)]
    if not messages:
        return Failure(Unsupported("there is nothing to send: no message of the chat has text"))
    body: JsonObject = {"model": settings.model, "messages": [*messages]}
    if tools:
        body["tools"] = [tool for tool in tools if not isinstance(tool, Unsupported)]
    body |= _parameters(settings)
    if delivery == "stream":
        body |= {"stream": True, "stream_options": {"include_usage": True}}
    body |= settings.extra_body or {}
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


def _message(message: Message, flavour: Flavour, offered: frozenset[str]) -> Iterable[JsonObject]:
    match message:
        case SystemMessage(parts=parts):
            return _said("system", parts)
        case UserMessage(parts=parts):
            return _said("user", parts)
        case ToolResultMessage(call_id=id_, content=content):
            return [{"role": "tool", "tool_call_id": call_id(id_), "content": content}]
        case AssistantMessage(parts=parts):
            return _answered(_own(message, flavour), flavour, offered)
        case ToolCallMessage(parts=parts):
            return _answered(_own(message, flavour), flavour, offered)
        case _:
            assert_never(message)


def _said(role: str, parts: Sequence[TextPart]) -> Iterable[JsonObject]:
    text = "".join(part.text for part in parts)
    return [{"role": role, "content": text}] if text.strip() else []


def _own(message: AssistantMessage | ToolCallMessage, flavour: Flavour) -> list[AssistantPart]:
    """The parts that may be sent: without those that only another family, or no server of this flavour, understands."""
    own = flavour == "compatible" and message.origin.family == FAMILY
    ...
