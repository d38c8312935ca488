"""Turns what a tool returned into the parts that the model reads."""

import dataclasses
import json
import math
from collections import deque
from collections.abc import Mapping
from datetime import date, time, timedelta
from decimal import Decimal
from enum import Enum
from pathlib import PurePath
from typing import Final
from uuid import UUID

from pydantic import BaseModel
from pydantic.dataclasses import is_pydantic_dataclass
from pydantic_core import to_jsonable_python
from returns.result import Failure, Result, Success

from punk.core.json import JsonValue, repair_text
from punk.core.parts import DocumentPart, ImagePart, TextPart, UserPart
from punk.tools.remote import ToolAnswer

_SHOWN: Final = 5
_WRITTEN_AS_TEXT: Final = (date, time, timedelta, Decimal, UUID)


class _NoJsonError(Exception):
    """Says which part of a value has no JSON form."""


def render_result(value: object) -> Result[ToolAnswer, str]:
    """Render a tool's result: text as it is, images, documents and texts that are parts as themselves, any other value
    as compact JSON, so `None` as `null`.

    A list or tuple with a part in it gives a part for each item. Pydantic models are written as they serialise
    themselves, dataclasses and mappings as objects, lists, tuples and sets as arrays (sets in the order of their JSON),
    enums as their values; dates, durations, decimals, UUIDs and paths as text. Lone surrogates become U+FFFD. The
    failure names the type that has no JSON form: bytes, a number that is not finite, an iterator, any other object.
    """
    if isinstance(value, ToolAnswer):
        return Success(value)
    try:
        return Success(ToolAnswer(_parts(value)))
    except _NoJsonError as error:
        return Failure(str(error))
    except RecursionError:
        return Failure(f"the result, a {type(value).__name__}, is nested too deeply or contains itself")
    except Exception as error:  # serialisers, mappings and properties are the user's code
        return Failure(f"the result, a {type(value).__name__}, could not be written as JSON: {describe_error(error)}")


def _parts(value: object) -> tuple[UserPart, ...]:
    match value:
        case TextPart():
            return (dataclasses.replace(value, text=repair_text(value.text)),)
        case DocumentPart(name=str(name)):
            return (dataclasses.replace(value, name=repair_text(name)),)
        case ImagePart() | DocumentPart():
            return (value,)
        case list() | tuple() if any(isinstance(item, TextPart | ImagePart | DocumentPart) for item in value):
            return tuple(part for item in value for part in _parts(item))
        case _:
            plain = _plain(value)
            return (TextPart(plain if isinstance(plain, str) else _dump(plain)),)


def describe_error(error: BaseException) -> str:
    """What an exception of the user's code says, for the model; its type alone if it cannot even say that. For a group,
    what the first few in it say."""
    name = type(error).__name__
    if isinstance(error, BaseExceptionGroup):
        inner = "; ".join(describe_error(each) for each in error.exceptions[:_SHOWN])
        return f"{name}: {inner}" + ("; …" if len(error.exceptions) > _SHOWN else "")
    try:
        return f"{name}: {error}"
    except Exception:
        return name


def _plain(value: object) -> JsonValue:
    match value:
        case Enum():
            return _plain(value.value)
        case None | bool() | int():
            return value
        case str():
            return repair_text(value)
        case float() | Decimal() if not math.isfinite(value):
            raise _NoJsonError(f"the result contains {value}, a number that JSON can't hold")
        case float():
            return value
        case PurePath():
            return repair_text(str(value))
        case BaseModel():
            return _plain(value.model_dump(mode="json"))
        case Mapping():
            return _object(value)
        case list() | tuple() | deque():
            return [_plain(item) for item in value]
        case set() | frozenset():
            return sorted((_plain(item) for item in value), key=_dump)
        case _:
            return _other(value)


def _other(value: object) -> JsonValue:
    if is_pydantic_dataclass(type(value)) or isinstance(value, _WRITTEN_AS_TEXT):
        return _plain(to_jsonable_python(value))
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    kind = type(value)
    name = kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    raise _NoJsonError(f"the result contains a value of type {name}, which has no JSON form")


def _object(value: Mapping[object, object]) -> JsonValue:
    plain: dict[str, JsonValue] = {}
    for key, item in value.items():
        name = _plain(key)
        if isinstance(name, list | dict):
            raise _NoJsonError(f"the result contains a mapping with a key of type {type(key).__name__}")
        text = name if isinstance(name, str) else _dump(name)
        if text in plain:
            raise _NoJsonError(f"the result contains a mapping with two keys that are {text!r} in JSON")
        plain[text] = _plain(item)
    return plain


def _dump(plain: JsonValue) -> str:
    # Not core's dump_json: the model reads this text, and escapes would cost it tokens.
    return json.dumps(plain, ensure_ascii=False, separators=(",", ":"))
