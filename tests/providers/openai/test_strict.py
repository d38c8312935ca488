"""The strict form of a schema: closed, with every property; or none."""

from __future__ import annotations

import enum
from typing import Any, Literal

import pytest
from hypothesis import given
from pydantic import BaseModel, Field, TypeAdapter

from punk.core.json import JsonObject, JsonValue
from punk.providers.openai.strict import strict_schema
from punk.testing.strategies import json_objects
from punk.testing.wires.openai_request import form_is_sound

STRING: JsonObject = {"type": "string"}
DEFINITIONS: JsonObject = {"D": {"type": "object", "properties": {"d": {"$ref": "#/$defs/D"}}}}
STRICT_DEFINITIONS: JsonObject = {
    "D": {
        "type": "object",
        "properties": {"d": {"$ref": "#/$defs/D"}},
        "required": ["d"],
        "additionalProperties": False,
    }
}


class Colour(enum.Enum):
    RED = "red"


class Dog(BaseModel):
    kind: Literal["dog"]
    name: str = Field(description="What it hears.")


class Cat(BaseModel):
    kind: Literal["cat"]
    lives: int = Field(9, ge=0)


class Home(BaseModel):
    pets: list[Dog | Cat] = Field(default_factory=list)
    best: Dog | None = None
    colour: Colour = Colour.RED
    first: Dog = Field(description="The first one.")
    neighbour: Home | None = None


def sound(schema: JsonObject) -> JsonObject:
    strict = strict_schema(schema)
    assert strict is not None
    assert form_is_sound({"name": "x", "schema": strict, "strict": True})
    return strict


def inner(**schema: JsonValue) -> JsonValue:
    """The strict form of a property with the schema `schema`, None where it has none."""
    strict = strict_schema({"type": "object", "properties": {"x": {**schema}}})
    properties = None if strict is None else strict["properties"]
    return properties["x"] if isinstance(properties, dict) else None


def test_every_property_is_required_and_no_other_allowed() -> None:
    schema: JsonObject = {
        "title": "T",
        "description": "D",
        "type": "object",
        "properties": {"a": {**STRING, "default": None}, "b": {"anyOf": [STRING, {"type": "null"}], "default": "x"}},
        "required": [],
    }
    assert sound(schema) == {
        "title": "T",
        "description": "D",
        "type": "object",
        "properties": {"a": STRING, "b": {"anyOf": [STRING, {"type": "null"}]}},
        "required": ["a", "b"],
        "additionalProperties": False,
    }


def test_classes_have_a_strict_form() -> None:
    whole = sound(Home.model_json_schema())
    assert whole["required"] == ["pets", "best", "colour", "first", "neighbour"]
    definitions = whole["$defs"]
    assert isinstance(definitions, dict)
    assert {*definitions} == {"Home", "Dog", "Cat", "Colour"}
    text = str(whole)
    assert "The first one." in text
    assert "What it hears." in text
    assert "'minimum': 0" in text
    assert "default" not in text


@pytest.mark.parametrize(
    ("adapter", "as_property"),
    [
        (TypeAdapter(dict[str, int]), False),
        (TypeAdapter(Any), False),
        (TypeAdapter(tuple[int, str]), False),
        (TypeAdapter(list[str]), True),
        (TypeAdapter(str | int), True),
    ],
)
def test_types_that_are_no_strict_answer(adapter: TypeAdapter[object], as_property: bool) -> None:
    schema = adapter.json_schema()
    assert strict_schema(schema) is None
    assert (inner(**schema) is not None) == as_property


