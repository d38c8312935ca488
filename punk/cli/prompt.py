"""Puts the prompt together from the argument and from what is piped in."""

from __future__ import annotations

import os
import select
import sys
from typing import Final

import click

from punk.cli.output import tell

PATIENCE_SECONDS: Final = 3.0
"""How long the first byte on standard input may take where the prompt is complete without it: a pipe that a parent
process holds open, and never uses, must not hold the answer up."""

_MISSING: Final = "there is no prompt: give one as an argument or on standard input (punk --help says more)"


def read_prompt(argument: str | None) -> str:
    """The prompt. Raises `click.UsageError` if there is none."""
    if argument is None and _at_keyboard():
        raise click.UsageError(_MISSING)
    if argument is None or argument == "-":
        prompt = _piped()
    else:
        # An argument that is not valid in the terminal's encoding comes with surrogates, which no wire takes.
        prompt = os.fsencode(argument).decode(errors="replace")
        piped = _piped() if not _at_keyboard() and _something_comes() else ""
        if piped.strip():
            prompt = f"{prompt}\n\n{piped}"
    if not prompt.strip():
        raise click.UsageError(_MISSING)
    return prompt


def _at_keyboard() -> bool:
    return sys.stdin is not None and sys.stdin.isatty()


def _piped() -> str:
    if sys.stdin is None:  # it is closed
        return ""
    return sys.stdin.buffer.read().decode("utf-8-sig", errors="replace").rstrip("\r\n")


def _something_comes() -> bool:
    """Whether standard input has bytes or its end in time."""
    if sys.stdin is None:
        return False
    try:
        ready, _, _ = select.select([sys.stdin], [], [], PATIENCE_SECONDS)
    except OSError:  # Windows cannot wait for a pipe
        return True
    if not ready:
        tell(f"nothing came on stdin within {PATIENCE_SECONDS:g} s: going on without it (a slow pipe: … | punk -)")
    return bool(ready)
