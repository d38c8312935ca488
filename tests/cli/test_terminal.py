"""Tests that a rendered answer is on the screen whole and once, however it arrived and however long it is."""

from __future__ import annotations

import io
import re
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
        self.console = Console(
            file=self._file, force_terminal=True, width=WIDTH, height=HEIGHT, color_system="standard"
        )
        self.display = TerminalDisplay(self.console)
        self.screen = Screen(WIDTH, HEIGHT)

    def look(self) -> Screen:
        written = self._file.getvalue()
        self._file.seek(0)
        self._file.truncate()
        self.screen.feed(written.replace("\n", "\r\n"))
        return self.screen

    def whole(self, text: str) -> list[str]:
        """The lines of `text` when it is rendered in one go."""
        lines = render(cut(text), self.console, gap=False)
        return ["".join(segment.text for segment in line).rstrip() for line in lines]

    def grow(self, deltas: Iterable[str]) -> Screen:
        for delta in deltas:
            self.display.answer(delta)
            self.display.refresh()
            self.look()
        self.display.close()
        return self.look()


@given(st.lists(st.sampled_from(PIECES), max_size=8), st.integers(1, 20))
def test_cut_anywhere_the_screen_ends_as_if_it_came_at_once(pieces: list[str], size: int) -> None:
    text = "".join(pieces)
    terminal = Terminal()
    screen = terminal.grow(text[at : at + size] for at in range(0, len(text), size))
    whole = terminal.whole(text)
    assert screen.text == "\n".join(whole).rstrip("\n")
    assert screen.cursor == (len(whole), 0)
    assert screen.cursor_shown


def test_a_long_list_scrolls_away_whole_and_its_end_is_always_seen() -> None:
    terminal = Terminal()
    for at, line in enumerate(LONG.splitlines(keepends=True)):
        terminal.display.answer(line)
        terminal.display.refresh()
        lines = terminal.look().lines
        assert "Point" in lines[-1] or "Point" in lines[-2]
        # All but the last two points are printed for good, long before the end.
        assert [point for point in range(1, at) if not any(f"Point {point} has" in line for line in lines)] == []
    terminal.display.close()
    assert terminal.look().text.split("\n") == terminal.whole(LONG)


def test_what_is_taller_than_the_screen_shows_its_end_and_then_all_of_it_once() -> None:
    code = "```\n" + "".join(f"line {number}\n" for number in range(30))
    terminal = Terminal()
    terminal.display.answer(code)
    terminal.display.refresh()
    seen = terminal.look().lines
    assert len(seen) <= HEIGHT
    assert any("line 29" in line for line in seen)
    terminal.display.answer("```\nDone.")
    terminal.display.close()
    lines = terminal.look().lines
    assert [line.strip() for line in lines if "line" in line] == [f"line {number}" for number in range(30)]
    assert terminal.screen.text.endswith("\n\nDone.")


@pytest.mark.parametrize("piece", PIECES)
def test_no_word_of_the_text_is_left_out(piece: str) -> None:
    terminal = Terminal()
    shown = terminal.grow([piece]).text
    # What may go: the language of a code block, and the numbers of a list lose their dots.
    assert set(re.findall(r"\w+", piece)) - set(re.findall(r"\w+", shown)) <= {"python"}


def test_a_terminal_does_not_obey_the_model() -> None:
    terminal = Terminal()
    screen = terminal.grow(["red \x1b[31m and \x07 bell, \x9b2J clear\r\nall"])
    assert screen.text == "red [31m and  bell, 2J clear\nall"


def test_frames_are_few_and_the_last_word_waits_for_none(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    terminal = Terminal()
    display = terminal.display
    assert display.patience is None
    display.answer("one")
    assert terminal.look().text == "one"
    assert display.patience is None
    display.answer(" two")
    assert terminal.look().text == "one"
    assert display.patience == pytest.approx(0.05)
    now += 0.06
    assert display.patience == 0
    display.refresh()
    assert terminal.look().text == "one two"
    assert display.patience is None
    display.close()
    assert terminal.look().text == "one two"


def test_thinking_is_dimmed_and_stands_where_it_came(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr("sys.stdout", terminal.console.file)
    monkeypatch.setattr("click.utils.should_strip_ansi", lambda *_: False)
    display = terminal.display
    display.think("hm, ")
    display.think("well")
    display.answer("First.")
    display.think("Again\n")
    display.answer("Second.")
    display.close()
    screen = terminal.look()
    assert screen.text == "hm, well\n\nFirst.\nAgain\n\nSecond."
    assert screen.dim == "hm, wellAgain"
