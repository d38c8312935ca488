"""Reads the fields of JSON objects as the types they should have; anything else is told by its place."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Callable, Iterable
from typing import TypeAlias, TypeVar

from punk.core.json import JsonValue

T = TypeVar("T")
Read: TypeAlias = Callable[[JsonValue], T]

BYTES_TAG = "base64"
"""The one key of the object that stands for bytes."""


class WrongFormError(Exception):
    """The JSON is not of the form that was asked for."""


def text(value: JsonValue) -> str:
    """A text."""
    if not isinstance(value, str):
        raise WrongFormError(f"a text was expected, not {value!r:.40}")
    return value


def integer(value: JsonValue) -> int:
    """A whole number."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise WrongFormError(f"a whole number was expected, not {value!r:.40}")
    return value


def boolean(value: JsonValue) -> bool:
    """True or false."""
    if not isinstance(value, bool):
        raise WrongFormError(f"true or false was expected, not {value!r:.40}")
    return value


def octets(value: JsonValue) -> bytes:
    """Bytes, in their tagged form."""
    encoded = value.get(BYTES_TAG) if isinstance(value, dict) else None
    try:
        return b64decode(text(encoded), validate=True)
    except ValueError:
        raise WrongFormError("bytes in base64 were expected") from None


def one_of(words: Iterable[T], what: str) -> Read[T]:
    """One of `words`, which are `what`."""

    def read_word(value: JsonValue) -> T:
        for word in words:
            if word == value:
                return word
        raise WrongFormError(f"{what} was expected, not {value!r:.40}")

    return read_word


def optional(read: Read[T]) -> Read[T | None]:
    """What `read` reads, or null."""
    return lambda value: None if value is None else read(value)


def array(read: Read[T]) -> Read[tuple[T, ...]]:
    """A list of what `read` reads."""

    def read_array(value: JsonValue) -> tuple[T, ...]:
        if not isinstance(value, list):
            raise WrongFormError(f"a list was expected, not {value!r:.40}")
        return tuple(read(item) for item in value)

    return read_array


class Record:
    """Typed access to the fields of a JSON object. Raises `WrongFormError` for anything else."""

    def __init__(self, value: JsonValue) -> None:
        if not isinstance(value, dict):
            raise WrongFormError(f"an object was expected, not {value!r:.40}")
        self._value = value

    def __call__(self, name: str, read: Read[T]) -> T:
        try:
            return read(self._value.get(name))
        except WrongFormError as error:
            raise WrongFormError(f"{name}: {error}") from None
