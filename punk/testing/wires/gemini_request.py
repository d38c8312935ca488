"""Says which rules of the Gemini wire the body of a request breaks.

Source of the rules: Google's documentation of the Gemini API, of function calling and of thought signatures.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Final

from punk.core.json import JsonObject, JsonValue

_NAME: Final = re.compile(r"[a-zA-Z_][a-zA-Z0-9_.:-]{0,127}")
_IN_RESULTS: Final = ("image/png", "image/jpeg", "image/webp", "application/pdf", "text/plain")
_KINDS: Final = frozenset(
    "text inlineData fileData functionCall functionResponse executableCode codeExecutionResult".split()
)


def request_faults(body: JsonObject) -> tuple[str, ...]:
    """The rules that `body` breaks, in words; empty for a request that the wire takes."""
    return tuple(rule for rule, kept in RULES.items() if not kept(body))


def _objects(value: JsonValue) -> list[JsonObject]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _contents(body: JsonObject) -> list[tuple[JsonValue, list[JsonObject]]]:
    return [(content.get("role"), _objects(content.get("parts"))) for content in _objects(body.get("contents"))]


def _parts(body: JsonObject) -> Iterator[tuple[JsonValue, JsonObject]]:
    for role, parts in _contents(body):
        yield from ((role, part) for part in parts)


def _named(body: JsonObject, kind: str) -> list[JsonObject]:
    return [value for _, part in _parts(body) if isinstance(value := part.get(kind), dict)]


def _of(parts: list[JsonObject], kind: str) -> list[tuple[JsonValue, JsonValue]]:
    """The names and ids of the calls, or of the results, among `parts`."""
    return [(value.get("name"), value.get("id")) for part in parts if isinstance(value := part.get(kind), dict)]


def _texts(body: JsonObject) -> Iterator[tuple[JsonValue, bool]]:
    """Every text, and whether it may be blank."""
    for _, part in _parts(body):
        if "text" in part:
            yield part["text"], len(part) > 1
    system = body.get("systemInstruction")
    for part in _objects(system.get("parts")) if isinstance(system, dict) else ():
        yield part.get("text"), False


def _answered_at_once(body: JsonObject) -> bool:
    contents = _contents(body)
    for (_, asked), (_, after) in pairwise([(None, []), *contents, (None, [])]):
        if _of(asked, "functionCall") != _of(after, "functionResponse"):
            return False
    return True


def _results_are_first(body: JsonObject) -> bool:
    said = [["functionResponse" in part for part in parts] for _, parts in _contents(body)]
    return all(first == sorted(first, reverse=True) for first in said)


def _is_held(part: JsonValue) -> bool:
    """Whether `part` is one that a result can hold."""
    match part:
        case {"inlineData": {"mimeType": str(kind), "data": str(data), **more}, **beside}:
            return kind in _IN_RESULTS and bool(data) and not more and not beside
        case _:
            return False


def _held(result: JsonObject) -> list[JsonValue]:
    parts = result.get("parts", [])
    return parts if isinstance(parts, list) else [parts]


def _declared(body: JsonObject) -> list[JsonObject]:
    return [tool for group in _objects(body.get("tools")) for tool in _objects(group.get("functionDeclarations"))]


def _names(body: JsonObject) -> list[JsonValue]:
    found = [*_named(body, "functionCall"), *_named(body, "functionResponse"), *_declared(body)]
    return [item.get("name") for item in found]


def _allowed(body: JsonObject) -> bool:
    match body.get("toolConfig"):
        case {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": [*names]}}:
            return all(any(name == tool.get("name") for tool in _declared(body)) for name in names)
        case {"functionCallingConfig": {"mode": "AUTO" | "ANY" | "NONE", **rest}}:
            return not rest and bool(_declared(body))
        case other:
            return other is None


def _budget_fits(body: JsonObject) -> bool:
    match body.get("generationConfig"):
        case {"maxOutputTokens": int(most), "thinkingConfig": {"thinkingBudget": int(budget)}}:
            return budget < most
        case _:
            return True


RULES: Final[dict[str, Callable[[JsonObject], bool]]] = {
    "there is a content": lambda body: bool(_contents(body)),
    "contents are of the user or the model, by turns": lambda body: (
        all(role in ("user", "model") for role, _ in _contents(body))
        and all(a != b for (a, _), (b, _) in pairwise(_contents(body)))
    ),
    "a content has parts": lambda body: all(parts for _, parts in _contents(body)),
    "a part is of one kind": lambda body: all(len(_KINDS & part.keys()) <= 1 for _, part in _parts(body)),
    "no text is blank, but beside a signature": lambda body: all(
        isinstance(text, str) and (may_be_blank or text.strip()) for text, may_be_blank in _texts(body)
    ),
    "calls have their results, in order, in the next content": _answered_at_once,
    "calls are the model's, results the user's": lambda body: all(
        role == ("model" if "functionCall" in part else "user")
        for role, part in _parts(body)
        if "functionCall" in part or "functionResponse" in part
    ),
    "names are of allowed letters": lambda body: all(
        isinstance(name, str) and _NAME.fullmatch(name) is not None for name in _names(body)
    ),
    "arguments are an object": lambda body: all(isinstance(c.get("args"), dict) for c in _named(body, "functionCall")),
    "a result is an object": lambda body: all(
        isinstance(r.get("response"), dict) for r in _named(body, "functionResponse")
    ),
    "results come before all else that is said": _results_are_first,
    "a result holds bytes of few types": lambda body: all(
        _is_held(part) for result in _named(body, "functionResponse") for part in _held(result)
    ),
    "thinking has its signature": lambda body: all(
        part.get("thoughtSignature") for _, part in _parts(body) if part.get("thought")
    ),
    "a choice is of tools on offer": _allowed,
    "a thinking budget leaves room for an answer": _budget_fits,
}
