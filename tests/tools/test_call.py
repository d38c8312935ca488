"""Arguments are coerced as pydantic does, and passed and run as the function wants."""

import asyncio
import functools
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Annotated

import pytest
from pydantic import AfterValidator, BaseModel, Field
from returns.methods import unwrap_or_failure

from punk.core.json import JsonValue
from punk.errors import ToolExecutionAbortError
from punk.tools.call import AsyncCall, BoundCall, RemoteCall, Returned, Suspended, SyncCall, bind
from punk.tools.context import ToolContext
from punk.tools.schema import FunctionTool


class Unit(StrEnum):
    CELSIUS = "c"


class Place(BaseModel):
    name: str
    zip: int = 0


@dataclass
class Point:
    x: int


def bound(function: Callable[..., object], arguments: str) -> BoundCall:
    match unwrap_or_failure(bind(FunctionTool.of(function), arguments, ToolContext())):
        case str(problem):
            raise AssertionError(problem)
        case call:
            return call


def called(function: Callable[..., object], **arguments: JsonValue) -> object:
    """What the call gives, awaited where that is what it asks for."""

    async def finish(awaitable: Awaitable[object]) -> object:
        return await awaitable

    match bound(function, json.dumps(arguments)):
        case RemoteCall():
            raise AssertionError("a function is here")
        case AsyncCall() as call:
            return asyncio.run(call.run())
        case SyncCall() as call:
            match call.run():
                case Returned(value):
                    return value
                case Suspended(awaitable):
                    return asyncio.run(finish(awaitable))


def problem(function: Callable[..., object], arguments: str) -> str:
    match unwrap_or_failure(bind(FunctionTool.of(function), arguments, ToolContext())):
        case str(text):
            return text
        case call:
            raise AssertionError(call)


COERCIONS: list[tuple[object, JsonValue, object]] = [
    (int, "3", 3),
    (int, 3.0, 3),
    (float, 1, 1.0),
    (str, "x", "x"),
    (bool, "true", True),
    (bytes, "x", b"x"),
    (date, "2026-01-31", date(2026, 1, 31)),
    (Decimal, 0.1, Decimal("0.1")),
    (Unit, "c", Unit.CELSIUS),
    (Place, {"name": "x", "zip": "7"}, Place(name="x", zip=7)),
    (Point, {"x": "7"}, Point(7)),
    (tuple[int, str], [1, "a"], (1, "a")),
    (set[int], [1, 2, 1], {1, 2}),
    (int | None, None, None),
    (object, {"any": [1, None]}, {"any": [1, None]}),
]


@pytest.mark.parametrize(("hint", "given", "value"), COERCIONS)
def test_arguments_are_coerced(hint: object, given: JsonValue, value: object) -> None:
    def tool(x):  # type: ignore[no-untyped-def]  # the hint is set below
        return x

    tool.__annotations__["x"] = hint
    received = called(tool, x=given)
    assert (received, type(received)) == (value, type(value))


def test_each_parameter_is_passed_as_its_kind_wants() -> None:
    def tool(a: int, b: int = 2, /, c: int = 3, *, d: int, _e: int = 5) -> tuple[int, ...]:
        return a, b, c, d, _e

    assert called(tool, a=1, d=4) == (1, 2, 3, 4, 5)
    assert called(tool, a=10, b=20, c=30, d=40, _e=50) == (10, 20, 30, 40, 50)


def test_a_gap_before_a_positional_only_argument_is_filled() -> None:
    def tool(a: int = 1, b: int = 2, /) -> tuple[int, int]:
        return a, b

    assert called(tool, b=5) == (1, 5)


def test_a_default_is_the_functions_own_object() -> None:
    shared: list[int] = []  # pydantic copies such a default

    def tool(x: list[int] = shared, /, y: list[int] = shared) -> bool:
        return x is shared and y is shared

    assert called(tool) is True


def test_a_default_in_a_field_is_passed() -> None:
    def tool(x: int = Field(5), y: Annotated[int, Field(default=6, deprecated=True)] = Field()) -> tuple[int, int]:
        return x, y

    assert called(tool) == (5, 6)


class Counter:
    def __init__(self) -> None:
        self.count = 0

    def add(self, n: int) -> int:
        self.count += n
        return self.count

    def __call__(self, n: int) -> int:
        return self.add(n)


def test_methods_and_objects_run_on_the_very_object() -> None:
    counter = Counter()
    assert called(counter.add, n=2) == 2
    assert called(counter, n=3) == 5
    assert called(functools.partial(counter.add), n=4) == 9
    assert counter.count == 9


def test_what_a_partial_binds_cannot_be_overridden() -> None:
    def transfer(account: str, amount: int) -> tuple[str, int]:
        return account, amount

    mine = functools.partial(transfer, account="mine")
    assert called(mine, amount=1) == ("mine", 1)
    assert problem(mine, '{"account": "yours", "amount": 1}') == (
        "account: Extra inputs are not permitted (got 'yours')"
    )


async def double(x: int) -> int:
    return 2 * x


def undecorated(x: int) -> Awaitable[int]:
    return double(x)


@functools.wraps(double)
def decorated(x: int) -> Awaitable[int]:
    return double(x)


class AsyncDouble:
    async def __call__(self, x: int) -> int:
        return 2 * x


@pytest.mark.parametrize(
    ("function", "kind"),
    [
        (double, AsyncCall),
        (functools.partial(double), AsyncCall),
        (AsyncDouble(), AsyncCall),
        (undecorated, SyncCall),
        (decorated, SyncCall),
    ],
)
def test_what_is_awaitable_is_awaited(function: Callable[..., object], kind: type[object]) -> None:
    assert type(bound(function, '{"x": 4}')) is kind
    assert called(function, x=4) == 8


def even(x: int) -> int:
    if x == 13:
        raise KeyError("unlucky")
    if x == 17:
        raise ToolExecutionAbortError("stop")
    if x % 2:
        raise ValueError("must be even")
    return x


def test_what_a_users_validator_raises() -> None:
    def tool(x: Annotated[int, AfterValidator(even)]) -> int:
        return x

    assert called(tool, x=4) == 4
    assert problem(tool, '{"x": 3}') == "x: Value error, must be even (got 3)"
    assert problem(tool, '{"x": 13}') == "arguments: KeyError: 'unlucky'"
    with pytest.raises(ToolExecutionAbortError):
        bind(FunctionTool.of(tool), '{"x": 17}', ToolContext())


def test_what_the_tool_raises_leaves_as_it_is() -> None:
    error = ValueError("no")

    def tool() -> None:
        raise error

    async def async_tool() -> None:
        raise error

    for function in (tool, async_tool):
        with pytest.raises(ValueError, match="no") as raised:
            called(function)
        assert raised.value is error
