"""Says which rules of the chat-completions wire the body of a request breaks.

Source of the rules: OpenAI's reference of chat completions, and its guides to function calling and to file inputs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
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

_TEXTS: Final = {"text": ("text",)}
_WORDS: Final[dict[str, Mapping[str, tuple[str, ...]]]] = {
    "system": _TEXTS,
    "user": {"text": ("text",), "image_url": ("image_url",), "file": ("file",)},
    "assistant": _TEXTS,
    "tool": _TEXTS,
}


def request_faults(body: JsonObject) -> tuple[str, ...]:
    """The rules that `body` breaks, in words; empty for a request that the wire takes."""
    return tuple(rule for rule, kept in RULES.items() if not kept(body))


def _messages(body: JsonObject) -> list[JsonObject]:
    return objects(body.get("messages"))


def _calls(body: JsonObject) -> list[JsonObject]:
    return [call for message in _messages(body) for call in objects(message.get("tool_calls"))]


def _parts(body: JsonObject) -> list[JsonObject]:
    return [part for message in _messages(body) for part in objects(message.get("content"))]


def _tools(body: JsonObject) -> list[JsonValue]:
    return [within(tool, "function", "name") for tool in objects(body.get("tools"))]


def _says_something(message: JsonObject) -> bool:
    role, content = str(message.get("role")), message.get("content")
    if role == "tool":
        return isinstance(content, str)
    if content is None:
        return role == "assistant" and bool(message.get("tool_calls") or message.get("refusal"))
    # What a model said may be in pieces that only its own server knows.
    return says_something(content, _WORDS.get(role, {}), others=role == "assistant")


def _answered_at_once(body: JsonObject) -> bool:
    awaited: list[JsonValue] = []
    for message in _messages(body):
        if message.get("role") == "tool":
            if not awaited or message.get("tool_call_id") != awaited.pop(0):
                return False
        elif awaited:
            return False
        awaited += [call.get("id") for call in objects(message.get("tool_calls"))]
    return not awaited


def _is_media(part: JsonObject) -> bool:
    match part:
        case {"type": "image_url", "image_url": {"url": str(url)}}:
            return url.startswith(("data:image/", "https://", "http://"))
        case {"type": "file", "file": {"file_data": str(data), "filename": str(name)}}:
            return data.startswith("data:") and bool(name.strip())
        case {"type": "image_url" | "file"}:
            return False
        case _:
            return True


RULES: Final[dict[str, Callable[[JsonObject], bool]]] = {
    "there is a message": lambda body: bool(_messages(body)),
    "a message is of a known role": lambda body: all(message.get("role") in _WORDS for message in _messages(body)),
    "a message says something": lambda body: all(map(_says_something, _messages(body))),
    "images and documents come as the wire takes them": lambda body: all(map(_is_media, _parts(body))),
    "marks are known": lambda body: marks_are_known(_parts(body)),
    "calls have their results right behind them, in order": _answered_at_once,
    "arguments are the text of an object": lambda body: all(
        is_object(within(call, "function", "arguments")) for call in _calls(body)
    ),
    "ids are short and visible": lambda body: all(is_id(call.get("id"), 40) for call in _calls(body)),
    "a call's name is of allowed letters, or a tool's": lambda body: all(
        is_name(name := within(call, "function", "name")) or name in _tools(body) for call in _calls(body)
    ),
    "a choice of tools is one of those on offer": lambda body: choice_is_offered(
        body.get("tool_choice"), within(body, "tool_choice", "function", "name"), _tools(body)
    ),
    "strict tools have the strict form": lambda body: all(
        parameters_are_sound(function)
        for tool in objects(body.get("tools"))
        if isinstance(function := tool.get("function"), dict)
    ),
    "a form of the answer is sound": lambda body: form_is_sound(within(body, "response_format", "json_schema")),
    "only a stream has options of a stream": lambda body: "stream_options" not in body or body.get("stream") is True,
}
