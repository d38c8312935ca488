"""Laws of the Messages wire: 12 to 15, over turns drawn at random."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from punk.core.events import (
    CallDelta,
    CallEnded,
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
from punk.core.failures import Truncated
from punk.core.json import JsonObject
from punk.core.messages import Finish
from punk.core.provider_data import ProviderData
from punk.core.usage import Usage
from punk.providers.anthropic.decode import REASONS, AnthropicDecoder, decode_whole
from punk.providers.anthropic.usage import usage_of
from punk.providers.anthropic.wire import FAMILY
from punk.testing.strategies import json_objects, json_values, texts, turns
from punk.testing.strategies.turns import cut
from punk.testing.wires.anthropic import encode_documents, encode_events
from tests.support.wire_cases import decode


@st.composite
def sayable(draw: st.DrawFn) -> tuple[ProviderEvent, ...]:
    """A turn that this wire can say whole: its own payloads, and no more than one report of usage."""
    said: list[ProviderEvent] = []
    sealed: set[int] = set()
    quiet = {TextDelta, ThinkingDelta, CallDelta}
    for event in draw(turns(calls=draw(st.integers(0, 2)))):
        match event:
            case TextDelta(text="") | ThinkingDelta(text="") | CallDelta(arguments="") | UsageReported():
                pass
            case RefusalDelta(block=block, text=text):
                said.append(TextDelta(block, text))
            case TurnStarted():
                said.append(TurnStarted(FAMILY, draw(st.none() | texts()), draw(st.none() | texts())))
            case _:
                said.append(event)
    return tuple(said)
