"""Tests that a rendered answer is on the screen whole and once, however it arrived and however long it is."""

from __future__ import annotations

import io
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from punk.cli.markdown import cut, render
from punk.cli.terminal import TerminalDisplay
from tests.cli.screen import Screen

WIDTH, HEIGHT = 36, 8

PIECES = (
    "# Heading\n\n",
    "A paragraph of *several* words, **some** of them `marked`.\n\n",
    "Two lines\nof one paragraph.\n",
    "- item with words\n",
    "- another\n  - within\n  - it\n",
    "1. first\n",
    "2. second, and long enough for two lines of it\n",
    "\n",
    "```python\nfor word in words:\n    print(word)\n```\n",
    "```\nopen\n",
    "| a | b |\n|---|---|\n| 1 | 2 |\n\n",
    "> quoted words\n",
    "---\n\n",
    "    indented\n",
    "<b>bold</b> & a [link](https://example.org)\n\n",
    "[ref]: https://example.org\n",
    "漢字 and 🎉 wide\n\n",
    "word",
)
LONG = "\n".join(f"{number}. Point {number} has some words." for number in range(1, 61))


class Terminal:
    """A display and the screen it draws on."""

    def __init__(self) -> None:
        self._file = io.StringIO()
        self.console = Console(file=self._file, force_terminal=True, width=WIDTH, height=HEIGHT, color_system="standard")
        self.display = TerminalDisplay(self.console)
        self.screen = Screen(WIDTH, HEIGHT)

    def look(self) -> Screen:
        written = self._file.getvalue()
        self._file.seek(0)
        self._file.truncate()
        self.screen.feed(written.replace("\n", "\r\n"))
        return self.screen

    def whole(self, text: str) -> str:
        """What `text` looks like when it is rendered in one go."""
        lines = render(cut(text), self.console, gap=False)
        return "\n".join("".join(segment.text for segment in line).rstrip() for line in lines).rstrip("\n")

    def grow(self, deltas: Iterable[str]) -> Screen:
        for delta in deltas:
            self.display.answer(delta)
            self.display.refresh()
            self.look()
        self.display.close()
        return self.look()


@given(st.lists(st.sampled_from(PIECES), max_size=12), st.integers(1, 9))
def test_cut_anywhere_the_screen_ends_as_if_it_came_at_once(pieces: list[str], size: int) -> None:
    text = "".join(pieces)
    terminal = Terminal()
    screen = terminal.grow(text[at : at + size] for at in range(0, len(text), size))
    assert screen.text == terminal.whole(text)
    assert screen.column == 0
    assert screen.cursor_shown
