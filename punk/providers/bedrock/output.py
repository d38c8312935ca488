"""Asks for an answer of a given form: by a JSON schema where the model takes it, or else through a tool."""

from __future__ import annotations

from typing import Final

from punk.core.json import JsonObject, JsonValue, dump_json, parse_object
from punk.core.request import OutputSpec
from punk.providers.bedrock.models import writes_json

# What the service refuses in a schema: bounds of numbers, lengths and counts, and parts of free form.
_REFUSED: Final = frozenset(
    "minimum maximum exclusiveMinimum exclusiveMaximum multipleOf minLength maxLength pattern minItems maxItems "
    "uniqueItems patternProperties propertyNames minProperties maxProperties oneOf not if prefixItems".split()
)
# The formats of texts that the grammar knows to which an answer is held, in Anthropic's documentation.
_FORMATS: Final = "date-time time date duration email hostname uri ipv4 ipv6 uuid".split()
_DEFINED: Final = "#/$defs/"


def text_format(model: str, output: OutputSpec) -> JsonObject | None:
    """The native way to ask `model` for `output`, None where there is none."""
    schema = parse_object(output.schema).value_or(None)
    closed = None if schema is None else closed_schema(model, schema)
    if closed is None:
        return None
    about: JsonObject = {"description": output.description} if output.description.strip() else {}
    definition: JsonObject = {"schema": dump_json(closed), "name": output.name, **about}
    return {"type": "json_schema", "structure": {"jsonSchema": definition}}


def closed_schema(model: str, schema: JsonObject) -> JsonObject | None:
    """The form of `schema` to which `model` can be held, None where there is none."""
    if not writes_json(model) or schema.get("type") != "object" or not _is_plain(schema, _defined(schema)):
        return None
    closed = _closed(schema)
    assert isinstance(closed, dict), "an object stays one"
    return closed


def _defined(schema: JsonObject) -> JsonObject:
    parts = schema.get("$defs")
    return parts if isinstance(parts, dict) else {}


def _is_plain(schema: JsonValue, parts: JsonObject) -> bool:
    """Whether the service takes `schema`: every object has members of known names, and nothing holds itself. `parts`
    are what it may refer to: what stands inside of one may refer to the others alone."""
    match schema:
        case list():
            return all(_is_plain(item, parts) for item in schema)
        case {"$ref": reference}:
            name = str(reference).removeprefix(_DEFINED)
            others = {other: part for other, part in parts.items() if other != name}
            return name in parts and _is_plain(parts[name], others)
        case dict() if schema:
            members = schema.get("properties")
            open_ = schema.get("type") == "object" and not isinstance(members, dict)
            if open_ or schema.get("additionalProperties", False) is not False or schema.keys() & _REFUSED:
                return False
            if "format" in schema and schema["format"] not in _FORMATS:
                return False
            inner = [schema[key] for key in ("items", "anyOf", "allOf") if key in schema]
            return _is_plain([*(members.values() if isinstance(members, dict) else ()), *inner], parts)
        case _:
            return False  # anything at all


def _closed(schema: JsonValue) -> JsonValue:
    """`schema` with objects that have no members beyond those that are named: the service wants it said."""
    match schema:
        case list():
            return [_closed(item) for item in schema]
        case dict():
            closed: JsonObject = {key: _closed(value) for key, value in schema.items()}
            return {**closed, "additionalProperties": False} if schema.get("type") == "object" else closed
        case _:
            return schema
