"""Says which rules of the Responses wire the body of a request breaks.

Source of the rules: OpenAI's reference of responses, and its guides to reasoning and to function calling.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Final

from punk.core.json import JsonObject, JsonValue
from punk.testing.wires.openai_request import (
    choice_is_offered,
    form_is_sound,
    is_id,
    is_name,
    is_object,
    marks_are_known,
    objects,
    parameters_are_sound,
    says_something,
    within,
)

_GIVEN: Final = {"input_text": ("text",), "input_image": ("image_url",), "input_file": ()}
_WORDS: Final[dict[str, Mapping[str, tuple[str, ...]]]] = {
    "system": _GIVEN,
    "user": _GIVEN,
    "assistant": {"output_text": ("text",)},
}


def request_faults(body: JsonObject) -> tuple[str, ...]:
    """The rules that `body` breaks, in words; empty for a request that the wire takes."""
    return tuple(rule for rule, kept in RULES.items() if not kept(body))


def _items(body: JsonObject, *kinds: str) -> list[JsonObject]:
    return [item for item in objects(body.get("input")) if not kinds or item.get("type", "message") in kinds]


def _parts(body: JsonObject) -> list[JsonObject]:
    said = [objects(item.get("content")) for item in _items(body, "message")]
    given = [objects(item.get("output")) for item in _items(body, "function_call_output")]
    return [part for parts in (*said, *given) for part in parts]


def _tools(body: JsonObject) -> list[JsonValue]:
    return [tool.get("name") for tool in objects(body.get("tools"))]


def _is_of_the_model(item: JsonObject) -> bool:
    return item.get("role") == "assistant" or not ("role" in item or item.get("type") == "function_call_output")


def _answered_in_order(body: JsonObject) -> bool:
    awaited: list[JsonValue] = []
    for item in _items(body):
        kind = item.get("type")
        if kind == "function_call":
            awaited.append(item.get("call_id"))
        elif kind == "function_call_output":
            if not awaited or item.get("call_id") != awaited.pop(0):
                return False
        elif awaited and not _is_of_the_model(item):
            # The model may speak on after its call; nobody else comes before the result.
            return False
    return not awaited


def _leads_on(body: JsonObject) -> bool:
    items: list[JsonObject] = [*_items(body), {"role": "user"}]
    return all(_is_of_the_model(after) for item, after in pairwise(items) if item.get("type") == "reasoning")


def _is_media(part: JsonObject) -> bool:
    match part:
        case {"type": "input_image", "image_url": str(url), "detail": "auto"}:
            return url.startswith(("data:image/", "https://", "http://"))
        case {"type": "input_file", "file_data": str(data), "filename": str(name)}:
            return data.startswith("data:") and bool(name.strip())
        case {"type": "input_file", "file_url": str(url)}:
            return url.startswith(("https://", "http://"))
        case {"type": "input_image" | "input_file"}:
            return False
        case _:
            return True


RULES: Final[dict[str, Callable[[JsonObject], bool]]] = {
    "there is an item": lambda body: bool(_items(body)),
    "a message says something, in a known role": lambda body: all(
        says_something(item.get("content"), _WORDS.get(str(item.get("role")), {})) for item in _items(body, "message")
    ),
    "images and documents come as the wire takes them": lambda body: all(map(_is_media, _parts(body))),
    "marks are known": lambda body: marks_are_known(_parts(body)),
    "calls have their results behind them, in order": _answered_in_order,
    "results are texts, or parts that say something": lambda body: all(
        isinstance(output := item.get("output"), str) or says_something(output, _GIVEN)
        for item in _items(body, "function_call_output")
    ),
    "arguments are the text of an object": lambda body: all(
        is_object(item.get("arguments")) for item in _items(body, "function_call")
    ),
    "ids are short and visible": lambda body: all(
        is_id(item.get("call_id"), 64) for item in _items(body, "function_call")
    ),
    "names are of allowed letters": lambda body: all(
        is_name(name) for name in [*_tools(body), *(item.get("name") for item in _items(body, "function_call"))]
    ),
    "reasoning is encrypted": lambda body: all(
        isinstance(item.get("encrypted_content"), str) for item in _items(body, "reasoning")
    ),
    "reasoning leads to something": _leads_on,
    "a choice of tools is one of those on offer": lambda body: choice_is_offered(
        body.get("tool_choice"), within(body, "tool_choice", "name"), _tools(body)
    ),
    "strict tools have the strict form": lambda body: all(map(parameters_are_sound, objects(body.get("tools")))),
    "a form of the answer is sound": lambda body: form_is_sound(within(body, "text", "format")),
}
