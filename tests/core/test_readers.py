"""Law 8: readers that read at random moments, alone or together, see every piece once and in order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from punk.core.events import Event, RefusalDelta, TextDelta, ThinkingDelta, TurnEnded
from punk.core.failures import ConnectionLost
from punk.core.messages import Finish
from punk.core.readers import Broken, End, Piece, Wait, read_content, read_end, read_events
from punk.core.request import Request
from punk.core.state import Failed, StreamState
from punk.core.step import begin, fold, step
from punk.core.thinking_reader import Fresh, ThinkingCursor, read_thinking
from punk.testing.strategies import Conversation, bent, conversations, events, requests
from tests.core.talk import WITH_TOOLS, WITHOUT_TOOLS, say
from tests.core.thinking_model import ThinkingModel


class ContentReader:
    """Reads text, and keeps what it was given."""

    def __init__(self) -> None:
        self.at = 0
        self.read: list[str] = []

    def read_on(self, state: StreamState) -> bool:
        """One read; whether it gave a piece."""
        found = read_content(state, self.at)
        if isinstance(found, Broken):
            assert isinstance(state, Failed)
            assert found.failure == state.failure
            return False
        if isinstance(found, Piece):
            self.read.append(found.value)
        assert found.cursor >= self.at
        self.at = found.cursor
        return isinstance(found, Piece)


class ThinkingReader:
    """Reads thinking, loop after loop, and holds each answer against the model's."""

    def __init__(self) -> None:
        self.at: ThinkingCursor = Fresh()
        self.model = ThinkingModel()
        self.read: list[str] = []

    def read_on(self, state: StreamState) -> str:
        """One read: what it gave."""
        expected = self.model.next(state)
        found = read_thinking(state, self.at)
        told = type(found).__name__.lower(), found.value if isinstance(found, Piece) else ""
        assert told == expected, f"at {self.at} of {state.log}"
        if isinstance(found, Piece):
            self.read.append(found.value)
        if not isinstance(found, Broken):
            self.at = found.cursor
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
    readers: list[ContentReader | ThinkingReader | EventReader] = [*contents, *thoughts, entries]
    state, _ = begin(request)
    for event in happened:
        for number in data.draw(st.lists(st.integers(0, 4), max_size=4)):
            readers[number].read_on(state)
        state, _ = step(state, event)
    for content in contents:
        while content.read_on(state):
            pass
        assert content.read == [e.text for e in state.log if isinstance(e, TextDelta) and e.text]
    for thinking in thoughts:
        # A stream that has ended gives every phase to some loop; in a live one a loop may have to wait.
        for _ in range(2 * len(state.log)):
            thinking.read_on(state)
        assert thinking.read == [e.text for e in state.log if isinstance(e, ThinkingDelta) and e.text]
    while entries.read_on(state):
        pass
    assert entries.read == list(state.log)


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


@given(conversations())
def test_thinking_read_loop_after_loop_misses_nothing(conversation: Conversation) -> None:
    state, _ = fold(begin(conversation.request)[0], conversation.events)
    reader = ThinkingReader()
    loops = 0
    while loops <= len(state.log):
        loops += reader.read_on(state) == "end"
    assert reader.read == [entry.text for entry in state.log if isinstance(entry, ThinkingDelta) and entry.text]


def phases(request: Request, script: str) -> str:
    """What loops over thinking say while `script` is told: `*` reads on until the loop ends or must wait, every other
    letter is said. A thought is told as `t`, a loop's end as `/`, a wait as `_`, a failure as `!`."""
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
        # The two loops of the documentation, with a tool between, read as it happens: the second reads turn two.
        ("t*t*c**.*r*t*x*", "t_t_/___t_/"),
        # The same, read after the fact.
        ("ttc.rttx.***", "tt/tt//"),
        # A first loop ends at the first thing that is not thinking; a later one waits for the turn after the tools,
        ("x**c.r*x*", "/__/"),
        # and reads the thinking it begins with.
        ("x**c.r*t*x*", "/__t_/"),
        # A turn without a word after the tools ends the wait, too.
        ("x**c.r.*", "/_/"),
        # Loops that end on turn two wait for turn three.
        ("x*c.rx**c*.*r*t*", "//____t_"),
        # Thinking after text in one turn is a phase of its own.
        ("txtx.***", "t/t//"),
        ("tx*t*", "t/t_"),
        # Seals, pings and new blocks of thinking are no end of a phase; silence is none either.
        ("*h*t|ht*x*", "__tt_/"),
        # What comes in the middle of a phase goes on with it.
        ("t*t*t*.*", "t_t_t_/"),
        ("t*k*", "t_/"),
        ("t*!*", "t_!"),
        ("tc.*k*", "t//"),
    ],
)
def test_phases_with_tools(script: str, told: str) -> None:
    assert phases(WITH_TOOLS, script) == told


@pytest.mark.parametrize(
    "request_", [WITHOUT_TOOLS, replace(WITH_TOOLS, execute_tools=False), replace(WITH_TOOLS, max_rounds=1)]
)
@pytest.mark.parametrize(
    ("script", "told"),
    [
        # No turn can follow: a later loop need not wait for what cannot come,
        ("tx**", "t//"),
        # but thinking that is there is read.
        ("tx**t*", "t//t_"),
        ("txtx.***", "t/t//"),
        ("x*.*", "//"),
    ],
)
def test_phases_where_no_turn_can_follow(request_: Request, script: str, told: str) -> None:
    assert phases(request_, script) == told


def test_empty_deltas_are_no_pieces() -> None:
    state, _ = fold(begin(WITHOUT_TOOLS)[0], [ThinkingDelta(0, ""), TextDelta(1, ""), RefusalDelta(2, "")])
    assert read_thinking(state, Fresh()) == Wait(Fresh(len(state.log), 1))
    assert read_content(state, 0) == Wait(len(state.log))


def test_a_wait_passes_what_is_of_no_interest() -> None:
    state, _ = fold(begin(WITHOUT_TOOLS)[0], [ThinkingDelta(0, "t"), TextDelta(1, "x")])
    assert read_content(state, 0) == Piece("x", 3)
    assert read_content(state, 3) == Wait(3)
    ended, _ = fold(state, [TurnEnded(Finish("stop"))])
    assert read_content(ended, 3) == End(4)


def test_the_end_is_told_by_the_state_alone() -> None:
    state, _ = begin(WITHOUT_TOOLS)
    assert read_end(state, 7) == Wait(7)
    assert read_end(fold(state, say(state, "."))[0], 7) == End(7)
    assert read_end(fold(state, say(state, "k"))[0], 7) == End(7)
    assert read_end(fold(state, say(state, "!"))[0], 7) == Broken(ConnectionLost("the line went dead"))
