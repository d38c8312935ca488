"""Law 19: a conversation is made valid, whatever it was, and stays what it is once it is valid."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from punk.core.history import DENIED, INTERRUPTED, Unanswered, denial, synthetic_result, unanswered, valid_history
from punk.core.messages import AssistantMessage, Message, ToolCallMessage, ToolResultMessage, UserMessage
from punk.core.parts import TextPart, ToolCall
from punk.testing.strategies import histories, messages

A, B = ToolCall("a", "f", "{}"), ToolCall("b", "g", "{}")
CALLS = ToolCallMessage([TextPart("let me see"), A, B])
RA, RB = ToolResultMessage("a", "f", "1"), ToolResultMessage("b", "g", "2")
NO_A, NO_B = synthetic_result(A), synthetic_result(B)
HI, BYE = UserMessage("hi"), AssistantMessage("bye")


@pytest.mark.parametrize(
    ("said", "valid"),
    [
        ((), ()),
        ((HI, CALLS, RA, RB, BYE), (HI, CALLS, RA, RB, BYE)),
        ((HI, CALLS, RB, RA, BYE), (HI, CALLS, RA, RB, BYE)),
        ((HI, CALLS, RB), (HI, CALLS, NO_A, RB)),
        ((HI, CALLS), (HI, CALLS, NO_A, NO_B)),
        ((HI, CALLS, BYE, RA, RB), (HI, CALLS, NO_A, NO_B, BYE)),
        ((RA, HI, RB), (HI,)),
        ((CALLS, RA, ToolResultMessage("a", "f", "again"), RB), (CALLS, RA, RB)),
        ((CALLS, ToolResultMessage("z", "f", "whose?"), RA, RB), (CALLS, RA, RB)),
        ((CALLS, RA, RB, CALLS, RB), (CALLS, RA, RB, CALLS, NO_A, RB)),
    ],
)
def test_every_call_has_its_one_result_in_call_order(said: tuple[Message, ...], valid: tuple[Message, ...]) -> None:
    assert valid_history(said) == valid


@given(histories())
def test_a_valid_history_stays_as_it_is(said: tuple[Message, ...]) -> None:
    assert valid_history(said) == said


@given(st.lists(messages(), max_size=5))
def test_a_history_is_made_valid_once(said: list[Message]) -> None:
    once = valid_history(said)
    assert valid_history(once) == once
    kept = [message for message in once if not isinstance(message, ToolResultMessage)]
    assert kept == [message for message in said if not isinstance(message, ToolResultMessage)]


def test_a_synthetic_result_is_an_error_and_says_why() -> None:
    assert synthetic_result(A) == ToolResultMessage("a", "f", INTERRUPTED, is_error=True)
    assert synthetic_result(A, "why").content == "why"


def test_a_denial_is_an_error_and_says_why_if_it_was_told() -> None:
    assert denial(A, "Not today.") == ToolResultMessage("a", "f", f"{DENIED} Not today.", is_error=True)
    assert denial(A).content == DENIED


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ((), None),
        ((HI,), None),
        ((HI, CALLS, RA, RB), None),
        ((HI, CALLS, RA, BYE), None),
        ((HI, RA), None),
        ((HI, CALLS), Unanswered((HI,), CALLS, {})),
        ((CALLS, RA, RB, HI, CALLS, RB), Unanswered((CALLS, RA, RB, HI), CALLS, {"b": RB})),
        ((CALLS, RA, ToolResultMessage("a", "f", "again")), Unanswered((), CALLS, {"a": RA})),
    ],
)
def test_unanswered_calls_at_the_end_are_found(said: tuple[Message, ...], found: Unanswered | None) -> None:
    assert unanswered(said) == found
