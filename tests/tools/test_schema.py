"""Every kind of callable is described as its hints and its docstring say, or refused with a text that says why."""

import functools
import json
import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Literal

import pytest
from pydantic import AliasChoices, BaseModel, Field
from typing_extensions import TypedDict

from punk.core.json import JsonObject
from punk.errors import ConfigurationError
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


class Unknown:
    """A type that pydantic has no schema for."""


def plain(city: str, days: int = 3) -> str:
    """Forecast the weather."""
    return f"{city} {days}"


async def coroutine(city: str, days: int = 3) -> str:
    """Forecast the weather."""
    return f"{city} {days}"


class Service:
    def method(self, city: str, days: int = 3) -> str:
        """Forecast the weather."""
        return f"{city} {days}"

    async def coroutine_method(self, city: str, days: int = 3) -> str:
        """Forecast the weather."""
        return f"{city} {days}"

    @classmethod
    def class_method(cls, city: str, days: int = 3) -> str:
        """Forecast the weather."""
        return f"{city} {days}"

    @staticmethod
    def static_method(city: str, days: int = 3) -> str:
        """Forecast the weather."""
        return f"{city} {days}"


class Heir(Service):
    def method(self, city: str, days: int = 3) -> str:
        return super().method(city, days)


class Forecast:
    """Forecast the weather."""

    def __call__(self, city: str, days: int = 3) -> str:
        return f"{city} {days}"


class AsyncForecast:
    async def __call__(self, city: str, days: int = 3) -> str:
        """Forecast the weather."""
        return f"{city} {days}"


def bound_by_partial(key: str, city: str, secret: str, days: int = 3) -> str:
    """Forecast the weather."""
    return f"{key}{secret}{city}{days}"


async def coroutine_bound_by_partial(key: str, city: str, days: int = 3) -> str:
    """Forecast the weather."""
    return f"{key}{city}{days}"


def logged(function: Callable[..., str]) -> Callable[..., str]:
    @functools.wraps(function)
    def wrapper(*args: object, **kwargs: object) -> str:
        return function(*args, **kwargs)

    return wrapper


def positional_only(city: str, days: int = 3, /) -> str:
    """Forecast the weather."""
    return f"{city} {days}"


def keyword_only(*, city: str, days: int = 3) -> str:
    """Forecast the weather."""
    return f"{city} {days}"


KINDS: dict[str, tuple[Callable[..., object], str, bool]] = {
    "function": (plain, "plain", False),
    "coroutine function": (coroutine, "coroutine", True),
    "bound method": (Service().method, "method", False),
    "bound coroutine method": (Service().coroutine_method, "coroutine_method", True),
    "inherited docstring": (Heir().method, "method", False),
    "class method": (Service.class_method, "class_method", False),
    "static method": (Service.static_method, "static_method", False),
    "callable object": (Forecast(), "Forecast", False),
    "callable object, async": (AsyncForecast(), "AsyncForecast", True),
    "partial": (functools.partial(bound_by_partial, "k", secret="s"), "bound_by_partial", False),
    "partial of a coroutine function": (
        functools.partial(coroutine_bound_by_partial, "k"),
        "coroutine_bound_by_partial",
        True,
    ),
    "partial of a callable object": (functools.partial(Forecast()), "Forecast", False),
    "decorated": (logged(plain), "plain", False),
    "cached": (functools.lru_cache(plain), "plain", False),
    "positional-only": (positional_only, "positional_only", False),
    "keyword-only": (keyword_only, "keyword_only", False),
}


@pytest.mark.parametrize(("function", "name", "is_async"), KINDS.values(), ids=KINDS)
def test_every_kind_of_callable_is_described_alike(function: Callable[..., object], name: str, is_async: bool) -> None:
    tool = FunctionTool.of(function)
    assert (tool.spec.name, tool.spec.description, tool.is_async) == (name, "Forecast the weather.", is_async)
    assert json.loads(tool.spec.parameters) == {
        "type": "object",
        "properties": {"city": {"type": "string"}, "days": {"type": "integer", "default": 3}},
        "required": ["city"],
        "additionalProperties": False,
    }
    assert tool.function is function


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
    elsewhere: dict[str, Callable[..., Callable[..., str]]] = {"wraps": functools.wraps}
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


def google(city: str, unit: str = "c", *, days: int) -> None:
    """Forecast the weather.

    Over land and
    sea alike.

    Args:
        city (str): The city, as it is
            called there.
        unit: One of: c, f.
        days: How many.

    Returns:
        What is not described.

    Raises:
        ValueError: neither.
    """


def numpy(city: str, unit: str = "c", *, days: int) -> None:
    """
    Forecast the weather.

    Over land and
    sea alike.

    Parameters
    ----------
    city : str
        The city, as it is
        called there.
    unit : {'c', 'f'}, optional
        One of: c, f.
    days
        How many.

    Returns
    -------
    None
        What is not described.
    """


