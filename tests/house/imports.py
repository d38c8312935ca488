"""Reads what a module imports, wherever it does: at the top, inside functions, for the type checker, by name."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import final


@final
class When(Enum):
    """The moment at which an import takes place."""

    LOADING = "when the module is loaded"
    CALLED = "when a function is called"
    CHECKING = "for the type checker alone"


@final
@dataclass(frozen=True, slots=True)
class Import:
    """One imported name: `path` is dotted (`a.b.c` for both `import a.b.c` and `from a.b import c`)."""

    path: str
    line: int
    when: When


@final
@dataclass(frozen=True, slots=True)
class Hidden:
    """An import of a name that only running the module would tell."""

    line: int


def read_tree(root: Path) -> dict[str, str]:
    """Every module under the package folder `root`: dotted name to source text; a package is named `x.__init__`."""
    return {
        ".".join(path.relative_to(root.parent).with_suffix("").parts): path.read_text("utf-8")
        for path in sorted(root.rglob("*.py"))
    }


def imports_of(module: str, source: str) -> list[Import | Hidden]:
    """All imports of a module, in order; `module` is named as `read_tree` names it.

    Raises:
        SyntaxError: the source is not Python.
    """
    package = module.rpartition(".")[0]
    return list(_walk(ast.parse(source).body, package, When.LOADING))


def _walk(body: list[ast.stmt], package: str, when: When) -> Iterator[Import | Hidden]:
    for node in body:
        match node:
            case ast.Import():
                for alias in node.names:
                    yield Import(alias.name, node.lineno, when)
            case ast.ImportFrom():
                base = _base(node, package)
                for alias in node.names:
                    yield Import(base if alias.name == "*" else f"{base}.{alias.name}", node.lineno, when)
            case ast.If() if _is_type_checking(node.test):
                yield from _walk(node.body, package, When.CHECKING)
                yield from _walk(node.orelse, package, when)
            case _:
                yield from _dynamic(node, when)
                for block in _blocks(node):
                    yield from _walk(block, package, _inside(node, when))


def _inside(node: ast.stmt, when: When) -> When:
    """When the statements in a block of `node` run; the body of a class runs with what surrounds it."""
    return When.CALLED if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) else when


def _blocks(node: ast.stmt) -> Iterator[list[ast.stmt]]:
    for field in ("body", "orelse", "finalbody"):
        yield getattr(node, field, [])
    for part in (*getattr(node, "handlers", ()), *getattr(node, "cases", ())):
        yield part.body


def _dynamic(node: ast.stmt, when: When) -> Iterator[Import | Hidden]:
    """Calls of `__import__` and `import_module` in the expressions of one statement, not in its blocks."""
    todo: list[ast.AST] = [child for child in ast.iter_child_nodes(node) if not _is_block(child)]
    while todo:
        child = todo.pop()
        todo.extend(ast.iter_child_nodes(child))
        match child:
            case ast.Call(
                func=ast.Name(id="__import__" | "import_module") | ast.Attribute(attr="import_module"), args=args
            ):
                match args:
                    case [ast.Constant(value=str(name)), *_]:
                        yield Import(name, child.lineno, when)
                    case _:
                        yield Hidden(child.lineno)
            case _:
                pass


def _is_block(node: ast.AST) -> bool:
    return isinstance(node, ast.stmt | ast.ExceptHandler | ast.match_case)


def _is_type_checking(test: ast.expr) -> bool:
    return ast.unparse(test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING")


def _base(node: ast.ImportFrom, package: str) -> str:
    """The absolute name of what is imported from."""
    if node.level == 0:
        return node.module or ""
    parents = package.split(".")
    kept = parents[: len(parents) - node.level + 1]
    return ".".join((*kept, node.module) if node.module else kept)
