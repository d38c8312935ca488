"""A terminal in memory: what is on its screen, and what has scrolled off it, after the bytes a program wrote."""

from __future__ import annotations

import re
from typing import final

from rich.cells import cell_len

_TOKEN = re.compile(r"\x1b\[(?P<private>\??)(?P<numbers>[\d;]*)(?P<final>[A-Za-z])|(?P<plain>[^\x1b])", re.DOTALL)


@final
class Screen:
    """Knows the control sequences that terminal programs of our kind use, and fails on any other.

    `rows` are all lines from the first on; the last `height` of them are on the screen.
    """

    def __init__(self, width: int, height: int) -> None:
        self.width = width
        self.height = height
        self.rows: list[list[str]] = [[]]
        self.dim = ""
        self.cursor_shown = True
        self._row = 0
        self._column = 0
        self._dimmed = False

    @property
    def text(self) -> str:
        """Everything that was and stayed written, without trailing blanks."""
        return "\n".join(self.lines).rstrip("\n")

    @property
    def lines(self) -> list[str]:
        """All lines, without trailing blanks."""
        return ["".join(row).rstrip() for row in self.rows]

    @property
    def cursor(self) -> tuple[int, int]:
        """The row and the column in which the cursor stands, from 0."""
        return self._row, self._column

    def feed(self, output: str) -> None:
        """Obey `output`."""
        at = 0
        while at < len(output):
            token = _TOKEN.match(output, at)
            assert token is not None, f"an unknown sequence: {output[at : at + 12]!r}"
            at = token.end()
            plain = token["plain"]
            if plain is None:
                self._obey(token["private"], token["numbers"], token["final"])
            else:
                self._write(plain)

    def _write(self, character: str) -> None:
        match character:
            case "\n":
                self._row += 1
                if self._row == len(self.rows):
                    self.rows.append([])
            case "\r":
                self._column = 0
            case _:
                assert character.isprintable(), f"an unknown control character: {character!r}"
                self._put(character)

    def _put(self, character: str) -> None:
        cells = cell_len(character)
        if self._column + cells > self.width:
            self._write("\r")
            self._write("\n")
        row = self.rows[self._row]
        row.extend(" " * (self._column - len(row)))
        # A wide character takes two cells: the second one holds nothing.
        row[self._column : self._column + cells] = [character, *[""] * (cells - 1)]
        self._column += cells
        if self._dimmed:
            self.dim += character

    def _obey(self, private: str, numbers: str, final_: str) -> None:
        match private, numbers, final_:
            case "?", "25", "h" | "l":
                self.cursor_shown = final_ == "h"
            case "", _, "m":
                codes = numbers.split(";")
                self._dimmed = "2" in codes or (self._dimmed and codes not in ([""], ["0"]))
            case "", _, "A":
                top = max(0, len(self.rows) - self.height)
                self._row = max(top, self._row - int(numbers or 1))
            case "", "2", "K":
                self.rows[self._row] = []
            case _:
                raise AssertionError(f"an unknown sequence: {private}{numbers}{final_}")
