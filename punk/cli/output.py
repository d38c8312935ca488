"""Writes to the two output streams: words of punk's own, and text of a model's that a terminal must not obey."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import Final

import click

# What a terminal would obey: all control characters but newline and tab.
_CONTROLS: Final = {code: None for code in (*range(32), *range(127, 160)) if code not in (9, 10)}


def harmless(text: str) -> str:
    """`text` without control characters but newlines and tabs."""
    return text.translate(_CONTROLS)


def tell(message: str) -> None:
    """Say something of punk's own, on stderr; where that is broken, nobody can be told."""
    with suppress(OSError):
        click.echo(f"punk: {harmless(message)}", err=True)


def tolerate() -> None:
    """Write what an output stream's encoding lacks as a question mark, instead of failing."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="replace")


def let_go() -> None:
    """Write to nowhere from now on: a stream that broke would break again when the interpreter flushes it."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            os.dup2(nowhere, stream.fileno())
    os.close(nowhere)
