"""Answers as a Messages server might: thinks, calls each tool once, and then writes a text, or counts."""

from __future__ import annotations

from punk.core.events import (
    CallDelta,
    CallEnded,
    CallStarted,
    ProviderEvent,
    TextDelta,
    ThinkingDelta,
    ThinkingSealed,
    TurnEnded,
    TurnStarted,
)
from punk.core.json import JsonObject, JsonValue, dump_json
from punk.core.messages import Finish
from punk.testing.wires.anthropic import encode_events
from tests.support.server import Answer, Recorded

WORDS = ("Entangled ", "particles ", "share ", "one ", "state, ", "however ", "far ", "apart.")

WEATHER = '{"city": "Paris", "degrees": 21.5}'


def answer(request: Recorded) -> Answer:
    """The answer to a request of the Messages wire."""
    body = request.body
    if request.path.endswith("/count_tokens"):
        return Answer([b'{"input_tokens": 42}'], headers=(("content-type", "application/json"),))
    answered = "tool_result" in dump_json(body["messages"])
    events: list[ProviderEvent] = [TurnStarted("anthropic", "test-model", "msg_1")]
    if "thinking" in body:
        thought = "The tools have answered. " if answered else "The user asks. "
        events += [ThinkingDelta(0, thought), ThinkingDelta(0, "So be it."), ThinkingSealed(0, f"signed-{answered}")]
    tools = body.get("tools", [])
    assert isinstance(tools, list)
    if tools and not answered:
        for number, tool in enumerate(tools, start=len(events) > 1):
            assert isinstance(tool, dict)
            events += _call(number, tool)
        return Answer([encode_events([*events, TurnEnded(Finish("tool_use", "tool_use"))])])
    words = tuple(WEATHER) if "output_config" in body else WORDS
    events += [TextDelta(int(len(events) > 1), word) for word in words]
    return Answer([encode_events([*events, TurnEnded(Finish("stop", "end_turn"))])])


def _call(number: int, tool: JsonObject) -> list[ProviderEvent]:
    schema = tool["input_schema"]
    assert isinstance(schema, dict)
    properties = schema["properties"]
    assert isinstance(properties, dict)
    arguments: dict[str, JsonValue] = dict.fromkeys(properties, "25 * 4")
    return [
        CallStarted(number, f"toolu_{number}", str(tool["name"])),
        CallDelta(number, dump_json(arguments)),
        CallEnded(number),
    ]
