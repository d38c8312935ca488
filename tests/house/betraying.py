"""Answers as servers might: well, or with an error that gives away all that was sent."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeAlias

from punk.core.events import TurnFailed
from punk.core.failures import ProviderError
from punk.core.json import dump_json
from tests.llm.script import START, answer, text
from tests.providers.wires import Wire
from tests.support.server import Answer, Pause, Recorded

Respond: TypeAlias = Callable[[Wire, Recorded], Answer]

JSON: Final = (("content-type", "application/json"),)


def sent(request: Recorded) -> str:
    """All that was sent with a request."""
    values = [value.removeprefix("Bearer ").removeprefix("Basic ") for value in request.headers.values()]
    return f"bad key: {' '.join(values)} {request.path} {dump_json(request.body)}"


def refused(status: int) -> Respond:
    """An error that repeats what was sent."""
    return lambda _, request: Answer([dump_json({"error": {"message": sent(request)}}).encode()], status, JSON)


def good(wire: Wire, _: Recorded) -> Answer:
    """A whole answer."""
    return Answer([wire.write(answer("Hello"))])


REPEATING: Final[dict[str, Respond]] = {
    "a key refused": refused(401),
    "a bad request": refused(400),
    "an error that is no JSON": lambda _, request: Answer([sent(request).encode()], 500),
    "an error in its midst": lambda wire, request: Answer(
        [wire.write([START, *text("Hel"), TurnFailed(ProviderError(sent(request), "overloaded_error"))])]
    ),
    "an answer that is none": lambda _, request: Answer([b'data: {"x": ["%s\r\n\r\n' % sent(request).encode()]),
    "a broken header": lambda _, request: Answer([], headers=((sent(request), ""),)),
    "a redirect": lambda _, request: Answer([], 307, (("location", f"{request.path}?sent={sent(request)[:2000]}"),)),
}
FAULTS: Final[dict[str, Respond]] = {
    "a good answer": good,
    "an end before the end": lambda wire, _: Answer([wire.write([START, *text("Hel")])], ending="cut"),
    "silence": lambda _, request: Answer([], before_headers=[Pause(0.5)]),
    **REPEATING,
}
