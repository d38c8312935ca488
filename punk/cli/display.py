"""Shows an answer as it grows where there is no terminal: as plain text, or not at all."""

from __future__ import annotations

import sys
from typing import Protocol, final

import click

from punk.cli.output import harmless


class Display(Protocol):
    """Where an answer appears."""

    @property
    def patience(self) -> float | None:
        """Seconds after which `refresh` is due, if no delta comes before; None for never."""

    def think(self, delta: str) -> None:
        """More thinking."""

    def answer(self, delta: str) -> None:
        """More of the answer."""

    def refresh(self) -> None:
        """Show what is not shown yet."""

    def close(self) -> None:
        """The last of it has come: leave the whole of it on the screen, and the cursor at the start of a line."""


@final
class Thoughts:
    """Writes thinking, dimmed where it lands on a terminal: on stderr, or (`on_stdout`) among the answer."""

    def __init__(self, *, on_stdout: bool) -> None:
        self._err = not on_stdout
        self._last = ""

    def write(self, delta: str) -> None:
        """More of the same thinking."""
        if delta:
            click.secho(harmless(delta), dim=True, nl=False, err=self._err)
            self._last = delta

    def end(self) -> None:
        """The thinking is over: an empty line follows it."""
        if self._last:
            click.echo("\n" if not self._last.endswith("\n") else "", err=self._err)
            self._last = ""


@final
class PlainDisplay:
    """The answer's text on stdout as it is, each delta flushed at once; thinking on stderr."""

    patience: float | None = None

    def __init__(self) -> None:
        self._thoughts = Thoughts(on_stdout=False)
        self._last = ""

    def think(self, delta: str) -> None:
        """More thinking."""
        self._thoughts.write(delta)

    def answer(self, delta: str) -> None:
        """More of the answer."""
        self._thoughts.end()
        self._write(delta)
        self._last = delta or self._last

    def refresh(self) -> None:
        """Nothing is held back."""

    def close(self) -> None:
        """End the last line."""
        self._thoughts.end()
        if self._last and not self._last.endswith("\n"):
            self._write("\n")

    def _write(self, text: str) -> None:
        sys.stdout.write(text)
        sys.stdout.flush()


@final
class NoDisplay:
    """Nothing of the answer; thinking on stderr."""

    patience: float | None = None

    def __init__(self) -> None:
        self._thoughts = Thoughts(on_stdout=False)

    def think(self, delta: str) -> None:
        """More thinking."""
        self._thoughts.write(delta)

    def answer(self, delta: str) -> None:
        """Whoever wants the answer gets it when it is whole."""
        self._thoughts.end()

    def refresh(self) -> None:
        """Nothing is held back."""

    def close(self) -> None:
        """End the last line of thinking."""
        self._thoughts.end()
