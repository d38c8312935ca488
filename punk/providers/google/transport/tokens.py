"""Gets the access tokens that Vertex wants, from Google's library for credentials: in threads, for it blocks."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Final, final

from punk.providers.base import TransportError
from punk.providers.google.transport.failures import NO_PROJECT, STALE, credentials_failure

if TYPE_CHECKING:
    from google.auth.credentials import Credentials

_SECRET: Final = re.compile(r".*(token|secret|key|password|assertion)", re.IGNORECASE)
SCOPE: Final = "https://www.googleapis.com/auth/cloud-platform"


@final
class Tokens:
    """The tokens of one who asks, each used until it expires.

    Credentials that are given are never looked up; without them, Google's library finds those of the environment, and
    the project that they belong to.
    """

    def __init__(self, credentials: Credentials | None) -> None:
        self._credentials = credentials
        self._scoped = False
        self._project: str | None = None

    async def find(self, turn: asyncio.Lock) -> None:
        """Make sure of the credentials, by `turn`. Raises `TransportError`."""
        if not self._scoped:
            async with turn:
                if not self._scoped:
                    await asyncio.to_thread(self._find)

    async def headers(self, turn: asyncio.Lock) -> dict[str, str]:
        """The headers that say who asks; a new token is got by `turn`. Raises `TransportError`."""
        await self.find(turn)
        if not self._is_fresh():
            async with turn:
                if not self._is_fresh():
                    await asyncio.to_thread(self._refresh)
        credentials = self._known()
        token = credentials.token
        said = token.decode(errors="replace") if isinstance(token, bytes) else token
        headers = {"authorization": f"Bearer {said}"}
        quota: str | None = getattr(credentials, "quota_project_id", None)
        return {**headers, "x-goog-user-project": quota} if quota else headers

    def project(self) -> str:
        """The project that the credentials belong to. Raises `TransportError` if they say none."""
        if not self._project:
            raise TransportError(NO_PROJECT)
        return self._project

    def _known(self) -> Credentials:
        assert self._credentials is not None, "they were found"
        return self._credentials

    def _is_fresh(self) -> bool:
        credentials = self._known()
        try:
            return bool(credentials.token) and not credentials.expired
        except Exception as error:  # a time of expiry with a zone cannot be compared
            raise TransportError(credentials_failure(error), _secrets_of(self._credentials)) from error

    def _find(self) -> None:
        import google.auth
        from google.auth.credentials import with_scopes_if_required

        try:
            if self._credentials is None:
                self._credentials, self._project = google.auth.default(scopes=[SCOPE])
            else:
                given = self._credentials
                self._credentials = with_scopes_if_required(given, [SCOPE])  # type: ignore[no-untyped-call]  # its own
        except Exception as error:  # whatever a file, a process or a server may be the cause of
            raise TransportError(credentials_failure(error), _secrets_of(self._credentials)) from error
        self._scoped = True

    def _refresh(self) -> None:
        from google.auth.transport.requests import Request

        try:
            self._known().refresh(Request())  # type: ignore[no-untyped-call]  # its own
        except Exception as error:  # anyone may write credentials
            raise TransportError(credentials_failure(error), _secrets_of(self._credentials)) from error
        if not self._known().token:
            raise TransportError(STALE)


def _secrets_of(credentials: object) -> tuple[str, ...]:
    """What credentials of any make hold that a server may repeat."""
    held = getattr(credentials, "__dict__", {})
    return tuple(value for name, value in held.items() if isinstance(value, str) and _SECRET.fullmatch(name))
