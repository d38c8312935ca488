"""Decides who is asked, where and by what right, from what the caller gave and what the environment says.

As Google's SDK does it: what was given wins, and Vertex is asked where a project, a place or credentials were given,
or where the environment says so. One thing more: a project in the environment, and no key, means Vertex too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, final

from punk.core.failures import Unsupported
from punk.providers.base import Unpicklable
from punk.providers.google.address import GEMINI_BASE, Address, vertex_base

if TYPE_CHECKING:
    from google.auth.credentials import Credentials

NO_KEY: Final = Unsupported(
    "there is no key for the Gemini API: set GOOGLE_API_KEY or GEMINI_API_KEY, or pass api_key; "
    "for Vertex set GOOGLE_CLOUD_PROJECT, or pass project"
)


@final
@dataclass(frozen=True, slots=True)
class Given(Unpicklable):
    """What the caller gave; None leaves it to the environment."""

    project: str | None = None
    location: str | None = None
    credentials: Credentials | None = field(default=None, repr=False)
    api_key: str | None = field(default=None, repr=False)
    base_url: str | None = field(default=None, repr=False)


@final
@dataclass(frozen=True, slots=True)
class Access:
    """Where a service is, and what it is asked with: `key`, or else `credentials`, or else those that Google's own
    library finds, with the project that they belong to if there is no other."""

    address: Address
    key: str | None = field(default=None, repr=False)
    credentials: Credentials | None = field(default=None, repr=False)


def access_of(given: Given, environ: Mapping[str, str]) -> Access | Unsupported:
    """How to reach the service that is meant, or what is missing."""
    key = given.api_key or environ.get("GOOGLE_API_KEY") or environ.get("GEMINI_API_KEY") or None
    key = key and key.strip()
    if _is_vertex(given, environ, key):
        return _vertex(given, environ, key)
    if not key:
        return NO_KEY
    base = given.base_url or environ.get("GOOGLE_GEMINI_BASE_URL") or GEMINI_BASE
    version = environ.get("GOOGLE_GENAI_API_VERSION") or "v1"
    return Access(Address("gemini", base, "v1beta" if version == "beta" else version), key)


def _is_vertex(given: Given, environ: Mapping[str, str], key: str | None) -> bool:
    if given.project or given.location or given.credentials is not None:
        return True
    for name in ("GOOGLE_GENAI_USE_ENTERPRISE", "GOOGLE_GENAI_USE_VERTEXAI"):
        if name in environ:
            return environ[name].lower() in ("true", "1")
    return not key and bool(environ.get("GOOGLE_CLOUD_PROJECT"))


def _vertex(given: Given, environ: Mapping[str, str], key: str | None) -> Access | Unsupported:
    project = given.project or environ.get("GOOGLE_CLOUD_PROJECT") or None
    location = given.location or environ.get("GOOGLE_CLOUD_LOCATION") or None
    if given.credentials is not None or (not given.api_key and (project or location)):
        key = None
    elif given.api_key and not (given.project or given.location):
        project = location = None
    if not key or project:
        location = location or "global"
    if given.credentials is not None and not project:
        return Unsupported("credentials need a project: set GOOGLE_CLOUD_PROJECT, or pass project")
    version = environ.get("GOOGLE_GENAI_API_VERSION") or "beta"
    address = Address(
        "vertex",
        given.base_url or environ.get("GOOGLE_VERTEX_BASE_URL") or vertex_base(location),
        "v1beta1" if version == "beta" else version,
        project,
        location,
    )
    return Access(address, key, given.credentials)
