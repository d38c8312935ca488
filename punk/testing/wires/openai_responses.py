"""Writes a turn as the Responses API would stream it.

Each block is an item, told by its number. The wire cannot say everything: signatures and what belongs to another
family are lost, a heartbeat comes as `keepalive`, of failures only a provider's error has words, and usage, citations
and what ends a text are said at the end.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final, assert_never, final

from punk.core.events import (
    CallDelta,
    CallEnded,
    CallStarted,
    Heartbeat,
    OpaqueEnded,
    OpaqueStarted,
    ProviderEvent,
    RefusalDelta,
    TextAnnotated,
    TextDelta,
    ThinkingDelta,
    ThinkingSealed,
    TurnEnded,
    TurnFailed,
    TurnStarted,
    UsageReported,
)
from punk.core.failures import ProviderError, Truncated
from punk.core.json import JsonObject, JsonValue, dump_json
from punk.core.messages import Finish
from punk.core.provider_data import ProviderData
from punk.core.usage import Usage
from punk.providers.openai.responses.ends import INCOMPLETE
from punk.providers.openai.responses.settings import FAMILY

_WHY: Final = {reason: why for why, reason in INCOMPLETE.items()}
_COMPLETED: Final = ("stop", "tool_use", "refusal", None)


def encode_events(events: Iterable[ProviderEvent]) -> bytes:
    """The body of an answer that says `events`, as server-sent events."""
    answer = _Answer()
    frames = (frame for event in events for frame in answer.frames(event))
    return b"".join(
        b"event: %s\ndata: %s\n\n" % (name.encode(), dump_json({"type": name, **fields}).encode())
        for name, fields in frames
    )


_Frame = tuple[str, JsonObject]


@final
@dataclass(slots=True)
class _Answer:
    """What the end states again. `items` holds each block's item as it stands, `open` those that have not ended."""

    response: JsonObject = field(default_factory=dict)
    items: dict[int, JsonObject] = field(default_factory=dict)
    open: set[int] = field(default_factory=set)

    def frames(self, event: ProviderEvent) -> Iterator[_Frame]:
        """The wire's events that say `event`."""
        match event:
            case TurnStarted(model=model, response_id=response_id):
                self.response = {"id": response_id, "object": "response", "model": model, "status": "in_progress"}
                yield "response.created", {"response": {**self.response}}
            case ThinkingDelta(block=block, text=text):
                yield from self._begin(block, {"type": "reasoning", "summary": []})
                yield self._delta("reasoning_summary_text", block, text, summary_index=0)
            case ThinkingSealed(block=block, provider_data=data):
                yield from self._begin(block, {"type": "reasoning", "summary": []})
                yield from self._finish(block, _own(data))
            case TextDelta(block=block, text=text):
                yield from self._begin(block, {"type": "message", "role": "assistant", "content": []})
                yield self._delta("output_text", block, text, content_index=0)
            case TextAnnotated(block=block, provider_data=data):
                yield from self._begin(block, {"type": "message", "role": "assistant", "content": []})
                note = _own(data)
                part: JsonObject = {"type": "output_text", "annotations": note.pop("annotations", [])}
                self.items[block] |= {**note, "content": [part]}
            case RefusalDelta(block=block, text=text):
                yield from self._begin(block, {"type": "message", "role": "assistant", "content": []})
                yield self._delta("refusal", block, text, content_index=0)
            case CallStarted(block=block, id=id_, name=name):
                yield from self._begin(block, {"type": "function_call", "call_id": id_, "name": name, "arguments": ""})
            case CallDelta(block=block, arguments=arguments):
                yield self._delta("function_call_arguments", block, arguments)
            case CallEnded(block=block, arguments=arguments, provider_data=data):
                if arguments is not None:
                    yield (
                        "response.function_call_arguments.done",
                        {"output_index": block, "arguments": arguments},
                    )
                yield from self._finish(block, {**_own(data), "arguments": arguments})
            case OpaqueStarted(block=block, kind=kind):
                yield from self._begin(block, {"type": kind})
            case OpaqueEnded(block=block, data=data, replayable=replayable):
                if replayable:
                    yield from self._finish(block, _own(data))
            case Heartbeat():
                yield "keepalive", {}
            case UsageReported(usage=usage):
                self.response["usage"] = _usage(usage)
            case TurnEnded(finish=finish):
                for block in sorted(self.open):
                    if self.items[block]["type"] == "message":
                        yield from self._finish(block, {})
                yield self._end(finish)
            case TurnFailed(failure=ProviderError(message=message, error_type=error_type)):
                yield "error", {"error": {"message": message, "type": error_type}}
            case TurnFailed(failure=Truncated()):
                pass
            case TurnFailed(failure=failure):
                yield "error", {"code": None, "message": failure.message}
            case _:
                assert_never(event)

    def _begin(self, block: int, item: JsonObject) -> Iterator[_Frame]:
        if block not in self.items:
            self.items[block] = item
            self.open.add(block)
            yield "response.output_item.added", {"output_index": block, "item": {**item}}

    def _finish(self, block: int, more: JsonObject) -> Iterator[_Frame]:
        self.open.discard(block)
        whole: JsonObject = {**self.items[block], **more}
        yield "response.output_item.done", {"output_index": block, "item": whole}

    def _delta(self, what: str, block: int, text: str, **more: JsonValue) -> _Frame:
        return f"response.{what}.delta", {"output_index": block, "delta": text, **more}

    def _end(self, finish: Finish) -> _Frame:
        if finish.reason in _COMPLETED:
            return "response.completed", {"response": {**self.response, "status": "completed"}}
        details: JsonObject = {"reason": finish.detail or _WHY.get(finish.reason, finish.reason)}
        response: JsonObject = {**self.response, "status": "incomplete", "incomplete_details": details}
        return "response.incomplete", {"response": response}


def _own(data: ProviderData | None) -> JsonObject:
    value = data.value if data is not None and data.family == FAMILY else None
    return value if isinstance(value, dict) else {}


def _usage(usage: Usage) -> JsonValue:
    match usage.reported:
        case ProviderData(family=family, value=dict() as reported) if family == FAMILY:
            return reported
        case _:
            return {
                "input_tokens": usage.input_tokens,
                "output_tokens": usage.output_tokens,
                "input_tokens_details": {
                    "cached_tokens": usage.cache_read_tokens,
                    "cache_write_tokens": usage.cache_write_tokens,
                },
                "output_tokens_details": {"reasoning_tokens": usage.reasoning_tokens},
            }
