"""For any signature, the schema that the model sees and the check of its arguments agree."""

import inspect
import json
from dataclasses import dataclass
from enum import StrEnum
from inspect import Parameter
from typing import Literal

import jsonschema
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, TypeAdapter
from pydantic_core import to_jsonable_python
from returns.methods import unwrap_or_failure
from returns.result import Result
from typing_extensions import TypedDict

from punk.core.json import JsonObject, JsonValue
from punk.tools.call import AsyncCall, BoundCall, RemoteCall, Returned, Suspended, SyncCall, bind
from punk.tools.context import ToolContext
from punk.tools.schema import FunctionTool


class Unit(StrEnum):
    CELSIUS = "c"
    FAHRENHEIT = "f"


class Model(BaseModel):
    a: int
    b: list[str] = []


@dataclass
class Point:
    a: float
    b: bool = False


class Box(TypedDict):
    a: str | None


# Each hint with JSON values of its own, so that many a draw is valid; what else is drawn for it tests refusal.
HINTS: list[tuple[object, list[JsonValue]]] = [
    (int, [0, -3, 2.0, "4"]),
    (float, [0.5, 1, "1.5"]),
    (str, ["", "é", "1"]),
    (bool, [True, False, "yes"]),
    (None, [None]),
    (object, [None, [1], {"a": "b"}]),
    (Unit, ["c", "f"]),
    (Literal["x", "y"], ["x", "y"]),
    (int | None, [None, 1]),
    (int | str, [1, "a"]),
    (list[int], [[], [1, 2], ["3"]]),
    (dict[str, float], [{}, {"a": 1}, {"b": 0.5}]),
    (tuple[int, str], [[1, "a"]]),
    (Model, [{"a": 1}, {"a": 1, "b": ["x"]}, {"a": "1"}]),
    (Point, [{"a": 0.5}, {"a": 1, "b": True}]),
    (Box, [{"a": None}, {"a": "x"}]),
]
NAMES = ["city", "_key", "copy", "json", "p0", "self"]
SCALARS: st.SearchStrategy[JsonValue] = (
    st.none() | st.booleans() | st.integers(-5, 5) | st.sampled_from([0.5, 1.0, "a", "1", "x"])
)
ANYTHING = SCALARS | st.lists(SCALARS, max_size=2) | st.dictionaries(st.sampled_from("ab"), SCALARS, max_size=2)


class Probe:
    """A callable of a given signature that gives back what each of its parameters received."""

    def __init__(self, parameters: list[Parameter]) -> None:
        self.__name__ = "probe"
        self.__signature__ = inspect.Signature(parameters)

    def __call__(self, /, *args: object, **kwargs: object) -> dict[str, object]:
        received = self.__signature__.bind(*args, **kwargs)
        return dict(received.arguments)


@st.composite
def signatures(draw: st.DrawFn) -> list[tuple[Parameter, list[JsonValue]]]:
    names = draw(st.lists(st.sampled_from(NAMES), unique=True, max_size=4))
    kinds = sorted(
        draw(st.sampled_from([Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD, Parameter.KEYWORD_ONLY]))
        for _ in names
    )
    drawn: list[tuple[Parameter, list[JsonValue]]] = []
    optional = False
    for name, kind in zip(names, kinds, strict=True):
        hint, values = draw(st.sampled_from(HINTS))
        optional = draw(st.booleans()) or (optional and kind is not Parameter.KEYWORD_ONLY)
        default = object() if optional else Parameter.empty
        drawn.append((Parameter(name, kind, annotation=hint, default=default), values))
    return drawn


@st.composite
def tools_and_arguments(draw: st.DrawFn) -> tuple[FunctionTool, JsonObject]:
    signature = draw(signatures())
    arguments: JsonObject = {}
    for parameter, values in signature:
        if draw(st.integers(0, 9)) > 0:
            arguments[parameter.name] = draw(st.sampled_from(values) if draw(st.integers(0, 9)) > 0 else ANYTHING)
    if draw(st.integers(0, 9)) == 0:
        arguments[draw(st.sampled_from(["extra", *NAMES]))] = draw(ANYTHING)
    return FunctionTool.of(Probe([parameter for parameter, _ in signature])), arguments


def received(result: Result[BoundCall, str]) -> dict[str, object] | None:
    match unwrap_or_failure(result):
        case str():
            return None
        case AsyncCall() | RemoteCall():
            raise AssertionError("a probe is neither async nor elsewhere")
        case SyncCall() as call:
            match call.run():
                case Suspended():
                    raise AssertionError("a probe returns no awaitable")
                case Returned(value):
                    assert isinstance(value, dict)
                    return value


@given(tools_and_arguments())
def test_what_the_schema_allows_is_accepted(drawn: tuple[FunctionTool, JsonObject]) -> None:
    tool, arguments = drawn
    validator = jsonschema.Draft202012Validator(json.loads(tool.spec.parameters))
    if validator.is_valid(arguments):
        assert received(bind(tool, json.dumps(arguments), ToolContext())) is not None


@given(tools_and_arguments())
def test_what_is_accepted_arrives_as_the_hints_and_the_schema_say(drawn: tuple[FunctionTool, JsonObject]) -> None:
    tool, arguments = drawn
    schema = json.loads(tool.spec.parameters)
    values = received(bind(tool, json.dumps(arguments), ToolContext()))
    if values is None:
        return
    given_values = {name: value for name, value in values.items() if name in arguments}
    assert given_values.keys() == arguments.keys()
    jsonschema.Draft202012Validator(schema).validate(to_jsonable_python(given_values))
    for parameter in tool.parameters:
        if parameter.name in given_values:
            TypeAdapter(parameter.annotation).validate_python(values[parameter.name], strict=True)
        elif parameter.name in values:
            assert values[parameter.name] is parameter.default


@given(signatures(), st.text() | ANYTHING.map(json.dumps))
def test_no_text_makes_bind_raise(signature: list[tuple[Parameter, list[JsonValue]]], text: str) -> None:
    bind(FunctionTool.of(Probe([parameter for parameter, _ in signature])), text, ToolContext())


@given(signatures())
def test_every_schema_is_a_schema(signature: list[tuple[Parameter, list[JsonValue]]]) -> None:
    schema = json.loads(FunctionTool.of(Probe([parameter for parameter, _ in signature])).spec.parameters)
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["additionalProperties"] is False
    assert list(schema["properties"]) == [parameter.name for parameter, _ in signature]
