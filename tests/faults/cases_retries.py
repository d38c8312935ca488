"""What is asked again, and what never is: cases 2 to 45 once more, with retries."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from punk.core.events import ThinkingDelta
from punk.llm.retry import RetryPolicy
from tests.faults import cases_connection as connection
from tests.faults import cases_order as order
from tests.faults import cases_status as status
from tests.faults.case import LOST, WHOLE, By, Case, NotHere, Play, adding_to
from tests.faults.scripts import Close, Reset
from tests.faults.wires import Wire
from tests.llm.script import START

CASES: Final[list[Case]] = []
case = adding_to(CASES)

AT_ONCE: Final = RetryPolicy(attempts=3, base=0.0)


def _again(number: int, play: By, variant: str = "") -> None:
    """Two cases: the fault comes every time, and it comes twice before a whole answer."""
    name = f"{variant}, " if variant else ""

    @case(number, f"{name}every time")
    def every_time(wire: Wire) -> Play | NotHere:
        once = play(wire)
        return once if isinstance(once, NotHere) else replace(once, requests=3, retry=AT_ONCE)

    @case(number, f"{name}twice")
    def twice(wire: Wire) -> Play | NotHere:
        once = play(wire)
        if isinstance(once, NotHere):
            return once
        good = wire.answer(*wire.opening, *wire.rest)
        return replace(once, scripts=(*once.scripts * 2, good), outcome=WHOLE, requests=3, retry=AT_ONCE)


def _never(number: int, play: By, variant: str = "") -> None:
    """The fault comes once, and there is a policy of retries: it is not asked again."""

    @case(number, f"{variant}, retries" if variant else "retries")
    def once(wire: Wire) -> Play | NotHere:
        found = play(wire)
        return found if isinstance(found, NotHere) else replace(found, retry=AT_ONCE)


_again(2, connection.no_response)
_again(3, connection.reset_before_headers)
_again(5, connection.reset_before_the_first_event, "before the first event")
_again(8, connection.clean_end_after_the_start, "after the start")
_again(10, connection.empty_body)
_again(16, lambda wire: status.refused(wire, 503, again=True), "503")
_again(17, status.too_many_at_once)
_again(19, status.json_error)
_again(45, order.error_at_once)

_never(5, connection.reset)
_never(8, connection.clean_end)
_never(14, lambda wire: status.refused(wire, 400), "400")
_never(15, status.unauthorised, "401")
_never(17, status.too_many_too_long, "longer than patience")
_never(20, status.web_page)
_never(44, order.error_midway)


@case(5, "after thinking, retries")
def reset_after_thinking(wire: Wire) -> Play:
    frames = wire.frames(START, ThinkingDelta(0, "Hm."))
    return Play((wire.unended(*frames, connection.BEAT, Reset()),), LOST, retry=AT_ONCE)


@case(13, "at the next request, twice")
def closed_at_the_next_request(wire: Wire) -> Play:
    scripts = (wire.answer(*connection.calls(wire)), (Close(),), (Reset(),), wire.answer(*wire.opening, *wire.rest))
    return Play(scripts, connection.PAID, requests=4, ran=1, retry=AT_ONCE)
