"""What both of OpenAI's wires ask of a request: names, arguments, choices of tools, forms of answers, parts of words.

Source of the rules: OpenAI's API reference, and its guides to function calling and structured outputs.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Final

from punk.core.json import JsonObject, JsonValue

_NAME: Final = re.compile(r"[a-zA-Z0-9_-]{1,64}")


def objects(values: JsonValue) -> list[JsonObject]:
    """The objects in a list; none for what is no list."""
    return [value for value in values if isinstance(value, dict)] if isinstance(values, list) else []


def within(value: JsonValue, *path: str) -> JsonValue:
    """What stands at `path`, None where nothing does."""
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def is_name(value: JsonValue) -> bool:
    """Whether `value` is a name that OpenAI takes."""
    return isinstance(value, str) and _NAME.fullmatch(value) is not None


def is_id(value: JsonValue, longest: int) -> bool:
    """Whether `value` is an id of at most `longest` characters, all visible."""
    return isinstance(value, str) and 0 < len(value) <= longest and value.isascii() and value.isprintable()


def is_object(text: JsonValue) -> bool:
    """Whether `text` is that of a JSON object."""
    try:
        return isinstance(text, str) and isinstance(json.loads(text), dict)
    except ValueError:
        return False


def says_something(content: JsonValue, kinds: Mapping[str, Iterable[str]], *, others: bool = False) -> bool:
    """Whether `content` is a text or parts, none of them blank; `kinds` names the fields of each kind of part, and
    `others` says whether there may be other kinds."""
    if isinstance(content, str):
        return bool(content.strip())
    return isinstance(content, list) and bool(content) and all(_is_part(part, kinds, others) for part in content)


def _is_part(part: JsonValue, kinds: Mapping[str, Iterable[str]], others: bool) -> bool:
    if not isinstance(part, dict) or not isinstance(kind := part.get("type"), str):
        return False
    if kind not in kinds:
        return others
    return all(isinstance(value := part.get(field), str | dict) and str(value).strip() for field in kinds[kind])


def marks_are_known(parts: Iterable[JsonObject]) -> bool:
    """Whether the marks on `parts` are ones that OpenAI knows."""
    marks = [part["prompt_cache_breakpoint"] for part in parts if "prompt_cache_breakpoint" in part]
    return all(mark in ({"mode": "explicit"}, {"mode": "explicit", "ttl": "12h"}) for mark in marks)


def choice_is_offered(choice: JsonValue, name: JsonValue, tools: Iterable[JsonValue]) -> bool:
    """Whether a choice of tools, which demands `name` if it is an object, can be made among `tools`."""
    offered = list(tools)
    if isinstance(choice, dict):
        return name in offered
    return choice is None or (choice in ("auto", "none", "required") and bool(offered))


def form_is_sound(form: JsonValue) -> bool:
    """Whether `form` is None or has a name and a schema, which has the strict form if it claims so."""
    if form is None:
        return True
    schema, strict = within(form, "schema"), within(form, "strict")
    return (
        is_name(within(form, "name"))
        and isinstance(schema, dict)
        and (strict is False or (strict is True and schema.get("type") == "object" and _is_strict(schema)))
    )


def parameters_are_sound(tool: JsonObject) -> bool:
    """Whether the parameters of a tool have the strict form, if it claims so."""
    schema = tool.get("parameters")
    strict = isinstance(schema, dict) and schema.get("type") == "object" and _is_strict(schema)
    return strict if tool.get("strict") else tool.get("strict") in (None, False)


def _is_strict(value: JsonValue) -> bool:
    match value:
        case dict():
            if value.keys() & {"default", "oneOf", "allOf", "not", "minLength", "maxLength", "prefixItems"}:
                return False
            if value.get("type") == "object":
                properties = value.get("properties")
                closed = value.get("additionalProperties") is False and isinstance(properties, dict)
                if not closed or not isinstance(properties, dict) or value.get("required") != [*properties]:
                    return False
            # Under these names stand names of the user's own.
            named = [within(value, "properties"), within(value, "$defs")]
            inner = [schema for names in named if isinstance(names, dict) for schema in names.values()]
            rest = [inner for name, inner in value.items() if name not in ("properties", "$defs", "enum", "const")]
            return all(map(_is_strict, [*inner, *rest]))
        case list():
            return all(map(_is_strict, value))
        case _:
            return True
