"""Every kind of callable is described alike, and what can't be a tool is refused with a text that says why."""

import functools
import json
from collections.abc import Awaitable, Callable
from typing import Annotated

import pytest
from pydantic import Field

from punk.errors import ConfigurationError
from punk.tools.schema import FunctionTool


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


class Unknown:
    """A type that pydantic has no schema for."""


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
    "class": (Service, "Service is a class: give a function that makes one"),
    "partial of a class": (functools.partial(Service), "Service is a class"),
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
