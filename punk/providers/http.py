"""Reads an HTTP answer, in whatever client it comes, and turns what goes wrong into failures with a text of our own."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from math import inf, isfinite
from typing import TYPE_CHECKING, Final, cast, final

from returns.result import Success

from punk.core.failures import (
    Clock,
    ConnectFailed,
    ConnectionLost,
    Failure,
    HttpStatus,
    Malformed,
    StreamingUnsupported,
    TimedOut,
    Unsupported,
)
from punk.providers.base import TransportError
from punk.providers.secrets import FORBIDDEN_HEADER, presentable, secrets_of
from punk.wire.body import error_of
from punk.wire.json import loads_lenient

if TYPE_CHECKING:
    import httpx2


# Exceptions are told by the names of their classes: the same in both families of HTTP client and in the SDKs on top of
# them, and none of these (slow) imports is made just to look.
_CLIENTS: Final = frozenset({"httpx", "httpx2", "httpcore", "httpcore2", "ssl", "socket", "builtins"})

_STATUS_TEXT: Final = {
    400: "the request was refused",
    401: "the key was refused",
    403: "access was refused",
    404: "nothing was found at this address",
    408: "the provider waited too long for the request",
    413: "the request is too large",
    429: "too many requests",
    500: "the provider had an internal error",
    502: "a gateway got no good answer from the provider",
    503: "the provider is not available",
    504: "a gateway waited too long for the provider",
    529: "the provider is overloaded",
}

_QUOTED: Final = re.compile(r"\bb['\"]")
_NO_STREAM: Final = re.compile(r"\bstream(ing|ed)?\b", re.IGNORECASE)
_REFUSED: Final = re.compile(r"(\bnot|n't) (\w+ )?(support|available|allowed)|unsupported|must be verified", re.I)


@final
class ResponseStream:
    """Reads a response whose body was not read yet. Used and closed by the one task that opened it."""

    def __init__(self, response: httpx2.Response) -> None:
        self._response = response
        # Not through an SDK's own iterator: that one leaves this one open when it is closed.
        # Bytes that nothing has to unpack are read one layer lower, at half the cost.
        self._chunks = response.aiter_bytes() if "content-encoding" in response.headers else response.aiter_raw()
        self._clock: Clock = "first_event"

    @property
    def secrets(self) -> tuple[str, ...]:
        """What may be secret in the request."""
        return secrets_of(self._response.request.headers, str(self._response.request.url))

    async def read(self) -> bytes | None:
        """The next bytes, None at the clean end. Raises `TransportError`."""
        try:
            chunk = await anext(self._chunks, None)
        except Exception as error:
            raise TransportError(failure_of(error, clock=self._clock), self.secrets) from error
        self._clock = "progress"
        return chunk

    async def close(self) -> None:
        """Let go of the connection, at once. May be called again."""
        # An answer that nobody wants any more cannot fail.
        with suppress(Exception):
            await self._response.aclose()
        if not self._response.is_closed:
            return
        # The client's iterators stand inside one another. Closing the outermost would leave the others to the garbage
        # collector, and so to tasks that nobody awaits; reading on, they all end at once: the connection is gone.
        with suppress(Exception):
            while await anext(self._chunks, None) is not None:
                pass


def patience(connect: float, known: float | httpx2.Timeout | None = None) -> httpx2.Timeout:
    """The timeouts of one request: `connect` seconds for the connection, if its client has not `known` less, and what
    that one knows of the rest. A client of punk's own knows nothing, for punk has clocks itself."""
    import httpx2

    of_client = httpx2.Timeout(known)
    sooner = min(connect, inf if of_client.connect is None else of_client.connect)
    return httpx2.Timeout(
        connect=None if sooner == inf else sooner, read=of_client.read, write=of_client.write, pool=of_client.pool
    )


def failure_of(error: BaseException, *, clock: Clock = "progress") -> Failure:
    """What `error`, or the one that an SDK wrapped in it, amounts to. `clock` names the wait that a read timeout ends.

    For exceptions of httpx2, httpx, their SDKs, ssl and the operating system; anything else is a lost connection.
    """
    for link in _chain(error):
        failure = _failure_of_one(link, clock)
        if failure is not None:
            return failure
    return ConnectionLost(f"the connection broke ({type(error).__name__})")


def refusal_behind(error: BaseException) -> Failure | None:
    """The HTTP error status whose body broke off in `error`, if the chain of exceptions has one: it says more than that
    the connection broke."""
    for link in _chain(error):
        response: object = getattr(link, "response", None)
        if type(link).__name__ == "HTTPStatusError" and response is not None:
            return bare_refusal(cast("httpx2.Response", response))
    return None


def bare_refusal(response: httpx2.Response) -> Failure:
    """What an answer with an HTTP error status says whose body did not come."""
    return status_failure(response.status_code, b"", response.headers)


