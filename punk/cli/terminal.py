"""Shows an answer as it grows on a terminal: Markdown, rendered anew only where it can still change.

What is finished is printed for good and scrolls away as any output does. What can still change is redrawn in a window
at the bottom; of something taller than the screen, the window shows the end until it is finished.
"""

from __future__ import annotations

import time
from typing import Final, final

from rich.console import Console
from rich.live import Live
from rich.segment import SegmentLines

from punk.cli.display import Thoughts
from punk.cli.markdown import Unit, cut, render
from punk.cli.output import harmless

FRAME_SECONDS: Final = 0.05
# Drawing takes at most this part of the time, however tall the window's content has become.
_SHARE: Final = 0.2


@final
class TerminalDisplay:
    """Thinking dimmed, the answer rendered, in the order in which they come."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._thoughts = Thoughts(on_stdout=True)
        self._growing: _Growing | None = None

    @property
    def patience(self) -> float | None:
        """Seconds until the next frame, None if there is nothing new to draw."""
        return None if self._growing is None else self._growing.patience

    def think(self, delta: str) -> None:
        """More thinking."""
        self._end_answer()
        self._thoughts.write(delta)

    def answer(self, delta: str) -> None:
        """More of the answer."""
        self._thoughts.end()
        if self._growing is None:
            self._growing = _Growing(self._console)
        self._growing.add(harmless(delta))

    def refresh(self) -> None:
        """Draw a frame."""
        if self._growing is not None:
            self._growing.draw()

    def close(self) -> None:
        """Print the rest for good."""
        self._thoughts.end()
        self._end_answer()

    def _end_answer(self) -> None:
        growing, self._growing = self._growing, None
        if growing is not None:
            growing.finish()


@final
class _Growing:
    """A stretch of the answer between two stretches of thinking."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live = Live(
            console=console, auto_refresh=False, transient=True, redirect_stdout=False, redirect_stderr=False
        )
        self._live.start()
        self._text = ""  # what is not printed for good
        self._gap = False
        self._due = 0.0
        self._dirty = False

    @property
    def patience(self) -> float | None:
        return max(0.0, self._due - time.monotonic()) if self._dirty else None

    def add(self, delta: str) -> None:
        self._text += delta
        self._dirty = True
        if time.monotonic() >= self._due:
            self.draw()

    def draw(self) -> None:
        started = time.monotonic()
        units = cut(self._text)
        # The last line may still become anything: only a complete one proves that what stood before it is finished.
        complete = self._text.count("\n")
        proven = sum(unit.line < complete for unit in units)
        finished = max(0, proven - 1)
        self._show(units[:finished], units[finished:])
        if finished:
            self._text = "\n".join(self._text.split("\n")[units[finished].line :])
        self._dirty = False
        took = time.monotonic() - started
        self._due = started + max(FRAME_SECONDS, took / _SHARE)

    def finish(self) -> None:
        try:
            self._show(cut(self._text), ())
        finally:
            self._live.stop()

    def _show(self, finished: tuple[Unit, ...], growing: tuple[Unit, ...]) -> None:
        console = self._console
        with console:  # all of it in one write: no flicker
            for_good = render(finished, console, gap=self._gap)
            if finished:
                self._gap = finished[-1].gap
            window = render(growing, console, gap=self._gap)
            # First the window, since whatever is printed draws it again below.
            self._live.update(SegmentLines(window[-max(1, console.height - 1) :], new_lines=True), refresh=True)
            if for_good:
                console.print(SegmentLines(for_good, new_lines=True))
