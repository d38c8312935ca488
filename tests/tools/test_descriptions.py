"""What a docstring and `Annotated` say of a tool and of its parameters reaches the model."""

import json
from collections.abc import Callable
from typing import Annotated

import pytest
from pydantic import BaseModel, Field

from punk.core.json import JsonObject
from punk.tools.schema import FunctionTool


class Place(BaseModel):
    """A place on a map."""

    title: str
    near: list["Place"] = []


def properties(function: Callable[..., object]) -> JsonObject:
    found: JsonObject = json.loads(FunctionTool.of(function).spec.parameters)["properties"]
    return found


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
