"""Puts together the arguments of a call that Vertex streams value by value, each at its JSON path.

Said twice, as the core wants it: as pieces of JSON text as they come, and whole at the end. The pieces follow the order
of the values. Where values come in no order in which JSON could be written, no more pieces are said, so that the two
differ and the call is not run.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final, TypeAlias, final

from punk.core.json import JsonObject, JsonValue, dump_json
from punk.core.log import Log
from punk.providers.google.wire import PartialArg

Path: TypeAlias = tuple[str | int, ...]
"""The keys and the indexes that lead to a value."""

_STEP: Final = re.compile(r"\.([^.\[\]'\"]+)|\[(\d{1,6})\]|\['((?:[^'\\]|\\.)*)'\]|\[\"((?:[^\"\\]|\\.)*)\"\]")
_ESCAPED: Final = re.compile(r"\\(.)")


@final
@dataclass(frozen=True, slots=True)
class _Value:
    """A value at `path`, or, if `more`, the next piece of the text there."""

    path: Path
    value: JsonValue
    more: bool


@final
@dataclass(frozen=True, slots=True)
class StreamedArguments:
    """The arguments so far. `last` is where the last value stands, `text` says that it is a text which may go on."""

    values: Log[_Value] = field(default_factory=Log)
    last: Path = ()
    text: bool = False
    in_order: bool = True

    def add(self, pieces: Sequence[PartialArg]) -> tuple[StreamedArguments, str]:
        """The arguments with `pieces`, and what they add to their JSON text. Raises ValueError for what is no path."""
        after, said = self, ""
        for piece in pieces:
            if (found := _value_of(piece)) is not None:
                after, more = after._with(
                    path_of(piece.get("jsonPath") or ""), found[0], piece.get("willContinue") is True
                )
                said += more
        return after, said

    def end(self) -> str:
        """The rest of the JSON text."""
        if not self.in_order or not self.last:
            return ""
        return ('"' if self.text else "") + _closing(self.last, 0)

    def whole(self) -> JsonObject:
        """The arguments. Raises ValueError where the values do not fit together."""
        whole: JsonObject = {}
        texts: list[str] = []
        path: Path = ()
        for value in self.values:
            if value.more and isinstance(value.value, str):
                texts.append(value.value)
                continue
            if texts:
                _put(whole, path, "".join(texts))
            path, texts = value.path, [value.value] if isinstance(value.value, str) else []
            _put(whole, path, value.value)
        if texts:
            _put(whole, path, "".join(texts))
        return whole

    def _with(self, path: Path, value: JsonValue, goes_on: bool) -> tuple[StreamedArguments, str]:
        more = self.text and path == self.last and isinstance(value, str)
        text = isinstance(value, str) and goes_on
        values = self.values.append(_Value(path, value, more))
        if not self.in_order:
            return replace(self, values=values, last=path, text=text), ""
        written = dump_json(value)
        written = written[:-1] if text else written
        if more:
            return replace(self, values=values, text=text), written[1:]
        way = _way(self.last, path)
        if way is None:
            return StreamedArguments(values, path, text, in_order=False), ""
        return StreamedArguments(values, path, text), ('"' if self.text else "") + way + written


def path_of(path: str) -> Path:
    """The steps of a JSON path that leads to one value. Raises ValueError for any other."""
    if not path.startswith(("$.", "$[")):
        raise ValueError("a path that leads to no argument")
    steps: list[str | int] = []
    at = 1
    while at < len(path):
        found = _STEP.match(path, at)
        if found is None:
            raise ValueError("a path that leads to no argument")
        name, index, single, double = found.groups()
        if index is not None:
            steps.append(int(index))
        else:
            steps.append(name if name is not None else _ESCAPED.sub(r"\1", single if single is not None else double))
        at = found.end()
    if not isinstance(steps[0], str):
        raise ValueError("arguments that are no object")
    return tuple(steps)


def _value_of(piece: PartialArg) -> tuple[JsonValue] | None:
    if "nullValue" in piece:
        return (None,)
    for value in (piece.get("stringValue"), piece.get("numberValue"), piece.get("boolValue")):
        if value is not None:
            return (value,)
    return None


def _way(last: Path, path: Path) -> str | None:
    """What stands between the value at `last` and the one at `path`; None where JSON cannot be written so."""
    if not last:
        return _opening(path, 0)
    same = 0
    while same < min(len(last), len(path)) and last[same] == path[same]:
        same += 1
    if same == min(len(last), len(path)):
        return None  # one is inside the other, or it is the same
    before, step = last[same], path[same]
    if isinstance(before, int) != isinstance(step, int) or (isinstance(before, int) and step != before + 1):
        return None
    inside = _opening(path, same + 1)
    key = f"{dump_json(step)}:" if isinstance(step, str) else ""
    return None if inside is None else f"{_closing(last, same + 1)},{key}{inside}"


def _opening(path: Path, depth: int) -> str | None:
    said = ""
    for step in path[depth:]:
        if isinstance(step, str):
            said += f"{{{dump_json(step)}:"
        elif step == 0:
            said += "["
        else:
            return None
    return said


def _closing(path: Path, depth: int) -> str:
    return "".join("}" if isinstance(step, str) else "]" for step in reversed(path[depth:]))


def _put(whole: JsonObject, path: Path, value: JsonValue) -> None:
    """Set `value` at `path`. Raises ValueError where something else stands in its way."""
    here: JsonValue = whole
    for step, after in zip(path, (*path[1:], None), strict=True):
        new: JsonValue = value if after is None else ({} if isinstance(after, str) else [])
        match here, step:
            case dict(), str():
                if after is None:
                    here[step] = new
                here = here.setdefault(step, new)
            case list(), int() if step <= len(here):
                here[step : step + 1] = [new] if after is None or step == len(here) else [here[step]]
                here = here[step]
            case _:
                raise ValueError("arguments that do not fit together")
