"""Small random changes to core and wire, or to the pure modules of a vendor, that their tests should notice.

    python -m tests.core.mutation_sample [how many: 50] [seed: 0] [seconds for each: 120] [vendor]

draws mutants with the seed, tries each against the tests of what it changes, shows every survivor as a diff, and ends
with the score. A survivor is a missing test, or a change that means nothing.
"""

from __future__ import annotations

import ast
import difflib
import random
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, final

from tests.core.mutation import workspace
from tests.support.paths import PACKAGE, ROOT

TESTS: Final = ("tests/core", "tests/wire")
COMPARISONS: Final[dict[type[ast.cmpop], ast.cmpop]] = {
    ast.Lt: ast.LtE(),
    ast.LtE: ast.Lt(),
    ast.Gt: ast.GtE(),
    ast.GtE: ast.Gt(),
    ast.Eq: ast.NotEq(),
    ast.NotEq: ast.Eq(),
    ast.Is: ast.IsNot(),
    ast.IsNot: ast.Is(),
    ast.In: ast.NotIn(),
    ast.NotIn: ast.In(),
}


@final
@dataclass(frozen=True, slots=True)
class Change:
    """The bytes from `start` to `stop` of the file at `path` become `text`."""

    path: str
    start: int
    stop: int
    text: str

    def source(self) -> str:
        """The file with the change."""
        data = (ROOT / self.path).read_bytes()
        return (data[: self.start] + self.text.encode() + data[self.stop :]).decode()

    def diff(self) -> str:
        """The change as a unified diff."""
        before = (ROOT / self.path).read_text(encoding="utf-8").splitlines(keepends=True)
        after = self.source().splitlines(keepends=True)
        return "".join(difflib.unified_diff(before, after, self.path, self.path, n=1))


def changes(file: Path) -> list[Change]:
    """Everything that can be changed in the functions of `file`, in the order in which it stands there."""
    data = file.read_bytes()
    lines = [0]
    for line in data.splitlines(keepends=True):
        lines.append(lines[-1] + len(line))
    found: dict[Change, None] = {}
    for node in _inside_functions(ast.parse(data)):
        place = node.pattern if isinstance(node, ast.match_case) else node
        if isinstance(place, ast.expr | ast.stmt | ast.pattern):
            assert place.end_lineno is not None
            assert place.end_col_offset is not None
            start = lines[place.lineno - 1] + place.col_offset
            stop = lines[place.end_lineno - 1] + place.end_col_offset
            for other in _others(node):
                found[Change(file.relative_to(ROOT).as_posix(), start, stop, other)] = None
    return [change for change in found if _compiles(change.source())]


def _inside_functions(tree: ast.AST) -> Iterator[ast.AST]:
    # The parser does not know where exactly the expressions inside an f-string stand.
    hidden = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in ast.walk(node)}
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef):
            for statement in function.body:
                yield from (node for node in ast.walk(statement) if id(node) not in hidden)


def _compiles(source: str) -> bool:
    try:
        compile(source, "mutant", "exec")
    except SyntaxError:
        return False
    return True


def _others(node: ast.AST) -> Iterator[str]:
    """What could stand instead of `node`."""
    match node:
        case ast.Compare(left=left, ops=[op], comparators=[right]):
            yield ast.unparse(ast.Compare(left, [COMPARISONS[type(op)]], [right]))
        case ast.BoolOp(op=op, values=[first, *_] as values):
            yield f"({ast.unparse(ast.BoolOp(ast.Or() if isinstance(op, ast.And) else ast.And(), values))})"
            yield f"({ast.unparse(first)})"
        case ast.BinOp(left=left, op=ast.Add() | ast.Sub() as op, right=right):
            yield ast.unparse(ast.BinOp(left, ast.Sub() if isinstance(op, ast.Add) else ast.Add(), right))
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            yield ast.unparse(operand)
        case ast.IfExp(body=body, orelse=orelse):
            yield f"({ast.unparse(body)})"
            yield f"({ast.unparse(orelse)})"
        case ast.Constant(value=bool() as value):
            yield str(not value)
        case ast.Constant(value=int() as value):
            yield str(value + 1)
        case ast.Call(func=func, args=args, keywords=[*_, ast.keyword(arg=str())] as keywords):
            yield ast.unparse(ast.Call(func, args, keywords[:-1]))
        case ast.Expr(value=ast.Call(func=ast.Name(id="assert_never"))):
            pass  # only the type checker ever reaches it
        case ast.If(orelse=[]) | ast.Expr(value=ast.Call()) | ast.AugAssign() | ast.Continue() | ast.Break():
            yield "pass"
        case ast.match_case(pattern=pattern, guard=None) if not isinstance(pattern, ast.MatchAs):
            yield f"{ast.unparse(pattern)} if False"
        case _:
            pass


def main(arguments: Sequence[str]) -> int:
    """Try a sample; 0 whatever the score, which is for a person to judge."""
    numbers, vendor = arguments[:3], "".join(arguments[3:])
    count, seed, seconds = (int(text) for text in (*numbers, *("50", "0", "120")[len(numbers) :]))
    files = sorted([*(PACKAGE / "core").glob("*.py"), *(PACKAGE / "wire").glob("*.py")])
    tests = TESTS
    if vendor:
        folder = PACKAGE / "providers" / vendor
        files = sorted(file for file in folder.rglob("*.py") if "transport" not in file.as_posix())
        tests = (f"tests/providers/{vendor}", "tests/providers/test_all_wires.py")
    population = [change for file in files for change in changes(file)]
    sample = random.Random(seed).sample(population, min(count, len(population)))
    killed = 0
    with workspace() as place:
        place.check(tests, seconds)
        for change in sample:
            verdict = place.verdict(change.path, change.source(), tests, seconds)
            killed += verdict != "survived"
            print(f"{verdict}: {change.path}", flush=True)
            if verdict == "survived":
                print(change.diff(), flush=True)
    print(f"{killed} of {len(sample)} killed, drawn with seed {seed} from {len(population)}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
