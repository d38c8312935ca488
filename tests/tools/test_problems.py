"""What is wrong with a call's arguments is told in short, exact lines that let the model correct itself."""

import json
from collections.abc import Callable

import pytest
from pydantic import BaseModel
from returns.methods import unwrap_or_failure

from punk.tools.call import bind
from punk.tools.context import ToolContext
from punk.tools.schema import FunctionTool


class Place(BaseModel):
    name: str
    zip: int = 0


def problem(function: Callable[..., object], arguments: str) -> str:
    match unwrap_or_failure(bind(FunctionTool.of(function), arguments, ToolContext())):
        case str(text):
            return text
        case call:
            raise AssertionError(call)


def weather(city: str, days: int = 1, places: list[Place] | None = None) -> None: ...


PROBLEMS = {
    '{"city": 7}': "city: Input should be a valid string (got 7)",
    '{"days": 1}': "city: Field required",
    '{"city": "x", "days": "soon"}': (
        "days: Input should be a valid integer, unable to parse string as an integer (got 'soon')"
    ),
    '{"city": "x", "town": {"a": [1]}}': "town: Extra inputs are not permitted (got {'a': [1]})",
    '{"p0": "x"}': "city: Field required\np0: Extra inputs are not permitted (got 'x')",
    '{"city": "x", "places": [{"name": "a"}, {"zip": 1.5}]}': (
        "places[1].name: Field required\n"
        "places[1].zip: Input should be a valid integer, got a number with a fractional part (got 1.5)"
    ),
    '{"city": null}': "city: Input should be a valid string (got None)",
    '{"city": "\\ud83d"}': "arguments: Invalid JSON: unexpected end of hex escape at line 1 column 17",
    '{"city": "x"': "not valid JSON: Expecting ',' delimiter at character 12",
    '["x"]': "not a JSON object",
    "": "not valid JSON: Expecting value at character 0",
    '{"city": "x", "days": NaN}': "NaN is not JSON",
    '{"city": "x", "city": "y"}': "an object has the key 'city' twice",
}


@pytest.mark.parametrize(("arguments", "text"), PROBLEMS.items())
def test_the_texts_of_problems(arguments: str, text: str) -> None:
    assert problem(weather, arguments) == text


def test_a_problems_text_is_short() -> None:
    def tool(numbers: list[int]) -> None: ...

    assert problem(tool, json.dumps({"numbers": ["x" * 10_000]})).endswith("(got 'xxxxxxxxxxxx...xxxxxxxxxxxxx')")
    lines = problem(tool, json.dumps({"numbers": ["x"] * 1000})).splitlines()
    assert (len(lines), lines[-1]) == (11, "and 990 more")


def test_a_number_that_is_not_finite_is_refused_in_text_too() -> None:
    def tool(x: float) -> None: ...

    assert problem(tool, '{"x": "inf"}') == "x: Input should be a finite number (got 'inf')"
