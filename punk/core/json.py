"""JSON values: their type, a strict parser that answers with a value, and one compact way to write them."""

from __future__ import annotations

import json
import math
from typing import Final, NoReturn, TypeAlias

from returns.result import Failure, Result, Success

JsonValue: TypeAlias = "bool | int | float | str | list[JsonValue] | dict[str, JsonValue] | None"
JsonObject: TypeAlias = dict[str, JsonValue]

MAX_DEPTH: Final = 256
"""How many arrays and objects may stand inside one another: a fixed number, as what Python's stack holds varies.

More than pydantic's parser reads (201), so what it gave can be written and read again.
"""


class _Refused(ValueError):
    """What Python's parser lets pass and this one does not."""


def parse_json(text: str) -> Result[JsonValue, str]:
    """The one JSON value that `text` is, or a short sentence that says why it is none.

    Stricter than `json.loads`: NaN, infinities (also by overflow), a key twice in one object and more than `MAX_DEPTH`
    levels are failures too. Escapes of lone surrogates are kept, so that an equal value can be written again.
    """
    try:
        value: JsonValue = _DECODER.decode(text)
    except json.JSONDecodeError as error:
        return Failure(f"not valid JSON: {error.msg} at character {error.pos}")
    except _Refused as error:
        return Failure(str(error))
    except ValueError:
        return Failure("a number has too many digits")
    except RecursionError:
        return Failure(_TOO_DEEP)
    # No value is deeper than its text has opening brackets, so the usual one need not be walked.
    if text.count("[") + text.count("{") > MAX_DEPTH and _is_too_deep(value):
        return Failure(_TOO_DEEP)
    return Success(value)


def parse_object(text: str) -> Result[JsonObject, str]:
    """As `parse_json`, but any other value than an object is a failure too."""
    return parse_json(text).bind(_as_object)


def dump_json(value: JsonValue) -> str:
    """`value` as compact ASCII JSON text, in which lone surrogates are escapes.

    Raises ValueError for what `parse_json` never gives: NaN, an infinity, an int past Python's limit of digits; and
    RecursionError for nesting that the stack does not hold.
    """
    return _ENCODER.encode(value)


def same_json(one: str, other: str) -> bool:
    """Whether two texts hold the same JSON value: the order of keys does not count, `1` and `1.0` and `true` differ."""
    return one == other or parse_json(one).map(_canonical) == parse_json(other).map(_canonical)


def _canonical(value: JsonValue) -> str:
    return json.dumps(value, sort_keys=True)


def repair_text(text: str) -> str:
    """`text` as it can be encoded: surrogate pairs are joined, lone surrogates become U+FFFD."""
    if text.isascii():
        return text
    # UTF-16 is the encoding in which two surrogates that stand together are one character.
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _as_object(value: JsonValue) -> Result[JsonObject, str]:
    return Success(value) if isinstance(value, dict) else Failure("not a JSON object")


def _is_too_deep(value: JsonValue) -> bool:
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [child for node in level for child in _children(node)]
    return any(isinstance(node, (list, dict)) for node in level)


def _children(value: JsonValue) -> list[JsonValue]:
    match value:
        case list():
            return value
        case dict():
            return list(value.values())
        case _:
            return []


def _distinct(pairs: list[tuple[str, JsonValue]]) -> JsonObject:
    members: JsonObject = {}
    for key, value in pairs:
        if key in members:
            raise _Refused(f"an object has the key {key[:40]!r} twice")
        members[key] = value
    return members


def _finite(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise _Refused("a number is too large")
    return number


def _refuse_constant(name: str) -> NoReturn:
    raise _Refused(f"{name} is not JSON")


_TOO_DEEP: Final = "nested too deeply"
_DECODER: Final = json.JSONDecoder(object_pairs_hook=_distinct, parse_float=_finite, parse_constant=_refuse_constant)
_ENCODER: Final = json.JSONEncoder(separators=(",", ":"), allow_nan=False)
