"""The targets notice decoders that are wrong, and what bends bodies keeps them readable."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Self, final

import pytest

from punk.core.events import ProviderEvent, TextDelta, TurnEnded, TurnFailed, TurnStarted
from punk.core.failures import Truncated
from punk.core.messages import Finish
from punk.wire.eventstream import Message, MessageDecoder
from punk.wire.sse import SseDecoder
from tests.fuzz.frames import FRAMINGS, Frame, body_of, frames_of
from tests.fuzz.mutate import mutate
from tests.fuzz.seeds import LONGEST, seeds, words
from tests.fuzz.targets import TARGETS, check_decoder, check_whole

START, END = TurnStarted("a-family"), TurnEnded(Finish("stop"))
CUT = TurnFailed(Truncated("cut"))


@final
@dataclass(frozen=True, slots=True)
class Made:
    """A decoder that says what `said` makes of all the bytes so far, and `last` at their end."""

    said: Callable[[bytes, bytes], tuple[ProviderEvent, ...]]
    last: Callable[[bytes], tuple[ProviderEvent, ...]]
    before: bytes = b""

    def feed(self, data: bytes, /) -> tuple[Self, tuple[ProviderEvent, ...]]:
        return type(self)(self.said, self.last, self.before + data), self.said(self.before, data)

    def end(self) -> tuple[ProviderEvent, ...]:
        return self.last(self.before)


def letters(before: bytes, data: bytes) -> tuple[ProviderEvent, ...]:
    """Right: each byte as a text."""
    start = (START,) if data and not before else ()
    return (*start, *(TextDelta(0, chr(byte)) for byte in data))


def ended(seen: bytes) -> tuple[ProviderEvent, ...]:
    return (END,) if seen else (START, CUT)


def test_a_right_decoder_breaks_nothing() -> None:
    check_decoder(Made(letters, ended), b"Hi\n")
    check_decoder(Made(letters, ended), b"Hi\n" * 200)
    check_decoder(Made(letters, ended), b"")


@pytest.mark.parametrize(
    ("decoder", "why"),
    [
        (Made(lambda _, data: (START, TextDelta(0, str(data))) if data else (), ended), "if not cut as"),
        (Made(letters, lambda _: ()), "one terminal"),
        (Made(letters, lambda _: (END, CUT)), "one terminal"),
        (Made(letters, lambda _: (END, TextDelta(0, "x"))), "one terminal"),
        (Made(letters, lambda _: (TextDelta(0, "\ud800"), END)), "cannot be sent"),
    ],
)
def test_a_wrong_decoder_is_noticed(decoder: Made, why: str) -> None:
    with pytest.raises(AssertionError, match=why):
        check_decoder(decoder, b"Hi\n")


def test_what_follows_a_terminal_is_noticed() -> None:
    def again(before: bytes, data: bytes) -> tuple[ProviderEvent, ...]:
        said: tuple[ProviderEvent, ...] = (START, CUT) if data and not before else ()
        return (*said, TextDelta(0, "more")) if len(before) > 2 and data else said

    with pytest.raises(AssertionError, match="follow the terminal"):
        check_decoder(Made(again, lambda seen: () if seen else (START, CUT)), b"Hi\n")


def test_a_whole_answer_that_changes_its_mind_is_noticed() -> None:
    said: list[tuple[ProviderEvent, ...]] = [(START, END), (START, CUT)]
    with pytest.raises(AssertionError, match="something else"):
        check_whole(lambda _: said.pop(), b"")


def test_raising_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: object, __: bytes) -> object:
        raise ValueError("no")

    monkeypatch.setattr(SseDecoder, "feed", refuse)
    with pytest.raises(AssertionError, match="raised ValueError"):
        TARGETS["sse"](b"x")


@pytest.mark.parametrize("target", TARGETS)
def test_bent_bodies_break_no_law_and_are_not_all_the_same(target: str) -> None:
    bodies, lots = seeds(target), Random(1)
    pool = [frame for body in bodies for frame in frames_of(FRAMINGS[target], body)]
    bent = {mutate(FRAMINGS[target], lots.choice(bodies), pool, lots, lambda part: part[:-1]) for _ in range(60)}
    assert len(bent) > 40
    for body in bent:
        TARGETS[target](body)


@pytest.mark.parametrize("target", TARGETS)
def test_seeds_are_small_and_break_no_law(target: str) -> None:
    bodies = seeds(target)
    assert len(bodies) > 5
    assert b"\xef\xbb\xbf" in words(target, bodies)
    for body in bodies:
        assert len(body) <= LONGEST
        TARGETS[target](body)


def test_frames_that_were_put_together_are_whole() -> None:
    body = body_of("eventstream", [Frame(b"\x01a\x07\0\x01b", b"{}"), Frame(b"", b"")])
    _, messages = MessageDecoder().feed(body)
    assert messages == (Message({"a": "b"}, b"{}"), Message({}, b""))
    for framing in ("sse", "eventstream"):
        frames = [Frame(b"name" if framing == "sse" else b"\x01a\0", b"1\n2"), Frame(b"", b"3")]
        assert frames_of(framing, body_of(framing, frames)) == frames
    assert frames_of("eventstream", body[:-1]) == frames_of("eventstream", body)[:1]
