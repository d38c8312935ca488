"""How an MCP server is reached: what a user says of it, and what of that no text may show."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Final, final
from urllib.parse import SplitResult, urlsplit

from punk.core.bounds import check_seconds
from punk.errors import ConfigurationError

START_TIMEOUT: Final = 30.0

_NAME: Final = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_HEADER: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_HIDDEN: Final = "…"
_SHORTEST_SECRET: Final = 4
"""Characters; what is shorter (`1`, `on`) hides nothing, and would blot out half of every sentence."""


@final
@dataclass(frozen=True, slots=True, repr=False, eq=False)
class MCPServerConfig:
    """An MCP server: its tools are offered under its `name`, which its user chooses.

    It is reached at a `url` (streamable HTTP, with `headers` on each request), or started as a `command` (a program, or
    a program and its arguments) in the directory `cwd`, and spoken to through its pipes. Such a program is given a few
    harmless variables of this process (as PATH and HOME) and those in `env`, no others.

    `timeout` is the seconds that one call of a tool may take, with None what the run says; `start_timeout` those until
    its tools are known. Calls of its tools run only once somebody approves them where `requires_approval` is true, or
    holds the tool's name as the server spells it. Neither `env`, `headers`, arguments nor a query are shown in any text
    of punk's; httpx2, which asks for the `url`, logs it whole at level INFO.

    Raises `ConfigurationError` for what contradicts itself.
    """

    name: str
    _: KW_ONLY
    url: str | None = None
    command: str | Sequence[str] | None = None
    env: Mapping[str, str] | None = None
    headers: Mapping[str, str] | None = None
    cwd: str | os.PathLike[str] | None = None
    timeout: float | None = None
    start_timeout: float = START_TIMEOUT
    requires_approval: bool | Collection[str] = False

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ConfigurationError(f"an MCP server's name is 1 to 64 of [a-zA-Z0-9_-], not {self.name[:80]!r}")
        fault = self._fault()
        if fault is not None:
            raise ConfigurationError(f"the MCP server {self.name!r} {fault}")
        if isinstance(self.command, str):
            object.__setattr__(self, "command", (self.command,))
        elif self.command is not None:
            object.__setattr__(self, "command", tuple(self.command))
        # What its user changes later is another configuration.
        for field in ("env", "headers"):
            given = getattr(self, field)
            object.__setattr__(self, field, None if given is None else dict(given))
        if not isinstance(self.requires_approval, bool):
            object.__setattr__(self, "requires_approval", frozenset(self.requires_approval))

    def _fault(self) -> str | None:
        if (self.url is None) == (self.command is None):
            return "has either a url or a command"
        if self.url is not None:
            if self.env is not None or self.cwd is not None:
                return "has a url: env and cwd belong to a command"
            return _url_fault(self.url) or _headers_fault(self.headers or {}) or self._times_fault()
        if self.headers is not None:
            return "has a command: headers belong to a url"
        if not _are_texts(self.env or {}):
            return "has an env that is none: its names and values are texts"
        words = (self.command,) if isinstance(self.command, str) else tuple(self.command or ())
        if not words or not words[0] or not all(isinstance(word, str) for word in words):
            return "has a command that is neither a program nor a program and its arguments"
        return self._times_fault()

    def _times_fault(self) -> str | None:
        if self.timeout is not None:
            check_seconds(f"the timeout of the MCP server {self.name!r}", self.timeout)
        check_seconds(f"the start_timeout of the MCP server {self.name!r}", self.start_timeout)
        if not math.isfinite(self.start_timeout):
            return "has a start_timeout without an end: a server that hangs would hold up every stream"
        if isinstance(self.requires_approval, str) or not isinstance(self.requires_approval, Collection | bool):
            return "has a requires_approval that is neither a bool nor a collection of the names of tools"
        return None

    @property
    def program(self) -> tuple[str, ...]:
        """The program and its arguments; empty for a server that is reached at a url."""
        return (self.command,) if isinstance(self.command, str) else tuple(self.command or ())

    def asks_approval(self, tool: str) -> bool:
        """Whether calls of `tool`, as the server spells it, need approval."""
        asked = self.requires_approval
        return asked if isinstance(asked, bool) else tool in asked

    def check_guarded(self, tools: Collection[str]) -> None:
        """Raise `ConfigurationError` if a name that needs approval is none of the server's `tools`: a guard that is
        misspelt guards nothing."""
        asked = self.requires_approval
        missing = sorted(set() if isinstance(asked, bool) else set(asked) - set(tools))
        if missing:
            named = f"the MCP server {self.name!r} has no tools {missing}, which are to need approval"
            raise ConfigurationError(f"{named}; it has {sorted(tools)}")

    def without_secrets(self, text: str) -> str:
        """`text`, in which what this configuration keeps to itself is blotted out."""
        for secret in sorted(self._secrets(), key=len, reverse=True):
            text = text.replace(secret, _HIDDEN)
        return text

    def _secrets(self) -> set[str]:
        arguments = self.program[1:]
        values = [*(self.env or {}).values(), *(self.headers or {}).values(), *arguments]
        values += [argument.partition("=")[2] for argument in arguments if argument.startswith("-")]
        if self.url is not None:
            parts = urlsplit(self.url)
            values += [parts.query, parts.netloc.rpartition("@")[0], parts.username or "", parts.password or ""]
            values += [part.partition("=")[2] for part in parts.query.split("&")]
        # The scheme of an Authorization header is often left out of what is quoted.
        values += [word for value in (self.headers or {}).values() for word in value.split()[1:]]
        return {value for value in values if len(value) >= _SHORTEST_SECRET}

    def __repr__(self) -> str:
        where = f"command={self.program[0]!r}" if self.url is None else f"url={_shown(urlsplit(self.url))!r}"
        return f"MCPServerConfig({self.name!r}, {where})"


def _shown(url: SplitResult) -> str:
    host = url.netloc.rpartition("@")[2]
    return f"{url.scheme}://{host}{url.path}{url.query and '?' + _HIDDEN}"


def _url_fault(url: str) -> str | None:
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    return None if usable else "has a url that is none: it is as in 'https://example.com/mcp'"


def _headers_fault(headers: Mapping[str, str]) -> str | None:
    if not _are_texts(headers):
        return "has headers that are none: their names and values are texts"
    for name, value in headers.items():
        if not _HEADER.fullmatch(name):
            return f"has a header whose name is none: {name[:80]!r}"
        if not value.isprintable():
            return f"has a header {name} whose value has a line break or another unprintable character"
    return None


def _are_texts(fields: Mapping[str, str]) -> bool:
    pairs: Iterable[tuple[object, object]] = fields.items()
    return all(isinstance(text, str) for pair in pairs for text in pair)
