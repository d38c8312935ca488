"""What a server is to do about a request, step by step, as values; and whole answers made of such steps."""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, final


@final
@dataclass(frozen=True, slots=True)
class Send:
    """Write bytes, and wait until the kernel has taken them."""

    data: bytes


@final
@dataclass(frozen=True, slots=True)
class Pause:
    """Say nothing for `seconds`."""

    seconds: float


@final
@dataclass(frozen=True, slots=True)
class Hang:
    """Say nothing more, and wait for the client to hang up."""


@final
@dataclass(frozen=True, slots=True)
class Close:
    """Close the connection in good order (FIN)."""


@final
@dataclass(frozen=True, slots=True)
class Reset:
    """Break the connection (RST)."""


@final
@dataclass(frozen=True, slots=True)
class Repeat:
    """Play `steps` again and again, `times` times; None is for ever."""

    steps: tuple[Step, ...]
    times: int | None = None


Step: TypeAlias = Send | Pause | Hang | Close | Reset | Repeat
Script: TypeAlias = tuple[Step, ...]
"""What is done once a request has come. After its last step the connection is kept alive for another request."""

Framing: TypeAlias = Literal["chunked", "length", "close"]
Headers: TypeAlias = tuple[tuple[str, str], ...]

SSE: Final[Headers] = (("content-type", "text/event-stream"),)
JSON: Final[Headers] = (("content-type", "application/json"),)
HTML: Final[Headers] = (("content-type", "text/html"),)


def head(*headers: tuple[str, str], status: int = 200) -> Send:
    """The status line and headers of an answer."""
    lines = [f"HTTP/1.1 {status} Scripted", *(f"{name}: {value}" for name, value in headers), "", ""]
    return Send("\r\n".join(lines).encode())


def chunk(data: bytes) -> Send:
    """A chunk of a chunked body."""
    return Send(b"%x\r\n%s\r\n" % (len(data), data))


END: Final = Send(b"0\r\n\r\n")
"""The end of a chunked body."""


def unended(*pieces: bytes | Step, headers: Headers = SSE) -> Script:
    """An answer with status 200 and a chunked body, a chunk a piece, steps between them as they stand. It has no end:
    the last step says what becomes of it."""
    body = [chunk(piece) if isinstance(piece, bytes) else piece for piece in pieces]
    return head(*headers, ("transfer-encoding", "chunked")), *body


def answer(
    *pieces: bytes, status: int = 200, headers: Headers = SSE, framing: Framing = "chunked", missing: int = 0
) -> Script:
    """A whole answer. `missing` is how many bytes more its content-length promises; then it is closed short of them."""
    match framing:
        case "chunked":
            lines = (*headers, ("transfer-encoding", "chunked"))
            return head(*lines, status=status), *(chunk(piece) for piece in pieces if piece), END
        case "length":
            length = sum(map(len, pieces)) + missing
            sent = (head(*headers, ("content-length", str(length)), status=status), *map(Send, pieces))
            return (*sent, Close()) if missing else sent
        case "close":
            return head(*headers, ("connection", "close"), status=status), *map(Send, pieces), Close()


def document(value: object, *, status: int = 200, headers: Headers = ()) -> Script:
    """A JSON answer."""
    return answer(json.dumps(value).encode(), status=status, headers=(*JSON, *headers), framing="length")


def zipped(data: bytes) -> bytes:
    """`data` in gzip."""
    return gzip.compress(data, mtime=0)