def rest(city: str, unit: str = "c", *, days: int) -> None:
    """Forecast the weather.

    Over land and
    sea alike.

    :param city: The city, as it is
        called there.
    :type city: str
    :param str unit: One of: c, f.
    :param days: How many.
    :returns: What is not described.
    """


@pytest.mark.parametrize("function", [google, numpy, rest])
def test_docstrings_in_each_style(function: Callable[..., object]) -> None:
    assert FunctionTool.of(function).spec.description == "Forecast the weather.\n\nOver land and\nsea alike."
    assert properties(function) == {
        "city": {"type": "string", "description": "The city, as it is\ncalled there."},
        "unit": {"type": "string", "default": "c", "description": "One of: c, f."},
        "days": {"type": "integer", "description": "How many."},
    }


def test_numpy_describes_several_parameters_at_once() -> None:
    def tool(x: int, y: int) -> None:
        """Move.

        Parameters
        ----------
        x, y : int
            A coordinate.
        """

    assert properties(tool) == {name: {"type": "integer", "description": "A coordinate."} for name in ("x", "y")}


def test_a_docstring_that_no_style_can_parse_is_all_text() -> None:
    def tool(x: int) -> None: ...

    tool.__doc__ = ":  :return("
    assert FunctionTool.of(tool).spec.description == ":  :return("


def test_a_parameter_that_the_docstring_only_names_has_no_description() -> None:
    def tool(x: int) -> None:
        """Do.

        Parameters
        ----------
        x : int
        """

    assert properties(tool) == {"x": {"type": "integer"}}


def test_annotated_wins_over_the_docstring() -> None:
    def tool(
        a: Annotated[int, Field(description="field")],
        b: Annotated[int, "text"],
        c: Annotated[int, Field(ge=0)],
        place: Annotated[Place, Field(description="here")],
        d: int = Field(2, description="default"),
    ) -> None:
        """Do.

        Args:
            a: docstring
            b: docstring
            c: docstring
            place: docstring
            d: docstring
        """

    assert properties(tool) == {
        "a": {"type": "integer", "description": "field"},
        "b": {"type": "integer", "description": "text"},
        "c": {"type": "integer", "minimum": 0, "description": "docstring"},
        "place": {"$ref": "#/$defs/Place", "description": "here"},
        "d": {"type": "integer", "default": 2, "description": "default"},
    }


def test_the_return_hint_is_ignored() -> None:
    def tool(x: "int") -> "Nowhere": ...  # type: ignore[name-defined]  # noqa: F821  # the case

    assert properties(tool) == {"x": {"type": "integer"}}


def lost(x: int, y: "Nowhere") -> None: ...  # type: ignore[name-defined]  # noqa: F821  # the case


def unknown(x: int, y: Unknown) -> None: ...


def uncallable(x: int, y: Callable[[], Awaitable[int]]) -> None: ...


def bad_field(x: int, y: Annotated[str, Field(pattern="(")]) -> None: ...


def variadic(x: int, *more: int) -> None: ...


def keywords(x: int, **more: int) -> None: ...


def of_two(function: Callable[..., object]) -> Callable[..., object]:
    return lambda *args, **kwargs: function(*args, **kwargs)


def long_name() -> None: ...


long_name.__name__ = "x" * 65

REFUSED: dict[str, tuple[object, str]] = {
    "forward reference": (
        lost,
        "tool 'lost', parameter 'y': its type hint can't be resolved: name 'Nowhere' is not defined",
    ),
    "unknown type": (unknown, "tool 'unknown', parameter 'y': its type has no JSON schema: "),
    "no JSON": (uncallable, "tool 'uncallable', parameter 'y': its type has no JSON schema: "),
    "bad constraint": (bad_field, "tool 'bad_field', parameter 'y': its type has no JSON schema: "),
    "*args": (variadic, "tool 'variadic', parameter 'more': *args and **kwargs can't be described"),
    "**kwargs": (keywords, "tool 'keywords', parameter 'more': *args and **kwargs can't be described"),
    "lambda": (of_two(plain), "'<lambda>' can't be the name of a tool: give a function made with def"),
    "too long a name": (long_name, f"'{'x' * 65}' can't be the name of a tool"),
    "class": (Place, "Place is a class: give a function that makes one"),
    "partial of a class": (functools.partial(Place, title="x"), "Place is a class"),
    "no signature": (iter, "tool 'iter': its signature can't be read: "),
    "not callable": ("plain", "a tool must be callable, and 'plain' is not"),
}


@pytest.mark.parametrize(("function", "text"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_a_tool_is_refused(function: Callable[..., object], text: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        FunctionTool.of(function)
    assert raised.value.message.startswith(text)
    assert "\n" not in raised.value.message
    assert "http" not in raised.value.message
    assert "arbitrary_types_allowed" not in raised.value.message
