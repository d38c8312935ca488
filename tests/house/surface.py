"""Finds what a reader of the public surface would miss or trip over, by reading the source alone."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

# What follows the end of a sentence that is not the last one of its line.
ANOTHER_SENTENCE = re.compile(r"(?<!e\.g)(?<!i\.e)[.!?] +[A-Z]")


def docstring_fault(source: str) -> str | None:
    """What is wrong with the first line of a module's docstring; None when it is one whole sentence."""
    docstring = ast.get_docstring(ast.parse(source))
    if docstring is None:
        return "has no docstring"
    first = docstring.partition("\n")[0]
    if not first.endswith("."):
        return "its docstring's first line is not a whole sentence"
    if ANOTHER_SENTENCE.search(first):
        return "its docstring's first line is more than one sentence"
    return None


def public_anys(source: str) -> list[int]:
    """The lines of a module on which a public annotation or alias says `Any`."""
    tree = ast.parse(source)
    return sorted({node.lineno for part in _public_types(tree.body) for node in _anys(part)})


def _is_public(name: str) -> bool:
    return not name.startswith("_") or (name.startswith("__") and name.endswith("__"))


def _public_types(body: list[ast.stmt]) -> Iterator[ast.expr]:
    """Everything in a module's or class's body that a type checker shows to its users."""
    for node in body:
        match node:
            case ast.FunctionDef(name=name, args=args) | ast.AsyncFunctionDef(name=name, args=args) if _is_public(name):
                arguments = (*args.posonlyargs, *args.args, *args.kwonlyargs, args.vararg, args.kwarg)
                yield from (each.annotation for each in arguments if each is not None and each.annotation is not None)
                if node.returns is not None:
                    yield node.returns
            case ast.ClassDef(name=name) if _is_public(name):
                yield from node.bases
                yield from _public_types(node.body)
            case ast.AnnAssign(target=ast.Name(id=name)) if _is_public(name):
                yield node.annotation
                if node.value is not None:
                    yield node.value
            case ast.Assign(targets=[ast.Name(id=name)]) if _is_public(name):
                yield node.value
            case ast.If() | ast.Try():
                yield from _public_types(node.body)
                yield from _public_types(node.orelse)
                for handler in getattr(node, "handlers", ()):
                    yield from _public_types(handler.body)
            case _:
                pass


def _anys(expression: ast.expr) -> Iterator[ast.expr]:
    """The places of an expression that name `Any`, also inside annotations that are written as strings."""
    for node in ast.walk(expression):
        match node:
            case ast.Name(id="Any") | ast.Attribute(attr="Any"):
                yield node
            case ast.Constant(value=str(text)) if re.search(r"\bAny\b", text):
                yield node
            case _:
                pass
