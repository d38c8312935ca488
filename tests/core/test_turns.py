"""What a turn amounts to: its parts in order, its finish, its usage."""

from __future__ import annotations

import pytest

from punk.core.effects import Effect, RequestTurn
from punk.core.events import (
    CallEnded,
    CallStarted,
    Event,
    Heartbeat,
    OpaqueEnded,
    OpaqueStarted,
    RefusalDelta,
    TextAnnotated,
    TextDelta,
    ThinkingDelta,
    ThinkingSealed,
    TurnEnded,
    TurnRequested,
    TurnStarted,
    UsageReported,
)
from punk.core.messages import (
    AssistantMessage,
    Finish,
    FinishReason,
    Origin,
    ToolCallMessage,
    UserMessage,
)
from punk.core.parts import OpaquePart, RefusalPart, TextPart, ThinkingPart
from punk.core.provider_data import ProviderData
from punk.core.request import Request
from punk.core.state import Completed, Streaming, StreamState, history
from punk.core.step import begin, fold
from punk.core.tool_events import ToolReturned
from punk.core.usage import Usage
from tests.core.talk import WITH_TOOLS

HI = UserMessage("hi")
STOP = TurnEnded(Finish("stop"))
PAUSE = TurnEnded(Finish("pause", "pause_turn"))
CALL: tuple[Event, ...] = (CallStarted(0, "a", "f"), CallEnded(0), TurnEnded(Finish("tool_use")))


def run(*events: Event, request: Request = WITH_TOOLS) -> tuple[StreamState, tuple[Effect, ...]]:
    return fold(begin(request)[0], events)


def answer(*events: Event, request: Request = WITH_TOOLS) -> AssistantMessage:
    """The last message of a run that completes."""
    state, _ = run(*events, request=request)
    assert isinstance(state, Completed)
    last = history(state)[-1]
    assert isinstance(last, AssistantMessage)
    return last


def test_a_run_begins_with_a_request_for_all_there_is() -> None:
    state, effects = begin(WITH_TOOLS)
    assert effects == (RequestTurn(1, (HI,), WITH_TOOLS.tools),)
    assert isinstance(state, Streaming)
    assert tuple(state.log) == (TurnRequested(1),)


def test_interleaved_blocks_become_parts_in_the_order_in_which_they_began() -> None:
    data = ProviderData.of("anthropic", {"x": 1})
    said = answer(
        ThinkingDelta(0, "th"),
        TextDelta(1, "He"),
        ThinkingDelta(0, "ink"),
        OpaqueStarted(2, "server_tool_use"),
        RefusalDelta(3, "N"),
        TextDelta(1, "llo"),
        ThinkingSealed(0, "signature", data),
        OpaqueEnded(2, data, replayable=False),
        TextAnnotated(1, data),
        RefusalDelta(3, "o"),
        TextDelta(4, "!"),
        STOP,
    )
    assert said.parts == (
        ThinkingPart("think", "signature", data),
        TextPart("Hello", data),
        OpaquePart("server_tool_use", data, replayable=False),
        RefusalPart("No"),
        TextPart("!"),
    )
    assert (said.content, said.refusal) == ("Hello!", "No")
    assert said.thinking_blocks == (ThinkingPart("think", "signature", data),)


def test_text_without_a_character_is_no_part_unless_something_belongs_to_it() -> None:
    data = ProviderData.of("google", {"thought_signature": "s"})
    assert answer(TextDelta(0, ""), STOP).parts == ()
    assert answer(TextAnnotated(0, data), STOP).parts == (TextPart("", data),)


def test_the_last_annotation_counts() -> None:
    one, two = ProviderData.of("anthropic", [1]), ProviderData.of("anthropic", [1, 2])
    assert answer(TextDelta(0, "x"), TextAnnotated(0, one), TextAnnotated(0, two), STOP).parts == (TextPart("x", two),)


def test_a_seal_that_is_said_again_replaces_the_first() -> None:
    """OpenAI encrypts its reasoning anew at the end of a turn."""
    first, last = ProviderData.of("f", 1), ProviderData.of("f", 2)
    said = answer(
        ThinkingDelta(0, "think"), ThinkingSealed(0, "a", first), TextDelta(1, "hi"), ThinkingSealed(0, "b", last), STOP
    )
    assert said.parts == (ThinkingPart("think", "b", last), TextPart("hi"))


def test_redacted_thinking_is_a_part_without_a_word() -> None:
    data = ProviderData.of("anthropic", {"data": "secret"})
    assert answer(ThinkingSealed(0, None, data), STOP).parts == (ThinkingPart("", None, data),)


def test_thinking_that_was_not_closed_has_no_signature() -> None:
    assert answer(ThinkingDelta(0, "t"), STOP).parts == (ThinkingPart("t"),)


def test_an_opaque_block_that_was_not_closed_is_left_out() -> None:
    assert answer(OpaqueStarted(0, "thing"), TextDelta(1, "x"), STOP).parts == (TextPart("x"),)


@pytest.mark.parametrize("reason", ["stop", "max_tokens", "tool_use", "refusal", "content_filter", "other", None])
def test_any_reason_without_calls_is_an_answer(reason: FinishReason | None) -> None:
    finish = Finish(reason, "RAW", "detail")
    said = answer(TextDelta(0, "x"), TurnEnded(finish))
    assert (said.finish, said.finish_reason, said.raw_finish_reason) == (finish, reason, "RAW")
    assert said.unrun_calls == ()


def test_nothing_is_made_up() -> None:
    assert answer(TurnEnded(Finish())) == AssistantMessage("", finish=Finish(None, None, None), usage=None)


def test_origin_is_what_the_provider_said() -> None:
    assert answer(TurnStarted("openai-chat", "m-1", "r-1"), STOP).origin == Origin("openai-chat", "m-1", "r-1")


def test_heartbeats_say_nothing() -> None:
    assert answer(Heartbeat(), TextDelta(0, "x"), Heartbeat(), STOP) == answer(TextDelta(0, "x"), STOP)


def test_the_last_report_of_a_turn_counts() -> None:
    reports = [UsageReported(Usage(input_tokens=9, output_tokens=1)), UsageReported(Usage(9, 30, reasoning_tokens=4))]
    assert answer(*reports, STOP).usage == Usage(9, 30, reasoning_tokens=4)


def test_usage_is_per_message() -> None:
    turn_one: list[Event] = [UsageReported(Usage(10, 5)), *CALL, ToolReturned("a", "r")]
    state, _ = run(*turn_one, UsageReported(Usage(20, 7)), STOP)
    usages = [m.usage for m in history(state) if isinstance(m, AssistantMessage | ToolCallMessage)]
    assert usages == [Usage(10, 5), Usage(20, 7)]


def test_sums_keep_what_is_known() -> None:
    one = Usage(1, None, 3, None, 5, lower_bound=False, reported=ProviderData.of("x", 1))
    assert one + Usage(10, 20, None, None, 50) == Usage(11, 20, 3, None, 55)
    assert (Usage(lower_bound=True) + Usage()).lower_bound
    assert (Usage() + Usage(lower_bound=True)).lower_bound
    assert not (Usage() + Usage()).lower_bound
    assert Usage(1, 2, 3, 4, 5) + Usage(10, 20, 30, 40, 50) == Usage(11, 22, 33, 44, 55)
