"""Strategies for events in no order at all, and for requests that nothing was said about."""

from __future__ import annotations

from dataclasses import replace
from math import inf
from typing import Final, get_args

from hypothesis import strategies as st

from punk.core.events import (
    CallDelta,
    CallEnded,
    CallStarted,
    CancelRequested,
    Event,
    Heartbeat,
    OpaqueEnded,
    OpaqueStarted,
    ProviderEvent,
    RefusalDelta,
    TextAnnotated,
    TextDelta,
    ThinkingDelta,
    ThinkingSealed,
    TimerFired,
    TurnEnded,
    TurnFailed,
    TurnStarted,
    UsageReported,
)
from punk.core.failures import (
    Clock,
    ConnectFailed,
    ConnectionLost,
    Failure,
    HttpStatus,
    Malformed,
    ProviderError,
    Truncated,
)
from punk.core.log import Log
from punk.core.messages import Message
from punk.core.request import Approvals, Request, Route
from punk.core.retry import RetryPolicy
from punk.core.timeouts import Clocks
from punk.core.tool_events import ToolAbortRequested, ToolApproved, ToolReturned, ToolStarted
from punk.testing.strategies.messages import CALL_MESSAGES, NAMES, RESULTS, histories, messages
from punk.testing.strategies.tools import GUARDED_TOOLS, PROGRESS, TOOLS
from punk.testing.strategies.values import FAMILIES, finishes, provider_data, texts, usages


def failures() -> st.SearchStrategy[Failure]:
    """Ways in which a provider's answer breaks."""
    return st.one_of(
        st.builds(ConnectFailed, texts()),
        st.builds(ConnectionLost, texts()),
        st.builds(Truncated, texts()),
        st.builds(Malformed, texts()),
        st.builds(ProviderError, texts(), st.sampled_from(("overloaded_error", "invalid_request_error", None))),
        st.builds(HttpStatus, st.sampled_from((400, 401, 429, 503)), texts(), st.none(), st.none() | st.floats(0, 9)),
    )


def provider_events() -> st.SearchStrategy[ProviderEvent]:
    """Any event a provider can send, in one of a few blocks."""
    block = st.integers(-1, 3)
    arguments = texts() | st.sampled_from(("{}", '{"a":', "1}", "[]"))
    return st.one_of(
        st.builds(TextDelta, block, texts()),
        st.builds(ThinkingDelta, block, texts()),
        st.builds(CallStarted, block, st.sampled_from((None, "", "id-0", "id-1", "call_1_0")), st.sampled_from(NAMES)),
        st.builds(CallDelta, block, arguments),
        st.builds(CallEnded, block, st.none() | arguments, st.none() | provider_data()),
        st.builds(ThinkingSealed, block, st.none() | texts(), st.none() | provider_data()),
        st.builds(TextAnnotated, block, provider_data()),
        st.builds(RefusalDelta, block, texts()),
        st.builds(OpaqueStarted, block, texts()),
        st.builds(OpaqueEnded, block, provider_data(), st.booleans()),
        st.builds(TurnStarted, st.sampled_from(FAMILIES)),
        st.just(Heartbeat()),
        st.builds(UsageReported, usages()),
        st.builds(TurnEnded, finishes()),
        st.builds(TurnFailed, failures()),
    )


def events() -> st.SearchStrategy[Event]:
    """Any event at all."""
    ids = st.sampled_from(("id-0", "id-1", "call_1_0", "call_1_1", "call_2_0"))
    return st.one_of(
        provider_events(),
        st.builds(ToolApproved, ids),
        st.builds(ToolStarted, ids),
        st.builds(replace, PROGRESS, call_id=ids),
        st.builds(ToolReturned, ids, RESULTS, st.booleans()),
        st.builds(ToolAbortRequested, ids, texts()),
        st.just(CancelRequested()),
        st.builds(TimerFired, st.sampled_from((*get_args(Clock), "backoff", "backoff"))),
    )


@st.composite
def requests(draw: st.DrawFn) -> Request:
    """Any request: valid conversations, ones that end in calls without results, and messages in no order; with and
    without tools, which may need approval; with one model that is asked once, or several that are asked again."""
    asks = draw(_BOUNDS)
    return replace(asks, messages=Log(draw(_SAID)))


_VALID: Final[st.SearchStrategy[tuple[Message, ...]]] = histories()
_UNANSWERED: Final[st.SearchStrategy[tuple[Message, ...]]] = st.tuples(messages(), CALL_MESSAGES)
_SENSELESS: Final[st.SearchStrategy[tuple[Message, ...]]] = st.lists(messages(), max_size=4).map(tuple)
_SAID: Final = st.one_of(_VALID, _UNANSWERED, _SENSELESS)
_NONE_SAID: Final[Log[Message]] = Log()
_ROUTES: Final = st.tuples() | st.lists(
    st.builds(
        Route,
        st.builds(Clocks, first_event=st.sampled_from((1.0, 600.0)), total=st.sampled_from((5.0, inf))),
        st.builds(RetryPolicy, attempts=st.integers(1, 3), patience=st.sampled_from((3.0, 60.0))),
    ),
    min_size=1,
    max_size=3,
).map(tuple)
_BOUNDS: Final = st.builds(
    Request,
    st.just(_NONE_SAID),
    st.sampled_from(((), TOOLS, GUARDED_TOOLS, GUARDED_TOOLS)),
    st.integers(1, 3),
    execute_tools=st.sampled_from((True, True, False)),
    max_tool_calls=st.sampled_from((None, None, 1)),
    approvals=st.sampled_from(get_args(Approvals)),
    routes=_ROUTES.map(lambda routes: routes or (Route(),)),
    seed=st.integers(0, 2**32 - 1),
)
