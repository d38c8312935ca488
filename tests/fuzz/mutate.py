"""Bends a body where it matters: frames dropped, doubled and moved, and the JSON in them changed field by field.

Bytes changed blindly break a checksum, or the JSON, and what lies behind those is never reached.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from random import Random
from typing import Final, TypeAlias

from punk.core.json import JsonValue
from tests.fuzz.frames import Frame, Framing, body_of, frames_of

Blind: TypeAlias = Callable[[bytes], bytes]
"""Changes bytes without knowing what they are."""

_Place: TypeAlias = "tuple[dict[str, JsonValue] | list[JsonValue], str | int]"

_DEEP: Final[tuple[str, ...]] = ("[" * 190 + "]" * 190, "[" * 255 + "]" * 255, '{"a":' * 300 + "1" + "}" * 300)
_ODD: Final[tuple[JsonValue, ...]] = (
    None, True, False, 0, 1, -1, 2, 7, 1.5, 1e308, -0.0, 2**31, 2**63, 10**30, float("nan"), float("inf"),
    "", " ", "0", "x", "{", "}", "{}", '{"a":1}', "[]", "null", '"', "\ud83d", "\ude00", "\ud83d\ude00", "é", "\0",
    "\u2028", "stop", "tool_use", "error", "completed", "$.a", "$.a[0]", "$.b.c", "<think>", "</think>", "a" * 600,
    [], {}, [None], [[]], {"a": None}, {"type": "x"}, {"text": "x"}, {"message": "x", "code": 3},
)  # fmt: skip


def mutate(framing: Framing, body: bytes, pool: Sequence[Frame], lots: Random, blind: Blind) -> bytes:
    """`body` with up to four things changed; `pool` holds frames of good bodies to take from."""
    frames = frames_of(framing, body)
    for _ in range(lots.choice((1, 1, 1, 2, 2, 3, 4))):
        frames = _changed(frames, pool, lots, blind)
    if framing == "document":
        return frames[0].payload if frames else b""
    bent = body_of(framing, frames, lots.choice((b"\n", b"\n", b"\n", b"\r\n", b"\r\n", b"\r")))
    if framing == "sse" and lots.random() < 0.06:
        # Documents outside of events: some servers report their errors so.
        bare = lots.choice(frames or list(pool)).payload + lots.choice((b"\n", b"", b"\r\n"))
        bent = bent + bare if lots.random() < 0.6 else bare + bent
    return bent[: lots.randrange(len(bent) + 1)] if lots.random() < 0.05 else bent


def _changed(frames: list[Frame], pool: Sequence[Frame], lots: Random, blind: Blind) -> list[Frame]:
    if not frames or lots.random() < 0.2:
        at = lots.randrange(len(frames) + 1)
        return [*frames[:at], lots.choice(pool), *frames[at:]]
    at = lots.randrange(len(frames))
    frame = frames[at]
    match lots.choice(("drop", "double", "move", "join", "head", "blind", *["json"] * 6)):
        case "drop":
            return [*frames[:at], *frames[at + 1 :]]
        case "double":
            to = lots.randrange(len(frames) + 1)
            return [*frames[:to], frame, *frames[to:]]
        case "move":
            rest = [*frames[:at], *frames[at + 1 :]]
            to = lots.randrange(len(rest) + 1)
            return [*rest[:to], frame, *rest[to:]]
        case "join":
            # The same frame with its payload from elsewhere.
            anew = replace(frame, payload=lots.choice(pool).payload)
        case "head":
            head = lots.choice(pool).head if lots.random() < 0.7 else blind(frame.head)
            anew = replace(frame, head=head.replace(b"\n", b"").replace(b"\r", b"") if b"\0" not in head else head)
        case "blind":
            anew = replace(frame, payload=blind(frame.payload))
        case _:
            anew = replace(frame, payload=_bent_json(frame.payload, lots.choice(pool).payload, lots))
    return [*frames[:at], anew, *frames[at + 1 :]]


def _bent_json(payload: bytes, other: bytes, lots: Random) -> bytes:
    document = _loaded(payload)
    holder: list[JsonValue] = [document]
    places = list(_places(holder))
    inside, key = lots.choice(places)
    value: JsonValue = inside[key]  # type: ignore[index]  # a place goes with its key
    match lots.choice(("odd", "odd", "odd", "drop", "rename", "graft", "graft", "again", "wrap", "cut", "move")):
        case "odd":
            value = lots.choice(_ODD)
        case "drop" if isinstance(inside, dict):
            del inside[str(key)]
            return _dumped(holder[0], lots)
        case "rename" if isinstance(inside, dict):
            others = [name for place, name in _places([_loaded(other)]) if isinstance(name, str)]
            inside[str(lots.choice(others or ["type"]))] = inside.pop(str(key))
            return _dumped(holder[0], lots)
        case "graft":
            there, name = lots.choice(list(_places([_loaded(other)])))
            grafted: JsonValue = there[name]  # type: ignore[index]  # a place goes with its key
            if isinstance(inside, dict) and isinstance(name, str) and lots.random() < 0.5:
                inside[name] = grafted
                return _dumped(holder[0], lots)
            value = grafted
        case "again" if isinstance(inside, list) and inside is not holder:
            inside.insert(lots.randrange(len(inside) + 1), value)
            return _dumped(holder[0], lots)
        case "wrap":
            value = [value] if lots.random() < 0.5 else {"a": value}
        case "cut" if isinstance(value, str):
            value = value[: lots.randrange(len(value) + 1)]
        case "move":
            there, name = lots.choice(places)
            value = there[name]  # type: ignore[index]  # a place goes with its key
        case _:
            value = lots.choice(_ODD)
    inside[key] = value  # type: ignore[index]  # a place goes with its key
    return _dumped(holder[0], lots)


def _dumped(document: JsonValue, lots: Random) -> bytes:
    try:
        text = json.dumps(document, ensure_ascii=lots.random() < 0.7, indent=1 if lots.random() < 0.05 else None)
    except (ValueError, RecursionError):
        return b"{}"  # "move" can put a thing inside itself
    if lots.random() < 0.02:
        text = text.replace(lots.choice(("null", "{}", "[]", '""')), lots.choice(_DEEP), 1)
    return text.encode(errors="surrogatepass")


def _loaded(payload: bytes) -> JsonValue:
    try:
        document: JsonValue = json.loads(payload)
    except (ValueError, RecursionError):
        return {}
    return document


def _places(inside: dict[str, JsonValue] | list[JsonValue]) -> Iterator[_Place]:
    """Every place in a document that a value stands at."""
    steps: list[_Place] = [*((inside, key) for key in (inside if isinstance(inside, dict) else range(len(inside))))]
    for place, key in steps:
        yield place, key
        value: JsonValue = place[key]  # type: ignore[index]  # a place goes with its key
        if isinstance(value, dict | list):
            yield from _places(value)
