"""Keeps a conversation valid: every tool call has its one result, right after it, in call order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import final

from punk.core.messages import Message, ToolCallMessage, ToolResultMessage
from punk.core.parts import ToolCall
from punk.core.request import ToolSpec

# It may have begun to run, and have had effects: to say that it did not could make a model do it twice.
INTERRUPTED = "No result: the conversation was interrupted before this tool call gave one. It may or may not have run."

# What is added for a tool that says so of itself.
REPEATABLE = "Calling it again does no harm."

DENIED = "Not run: this tool call was denied."
UNAPPROVED = "Not run: the conversation was interrupted before this tool call was approved."
UNSTARTED = "Not run: the conversation was interrupted before this tool call began."


def synthetic_result(call: ToolCall, why: str = INTERRUPTED) -> ToolResultMessage:
    """The result of a call that has none, which says why."""
    return ToolResultMessage(call.id, call.name, why, is_error=True)


def interrupted(call: ToolCall, tools: Iterable[ToolSpec]) -> ToolResultMessage:
    """The result of a call that may have run, as far as its tool among `tools` lets one tell."""
    if call.approval == "needed":
        return synthetic_result(call, UNAPPROVED)
    repeatable = any(tool.name == call.name and tool.idempotent for tool in tools)
    return synthetic_result(call, f"{INTERRUPTED} {REPEATABLE}" if repeatable else INTERRUPTED)


def denial(call: ToolCall, reason: str = "") -> ToolResultMessage:
    """The result of a call that somebody denied."""
    return synthetic_result(call, f"{DENIED} {reason}".strip())


def valid_history(messages: Iterable[Message], tools: Sequence[ToolSpec] = ()) -> tuple[Message, ...]:
    """`messages` with one result for each call, in call order: missing ones say why, as `tools` let one tell; results
    without a call, and second results, are left out."""
    valid: list[Message] = []
    pending: ToolCallMessage | None = None
    results: dict[str, ToolResultMessage] = {}

    def settle() -> None:
        if pending is not None:
            valid.extend(results.get(call.id) or interrupted(call, tools) for call in pending.calls)

    for message in messages:
        if isinstance(message, ToolResultMessage):
            results.setdefault(message.call_id, message)
            continue
        settle()
        valid.append(message)
        pending, results = (message if isinstance(message, ToolCallMessage) else None), {}
    settle()
    return tuple(valid)


@final
@dataclass(frozen=True, slots=True)
class Unanswered:
    """A conversation that ends in calls without results: what stands before them, their message, and the results that
    some of them have, by call id."""

    before: tuple[Message, ...]
    message: ToolCallMessage
    results: Mapping[str, ToolResultMessage]


def unanswered(messages: Sequence[Message]) -> Unanswered | None:
    """The calls that `messages` end with, None if there are none or each has its result."""
    results: dict[str, ToolResultMessage] = {}
    for index in range(len(messages) - 1, -1, -1):
        message = messages[index]
        match message:
            case ToolResultMessage():
                results[message.call_id] = message
            case ToolCallMessage() if any(call.id not in results for call in message.calls):
                return Unanswered(tuple(messages[:index]), message, results)
            case _:
                return None
    return None
