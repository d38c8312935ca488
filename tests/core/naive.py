"""A second, slow and obvious reading of well-formed conversations, to hold the core's against."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from punk.core.events import (
    CallDelta,
    CallEnded,
    CallStarted,
    Event,
    OpaqueEnded,
    OpaqueStarted,
    RefusalDelta,
    TextAnnotated,
    TextDelta,
    ThinkingDelta,
    ThinkingSealed,
    TurnEnded,
    TurnStarted,
    UsageReported,
)
from punk.core.messages import AssistantMessage, Finish, Message, Origin, ToolCallMessage, ToolResultMessage
from punk.core.parts import AssistantPart, OpaquePart, RefusalPart, TextPart, ThinkingPart, ToolCall
from punk.core.tool_events import ToolReturned
from punk.core.usage import Usage
from punk.testing.strategies import Conversation


def final_messages(conversation: Conversation) -> tuple[Message, ...]:
    """The messages that a well-formed conversation ends with."""
    said: list[Message] = list(conversation.request.messages)
    parts: list[AssistantPart] = []
    usages: list[Usage] = []
    origin = Origin()
    for turn, results in _rounds(conversation.events):
        parts = [*parts, *_parts(turn, len(said))]
        reported = [event.usage for event in turn if isinstance(event, UsageReported)]
        usages = [*usages, *reported[-1:]]
        usage = usages[0] if usages else None
        for more in usages[1:]:
            assert usage is not None
            usage = usage + more
        for event in turn:
            if isinstance(event, TurnStarted):
                origin = Origin(event.family, event.model, event.response_id)
        finish = _finish(turn)
        calls = [part for part in parts if isinstance(part, ToolCall)]
        if finish.reason == "pause":
            continue
        if calls and finish.reason in (None, "stop", "tool_use"):
            guarded = {tool.name for tool in conversation.request.tools if tool.requires_approval}
            marked = [replace(p, approval="needed") if p in calls and p.name in guarded else p for p in parts]
            said.append(ToolCallMessage(marked, finish=finish, usage=usage, origin=origin))
            for call in calls:
                [told] = [result for result in results if result.call_id == call.id]
                said.append(ToolResultMessage(call.id, call.name, told.parts, told.is_error))
        else:
            words = [part for part in parts if not isinstance(part, ToolCall)]
            said.append(AssistantMessage(words, finish=finish, usage=usage, origin=origin, unrun_calls=calls))
        parts, usages = [], []
    return tuple(said)


def _rounds(events: Sequence[Event]) -> list[tuple[list[Event], list[ToolReturned]]]:
    rounds: list[tuple[list[Event], list[ToolReturned]]] = []
    turn: list[Event] = []
    for event in events:
        if isinstance(event, ToolReturned):
            rounds[-1][1].append(event)
        else:
            turn.append(event)
            if isinstance(event, TurnEnded):
                rounds.append((turn, []))
                turn = []
    return rounds


def _finish(turn: Sequence[Event]) -> Finish:
    [finish] = [event.finish for event in turn if isinstance(event, TurnEnded)]
    return finish


def _parts(turn: Sequence[Event], message_index: int) -> list[AssistantPart]:
    blocks: dict[int, list[Event]] = {}
    for event in turn:
        block = getattr(event, "block", None)
        if block is not None:
            blocks.setdefault(block, []).append(event)
    parts: list[AssistantPart] = []
    position = 0
    for number in range(len(blocks)):
        block = blocks[number]
        match block[0]:
            case CallStarted(id=id_, name=name):
                [ended] = [event for event in block if isinstance(event, CallEnded)]
                arguments = "".join(event.arguments for event in block if isinstance(event, CallDelta)) or "{}"
                id_ = id_ or f"call_{message_index}_{position}"
                parts.append(ToolCall(id_, name, arguments, ended.provider_data))
                position += 1
            case TextDelta() | TextAnnotated():
                text = "".join(event.text for event in block if isinstance(event, TextDelta))
                data = [event.provider_data for event in block if isinstance(event, TextAnnotated)]
                if text or data:
                    parts.append(TextPart(text, data[-1] if data else None))
            case ThinkingDelta() | ThinkingSealed():
                text = "".join(event.text for event in block if isinstance(event, ThinkingDelta))
                [seal] = [event for event in block if isinstance(event, ThinkingSealed)]
                parts.append(ThinkingPart(text, seal.signature, seal.provider_data))
            case RefusalDelta():
                parts.append(RefusalPart("".join(event.text for event in block if isinstance(event, RefusalDelta))))
            case OpaqueStarted(kind=kind):
                [whole] = [event for event in block if isinstance(event, OpaqueEnded)]
                parts.append(OpaquePart(kind, whole.data, whole.replayable))
            case other:
                raise AssertionError(f"no block begins with {other!r}")
    return parts