@pytest.mark.parametrize(
    ("schema", "strict"),
    [
        (
            {"enum": ["a", 1, True, "b"], "title": "T"},
            {"enum": ["a", 1, True, "b"], "type": ["string", "integer", "boolean"], "title": "T"},
        ),
        ({"enum": [None, 1.5]}, {"enum": [None, 1.5], "type": ["null", "number"]}),
        ({"enum": ["a"], "type": "string"}, {"enum": ["a"], "type": "string"}),
        ({"const": 1}, {"const": 1, "type": "integer"}),
        ({"type": ["string", "null"], "pattern": "a"}, {"type": ["string", "null"], "pattern": "a"}),
        ({**STRING, "format": "date"}, {**STRING, "format": "date"}),
        ({**STRING, "examples": ["a"], "deprecated": True}, STRING),
        ({"oneOf": [STRING], "discriminator": {}}, {"anyOf": [STRING]}),
        ({"allOf": [STRING], "description": "D", "default": "x"}, {**STRING, "description": "D"}),
        ({"type": "array", "items": STRING, "maxItems": 3}, {"type": "array", "items": STRING, "maxItems": 3}),
        (
            {"type": "object", "properties": {}, "additionalProperties": False},
            {"type": "object", "properties": {}, "required": [], "additionalProperties": False},
        ),
        (
            {"type": "object", "properties": {}},
            {"type": "object", "properties": {}, "required": [], "additionalProperties": False},
        ),
    ],
)
def test_what_becomes_of_a_schema(schema: JsonObject, strict: JsonValue) -> None:
    assert inner(**schema) == strict


@pytest.mark.parametrize(
    "schema",
    [
        {},
        {"type": "object"},
        {"type": "object", "additionalProperties": False},
        {"type": "object", "properties": {}, "additionalProperties": {}},
        {"type": "object", "properties": {}, "additionalProperties": True},
        {"type": "object", "properties": {}, "required": ["a"]},
        {"type": "object", "properties": {}, "required": [[]]},
        {"type": "object", "properties": []},
        {"type": "object", "properties": {"a": True}},
        {"type": "object", "properties": {}, "patternProperties": {}},
        {"enum": []},
        {"enum": "a"},
        {"enum": ["a", ["b"]]},
        {"const": {}},
        {"type": "array"},
        {"type": "array", "items": STRING, "uniqueItems": True},
        {"type": "array", "prefixItems": [STRING], "items": STRING},
        {**STRING, "minLength": 1},
        {**STRING, "format": "path"},
        {**STRING, "format": {}},
        {"anyOf": []},
        {"anyOf": [STRING, {}]},
        {"anyOf": [STRING], "type": "string"},
        {"anyOf": [STRING], "oneOf": [STRING]},
        {"allOf": [STRING, STRING]},
        {"not": STRING},
        {"$ref": "http://x"},
        {"$ref": "#/$defs/D", "type": "object"},
    ],
)
def test_what_has_no_strict_form(schema: JsonObject) -> None:
    assert inner(**schema) is None


def test_references_stand_alone() -> None:
    whole = sound(
        {
            "type": "object",
            "properties": {"x": {"$ref": "#/$defs/D"}, "y": {"$ref": "#/$defs/D", "description": "Y"}},
            "$defs": DEFINITIONS,
        }
    )
    assert whole["properties"] == {
        "x": {"$ref": "#/$defs/D"},
        "y": {"anyOf": [{"$ref": "#/$defs/D"}], "description": "Y"},
    }
    assert whole["$defs"] == STRICT_DEFINITIONS


def test_the_root_is_an_object_itself() -> None:
    whole = sound({"$ref": "#/$defs/D", "$defs": DEFINITIONS, "title": "T"})
    definition = STRICT_DEFINITIONS["D"]
    assert isinstance(definition, dict)
    assert whole == {**definition, "title": "T", "$defs": STRICT_DEFINITIONS}
    loose: JsonObject = {"$ref": "#/$defs/D", "$defs": {"D": STRING}}
    others: list[JsonObject] = [STRING, {"anyOf": [STRING]}, {"$ref": "#/$defs/E"}, loose]
    for schema in others:
        assert strict_schema(schema) is None
    assert strict_schema({"type": "object", "properties": {}, "$defs": []}) is None


@given(json_objects())
def test_any_object_is_strict_or_not(schema: JsonObject) -> None:
    wholes: list[JsonObject] = [
        schema,
        {"type": "object", "properties": schema},
        {"type": "object", "properties": {"a": schema}},
    ]
    for whole in wholes:
        if strict_schema(whole) is not None:
            sound(whole)
