"""A toolbox keeps tools by name in order, and says what is wrong with a name."""

import pytest
from returns.result import Failure

from punk.errors import ConfigurationError
from punk.tools.schema import FunctionTool
from punk.tools.toolbox import Toolbox


def first() -> None:
    """Come first."""


async def second(x: int) -> None: ...


class Service:
    def first(self) -> None: ...


def test_specs_are_in_the_order_given() -> None:
    toolbox = Toolbox.of([second, first])
    assert [spec.name for spec in toolbox.specs] == ["second", "first"]
    assert Toolbox.of([]).specs == ()


def test_lookup_finds_the_very_function() -> None:
    found = Toolbox.of([first, second]).lookup("first").unwrap()
    assert isinstance(found, FunctionTool)
    assert found.function is first


def test_lookup_names_the_known_tools() -> None:
    assert Toolbox.of([first, second]).lookup("third") == Failure("unknown tool 'third'; known tools: first, second")
    assert Toolbox.of([]).lookup("") == Failure("unknown tool ''; known tools: none")
    assert len(Toolbox.of([]).lookup("x" * 10_000).failure()) < 100


def test_two_tools_of_one_name_are_refused() -> None:
    with pytest.raises(ConfigurationError) as raised:
        Toolbox.of([first, second, Service().first])
    assert raised.value.message.startswith("two tools are called 'first': <function first")
    assert "Service.first" in raised.value.message
    assert raised.value.message.endswith("name one of them otherwise: Tool(..., name=...)")


def test_a_toolbox_cannot_be_changed() -> None:
    toolbox = Toolbox.of([first])
    with pytest.raises(TypeError):
        toolbox.by_name["second"] = toolbox.by_name["first"]  # type: ignore[index]  # that it can't is the case
