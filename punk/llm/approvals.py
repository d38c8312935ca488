"""Answers the calls that a conversation ends in: approves or denies them (internal)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from punk.core.history import denial, unanswered
from punk.core.log import Log
from punk.core.messages import Message, ToolCallMessage
from punk.core.parts import AssistantPart, ToolCall
from punk.errors import ConfigurationError


def unanswered_calls(messages: Sequence[Message]) -> tuple[ToolCall, ...]:
    """The calls that `messages` end in and that have no result."""
    left = unanswered(messages)
    return () if left is None else tuple(call for call in left.message.calls if call.id not in left.results)


def approved(messages: Sequence[Message], call_id: str) -> Log[Message]:
    """`messages`, with the unanswered call `call_id` allowed to run. Raises `ConfigurationError` if there is none."""
    _found(messages, call_id)
    said: list[Message] = list(messages)
    index = next(i for i in range(len(said) - 1, -1, -1) if isinstance(said[i], ToolCallMessage))
    message = said[index]
    assert isinstance(message, ToolCallMessage), "it was looked for"
    parts = [_allowed(part) if isinstance(part, ToolCall) and part.id == call_id else part for part in message.parts]
    said[index] = ToolCallMessage(parts, finish=message.finish, usage=message.usage, origin=message.origin)
    return Log(said)


def denied(messages: Sequence[Message], call_id: str, reason: str) -> Log[Message]:
    """`messages`, with the unanswered call `call_id` answered: it is not to run. Raises `ConfigurationError` if there
    is none."""
    return Log((*messages, denial(_found(messages, call_id), reason)))


def _found(messages: Sequence[Message], call_id: str) -> ToolCall:
    calls = unanswered_calls(messages)
    for call in calls:
        if call.id == call_id:
            return call
    known = ", ".join(repr(call.id) for call in calls) or "none"
    raise ConfigurationError(f"no call {call_id!r} waits for an answer; those that do: {known}")


def _allowed(call: ToolCall) -> AssistantPart:
    return replace(call, approval="given")
