"""Turns a JSON schema into the form that Claude's own structured output takes.

Its objects are closed, and its grammar knows types, choices, literals and some formats. Bounds that it does not know
(`minimum`, `maxLength`, …) are told to the model in words. There is no such form of objects with properties of any
name, of values of any type, of tuples, and of what refers to itself.

Source: Anthropic's documentation of structured outputs, and `transform_schema` in its SDK.
"""

from __future__ import annotations

from typing import Final

from punk.core.json import JsonObject, JsonValue, dump_json

_SAID: Final = frozenset({"title", "description"})
_UNSAID: Final = frozenset({"$schema", "$id", "$comment", "discriminator", "readOnly", "writeOnly", "deprecated"})
_IN_WORDS: Final = frozenset(
    "minimum maximum exclusiveMinimum exclusiveMaximum multipleOf minLength maxLength pattern format minItems maxItems "
    "uniqueItems default examples contentMediaType".split()
)
_FORMATS: Final = ("date-time", "time", "date", "duration", "email", "hostname", "uri", "ipv4", "ipv6", "uuid")
_DEFINITIONS: Final = "#/$defs/"


class _NoForm(Exception):
    """A part of the schema that cannot be said."""


def native_schema(schema: JsonObject) -> JsonObject | None:
    """The form of `schema` that the wire takes, None where it has none."""
    try:
        defined = schema.get("$defs", {})
        if not isinstance(defined, dict) or _refers_to_itself(defined):
            return None
        definitions: JsonObject = {name: _closed(inner) for name, inner in defined.items()}
        root = _closed({name: value for name, value in schema.items() if name != "$defs"})
    except _NoForm:
        return None
    return root | ({"$defs": definitions} if definitions else {})


def _closed(schema: JsonValue) -> JsonObject:
    if not isinstance(schema, dict):
        raise _NoForm
    rest = {name: value for name, value in schema.items() if name not in _UNSAID}
    said: JsonObject = {name: rest.pop(name) for name in sorted(_SAID) if name in rest}
    match rest:
        case {"$ref": str(name)}:
            if not name.startswith(_DEFINITIONS):
                raise _NoForm
            # The wire wants a reference to stand alone.
            return {"$ref": name}
        case {"allOf": [only], **more} if more.keys() <= _IN_WORDS:
            return _closed(only) | said
        case {"anyOf": list(choices), **more} | {"oneOf": list(choices), **more}:
            return _in_words(said | {"anyOf": [_closed(choice) for choice in choices]}, more)
        case {"enum": list() as values, **more} if values and not any(isinstance(v, dict | list) for v in values):
            return _in_words(said | {"enum": values}, _without(more, "type", "const"))
        case {"const": None | bool() | int() | float() | str() as value, **more}:
            return _in_words(said | {"const": value}, _without(more, "type"))
        case {"type": str(kind), **more}:
            return _typed(said | {"type": kind}, dict(more))
        case _:
            raise _NoForm


def _typed(said: JsonObject, rest: JsonObject) -> JsonObject:
    match said["type"]:
        case "object":
            properties = rest.pop("properties", None)
            if rest.pop("additionalProperties", False) is not False or not isinstance(properties, dict):
                raise _NoForm
            said |= {"properties": {name: _closed(inner) for name, inner in properties.items()}}
            said |= {"required": rest.pop("required", []), "additionalProperties": False}
        case "array":
            said |= {"items": _closed(rest.pop("items", None))}
            if rest.get("minItems") in (0, 1):
                said |= {"minItems": rest.pop("minItems")}
        case "string" if rest.get("format") in _FORMATS:
            said |= {"format": rest.pop("format")}
        case _:
            pass
    return _in_words(said, rest)


def _in_words(said: JsonObject, bounds: JsonObject) -> JsonObject:
    """`said` with what the wire has no word for in its description."""
    if not bounds.keys() <= _IN_WORDS:
        raise _NoForm
    if not bounds:
        return said
    words = ", ".join(f"{name}: {dump_json(value)}" for name, value in bounds.items())
    return said | {"description": f"{said.get('description') or ''} ({words})".strip()}


def _without(fields: JsonObject, *names: str) -> JsonObject:
    return {name: value for name, value in fields.items() if name not in names}


def _refers_to_itself(definitions: JsonObject) -> bool:
    """Whether a definition leads back to itself."""
    leads = {name: _references(schema) for name, schema in definitions.items()}
    while ended := [name for name, to in leads.items() if not to & leads.keys()]:
        for name in ended:
            del leads[name]
    return bool(leads)


def _references(schema: JsonValue) -> set[str]:
    match schema:
        case dict():
            own = schema.get("$ref")
            here = {own.removeprefix(_DEFINITIONS)} if isinstance(own, str) else set()
            return here.union(*map(_references, schema.values()))
        case list():
            return set().union(*map(_references, schema))
        case _:
            return set()
