"""Keeps a conversation valid: every tool call has its one result, right after it, in call order."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from punk.core.messages import Message, ToolCallMessage, ToolResultMessage
from punk.core.parts import ToolCall

NOT_RUN = "This tool call was not run: the conversation was interrupted before its result was there."


def synthetic_result(call: ToolCall, why: str = NOT_RUN) -> ToolResultMessage:
    """The result of a call that has none, which says why."""
    return ToolResultMessage(call.id, call.name, why, is_error=True)


def valid_history(messages: Iterable[Message]) -> tuple[Message, ...]:
    """`messages` with one result for each call, in call order: missing ones say that the call was not run; results
    without a call, and second results, are left out."""
    valid: list[Message] = []
    pending: ToolCallMessage | None = None
    results: dict[str, ToolResultMessage] = {}

    def settle() -> None:
        if pending is not None:
            valid.extend(results.get(call.id) or synthetic_result(call) for call in pending.calls)

    for message in messages:
        if isinstance(message, ToolResultMessage):
            results.setdefault(message.call_id, message)
            continue
        settle()
        valid.append(message)
        pending, results = (message if isinstance(message, ToolCallMessage) else None), {}
    settle()
    return tuple(valid)


def unanswered(messages: Sequence[Message]) -> tuple[ToolCallMessage, dict[str, ToolResultMessage]] | None:
    """The call message that `messages` end with and the results it has so far, if some are missing."""
    results: dict[str, ToolResultMessage] = {}
    for index in range(len(messages) - 1, -1, -1):
        message = messages[index]
        match message:
            case ToolResultMessage():
                results[message.call_id] = message
            case ToolCallMessage():
                return (message, results) if any(call.id not in results for call in message.calls) else None
            case _:
                return None
    return None
