"""Cuts a growing Markdown text into units that what follows cannot change, and renders them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import dropwhile
from typing import Final, Literal, TypeAlias, final

from markdown_it import MarkdownIt
from markdown_it.token import Token
from rich.console import Console
from rich.markdown import Markdown
from rich.segment import Segment

# Without the rules by which words vanish from the screen: HTML, the addresses of links and images. A definition of a
# reference would also change a text that stands far above it.
_PARSER: Final = (
    MarkdownIt("commonmark")
    .enable(["table", "strikethrough"])
    .disable(["html_block", "html_inline", "autolink", "image", "reference"])
)

_Start: TypeAlias = Literal["block", "rule", "sibling"]
"""What begins on a line: a list's items after its first are siblings."""


@final
@dataclass(frozen=True, slots=True)
class Unit:
    """A block, or one item of a list. `line` is its first one in the text it was cut from, `gap` whether an empty line
    follows it."""

    source: str
    line: int
    gap: bool


def cut(text: str) -> tuple[Unit, ...]:
    """The units of `text`, in order. Each is as it stays once another one follows on a complete line."""
    starts = list(_starts(_PARSER.parse(text)))
    lines = text.split("\n")
    ends = [*starts, (len(lines), "block")][1:]
    return tuple(
        Unit("\n".join(lines[line:end]), line, gap=kind != "rule" and next_kind != "sibling")
        for (line, kind), (end, next_kind) in zip(starts, ends, strict=True)
    )


def render(units: Iterable[Unit], console: Console, *, gap: bool) -> list[list[Segment]]:
    """The lines of `units` as `console` shows them; an empty one comes first if a `gap` is left over from before."""
    lines: list[list[Segment]] = []
    for unit in units:
        if gap:
            lines.append([])
        # Rich puts an empty line before a list, wherever it stands.
        lines += dropwhile(_is_empty, console.render_lines(_Faithful(unit.source), pad=False))
        gap = unit.gap
    return lines


def _is_empty(line: list[Segment]) -> bool:
    return not any(segment.text for segment in line)


def _starts(tokens: Iterable[Token]) -> Iterable[tuple[int, _Start]]:
    items = 0
    for token in tokens:
        if token.map is None or token.nesting < 0:
            continue
        line = token.map[0]
        match token.level, token.type:
            case 0, "bullet_list_open" | "ordered_list_open":
                items = 0
            case 0, "hr":
                yield line, "rule"
            case 0, _:
                yield line, "block"
            case 1, "list_item_open":
                yield line, "sibling" if items else "block"
                items += 1
            case _:
                pass


@final
class _Faithful(Markdown):
    """Markdown that leaves out no word and keeps the lines of the text."""

    def __init__(self, source: str) -> None:
        super().__init__("", justify="default", hyperlinks=False)
        self.parsed = _PARSER.parse(source)
        for token in self.parsed:
            for child in token.children or ():
                if child.type == "softbreak":
                    child.type = "hardbreak"
