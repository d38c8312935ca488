"""Where a reader of a run stands: the one mutable thing about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar, final

C = TypeVar("C")


@final
@dataclass(slots=True)
class Cursor(Generic[C]):
    """A position of one of the core's readers. Whoever reads through the same cursor shares its progress."""

    position: C
