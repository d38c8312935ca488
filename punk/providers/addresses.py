"""Takes what may be secret out of a base URL, so that it is sent, and stands in no address that others show or log."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import final
from urllib.parse import parse_qsl, unquote, urlsplit


@final
@dataclass(frozen=True, slots=True)
class PlainAddress:
    """A base URL without its user and its query, which are sent as `headers` and as `query` with each request."""

    url: str = field(repr=False)
    headers: dict[str, str] = field(default_factory=dict, repr=False)
    query: dict[str, str] = field(default_factory=dict, repr=False)

    def over(self, headers: Mapping[str, str]) -> dict[str, str]:
        """`headers`, in which the user of the URL takes the place of whoever else asks."""
        taken = {name.lower() for name in self.headers}
        return {name: value for name, value in headers.items() if name.lower() not in taken} | self.headers


def plain_address(url: str) -> PlainAddress:
    """`url` in its parts. One that is none is left to those who refuse it."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return PlainAddress(url)
    given, at, host = parts.netloc.rpartition("@")
    if not at and not parts.query:
        return PlainAddress(url)
    user, _, password = given.partition(":")
    known = b64encode(f"{unquote(user)}:{unquote(password)}".encode()).decode()
    return PlainAddress(
        parts._replace(netloc=host, query="").geturl(),
        {"Authorization": f"Basic {known}"} if at else {},
        dict(parse_qsl(parts.query, keep_blank_values=True)),
    )
