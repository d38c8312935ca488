"""Checks the bounds that a user gives: numbers above 0, whole ones where things are counted."""

from __future__ import annotations

from math import inf
from typing import Final

from punk.errors import ConfigurationError

_LONGEST: Final = 1e9
"""Seconds, some thirty years: more is for ever, and event loops cannot count on."""


def check_count(what: str, count: object) -> None:
    """Raise `ConfigurationError` if `count`, which is `what`, is no whole number above 0."""
    if not isinstance(count, int) or isinstance(count, bool) or count < 1:
        raise ConfigurationError(f"{what} is a whole number above 0, not {count!r:.40}")


def check_seconds(what: str, seconds: object) -> None:
    """Raise `ConfigurationError` if `seconds`, which are `what`, are no number above 0."""
    if not isinstance(seconds, int | float) or isinstance(seconds, bool) or not seconds > 0 or _LONGEST < seconds < inf:
        raise ConfigurationError(f"{what} is a number of seconds above 0, not {seconds!r:.40}")
