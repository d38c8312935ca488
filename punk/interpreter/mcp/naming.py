"""Names under which the tools of several servers are told apart."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Sequence
from typing import Final, TypeAlias

ServerTool: TypeAlias = tuple[str, str]
"""A server's name, and a tool's as that server spells it."""

_LONGEST: Final = 64
_FOREIGN: Final = re.compile(r"[^a-zA-Z0-9_-]")


def told_apart(taken: Collection[str], tools: Sequence[ServerTool]) -> tuple[str, ...]:
    """A name for each of `tools`, of [a-zA-Z0-9_-]{1,64}; none of them is in `taken`, and no two are the same.

    A tool keeps its own name (each other character becomes `_`) if nothing else has it. All those that share one are
    called by their server and their own name, with a number where even these are the same.
    """
    own = [_sanitised(tool) for _, tool in tools]
    shared = Counter([*own, *set(taken)])
    names = {name for name in own if shared[name] == 1} | set(taken)
    found: list[str] = []
    for (server, _), name in zip(tools, own, strict=True):
        if shared[name] > 1:
            name = _distinct(f"{server}_{name}"[:_LONGEST], names)
            names.add(name)
        found.append(name)
    return tuple(found)


def _sanitised(name: str) -> str:
    return _FOREIGN.sub("_", name)[:_LONGEST] or "tool"


def _distinct(name: str, others: Collection[str]) -> str:
    tried, number = name, 1
    while tried in others:
        number += 1
        tail = f"_{number}"
        tried = name[: _LONGEST - len(tail)] + tail
    return tried
