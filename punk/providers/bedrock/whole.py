"""Decodes a Converse answer that came in one piece into the events that a stream would have given."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from punk.core.events import CallEnded, CallStarted, OpaqueEnded, OpaqueStarted, ProviderEvent, TurnFailed
from punk.core.failures import Malformed
from punk.core.json import JsonObject, JsonValue, dump_json
from punk.core.provider_data import ProviderData
from punk.providers.bedrock import wire
from punk.providers.bedrock.block_events import delta_document
from punk.providers.bedrock.decode import apply_document
from punk.providers.bedrock.errors import stray_failure
from punk.providers.bedrock.turn import WAITING, Ended, Step, Turn, failed
from punk.providers.bedrock.wire import FAMILY
from punk.providers.reading import read_as, read_json


def decode_whole(body: bytes) -> tuple[ProviderEvent, ...]:
    """The events of the answer `body`."""
    answer = read_json(body, "the answer")
    if isinstance(answer, Malformed):
        return (TurnFailed(answer),)
    output = answer.get("output")
    message = output.get("message") if isinstance(output, dict) else None
    content = message.get("content") if isinstance(message, dict) else None
    if not isinstance(content, list):
        return (TurnFailed(stray_failure(body) if output is None else Malformed("the answer has no content")),)

    events: list[ProviderEvent] = []
    for said in _steps(answer, content):
        events.extend(said)
    return tuple(events)


def _steps(answer: JsonObject, content: list[JsonValue]) -> Iterator[tuple[ProviderEvent, ...]]:
    turn, said = apply_document(WAITING, "messageStart", {"role": "assistant"})
    yield said
    for index, block in enumerate(content):
        if isinstance(turn, Turn):
            turn, said = _block(turn, index, block)
            yield said
    for name in ("messageStop", "metadata"):
        if not isinstance(turn, Ended):
            turn, said = apply_document(turn, name, answer)
            yield said


def _block(turn: Turn, index: int, block: JsonValue) -> Step:
    members = {k: v for k, v in block.items() if v is not None} if isinstance(block, dict) else {}
    if not members:
        return failed(Malformed("a content block of the answer is not what the wire allows"))
    kind, content = next(iter(members.items()))
    whole: JsonObject = content if isinstance(content, dict) else {}
    match kind:
        case "text":
            return _said_in_deltas(turn, index, [{"text": content}])
        case "reasoningContent" if "redactedContent" in whole:
            return _said_in_deltas(turn, index, [{"reasoningContent": whole}])
        case "reasoningContent" if isinstance(reasoning := whole.get("reasoningText"), dict):
            return _said_in_deltas(turn, index, [{"reasoningContent": reasoning}])
        case "citationsContent":
            texts = [piece for piece in _list(whole.get("content")) if isinstance(piece, dict)]
            citations: list[JsonObject] = [{"citation": citation} for citation in _list(whole.get("citations"))]
            return _said_in_deltas(turn, index, [*texts, *citations])
        case "toolUse" if not whole.get("type"):
            return _call(turn, whole)
        case _:
            number = turn.count
            opaque = OpaqueStarted(number, kind), OpaqueEnded(number, ProviderData.of(FAMILY, {kind: content}))
            return replace(turn, count=number + 1), opaque


def _call(turn: Turn, content: JsonObject) -> Step:
    call = read_as(wire.TOOL_USE, content, "a call")
    if isinstance(call, Malformed):
        return failed(call)
    number, given = turn.count, content.get("input")
    started = CallStarted(number, call.get("toolUseId") or None, call.get("name") or "")
    ended = CallEnded(number, None if given is None else dump_json(given))
    return replace(turn, count=number + 1), (started, ended)


def _said_in_deltas(turn: Turn, index: int, deltas: list[JsonObject]) -> Step:
    """The answer after a block that says `deltas`, and is closed."""
    said: list[ProviderEvent] = []
    for delta in deltas:
        after, more = delta_document(turn, {"contentBlockIndex": index, "delta": delta})
        said.extend(more)
        if not isinstance(after, Turn):
            return after, tuple(said)
        turn = after
    last, more = apply_document(turn, "contentBlockStop", {"contentBlockIndex": index})
    return last, (*said, *more)


def _list(value: JsonValue) -> list[JsonValue]:
    return value if isinstance(value, list) else []
