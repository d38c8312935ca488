"""Payloads that are not what their wire allows, and characters: cases 34 to 40."""

from __future__ import annotations

import json
from functools import partial
from itertools import pairwise
from typing import Final

from tests.faults.case import Case, NotHere, Play, adding_to, broken, harmless
from tests.faults.judge import Completed
from tests.faults.wires import Wire
from tests.llm.script import START, STOP, text

CASES: Final[list[Case]] = []
case = adding_to(CASES)


def _instead_of_an_object(wire: Wire, value: bytes) -> Play:
    return broken(wire, wire.payload(value))


def _instead_of_text(wire: Wire, value: bytes) -> Play:
    return broken(wire, wire.says(value))


@case(34, "cut")
def cut_json(wire: Wire) -> Play:
    return broken(wire, wire.payload(b'{"type": "content_block'))


@case(34, "no JSON")
def no_json(wire: Wire) -> Play:
    return broken(wire, wire.payload(b"what is this?"))


@case(34, "NaN")
def not_a_number(wire: Wire) -> Play:
    return broken(wire, wire.says(b"NaN"))


@case(34, "no delta in it")
def no_delta(wire: Wire) -> Play | NotHere:
    if wire.family != "bedrock":
        return NotHere("see 36")
    return broken(wire, wire.payload(b'{"contentBlockIndex":0}'))


@case(34, "deeply nested")
def deeply_nested(wire: Wire) -> Play:
    return broken(wire, wire.payload(b"[" * 100_000))


@case(35, "null")
def null(wire: Wire) -> Play:
    # Gemini's wire has other words for nothing, too.
    payload = wire.payload(b"null")
    return harmless(wire, payload) if wire.family == "gemini" else broken(wire, payload)


for _name, _value in (("list", b"[7]"), ("number", b"7"), ("text", b'"text"'), ("true", b"true")):
    case(35, _name)(partial(_instead_of_an_object, value=_value))


@case(36)
def empty_object(wire: Wire) -> Play:
    return harmless(wire, wire.payload(b"{}"))


for _name, _value in (("number", b"7"), ("object", b'{"a":1}'), ("list", b"[7]"), ("true", b"true")):
    case(37, _name)(partial(_instead_of_text, value=_value))


@case(37, "null")
def null_text(wire: Wire) -> Play:
    # Most servers write null for what is not there.
    frame = wire.says(b"null")
    return broken(wire, frame) if wire.family == "anthropic" else harmless(wire, frame)


@case(38, "in a text")
def invalid_utf8(wire: Wire) -> Play:
    return broken(wire, wire.says(b'"\xff\xfe"'))


@case(38, "an encoded surrogate")
def encoded_surrogate(wire: Wire) -> Play:
    return broken(wire, wire.says(b'"\xed\xa0\xbd"'))


@case(39)
def lone_surrogate(wire: Wire) -> Play:
    return harmless(wire, wire.says(b'"\\ud83d"'), outcome=Completed("Hello\ufffd, world."))


@case(39, "two halves")
def halves_of_a_pair(wire: Wire) -> Play:
    halves = wire.says(b'"\\ud83d"'), wire.says(b'"\\ude00"')
    return harmless(wire, *halves, outcome=Completed("Hello\ufffd\ufffd, world."))


@case(39, "a pair")
def whole_pair(wire: Wire) -> Play:
    return harmless(wire, wire.says(b'"\\ud83d\\ude00"'), outcome=Completed("Hello\U0001f600, world."))


@case(40)
def split_character(wire: Wire) -> Play:
    said = "Grüße 👩‍👩‍👧‍👦 \u2028 日本"
    body = b"".join(wire.frames(START, *text(said[:9], said[9:]), STOP))
    # Before every byte that goes on with a character.
    places = [0, *(at for at, byte in enumerate(body) if 0x80 <= byte < 0xC0), len(body)]
    return Play((wire.answer(*(body[start:end] for start, end in pairwise(places))),), Completed(said))


@case(40, "U+2028, NEL and the like")
def not_line_ends(wire: Wire) -> Play:
    said = "a\u2028b\u2029c\x85d\x0be\x0cf\x1cg"
    value = json.dumps(said, ensure_ascii=False).encode()
    return harmless(wire, wire.says(value), outcome=Completed(f"Hello{said}, world."))
