"""Calls that are broken, cut or strange, and what comes of each: cases 48 to 57, as data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeAlias, final

from punk.core.events import CallDelta, CallEnded, CallStarted, ProviderEvent, TextDelta, TurnEnded
from punk.core.failures import ConnectionLost, Malformed, RoundLimit, TimedOut, Truncated
from punk.core.messages import Finish, FinishReason
from tests.faults.case import NotHere
from tests.faults.cases_connection import BEAT
from tests.faults.ends import PAID, PAYMENT, edited
from tests.faults.judge import Completed, Fails, Outcome
from tests.faults.scripts import Hang, Reset, Script
from tests.faults.wires import Wire
from tests.llm.script import CALLS, START, STOP, call, text

WHOLE: Final = Completed()
LIMIT: Final = TurnEnded(Finish("max_tokens"))
PAY: Final = ("bob", 1000.0)
NOT_JSON: Final = "the arguments are not a JSON object"


@final
@dataclass(frozen=True, slots=True)
class Play:
    """What the server does, what must come of it, which calls must have run, and words of what the model must be told
    of its calls: with some, the run goes on with a second request. `progress` is how long a silence may be."""

    scripts: tuple[Script, ...]
    outcome: Outcome = WHOLE
    ran: tuple[tuple[object, ...], ...] = ()
    told: tuple[str, ...] = ()
    requests: int = 2
    progress: float = 9.0


By: TypeAlias = Callable[[Wire], Play | NotHere]
CASES: Final[list[tuple[int, str, By]]] = []


def case(number: int, variant: str = "") -> Callable[[By], By]:
    """Makes a function a case, by number and variant."""

    def add(play: By) -> By:
        CASES.append((number, variant, play))
        return play

    return add


def calling(wire: Wire, *events: ProviderEvent) -> tuple[bytes, ...]:
    """The frames of a turn with `events`."""
    return wire.frames(START, *events, CALLS)


def then_whole(wire: Wire, frames: tuple[bytes, ...]) -> tuple[Script, ...]:
    """A turn of `frames`, and a whole answer after it."""
    return wire.answer(*frames), wire.answer(*wire.opening, *wire.rest)


def told(wire: Wire, frames: tuple[bytes, ...], *words: str) -> Play:
    """A turn of `frames` whose call does not run, about which the model is told `words`."""
    return Play(then_whole(wire, frames), told=words)


def paid(wire: Wire, frames: tuple[bytes, ...]) -> Play:
    """A turn of `frames` whose call runs."""
    return Play(then_whole(wire, frames), ran=(PAY,), told=(PAID,))


BROKEN: Final = {
    "": '{"account": "bob", "amount": 10',
    "a list": '["bob", 1000]',
    "not a number": '{"account": "bob", "amount": NaN}',
    "two objects": f"{PAYMENT}{PAYMENT}",
}


def _broken(arguments: str) -> By:
    def play(wire: Wire) -> Play | NotHere:
        if wire.family == "gemini":
            return NotHere("arguments come as an object of the event")
        return told(wire, calling(wire, *call("transfer", arguments)), NOT_JSON)

    return play


for _variant, _arguments in BROKEN.items():
    case(48, _variant)(_broken(_arguments))


def _no_object(value: bytes) -> By:
    def play(wire: Wire) -> Play | NotHere:
        if wire.family != "gemini":
            return NotHere("arguments come as a text")
        frames = calling(wire, *call("transfer", PAYMENT))
        frames = edited(wire, frames, b'{"account":"bob","amount":1000}', value)
        return Play(then_whole(wire, frames), Fails(Malformed, again=False), requests=1)

    return play


case(48, "an event with a text")(_no_object(b'"bob"'))
case(48, "an event with a list")(_no_object(b'["bob", 1000]'))


@case(48, "of a wrong type")
def wrong_type(wire: Wire) -> Play:
    frames = calling(wire, *call("transfer", '{"account": "bob", "amount": "much"}'))
    return told(wire, frames, "Invalid arguments for transfer")


@case(49)
def empty(wire: Wire) -> Play:
    return Play(then_whole(wire, calling(wire, *call("now", ""))), ran=(("now",),), told=("high noon",))


@case(49, "no delta")
def no_delta(wire: Wire) -> Play:
    frames = calling(wire, CallStarted(0, "c1", "now"), CallEnded(0))
    if wire.family == "gemini":
        frames = edited(wire, frames, b',"args":{}', b"")
    return Play(then_whole(wire, frames), ran=(("now",),), told=("high noon",))


@case(49, "where some are needed")
def empty_where_some_are_needed(wire: Wire) -> Play:
    return told(wire, calling(wire, *call("transfer", "")), "Invalid arguments for transfer", "account", "amount")


def _limited(wire: Wire, *called: ProviderEvent) -> Play:
    frames = wire.frames(START, *text("Hello"), *called, LIMIT)
    return Play((wire.answer(*frames),), Completed("Hello", "max_tokens"), requests=1)


CUT: Final = (CallStarted(1, "c1", "transfer"), CallDelta(1, '{"account": "bob", "amount": 1'))


@case(50)
def limit_in_the_arguments(wire: Wire) -> Play:
    return _limited(wire, *CUT)


@case(50, "the block is closed")
def limit_in_a_closed_block(wire: Wire) -> Play:
    return _limited(wire, *CUT, CallEnded(1))


@case(50, "a whole call")
def limit_after_a_whole_call(wire: Wire) -> Play:
    return _limited(wire, *call("transfer", PAYMENT, block=1))


@case(50, "refused after a whole call")
def refused_after_a_whole_call(wire: Wire) -> Play | NotHere:
    if wire.family in ("chat", "responses"):
        return NotHere("a refusal is a text, and no reason")
    reason: FinishReason = "content_filter" if wire.family == "gemini" else "refusal"
    frames = wire.frames(START, *text("Hello"), *call("transfer", PAYMENT, block=1), TurnEnded(Finish("refusal")))
    return Play((wire.answer(*frames),), Completed("Hello", reason), requests=1)


@case(50, "cut, and the reason is tool use")
def cut_with_the_reason_of_calls(wire: Wire) -> Play:
    words = "the call was not finished" if wire.family == "gemini" else NOT_JSON
    frames = wire.frames(START, *text("Hello"), *CUT, CallEnded(1), CALLS)
    return Play(then_whole(wire, frames), Completed("HelloHello, world."), told=(words,))


IDS: Final = {"responses": b'"call_id"', "bedrock": b'"toolUseId"'}


def _without_id(value: bytes | None) -> By:
    def play(wire: Wire) -> Play:
        key = IDS.get(wire.family, b'"id"')
        new = b'"other":"c1"' if value is None else key + b":" + value
        return paid(wire, edited(wire, calling(wire, *call("transfer", PAYMENT)), key + b':"c1"', new))

    return play


case(51, "no id")(_without_id(None))
case(51, "the id is null")(_without_id(b"null"))
case(51, "the id is empty")(_without_id(b'""'))


def _without_name(new: bytes) -> By:
    def play(wire: Wire) -> Play:
        frames = edited(wire, calling(wire, *call("transfer", PAYMENT)), b'"name":"transfer"', new)
        return told(wire, frames, "the call names no tool")

    return play


case(51, "no name")(_without_name(b'"other":"transfer"'))
case(51, "the name is null")(_without_name(b'"name":null'))
case(51, "the name is empty")(_without_name(b'"name":""'))


@case(52)
def unknown(wire: Wire) -> Play:
    return told(wire, calling(wire, *call("refund", PAYMENT)), "unknown tool", "refund")


@case(52, "beside a known one")
def unknown_beside_a_known_one(wire: Wire) -> Play:
    frames = calling(wire, *call("refund", PAYMENT), *call("transfer", PAYMENT, block=1, id="c2"))
    return Play(then_whole(wire, frames), ran=(PAY,), told=("unknown tool", PAID))


def _side_by_side(wire: Wire, *ids: str) -> tuple[Script, ...]:
    """Two calls whose arguments come by turns."""
    starts = [CallStarted(block, id, "transfer") for block, id in enumerate(ids)]
    pieces = '{"account": "bob", ', '{"account": "eve", ', '"amount": 1}', '"amount": 2}'
    deltas = [CallDelta(position % 2, piece) for position, piece in enumerate(pieces)]
    return then_whole(wire, calling(wire, *starts, *deltas, CallEnded(0), CallEnded(1)))


@case(53, "interleaved")
def interleaved(wire: Wire) -> Play:
    words = ("paid 1 to bob", "paid 2 to eve")
    return Play(_side_by_side(wire, "c1", "c2"), ran=(("bob", 1.0), ("eve", 2.0)), told=words)


@case(53, "doubled ids")
def doubled_ids(wire: Wire) -> Play:
    # One may be the other once more: the first one runs, and the model may ask again.
    words = ("paid 1 to bob", "a call with the id c1 came before")
    return Play(_side_by_side(wire, "c1", "c1"), ran=(("bob", 1.0),), told=words)


@case(54)
def stop_with_calls(wire: Wire) -> Play:
    return paid(wire, wire.frames(START, *call("transfer", PAYMENT), STOP))


@case(55)
def calls_without_calls(wire: Wire) -> Play:
    return Play((wire.answer(*calling(wire, TextDelta(0, "Hello"))),), Completed("Hello", _reason(wire)), requests=1)


@case(55, "nothing at all")
def calls_without_anything(wire: Wire) -> Play:
    return Play((wire.answer(*calling(wire)),), Completed("", _reason(wire)), requests=1)


def _reason(wire: Wire) -> FinishReason:
    # Two wires have no such reason: there a turn has calls, or it has none.
    return "stop" if wire.family in ("responses", "gemini") else "tool_use"


@case(56)
def no_end(wire: Wire) -> Play:
    frames = calling(wire, *text("Hm. "), *call("transfer", PAYMENT, block=1))
    limit = Fails(RoundLimit, again=False, kept="Hm. Hm. Hm. ")
    return Play((wire.answer(*frames),), limit, ran=(PAY, PAY), told=(PAID,), requests=3)


def _cut(wire: Wire) -> tuple[bytes, ...]:
    return wire.frames(START, *text("Hello"), *call("transfer", PAYMENT, block=1))


@case(57)
def cut_after_a_call(wire: Wire) -> Play:
    return Play((wire.answer(*_cut(wire)),), Fails(Truncated, again=True, kept="Hello"), requests=1)


@case(57, "reset")
def reset_after_a_call(wire: Wire) -> Play:
    script = wire.unended(*_cut(wire), BEAT, Reset())
    return Play((script,), Fails(ConnectionLost, again=True, kept="Hello"), requests=1)


@case(57, "stalled")
def stalled_after_a_call(wire: Wire) -> Play:
    script = wire.unended(b"".join(_cut(wire)), Hang())
    return Play((script,), Fails(TimedOut, again=True, kept="Hello"), requests=1, progress=0.2)
