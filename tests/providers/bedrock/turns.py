"""Two turns of a model on Bedrock: one that thinks and calls tools, one that answers."""

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
    UsageReported,
)
from punk.core.messages import (
    Finish,
)
from punk.core.provider_data import ProviderData
from punk.core.usage import Usage
from punk.providers.bedrock.wire import FAMILY
from punk.testing.wires.bedrock_converse import encode_events
from tests.support.server import Answer

STREAM = (("content-type", "application/vnd.amazon.eventstream"),)
REDACTED = ProviderData.of(FAMILY, {"reasoningContent": {"redactedContent": "AAEC"}})
CALLS: list[ProviderEvent] = [
    TurnStarted(FAMILY),
    ThinkingDelta(0, "Let me "),
    ThinkingDelta(0, "see."),
    ThinkingSealed(0, "signed"),
    ThinkingSealed(1, provider_data=REDACTED),
    TextDelta(2, "Wait. "),
    CallStarted(3, "t1", "weather"),
    CallDelta(3, '{"city":"Oslo"}'),
    CallEnded(3),
    CallStarted(4, "t2", "weather"),
    CallDelta(4, '{"city":"Rome"}'),
    CallEnded(4),
    UsageReported(Usage(10, 5)),
    TurnEnded(Finish("tool_use", "tool_use")),
]
ANSWER: list[ProviderEvent] = [
    TurnStarted(FAMILY),
    TextDelta(0, "Cold "),
    TextDelta(0, "and hot."),
    UsageReported(Usage(20, 3)),
    TurnEnded(Finish("stop", "end_turn")),
]


def answer(events: list[ProviderEvent]) -> Answer:
    return Answer([encode_events(events)], headers=STREAM)
