"""Answers with another HTTP status, or another body, than that of a stream: cases 14 to 22."""

from __future__ import annotations

from functools import partial
from typing import Final

from punk.core.failures import HttpStatus, ProviderError
from tests.faults.case import BAD, CUT, Case, Play, adding_to
from tests.faults.judge import CannotStream, Fails, echo
from tests.faults.scripts import HTML, Script, answer, document, head
from tests.faults.server import Exchange
from tests.faults.wires import Family, Wire

CASES: Final[list[Case]] = []
case = adding_to(CASES)

PAGE: Final = b"<html><head><title>502 Bad Gateway</title></head><body>" + b"<p>nginx</p>\n" * 500 + b"</body></html>"
# As `Wire.refusal` writes it, each vendor in its own words.
TYPES: Final[dict[Family, str]] = {"bedrock": "SomeException", "gemini": "SOME_STATUS"}


def refused(wire: Wire, status: int, *, again: bool = False) -> Play:
    """The request is answered with an error status."""
    outcome = Fails(HttpStatus, again, status=status, error_type=TYPES.get(wire.family, "some_error"))
    return Play((wire.refusal(status, "This cannot be done."),), outcome)


for _status in (400, 404, 413, 422):
    case(14, str(_status))(partial(refused, status=_status))
for _status in (408, 500, 502, 503, 529):
    case(16, str(_status))(partial(refused, status=_status, again=True))


@case(15, "401")
def unauthorised(wire: Wire) -> Play:
    return _refused_with_the_key(wire, 401)


@case(15, "403")
def forbidden(wire: Wire) -> Play:
    return _refused_with_the_key(wire, 403)


def _refused_with_the_key(wire: Wire, status: int) -> Play:
    def careless(exchange: Exchange) -> Script:
        return wire.refusal(status, f"Wrong key: {echo(exchange)}.")

    outcome = Fails(HttpStatus, again=False, status=status, error_type=TYPES.get(wire.family, "some_error"))
    return Play((careless,), outcome)


def _too_many(wire: Wire, seconds: float | None, *headers: tuple[str, str]) -> Play:
    error_type = TYPES.get(wire.family, "some_error")
    outcome = Fails(HttpStatus, again=True, status=429, retry_after=seconds, error_type=error_type)
    return Play((wire.refusal(429, "Slow down.", *headers),), outcome)


@case(17, "seconds")
def too_many_seconds(wire: Wire) -> Play:
    return _too_many(wire, 7.0, ("retry-after", "7"))


@case(17, "milliseconds")
def too_many_milliseconds(wire: Wire) -> Play:
    return _too_many(wire, 0.25, ("retry-after-ms", "250"), ("retry-after", "1"))


@case(17, "a date")
def too_many_date(wire: Wire) -> Play:
    date, until = "Sun, 22 Nov 2026 10:00:00 GMT", "Sun, 22 Nov 2026 10:00:30 GMT"
    return _too_many(wire, 30.0, ("date", date), ("retry-after", until))


@case(17, "zero")
def too_many_at_once(wire: Wire) -> Play:
    return _too_many(wire, 0.0, ("retry-after", "0"))


@case(17, "longer than patience")
def too_many_too_long(wire: Wire) -> Play:
    return _too_many(wire, 86_400.0, ("retry-after", "86400"))


@case(17, "nonsense")
def too_many_nonsense(wire: Wire) -> Play:
    return _too_many(wire, None, ("retry-after", "soon"))


@case(18)
def gateway_page(wire: Wire) -> Play:
    return Play((answer(PAGE, status=502, headers=HTML, framing="length"),), Fails(HttpStatus, again=True, status=502))


@case(18, "without a body")
def gateway_nothing(wire: Wire) -> Play:
    return Play((answer(status=502, headers=(), framing="length"),), Fails(HttpStatus, again=True, status=502))


@case(15, "cut")
def unauthorised_cut(wire: Wire) -> Play:
    cut = answer(b"No.", status=401, headers=(), framing="length", missing=9)
    return Play((cut,), Fails(HttpStatus, again=False, status=401))


@case(18, "cut")
def gateway_cut(wire: Wire) -> Play:
    cut = answer(PAGE, status=502, headers=HTML, framing="length", missing=9)
    return Play((cut,), Fails(HttpStatus, again=True, status=502))


@case(19)
def json_error(wire: Wire) -> Play:
    error = {"error": {"type": "overloaded_error", "message": "Too busy."}}
    return Play((document(error),), Fails(ProviderError, again=True, error_type="overloaded_error"))


@case(19, "no error in it")
def json_of_something_else(wire: Wire) -> Play:
    # To Gemini's wire a bare JSON object is a chunk, with nothing in it that is known.
    return Play((document({"hello": "world"}),), CUT if wire.family == "gemini" else BAD)


@case(20)
def web_page(wire: Wire) -> Play:
    return Play((answer(PAGE, headers=HTML, framing="length"),), BAD)


@case(21)
def no_content(wire: Wire) -> Play:
    # Google's SDK takes 200 alone for a stream, and so do the connections that are like its own.
    outcome = Fails(HttpStatus, again=False, status=204) if wire.family == "gemini" else CUT
    return Play(((head(status=204),),), outcome)


@case(22, "the model says so")
def cannot_stream(wire: Wire) -> Play:
    return Play((), CannotStream(), requests=0, streams=False)


@case(22, "the server says so")
def refuses_to_stream(wire: Wire) -> Play:
    return Play((wire.refusal(400, "This model does not support streaming."),), CannotStream())
