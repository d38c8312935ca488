"""What a case is: a fault, as a function of the wire that says what the server does and what must come of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, final

from punk.core.failures import ConnectionLost, Malformed, ProtocolViolation, Truncated
from punk.llm.retry import RetryPolicy
from tests.faults.judge import ONCE, Completed, Fails, Outcome
from tests.faults.scripts import Hang, Script
from tests.faults.server import Respond
from tests.faults.wires import Wire

LOST: Final = Fails(ConnectionLost, again=True)
CUT: Final = Fails(Truncated, again=True)
BAD: Final = Fails(Malformed, again=False)
WRONG_ORDER: Final = Fails(ProtocolViolation, again=False)
WHOLE: Final = Completed()

Address: TypeAlias = Literal["the server", "a closed port", "an unknown host"]


@final
@dataclass(frozen=True, slots=True)
class NotHere:
    """The case makes no sense on this wire, and why."""

    why: str

    def __str__(self) -> str:
        return f"n/a: {self.why}"


@final
@dataclass(frozen=True, slots=True)
class Play:
    """What the server does, a script a request, and what must come of it; how many requests it must see, how often the
    tool must run, and who is asked how: by default once."""

    scripts: tuple[Script | Respond, ...]
    outcome: Outcome
    requests: int = 1
    ran: int = 0
    address: Address = "the server"
    streams: bool = True
    retry: RetryPolicy = ONCE


By: TypeAlias = Callable[[Wire], Play | NotHere]


@final
@dataclass(frozen=True, slots=True)
class Case:
    """One case, or a variant of it."""

    number: int
    variant: str
    play: By

    def __str__(self) -> str:
        return f"{self.number:02}" + (f"-{self.variant.replace(' ', '_')}" if self.variant else "")


def adding_to(cases: list[Case]) -> Callable[..., Callable[[By], By]]:
    """A decorator that makes a function a case, by number and variant."""

    def case(number: int, variant: str = "") -> Callable[[By], By]:
        def add(play: By) -> By:
            cases.append(Case(number, variant, play))
            return play

        return add

    return case


def keeps(outcome: Fails, kept: str = "Hello") -> Fails:
    """`outcome`, with the text that was shown before."""
    return Fails(outcome.failure, outcome.again, kept, outcome.status, outcome.retry_after, outcome.error_type)


def broken(wire: Wire, *frames: bytes, outcome: Fails = BAD, kept: str = "Hello") -> Play:
    """An answer that goes wrong in `frames`, after its first text. What comes after them must not be shown, and the
    server waits for the client to hang up."""
    return Play((wire.unended(*wire.opening, *frames, wire.late, Hang()),), keeps(outcome, kept))


def harmless(wire: Wire, *frames: bytes, outcome: Completed = WHOLE) -> Play:
    """A whole answer with `frames` in its midst."""
    return Play((wire.answer(*wire.opening, *frames, *wire.rest),), outcome)


def whole(wire: Wire, outcome: Completed = WHOLE) -> Play:
    """A whole answer as it should be."""
    return harmless(wire, outcome=outcome)
