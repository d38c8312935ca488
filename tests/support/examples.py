"""Runs the Python blocks of a document as they stand: fragments get a running loop and the names they leave open."""

from __future__ import annotations

import ast
import builtins
import contextlib
import inspect
import io
import re
import symtable
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass
from types import CodeType
from typing import final

from tests.support.aio import run

PROGRAM = re.compile(r"# (\w+\.py)\n")
FENCE = re.compile(r"^```python[ \t]*\n(?P<code>.*?)^```[ \t]*$", re.MULTILINE | re.DOTALL)


@final
@dataclass(frozen=True, slots=True)
class Example:
    """One block of a document; `line` is that of its first statement there, so that tracebacks point at it."""

    document: str
    line: int
    code: str


@final
@dataclass(frozen=True, slots=True)
class Opened:
    """A name whose value must be entered first, inside the loop: an open stream, say.

    `open` is called with the other names, once for each example that leaves the name open.
    """

    open: Callable[[Mapping[str, object]], AbstractAsyncContextManager[object]]


@final
@dataclass(frozen=True, slots=True)
class Ran:
    """What became of an example: all that it printed, and the names as it left them."""

    output: str
    names: Mapping[str, object]


def examples_in(text: str, document: str) -> list[Example]:
    """The ```python blocks of a Markdown text, in order."""
    return [
        Example(document, text.count("\n", 0, found.start("code")) + 1, found["code"]) for found in FENCE.finditer(text)
    ]


def programs_in(examples: Iterable[Example]) -> dict[str, str]:
    """The blocks that begin with the name of their file: they are for other ones to run."""
    return {found[1]: example.code for example in examples if (found := PROGRAM.match(example.code))}


def command_in(text: str, name: str) -> str:
    """The one fenced block that follows the comment `<!-- name -->`.

    Raises:
        ValueError: there is none, or more than one.
    """
    found = re.findall(rf"^<!-- {re.escape(name)} -->\n+```\w*\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    if len(found) != 1:
        raise ValueError(f"{len(found)} fenced blocks follow <!-- {name} -->")
    return str(found[0]).strip()


def open_names(example: Example) -> frozenset[str]:
    """The names that an example uses and neither binds itself nor finds among the builtins."""
    table = symtable.symtable(example.code, example.document, "exec")
    bound = {symbol.get_name() for symbol in table.get_symbols() if symbol.is_assigned() or symbol.is_imported()}
    used: set[str] = set()
    todo = [table]
    while todo:
        scope = todo.pop()
        todo.extend(scope.get_children())
        used |= {
            symbol.get_name()
            for symbol in scope.get_symbols()
            if symbol.is_referenced() and (scope is table or symbol.is_global())
        }
    return frozenset(used - bound - set(dir(builtins)))


def run_example(example: Example, supplied: Mapping[str, object]) -> Ran:
    """Execute an example; a value of `supplied` that is `Opened` is entered before it and left after it.

    Raises:
        NameError: the example leaves a name open that nobody supplies.
        TypeError: a program without a top-level `await` leaves an `Opened` name open.
    """
    wanted = open_names(example)
    missing = sorted(wanted - supplied.keys())
    if missing:
        raise NameError(f"{example.document}:{example.line}: nobody supplies {', '.join(missing)}")
    names = {name: value for name, value in supplied.items() if not isinstance(value, Opened)}
    names["__name__"] = "__main__"
    openers = {name: value for name, value in supplied.items() if isinstance(value, Opened) and name in wanted}
    code = _compiled(example)
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        if code.co_flags & inspect.CO_COROUTINE:
            run(_awaited(code, names, openers))
        elif openers:
            raise TypeError(f"{example.document}:{example.line}: {', '.join(openers)} can only be open in a loop")
        else:
            exec(code, names)
    return Ran(printed.getvalue(), names)


async def _awaited(code: CodeType, names: dict[str, object], openers: Mapping[str, Opened]) -> None:
    async with AsyncExitStack() as stack:
        for name, opener in openers.items():
            names[name] = await stack.enter_async_context(opener.open(names))
        await eval(code, names)


def _compiled(example: Example) -> CodeType:
    source = "\n" * (example.line - 1) + example.code
    flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    code = compile(source, example.document, "exec", flags=flags, dont_inherit=True)
    assert isinstance(code, CodeType)
    return code
