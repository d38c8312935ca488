"""Hears all that a program could show of a run: errors, representations, JSON, pickles, log records and warnings."""

from __future__ import annotations

import gc
import logging
import pickle
import traceback
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Final, Literal, final

_PLAIN: Final = (type, ModuleType, FunctionType, MethodType, BuiltinFunctionType, str, bytes, int, float)
_DEEP: Final = 9


Speaker = Literal["punk", "behind", "log"]
"""Who showed a text: punk, an exception of others' behind one of punk's, or the log of a library."""


@final
@dataclass(frozen=True, slots=True)
class Shown:
    """A text that was shown: by whom, while `during` went on, and in which place."""

    speaker: Speaker
    during: str
    place: str
    text: str


@final
class Heard(logging.Handler):
    """What was shown."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.all: list[Shown] = []
        self.during = ""

    def emit(self, record: logging.LogRecord) -> None:
        """Note a record, as a program would write it."""
        own = record.name.partition(".")[0] in ("punk", "asyncio", "py")
        self.note(f"log of {record.name}", self.format(record), "punk" if own else "log")

    def note(self, place: str, text: str, speaker: Speaker = "punk") -> None:
        """Note a text."""
        self.all.append(Shown(speaker, self.during, place, text))

    def value(self, place: str, value: object) -> None:
        """Note a value, as it is shown, and all objects of punk's and clients that it holds."""
        for held in _held(value):
            foreign = isinstance(held, BaseException) and not _is_punks(held)
            self.note(f"{place}: {type(held).__qualname__}", f"{held!r}\n{held}", "behind" if foreign else "punk")

    def pickled(self, place: str, value: object) -> None:
        """Note the pickle of a value, if there is any."""
        with suppress(Exception):  # what cannot be pickled does not show
            self.note(f"pickle of {place}", pickle.dumps(value).decode("latin-1"))

    def error(self, error: BaseException) -> None:
        """Note all that an error says, and those behind it, by whatever chain."""
        self.pickled("error", error)
        for link in _chain(error):
            speaker: Speaker = "punk" if _is_punks(link) else "behind"
            shown = {name: str(value) for name, value in vars(link).items()} if speaker == "punk" else {}
            notes = getattr(link, "__notes__", ())
            self.note(type(link).__name__, f"{link}\n{link!r}\n{link.args}\n{notes}\n{shown}", speaker)
        self.note("traceback", "".join(traceback.format_exception(error)), "behind")

    def leaks(self, secrets: Sequence[str], *speakers: Speaker) -> list[str]:
        """The places where one of `secrets` was shown by one of `speakers`, each with a few words around it."""
        found: dict[str, str] = {}
        for shown in self.all:
            for secret in secrets if shown.speaker in speakers else ():
                at = shown.text.find(secret)
                if at >= 0:
                    found.setdefault(f"{shown.during}: {shown.place}", shown.text[max(0, at - 60) : at + len(secret)])
        return [f"{place}: …{text}" for place, text in found.items()]


def _is_punks(error: BaseException) -> bool:
    return type(error).__module__.startswith("punk")


@contextmanager
def listening() -> Iterator[Heard]:
    """Hears every logger, at its most talkative, and every warning."""
    heard = Heard()
    root = logging.getLogger()
    loggers = [root, *(known for known in root.manager.loggerDict.values() if isinstance(known, logging.Logger))]
    levels = [(logger, logger.level) for logger in loggers]
    root.addHandler(heard)
    try:
        for logger in loggers:
            logger.setLevel(logging.DEBUG)
        with warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always")
            yield heard
            gc.collect()
        for warning in warned:
            heard.note("warning", str(warning.message))
    finally:
        root.removeHandler(heard)
        for logger, level in levels:
            logger.setLevel(level)


def _chain(error: BaseException) -> Iterator[BaseException]:
    """An error, and all that can be reached from it."""
    found: dict[int, BaseException] = {}
    left: list[BaseException | None] = [error]
    while left:
        link = left.pop()
        if link is not None and id(link) not in found:
            found[id(link)] = link
            left += [link.__cause__, link.__context__, *getattr(link, "exceptions", ())]
    yield from found.values()


def _held(value: object) -> Iterator[object]:
    """`value`, the objects of punk's that can be reached from it, and what those hold of others'."""
    seen: dict[int, object] = {}
    level = [value]
    for _ in range(_DEEP):
        following: list[object] = []
        for found in level:
            if id(found) in seen or isinstance(found, _PLAIN):
                continue
            seen[id(found)] = found
            module = type(found).__module__
            if module.startswith("punk"):
                yield found
                following += gc.get_referents(found)
            elif module in ("builtins", "functools", "collections", "weakref"):
                following += gc.get_referents(found)  # not shown by itself: it shows what it holds
            elif module.partition(".")[0] not in ("logging", "threading", "asyncio", "_asyncio", "_thread"):
                yield found
        level = following
