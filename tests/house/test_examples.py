"""Tests the runner of documented examples on small documents of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from textwrap import dedent

import pytest

from tests.support.examples import Example, Opened, command_in, examples_in, open_names, run_example

DOCUMENT = dedent("""\
    # Title

    ```python
    print("one")
    ```

    ```text
    not code
    ```

    Some words.

    ```python
    async for piece in pieces():
        print(piece)
    ```

    <!-- main-job -->
    ```bash
    first && \\
      second
    ```
    """)


def example(code: str) -> Example:
    return Example("doc.md", 1, dedent(code))


@asynccontextmanager
async def numbers(names: Mapping[str, object]) -> AsyncIterator[list[object]]:
    opened = [names["start"], 2]
    yield opened
    opened.append("closed")


async def pieces() -> AsyncIterator[str]:
    yield "a"
    yield "b"


def test_blocks_are_found_with_their_lines() -> None:
    assert examples_in(DOCUMENT, "doc.md") == [
        Example("doc.md", 4, 'print("one")\n'),
        Example("doc.md", 14, "async for piece in pieces():\n    print(piece)\n"),
    ]


def test_a_program_runs_as_main() -> None:
    code = """\
        import asyncio
        async def main():
            print(__name__)
        asyncio.run(main())
        """
    assert run_example(example(code), {}).output == "__main__\n"


def test_a_fragment_gets_a_loop() -> None:
    assert run_example(examples_in(DOCUMENT, "doc.md")[1], {"pieces": pieces}).output == "a\nb\n"


def test_names_stay_for_the_reader() -> None:
    assert run_example(example("x = 1\ny = x + one"), {"one": 1}).names["y"] == 2


def test_what_a_fragment_leaves_open_is_entered_and_left() -> None:
    supplied = {"stream": Opened(numbers), **NAP, "start": 1}
    ran = run_example(example("await nap()\nprint(stream)\nkept = stream"), supplied)
    assert ran.output == "[1, 2]\n"
    assert ran.names["kept"] == [1, 2, "closed"]


def test_what_a_fragment_does_not_name_is_not_entered() -> None:
    assert run_example(example("await nap()"), {"stream": Opened(numbers), **NAP}).output == ""


def test_a_name_that_nobody_supplies_is_named() -> None:
    with pytest.raises(NameError, match=r"doc\.md:1: nobody supplies display, terminal$"):
        run_example(example("def f(x):\n    display(x)\nterminal.write('x')"), {})


def test_an_open_name_needs_a_loop() -> None:
    with pytest.raises(TypeError, match="stream can only be open in a loop"):
        run_example(example("print(stream)"), {"stream": Opened(numbers), "start": 1})


def test_a_failing_example_points_into_the_document() -> None:
    failing = Example("doc.md", 40, "x = 1\nraise ValueError(x)\n")
    with pytest.raises(ValueError, match="1") as caught:
        run_example(failing, {})
    assert (str(caught.traceback[-1].path), caught.traceback[-1].lineno + 1) == ("doc.md", 41)


def test_future_imports_of_the_runner_do_not_leak() -> None:
    ran = run_example(example("def f(x: int) -> None: ...\nkind = f.__annotations__['x']"), {})
    assert ran.names["kind"] is int


@pytest.mark.parametrize(
    ("code", "names"),
    [
        ("print(x)", {"x"}),
        ("x = 1\nprint(x)", set()),
        ("def f(a):\n    return a + b", {"b"}),
        ("class A:\n    y = z\n    def m(self):\n        return w", {"z", "w"}),
        ("[i for i in xs if i in ys]", {"xs", "ys"}),
        ("[i async for i in xs]", {"xs"}),
        ("import os\nfrom a import b as c\nos, c", set()),
        ("async with a as b:\n    async for c in b:\n        d(c)", {"a", "d"}),
        ("try:\n    pass\nexcept E as e:\n    print(e)", {"E"}),
        ("@decorate\nasync def f(x: T = default): ...", {"decorate", "T", "default"}),
    ],
)
def test_open_names(code: str, names: set[str]) -> None:
    assert open_names(example(code)) == names


def test_a_marked_command_is_found() -> None:
    assert command_in(DOCUMENT, "main-job") == "first && \\\n  second"


@pytest.mark.parametrize("text", ["", "<!-- main-job -->\nwords\n", DOCUMENT + DOCUMENT])
def test_a_command_stands_exactly_once(text: str) -> None:
    with pytest.raises(ValueError, match="main-job"):
        command_in(text, "main-job")


async def nap() -> None:
    """Makes a fragment asynchronous."""


NAP: dict[str, object] = {"nap": nap}
