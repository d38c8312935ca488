"""Tests that the public surface is complete, documented and exactly typed, and that each module says what it is for."""

from __future__ import annotations

import importlib
import inspect

import pytest

from tests.house.imports import read_tree
from tests.house.surface import docstring_fault, public_anys
from tests.support.paths import PACKAGE

CURATED = ("punk", "punk.core", "punk.testing")
TREE = read_tree(PACKAGE)
LONGEST = 250  # lines
# Modules that may be longer, each with its reason.
LONGER: dict[str, str] = {}


@pytest.mark.parametrize("module", CURATED)
def test_all_is_true(module: str) -> None:
    public = importlib.import_module(module)
    names = public.__all__
    assert len(set(names)) == len(names)
    assert [name for name in names if not hasattr(public, name)] == []


@pytest.mark.parametrize("module", CURATED)
def test_each_name_says_what_it_means(module: str) -> None:
    public = importlib.import_module(module)
    assert [name for name in public.__all__ if lacks_docstring(getattr(public, name))] == []


def lacks_docstring(value: object) -> bool:
    """Whether a class or function has no words of its own; of other values only the source can speak."""
    if inspect.isclass(value):
        # A dataclass without a docstring is given its signature for one.
        words = value.__dict__.get("__doc__")
        return not words or words.startswith(f"{value.__name__}(")
    return inspect.isroutine(value) and not value.__doc__


@pytest.mark.parametrize("module", TREE)
def test_a_module_says_what_it_is_for(module: str) -> None:
    assert docstring_fault(TREE[module]) is None


@pytest.mark.parametrize("module", TREE)
def test_no_public_type_is_any(module: str) -> None:
    assert public_anys(TREE[module]) == []


@pytest.mark.parametrize("module", TREE)
def test_a_module_is_one_idea(module: str) -> None:
    lines = TREE[module].count("\n")
    assert (lines > LONGEST) == (module in LONGER), f"{lines} lines"


@pytest.mark.parametrize(
    ("source", "fault"),
    [
        ('"""Does one thing."""', None),
        ('"""Does one thing, e.g. This."""', None),
        ('"""Does one thing.\n\nAnd more words. Many.\n"""', None),
        ("x = 1", "has no docstring"),
        ('"""Does one thing"""', "its docstring's first line is not a whole sentence"),
        ('"""Does one thing. And another."""', "its docstring's first line is more than one sentence"),
    ],
)
def test_docstring_fault(source: str, fault: str | None) -> None:
    assert docstring_fault(source) == fault


@pytest.mark.parametrize(
    "source",
    [
        "def f(x: Any) -> None: ...",
        "def f() -> Any: ...",
        "async def f(*args: list[Any]) -> None: ...",
        "def f(**kwargs: typing.Any) -> None: ...",
        "def f(x: 'Any') -> None: ...",
        "def f(*, x: int | Any) -> None: ...",
        "class A:\n    x: Any",
        "class A:\n    def __init__(self, x: Any) -> None: ...",
        "class A(Generic[Any]): ...",
        "Alias: TypeAlias = dict[str, Any]",
        "Alias = dict[str, Any]",
        "if TYPE_CHECKING:\n    x: Any",
        "try:\n    x: int\nexcept ImportError:\n    x: Any",
    ],
)
def test_any_is_found(source: str) -> None:
    assert len(public_anys(source)) == 1


@pytest.mark.parametrize(
    "source",
    [
        "def _f(x: Any) -> Any: ...",
        "class _A:\n    x: Any",
        "class A:\n    def _x(self) -> Any: ...",
        "def f(x: int) -> None:\n    y: Any = x",
        "def f(x: object) -> Anything: ...",
        "_Alias = dict[str, Any]",
    ],
)
def test_what_is_private_may_be_any(source: str) -> None:
    assert public_anys(source) == []


class Worded:
    """Has words."""


class Wordless(Worded):
    pass


def test_inherited_and_generated_docstrings_do_not_count() -> None:
    import dataclasses

    generated = dataclasses.make_dataclass("generated", ["x"])
    assert [lacks_docstring(each) for each in (Worded, Wordless, generated, 3)] == [False, True, True, False]
