"""Hints become the JSON schema that the model sees, without noise and whatever the parameters are called."""

import functools
import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, Literal

import pytest
from pydantic import AliasChoices, BaseModel, Field
from typing_extensions import TypedDict

from punk.core.json import JsonObject
from punk.tools.schema import FunctionTool


class Unit(StrEnum):
    CELSIUS = "c"
    FAHRENHEIT = "f"


class Place(BaseModel):
    """A place on a map."""

    title: str
    near: list["Place"] = []


class Arguments(BaseModel):
    """Named as the model that punk makes."""

    x: int


@dataclass
class Point:
    x: int
    y: int = 0


class Box(TypedDict):
    width: float


class Circle(BaseModel):
    kind: Literal["circle"]


class Heading(BaseModel):
    kind: Literal["title"]


def properties(function: Callable[..., object]) -> JsonObject:
    found: JsonObject = json.loads(FunctionTool.of(function).spec.parameters)["properties"]
    return found


def test_hints_become_schemas() -> None:
    def tool(  # type: ignore[no-untyped-def]  # a parameter without a hint is the case
        anything,
        unit: Unit,
        mode: Literal["fast", "slow"],
        maybe: int | None,
        either: int | str,
        point: Point,
        box: Box,
        bounded: Annotated[int, Field(ge=1)],
    ) -> None: ...

    schema = json.loads(FunctionTool.of(tool).spec.parameters)
    assert schema["properties"] == {
        "anything": {},
        "unit": {"$ref": "#/$defs/Unit"},
        "mode": {"enum": ["fast", "slow"], "type": "string"},
        "maybe": {"anyOf": [{"type": "integer"}, {"type": "null"}]},
        "either": {"anyOf": [{"type": "integer"}, {"type": "string"}]},
        "point": {"$ref": "#/$defs/Point"},
        "box": {"$ref": "#/$defs/Box"},
        "bounded": {"type": "integer", "minimum": 1},
    }
    assert schema["$defs"] == {
        "Unit": {"enum": ["c", "f"], "type": "string"},
        "Point": {
            "type": "object",
            "properties": {"x": {"type": "integer"}, "y": {"type": "integer", "default": 0}},
            "required": ["x"],
            "additionalProperties": False,
        },
        "Box": {
            "type": "object",
            "properties": {"width": {"type": "number"}},
            "required": ["width"],
            "additionalProperties": False,
        },
    }


def test_titles_go_but_a_property_called_title_stays() -> None:
    def tool(title: str, place: Place, preset: dict[str, str] = {"title": "kept"}) -> None: ...  # noqa: B006

    schema = json.loads(FunctionTool.of(tool).spec.parameters)
    assert schema["properties"] == {
        "title": {"type": "string"},
        "place": {"$ref": "#/$defs/Place"},
        "preset": {"type": "object", "additionalProperties": {"type": "string"}, "default": {"title": "kept"}},
    }
    assert schema["$defs"]["Place"] == {
        "type": "object",
        "description": "A place on a map.",
        "properties": {
            "title": {"type": "string"},
            "near": {"type": "array", "items": {"$ref": "#/$defs/Place"}, "default": []},
        },
        "required": ["title"],
    }


def test_a_discriminators_mapping_is_kept_whole() -> None:
    def tool(shape: Annotated[Circle | Heading, Field(discriminator="kind")]) -> None: ...

    shape = json.loads(FunctionTool.of(tool).spec.parameters)["properties"]["shape"]
    assert shape["discriminator"]["mapping"] == {"circle": "#/$defs/Circle", "title": "#/$defs/Heading"}


def test_a_hint_in_quotes_means_what_it_means_where_the_function_was_written() -> None:
    elsewhere: dict[str, Any] = {"wraps": functools.wraps}
    exec("def decorate(function):\n return wraps(function)(lambda *args: function(*args))", elsewhere)

    def tool(place: "Place") -> str:
        return place.title

    assert properties(elsewhere["decorate"](tool)) == {"place": {"$ref": "#/$defs/Place"}}


def test_a_tool_without_parameters_has_an_empty_object() -> None:
    def tool() -> None: ...

    spec = FunctionTool.of(tool).spec
    assert (spec.description, json.loads(spec.parameters)) == (
        "",
        {"type": "object", "properties": {}, "additionalProperties": False},
    )


def test_names_that_pydantic_keeps_for_itself_are_fine_for_parameters() -> None:
    def tool(_key: int, copy: int, model_config: int, p0: int, arguments: Arguments) -> None: ...

    assert list(properties(tool)) == ["_key", "copy", "model_config", "p0", "arguments"]


def test_the_parameters_name_wins_over_any_alias() -> None:
    def tool(
        a: Annotated[int, Field(alias="x")],
        b: Annotated[int, Field(validation_alias="y")],
        c: Annotated[int, Field(validation_alias=AliasChoices("z", "c2"))],
        d: int = Field(alias="w"),
    ) -> None: ...

    assert list(properties(tool)) == ["a", "b", "c", "d"]


@pytest.mark.parametrize("default", [math.inf, object(), b"\xff"])
def test_a_default_that_is_no_json_is_left_out(default: object) -> None:
    def tool(x=default) -> None: ...  # type: ignore[no-untyped-def]  # the default alone is the case

    schema = json.loads(FunctionTool.of(tool).spec.parameters)
    assert (schema["properties"], "required" in schema) == ({"x": {}}, False)


def test_the_return_hint_is_ignored() -> None:
    def tool(x: "int") -> "Nowhere": ...  # type: ignore[name-defined]  # noqa: F821  # the case

    assert properties(tool) == {"x": {"type": "integer"}}
