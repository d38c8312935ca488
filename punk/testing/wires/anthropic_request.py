"""Says which rules of the Messages wire the body of a request breaks.

Source of the rules: Anthropic's documentation of the Messages API, of tool use and of extended thinking.
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


def _texts(body: JsonObject) -> list[JsonValue]:
    system = body.get("system")
    said = [*_blocks(body, "text"), *(b for b in (system if isinstance(system, list) else []) if isinstance(b, dict))]
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
    thinking, most = body.get("thinking"), body.get("max_tokens")
    budget = thinking.get("budget_tokens") if isinstance(thinking, dict) else None
    return not isinstance(budget, int) or (isinstance(most, int) and 1024 <= budget < most)


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
    "a result is not empty": lambda body: all(
        isinstance(text := block.get("content"), str) and text.strip() for block in _blocks(body, "tool_result")
    ),
    "thinking has its signature": lambda body: all(block.get("signature") for block in _blocks(body, "thinking")),
    "a message does not end in thinking": lambda body: (
        not any(blocks and blocks[-1].get("type") in ("thinking", "redacted_thinking") for _, blocks in _messages(body))
    ),
    "a thinking budget leaves room for an answer": _budget_fits,
}
