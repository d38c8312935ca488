"""The plan of the house as data, and the checker that no import of the package points up."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import final

from tests.house.imports import Hidden, Import, When, imports_of


@final
class Kind(Enum):
    """The sorts of module that the house knows, lowest first."""

    CORE = "core"
    WIRE = "wire"
    TOOLS = "tools"
    BASE = "what all providers share"
    PURE = "a provider's wire, encoder or decoder"
    TRANSPORT = "a provider's transport"
    INTERPRETER = "interpreter"
    LLM = "llm"
    MODEL = "a model of llm"
    TESTING = "testing"
    CLI = "cli"


@final
@dataclass(frozen=True, slots=True)
class Floor:
    """Where a module lives: its kind, and the vendor or model it belongs to (empty: all may use it)."""

    kind: Kind
    owner: str = ""


@final
@dataclass(frozen=True, slots=True)
class Violation:
    """One broken rule: the module, the line (1 for the module as a whole), and what is wrong."""

    module: str
    line: int
    reason: str

    def __str__(self) -> str:
        return f"{self.module}:{self.line}: {self.reason}"


# What every provider may use, and what everything beside the shell may use.
LOWER = frozenset({Kind.CORE, Kind.WIRE, Kind.TOOLS, Kind.BASE})
SHELL = LOWER | {Kind.INTERPRETER, Kind.LLM, Kind.MODEL}
PARTS: dict[Kind, frozenset[Kind]] = {
    Kind.CORE: frozenset({Kind.CORE}),
    Kind.WIRE: frozenset({Kind.CORE, Kind.WIRE}),
    Kind.TOOLS: frozenset({Kind.CORE, Kind.TOOLS}),
    Kind.BASE: LOWER,
    Kind.PURE: LOWER | {Kind.PURE},
    Kind.TRANSPORT: LOWER | {Kind.PURE, Kind.TRANSPORT},
    Kind.INTERPRETER: LOWER | {Kind.INTERPRETER},
    Kind.LLM: SHELL,
    Kind.MODEL: SHELL | {Kind.PURE, Kind.TRANSPORT},
    Kind.TESTING: SHELL | {Kind.PURE, Kind.TESTING},
    Kind.CLI: SHELL | {Kind.TRANSPORT, Kind.CLI},
}

RESULT = frozenset({"returns.result", "returns.methods"})
# pydantic insists on the TypedDict of typing_extensions before Python 3.12.
MODELS = frozenset({"pydantic", "pydantic_core", "typing_extensions"})
LIBRARIES: dict[Kind, frozenset[str]] = {
    Kind.CORE: RESULT,
    Kind.WIRE: RESULT,
    Kind.TOOLS: RESULT | MODELS | {"docstring_parser"},
    Kind.BASE: RESULT | MODELS,
    Kind.PURE: RESULT | MODELS,
    Kind.TRANSPORT: RESULT,
    Kind.INTERPRETER: RESULT | {"returns.io", "returns.future", "returns.unsafe"},
    # The TypeVar with a default is that of typing_extensions before Python 3.13.
    Kind.LLM: RESULT | {"typing_extensions"},
    Kind.MODEL: RESULT,
    Kind.TESTING: RESULT | {"hypothesis"},
    Kind.CLI: RESULT | {"click", "rich", "markdown_it", "platformdirs"},
}

SDKS: dict[str, frozenset[str]] = {
    "anthropic": frozenset({"anthropic"}),
    "openai": frozenset({"openai"}),
    "bedrock": frozenset({"boto3", "botocore"}),
    "google": frozenset({"google.genai", "google.auth"}),
    "local": frozenset({"xllamacpp", "platformdirs"}),
}

# All of the standard library that core and wire may use: nothing here tells the time, draws lots or does I/O.
CALCULATION = frozenset(
    "__future__ abc array base64 binascii bisect codecs collections copy dataclasses decimal enum fractions functools "
    "hashlib heapq itertools json keyword math numbers operator re reprlib string struct textwrap types typing "
    "unicodedata urllib.parse".split()
)
# What tools and the providers' pure modules may not use of the rest.
WORLD = frozenset(
    "_thread asyncio atexit concurrent contextvars ftplib getpass glob http imaplib io logging multiprocessing os "
    "pathlib poplib queue random sched secrets select selectors shutil signal smtplib socket socketserver sqlite3 ssl "
    "subprocess sys tempfile threading time urllib.request".split()
)
HARMLESS = frozenset({"pathlib.PurePath"})  # names inside them that only calculate
WORLD_BUILTINS = frozenset({"breakpoint", "eval", "exec", "input", "open", "print"})
CALCULATING = (Kind.CORE, Kind.WIRE)
PURE_KINDS = (*CALCULATING, Kind.TOOLS, Kind.BASE, Kind.PURE)


def floor_of(path: str) -> Floor | None:
    """The floor of a module, or of a name inside one; None for what the plan does not know."""
    match path.split("."):
        case ["punk"] | ["punk", "__init__"]:
            return Floor(Kind.LLM)
        case ["punk", "core" | "errors", *_]:
            return Floor(Kind.CORE)
        case ["punk", "wire", *_]:
            return Floor(Kind.WIRE)
        case ["punk", "tools", *_]:
            return Floor(Kind.TOOLS)
        case ["punk", "providers"]:
            return Floor(Kind.BASE)
        case ["punk", "providers", "__init__" | "base" | "encoding" | "counts" | "reading", *_]:
            return Floor(Kind.BASE)
        case ["punk", "providers", "answer_tool" | "results" | "secrets" | "addresses", *_]:
            return Floor(Kind.BASE)
        case ["punk", "providers", "pool" | "http", *_]:
            return Floor(Kind.TRANSPORT)
        case ["punk", "providers", vendor, *rest]:
            talks = vendor == "local" or "transport" in rest
            return Floor(Kind.TRANSPORT if talks else Kind.PURE, vendor)
        case ["punk", "interpreter", *_]:
            return Floor(Kind.INTERPRETER)
        case ["punk", "llm", "models", model, *_]:
            return Floor(Kind.MODEL, model)
        case ["punk", "llm", *_]:
            return Floor(Kind.LLM)
        case ["punk", "testing", *_]:
            return Floor(Kind.TESTING)
        case ["punk", "cli" | "__main__", *_]:
            return Floor(Kind.CLI)
        case _:
            return None


def violations(tree: Mapping[str, str]) -> list[Violation]:
    """Every broken rule in a tree of modules (dotted name to source, packages as `x.__init__`)."""
    return [violation for module, source in tree.items() for violation in _check(module, source)]


def _check(module: str, source: str) -> Iterator[Violation]:
    floor = floor_of(module)
    if floor is None:
        yield Violation(module, 1, "has no floor: give it one in tests/house/floors.py, or another place")
        return
    for found in imports_of(module, source):
        match found:
            case Hidden(line):
                yield Violation(module, line, "imports a name that only running it would tell")
            case Import(path, line, when):
                reason = _import_reason(floor, path, when)
                if reason is not None:
                    yield Violation(module, line, reason)
    if floor.kind in PURE_KINDS:
        for node in ast.walk(ast.parse(source)):
            match node:
                case ast.Call(func=ast.Name(id=name)) if name in WORLD_BUILTINS:
                    yield Violation(module, node.lineno, f"{floor.kind.value} is pure and calls {name}()")


def _import_reason(floor: Floor, path: str, when: When) -> str | None:
    """What is wrong with importing `path` from `floor`; None when nothing is."""
    top = path.partition(".")[0]
    if top == "punk":
        return _punk_reason(floor, path)
    if top in sys.stdlib_module_names:
        return _stdlib_reason(floor, path)
    return _library_reason(floor, path, when)


def _punk_reason(floor: Floor, path: str) -> str | None:
    target = floor_of(path) or Floor(Kind.LLM)
    if target.kind not in PARTS[floor.kind]:
        return f"{floor.kind.value} may not use {target.kind.value} ({path})"
    if not target.owner:
        return None
    match floor.kind, target.kind:
        case ((Kind.PURE | Kind.TRANSPORT), (Kind.PURE | Kind.TRANSPORT)) if floor.owner != target.owner:
            return f"vendors do not use each other ({path})"
        case Kind.MODEL, Kind.TRANSPORT if target.owner not in floor.owner.split("_"):
            return f"a model uses its own vendor's transport only ({path})"
        case Kind.CLI, Kind.TRANSPORT if target.owner != "local":
            return f"the command uses the local provider only, to install its weights ({path})"
        case _:
            return None


def _stdlib_reason(floor: Floor, path: str) -> str | None:
    if floor.kind in CALCULATING and not _within(path, CALCULATION):
        return f"{floor.kind.value} only calculates and may not use {path}"
    if floor.kind in PURE_KINDS and _within(path, WORLD) and not _within(path, HARMLESS):
        return f"{floor.kind.value} is pure and may not use {path}"
    return None


def _library_reason(floor: Floor, path: str, when: When) -> str | None:
    if _within(path, LIBRARIES[floor.kind]):
        return None
    if not _within(path, _lazy_libraries(floor, when)):
        return f"{floor.kind.value} may not use the library {path}"
    return f"{path} is imported when the module is loaded: import it where it is used" if when is When.LOADING else None


def _lazy_libraries(floor: Floor, when: When) -> frozenset[str]:
    """What may be imported inside functions, or for the type checker."""
    match floor.kind:
        case Kind.TRANSPORT:
            return SDKS.get(floor.owner, frozenset()) | {"httpx", "httpx2"}
        case Kind.INTERPRETER:
            # What the package speaks in: its messages, its client's connections, the end of its streams.
            return frozenset({"mcp", "mcp_types", "httpx2", "anyio"})
        case Kind.MODEL if when is When.CHECKING:
            # A model names the type of the client that it may be given.
            return frozenset(sdk for vendor in floor.owner.split("_") for sdk in SDKS.get(vendor, ()))
        case _:
            return frozenset()


def _within(path: str, names: frozenset[str]) -> bool:
    return any(path == name or path.startswith(f"{name}.") for name in names)
