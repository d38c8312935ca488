"""Reads a provider's JSON as typed values: fast, or leniently where the fast parser refuses what the format allows."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from pydantic import TypeAdapter, ValidationError
from returns.result import Success

from punk.core.failures import Malformed
from punk.core.json import JsonObject, JsonValue
from punk.wire.json import loads_lenient, repair_surrogates

T = TypeVar("T")


def read_json(data: bytes, what: str) -> JsonObject | Malformed:
    """The JSON object that `data` is, its lone surrogates kept; `what` names it in the failure's message."""
    match loads_lenient(data):
        case Success(dict() as document):
            return document
        case Success(_):
            return Malformed(f"{what} is not a JSON object")
        case fault:
            return Malformed(f"{what} is {fault.failure()}")


def read_as(form: TypeAdapter[T], document: JsonValue, what: str) -> T | Malformed:
    """`document` in the form that it should have, with lone surrogates in its texts repaired."""
    try:
        return form.validate_python(repair_surrogates(document))
    except ValidationError as error:
        return wrong_form(error, what)


def wrong_form(error: ValidationError, what: str) -> Malformed:
    """What is wrong with `what`, and where, without its words."""
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    place = ".".join(str(step)[:40] for step in first["loc"])
    return Malformed(f"{what} is not what the wire allows: {place or 'it'}: {first['msg'][:120]}")


def payload_reader(form: TypeAdapter[T], what: str) -> Callable[[bytes], T | Malformed]:
    """A fast reader of payloads that should have this form, and are called `what`."""
    validate_json = form.validator.validate_json

    def read(data: bytes) -> T | Malformed:
        try:
            payload: T = validate_json(data)
        except ValidationError as error:
            return _slowly(form, data, what, error)
        return payload

    return read


def _slowly(form: TypeAdapter[T], data: bytes, what: str, refused: ValidationError) -> T | Malformed:
    if refused.errors(include_input=False, include_url=False)[0]["type"] != "json_invalid":
        return wrong_form(refused, what)
    # The fast parser refuses lone surrogates, which the format allows; this one tells them from garbage.
    match loads_lenient(data):
        case Success(document):
            return read_as(form, document, what)
        case fault:
            return Malformed(f"{what} cannot be read: {fault.failure()}")