def status_failure(
    status: int, body: bytes | str, headers: Mapping[str, str], *, secrets: Iterable[str] = ()
) -> HttpStatus | StreamingUnsupported:
    """What an answer with an HTTP error status says, by the provider's own message and type if its body has them.

    `secrets` are blotted out of the message: some servers repeat the key they refuse. Short ones are placeholders, and
    may be words of the message: they stay.
    """
    raw = body.encode(errors="replace") if isinstance(body, str) else body
    own = f"HTTP {status}: {_STATUS_TEXT.get(status, 'the provider answered with an error')}"
    message: str | None = None
    error_type: str | None = None
    match loads_lenient(raw):
        case Success(dict() as document):
            message, error_type = error_of(document)
        case Success(str() as text):
            message = text
        case Success(_):
            pass
        case _:
            text = raw.decode(errors="replace").strip()
            message = None if text.startswith("<") else text
    message = presentable(message or own, secrets)
    if status == 400 and _NO_STREAM.search(message) and _REFUSED.search(message):
        return StreamingUnsupported(message)
    return HttpStatus(status, message, error_type and presentable(error_type, secrets), retry_after_seconds(headers))


def retry_after_seconds(headers: Mapping[str, str]) -> float | None:
    """How long the provider asks to wait, in seconds; None where it does not say, or says nonsense."""
    known = {name.lower(): value.strip() for name, value in headers.items()}
    milliseconds = _seconds(known.get("retry-after-ms"))
    if milliseconds is not None:
        return milliseconds / 1000
    asked = known.get("retry-after")
    if asked is None:
        return None
    # One from a gateway and one from the provider come as one, with a comma; but a date has one, too.
    said = [_seconds(part) for part in asked.split(",")]
    if None not in said:
        return max(seconds for seconds in said if seconds is not None)
    until = _date(asked)
    if until is None:
        return None
    # The answer's own date is the better clock: it goes wrong together with the other one.
    now = _date(known.get("date")) or datetime.now(UTC)
    return max(0.0, (until - now).total_seconds())


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    link: BaseException | None = error
    while link is not None and id(link) not in seen:
        yield link
        seen.add(id(link))
        if isinstance(link, BaseExceptionGroup):
            yield from link.exceptions
        link = link.__cause__ or (None if link.__suppress_context__ else link.__context__)


def _failure_of_one(error: BaseException, clock: Clock) -> Failure | None:
    names = {cls.__name__ for cls in type(error).__mro__ if cls.__module__.partition(".")[0] in _CLIENTS}
    if "ConnectTimeout" in names:
        return TimedOut("connect", "the connection was not made in time")
    if "PoolTimeout" in names:
        return TimedOut("connect", "no connection became free in time")
    if "WriteTimeout" in names:
        return TimedOut(clock, "the provider did not take the request in time")
    if names & {"TimeoutException", "TimeoutError"}:
        return TimedOut(clock, "the provider sent nothing in time")
    if names & {"ConnectError", "ProxyError", "ConnectionRefusedError", "gaierror", "SSLCertVerificationError"}:
        return ConnectFailed(_with_detail("no connection to the provider", error))
    if names & {"UnsupportedProtocol", "InvalidURL", "OverflowError"}:
        return Unsupported("the provider's address (base_url) is not a valid http URL")
    if names & {"LocalProtocolError", "UnicodeEncodeError"}:
        # Its own text quotes the header that is not allowed, which may be the key.
        return FORBIDDEN_HEADER
    if "DecodingError" in names:
        return Malformed("the answer's compression is broken")
    if "TooManyRedirects" in names:
        return Malformed("the provider's address redirects without end")
    if "RemoteProtocolError" in names:
        return ConnectionLost(_with_detail("the provider broke the connection off", error))
    if names & {"NetworkError", "TransportError", "SSLError", "OSError"}:
        return ConnectionLost(_with_detail("the connection to the provider broke", error))
    if "StreamError" in names:
        return ConnectionLost("the answer was closed before it was read")
    return None


def _with_detail(own: str, error: BaseException) -> str:
    # Bytes that are quoted are the other side's, which may repeat a key in them.
    detail = "" if _QUOTED.search(str(error)) else presentable(str(error))
    return f"{own}: {detail}" if detail else own


def _seconds(value: str | None) -> float | None:
    try:
        seconds = float(value) if value is not None else -1.0
    except ValueError:
        return None
    return seconds if isfinite(seconds) and seconds >= 0 else None


def _date(value: str | None) -> datetime | None:
    try:
        moment = parsedate_to_datetime(value) if value is not None else None
    except (ValueError, OverflowError):
        return None
    # A date in `-0000` comes without a zone, and is in UTC by the format's definition.
    return moment.replace(tzinfo=UTC) if moment is not None and moment.tzinfo is None else moment
