"""Turns a JSON schema into the strict form of OpenAI's, in which an answer is held to it word by word.

The strict form names every property of an object and requires it; so a property with a default is always given, with a
value of its own type; the parameters of tools say in words what it is. `oneOf` is said as `anyOf`, and values that are
listed get their types beside them. What only tells, and bounds nothing, is left out but for titles and descriptions.
There is no strict form of objects with properties of any name, of values of any type, of tuples, and of whatever the
strict form has no word for.

Source: OpenAI's guide to structured outputs (supported schemas).
"""

from __future__ import annotations

from typing import Final

from punk.core.json import JsonObject, JsonValue, dump_json

_SAID: Final = frozenset({"title", "description"})
_KEPT: Final = frozenset(
    "type enum const pattern multipleOf minimum maximum exclusiveMinimum exclusiveMaximum minItems maxItems".split()
)
_UNSAID: Final = frozenset(
    "default examples deprecated readOnly writeOnly discriminator $comment $schema $id contentMediaType".split()
)
_FORMATS: Final = ("date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid")
_DEFINITIONS: Final = "#/$defs/"


class _NotStrict(Exception):
    """A part of the schema that has no strict form."""


def strict_schema(schema: JsonObject) -> JsonObject | None:
    """The strict form of `schema`, None where it has none."""
    try:
        return _root(schema)
    except _NotStrict:
        return None


def strict_parameters(schema: JsonObject) -> JsonObject:
    """The parameters of a tool that is to be strict, and whether they could be made so; else they go as they are."""
    strict = strict_schema({"type": "object", "properties": {}, **schema} | _defaults_told(schema))
    return {"parameters": schema if strict is None else strict, "strict": strict is not None}


def _defaults_told(schema: JsonObject) -> JsonObject:
    """The properties of `schema` with their defaults in words: who has to give a value wants to know the usual one."""
    properties = schema.get("properties")
    if not isinstance(properties, dict):
        return {}
    return {"properties": {name: _default_told(inner) for name, inner in properties.items()}}


def _default_told(schema: JsonValue) -> JsonValue:
    if not isinstance(schema, dict) or "default" not in schema:
        return schema
    words = f"{schema.get('description') or ''} (default: {dump_json(schema['default'])})"
    return {**schema, "description": words.strip()}


def _root(schema: JsonObject) -> JsonObject:
    """The schema of an answer, which is an object, and has no other form beside it."""
    rest = {name: value for name, value in schema.items() if name != "$defs"}
    definitions = _schemas(schema.get("$defs", {}))
    match rest.get("$ref"):
        case str(name) if name.startswith(_DEFINITIONS):
            # What is defined may refer to itself: so it stays among the definitions, too.
            said: JsonObject = {key: value for key, value in rest.items() if key in _SAID}
            root = definitions.get(name.removeprefix(_DEFINITIONS))
            if not isinstance(root, dict):
                raise _NotStrict
            root = root | said
        case _:
            root = _strict(rest)
    if root.get("type") != "object":
        raise _NotStrict
    return root | ({"$defs": definitions} if definitions else {})


def _schemas(named: JsonValue) -> JsonObject:
    if not isinstance(named, dict):
        raise _NotStrict
    return {name: _strict(schema) for name, schema in named.items()}


def _strict(schema: JsonValue) -> JsonObject:
    if not isinstance(schema, dict):
        raise _NotStrict
    rest = {name: value for name, value in schema.items() if name not in _UNSAID}
    strict: JsonObject = {name: rest.pop(name) for name in (*_SAID, *_KEPT) if name in rest}
    match rest:
        case {"$ref": str(name), **more}:
            if not name.startswith(_DEFINITIONS) or more or not strict.keys() <= _SAID:
                raise _NotStrict
            # A reference stands alone; beside words about it, it is the one choice.
            return strict | {"anyOf": [{"$ref": name}]} if strict else {"$ref": name}
        case {"allOf": [only], **more} if not more and not strict.keys() - _SAID:
            return _strict(only) | strict
        case {"anyOf": list(choices), **more} | {"oneOf": list(choices), **more}:
            if more or not choices or not strict.keys() <= _SAID:
                raise _NotStrict
            return strict | {"anyOf": [_strict(choice) for choice in choices]}
        case _:
            return strict | _typed(strict, rest)


def _typed(strict: JsonObject, rest: JsonObject) -> JsonObject:
    """The `rest` of a schema that says its type, or which values there are."""
    kind = strict.get("type")
    kinds = kind if isinstance(kind, list) else [kind]
    more: JsonObject = {}
    if kind is None:
        more["type"] = _types(strict)
    if "object" in kinds:
        # A property that the schema does not name is no part of its answers, if it does not ask for more.
        if rest.pop("additionalProperties", False) is not False or not isinstance(rest.get("properties"), dict):
            raise _NotStrict
        properties = _schemas(rest.pop("properties"))
        required = rest.pop("required", [])
        if not isinstance(required, list) or any(name not in [*properties] for name in required):
            raise _NotStrict
        more |= {"properties": properties, "required": [*properties], "additionalProperties": False}
    if "array" in kinds:
        more["items"] = _strict(rest.pop("items", None))
    if rest.get("format") in _FORMATS:
        more["format"] = rest.pop("format")
    if rest:
        raise _NotStrict
    return more


def _types(strict: JsonObject) -> JsonValue:
    """The types of the values that a schema lists instead."""
    listed = [strict["const"]] if "const" in strict else strict.get("enum")
    if not isinstance(listed, list) or not listed:
        raise _NotStrict
    types: list[JsonValue] = [*dict.fromkeys(map(_type_of, listed))]
    return types[0] if len(types) == 1 else types


def _type_of(value: JsonValue) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case int():
            return "integer"
        case float():
            return "number"
        case str():
            return "string"
        case _:
            raise _NotStrict
