"""Says which rules of the Messages wire the body of a request breaks.

Source of the rules: Anthropic's documentation of the Messages API, of tool use, of extended thinking, of prompt caching
and of structured outputs.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Final

from punk.core.json import JsonObject, JsonValue

Blocks = list[JsonObject]
_LETTERS: Final = re.compile(r"[a-zA-Z0-9_-]+")


def request_faults(body: JsonObject) -> tuple[str, ...]:
    """The rules that `body` breaks, in words; empty for a request that the wire takes."""
    return tuple(rule for rule, kept in RULES.items() if not kept(body))


def _messages(body: JsonObject) -> list[tuple[JsonValue, Blocks]]:
    messages = body.get("messages")
    return [_message(message) for message in messages] if isinstance(messages, list) else []


def _message(message: JsonValue) -> tuple[JsonValue, Blocks]:
    if not isinstance(message, dict) or not isinstance(message.get("content"), list):
        return None, []
    content = message["content"]
    return message.get("role"), [b for b in content if isinstance(b, dict)] if isinstance(content, list) else []


def _blocks(body: JsonObject, *kinds: str) -> Iterator[JsonObject]:
    for _, blocks in _messages(body):
        yield from (block for block in blocks if not kinds or block.get("type") in kinds)


def _given(body: JsonObject) -> Iterator[JsonObject]:
    """All blocks, and those within the results of tools."""
    for block in _blocks(body):
        content = block.get("content") if block.get("type") == "tool_result" else None
        yield from (inner for inner in (content if isinstance(content, list) else []) if isinstance(inner, dict))
        yield block


def _is_result(content: JsonValue) -> bool:
    if isinstance(content, str):
        return bool(content.strip())
    kinds = ("text", "image", "document")
    return (
        isinstance(content, list)
        and bool(content)
        and all(isinstance(block, dict) and block.get("type") in kinds for block in content)
    )


def _texts(body: JsonObject) -> list[JsonValue]:
    system = body.get("system")
    texts = (block for block in _given(body) if block.get("type") == "text")
    said = [*texts, *(b for b in (system if isinstance(system, list) else []) if isinstance(b, dict))]
    return [block.get("text") for block in said]


def _answered_at_once(body: JsonObject) -> bool:
    messages = _messages(body)
    for (role, asked), (_, after) in pairwise([*messages, (None, [])]):
        calls = [block.get("id") for block in asked if role == "assistant" and block.get("type") == "tool_use"]
        results = [block.get("tool_use_id") for block in after if block.get("type") == "tool_result"]
        if calls != results or (
            results and [b.get("type") for b in after[: len(results)]] != ["tool_result"] * len(results)
        ):
            return False
    return not any(b.get("type") == "tool_result" for b in (messages[0][1] if messages else []))


def _last_text(body: JsonObject) -> JsonValue:
    role, blocks = _messages(body)[-1] if _messages(body) else (None, [])
    return blocks[-1].get("text") if role == "assistant" and blocks else None


def _letters(*values: JsonValue) -> bool:
    return all(isinstance(value, str) and _LETTERS.fullmatch(value) is not None for value in values)


def _budget_fits(body: JsonObject) -> bool:
    # Where tokens are only counted, there is no answer that needs room.
    thinking, most = body.get("thinking"), body.get("max_tokens", float("inf"))
    budget = thinking.get("budget_tokens") if isinstance(thinking, dict) else None
    return not isinstance(budget, int) or (isinstance(most, int | float) and 1024 <= budget < most)


def _tools(body: JsonObject) -> list[JsonValue]:
    tools = body.get("tools")
    return [tool.get("name") for tool in (tools if isinstance(tools, list) else []) if isinstance(tool, dict)]


def _choice_is_offered(body: JsonObject) -> bool:
    match body.get("tool_choice"):
        case None:
            return True
        case {"type": "tool", "name": name}:
            return name in _tools(body)
        case {"type": "auto" | "any" | "none"}:
            return bool(_tools(body))
        case _:
            return False


def _thinks(body: JsonObject) -> bool:
    thinking = body.get("thinking")
    return isinstance(thinking, dict) and thinking.get("type") != "disabled"


def _demands(body: JsonObject) -> bool:
    choice = body.get("tool_choice")
    return isinstance(choice, dict) and choice.get("type") in ("any", "tool")


def _is_media(block: JsonObject) -> bool:
    source, kind = block.get("source"), block["type"]
    match source:
        case {"type": "base64", "media_type": str(media_type), "data": str()}:
            images = ("image/png", "image/jpeg", "image/gif", "image/webp")
            return media_type in (images if kind == "image" else ("application/pdf",))
        case {"type": "text", "media_type": "text/plain", "data": str(text)}:
            return kind == "document" and bool(text.strip())
        case {"type": "url", "url": str(url)}:
            return url.startswith("https://")
        case _:
            return False


def _marks(body: JsonObject) -> list[JsonValue]:
    system = body.get("system")
    said = [*(b for b in (system if isinstance(system, list) else []) if isinstance(b, dict)), *_given(body)]
    return [block["cache_control"] for block in said if "cache_control" in block]


def _marks_are_sound(body: JsonObject) -> bool:
    marks = _marks(body)
    lifetimes = [mark.get("ttl") for mark in marks if isinstance(mark, dict) and mark.get("type") == "ephemeral"]
    return (
        len(lifetimes) == len(marks) <= 4 and {*lifetimes} <= {"5m", "1h"} and lifetimes == sorted(lifetimes, key=str)
    )


def _is_closed(schema: JsonValue) -> bool:
    match schema:
        case dict():
            open_ = schema.get("type") == "object" and schema.get("additionalProperties") is not False
            return not (open_ or "oneOf" in schema) and all(map(_is_closed, schema.values()))
        case list():
            return all(map(_is_closed, schema))
        case _:
            return True


def _strict_tools_are_closed(body: JsonObject) -> bool:
    tools = body.get("tools")
    strict = [
        tool for tool in (tools if isinstance(tools, list) else []) if isinstance(tool, dict) and "strict" in tool
    ]
    return all(tool["strict"] is False or _is_closed(tool.get("input_schema")) for tool in strict)


def _form_is_closed(body: JsonObject) -> bool:
    config = body.get("output_config")
    form = config.get("format") if isinstance(config, dict) else None
    return form is None or (isinstance(form, dict) and form.get("type") == "json_schema" and _is_closed(form))


RULES: Final[dict[str, Callable[[JsonObject], bool]]] = {
    "there is a message": lambda body: bool(_messages(body)),
    "messages are of the user or the assistant, by turns": lambda body: (
        all(role in ("user", "assistant") for role, _ in _messages(body))
        and all(a != b for (a, _), (b, _) in pairwise(_messages(body)))
    ),
    "a message has content": lambda body: all(blocks for _, blocks in _messages(body)),
    "a block says its type": lambda body: all(isinstance(block.get("type"), str) for block in _blocks(body)),
    "no text is blank": lambda body: all(isinstance(text, str) and text.strip() for text in _texts(body)),
    "an answer to be continued does not end in white space": lambda body: (
        not isinstance(text := _last_text(body), str) or text == text.rstrip()
    ),
    "calls have their results, in order, at the start of the next message": _answered_at_once,
    "ids and names are of allowed letters": lambda body: all(
        _letters(block.get("id"), block.get("name")) for block in _blocks(body, "tool_use")
    ),
    "arguments are an object": lambda body: all(
        isinstance(block.get("input"), dict) for block in _blocks(body, "tool_use")
    ),
    "a result is not empty, and of texts, images and documents": lambda body: all(
        _is_result(block.get("content")) for block in _blocks(body, "tool_result")
    ),
    "thinking has its signature": lambda body: all(block.get("signature") for block in _blocks(body, "thinking")),
    "a message does not end in thinking": lambda body: (
        not any(blocks and blocks[-1].get("type") in ("thinking", "redacted_thinking") for _, blocks in _messages(body))
    ),
    "a thinking budget leaves room for an answer": _budget_fits,
    "images and documents come as the wire takes them": lambda body: all(
        _is_media(block) for block in _given(body) if block.get("type") in ("image", "document")
    ),
    "marks are four at most, the longer ones first": _marks_are_sound,
    "tools have names of allowed letters": lambda body: _letters(*_tools(body)),
    "strict tools have closed schemas": _strict_tools_are_closed,
    "a request with calls declares tools": lambda body: bool(_tools(body)) or not any(_blocks(body, "tool_use")),
    "a choice of tools is one of those on offer": _choice_is_offered,
    "a model that thinks is not made to call": lambda body: not (_thinks(body) and _demands(body)),
    "the form of an answer is closed": _form_is_closed,
}
