"""Says which rules of the Converse wire the body of a request breaks.

Source of the rules: the service model of Bedrock Runtime, and Amazon's documentation of the Converse API.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Final

from punk.core.json import JsonObject, JsonValue

Blocks = list[JsonObject]
_ID: Final = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_DOCUMENT: Final = re.compile(r"(?!.*\s\s)[a-zA-Z0-9\s()\[\]-]{1,200}")
_IMAGES: Final = ("png", "jpeg", "gif", "webp")
_DOCUMENTS: Final = ("pdf", "csv", "doc", "docx", "xls", "xlsx", "html", "txt", "md")
_MEDIA: Final = ("image", "document", "video", "audio")


def request_faults(body: JsonObject) -> tuple[str, ...]:
    """The rules that `body` breaks, in words; empty for a request that the wire takes."""
    return tuple(rule for rule, kept in RULES.items() if not kept(body))


def _messages(body: JsonObject) -> list[tuple[JsonValue, Blocks]]:
    return [(message.get("role"), _objects(message.get("content"))) for message in _objects(body.get("messages"))]


def _objects(value: JsonValue) -> Blocks:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _blocks(body: JsonObject) -> Iterator[JsonObject]:
    for _, blocks in _messages(body):
        yield from blocks


def _contents(body: JsonObject, kind: str, role: str | None = None) -> list[JsonObject]:
    """The contents of the blocks of a kind, in the messages of a role or in all."""
    said = (block for who, blocks in _messages(body) if role in (None, who) for block in blocks)
    return [content for block in said if isinstance(content := block.get(kind), dict)]


def _results(body: JsonObject) -> list[Blocks]:
    """What stands in each of the results of tools that the user gives."""
    return [_objects(result.get("content")) for result in _contents(body, "toolResult", "user")]


def _media(body: JsonObject, kind: str) -> list[JsonObject]:
    """The contents of the blocks of a kind, in messages and in results."""
    given = (block for blocks in _results(body) for block in blocks)
    return [*_contents(body, kind), *(content for block in given if isinstance(content := block.get(kind), dict))]


def _ids(blocks: Blocks, kind: str, key: str = "toolUseId") -> list[JsonValue]:
    return [content.get(key) for block in blocks if isinstance(content := block.get(kind), dict)]


def _is_served(call: JsonObject) -> bool:
    return call.get("type") is not None


def _client_calls(blocks: Blocks) -> list[JsonValue]:
    calls = [call for block in blocks if isinstance(call := block.get("toolUse"), dict)]
    return [call.get("toolUseId") for call in calls if not _is_served(call)]


def _answered_at_once(body: JsonObject) -> bool:
    messages = _messages(body)
    for (role, asked), (_, after) in pairwise([(None, []), *messages, (None, [])]):
        calls = _client_calls(asked) if role == "assistant" else []
        results = _ids(after, "toolResult") if role == "assistant" else []
        first = ["toolResult" in block for block in after[: len(results)]]
        if calls != results or not all(first):
            return False
    return all(role != "user" or not _ids(blocks, "toolResult") for role, blocks in messages[:1])


def _served_at_once(body: JsonObject) -> bool:
    for role, blocks in _messages(body):
        calls = [c for b in blocks if isinstance(c := b.get("toolUse"), dict) and _is_served(c)]
        results = _ids(blocks, "toolResult") if role == "assistant" else []
        if Counter(map(str, results)) != Counter(str(call.get("toolUseId")) for call in calls):
            return False
    return True


def _texts(body: JsonObject) -> Iterator[JsonValue]:
    cited = [_objects(content.get("content")) for content in _contents(body, "citationsContent")]
    for blocks in (list(_blocks(body)), _objects(body.get("system")), *_results(body), *cited):
        yield from (block["text"] for block in blocks if "text" in block)


def _tool_config(body: JsonObject) -> JsonObject:
    config = body.get("toolConfig")
    return config if isinstance(config, dict) else {}


def _specs(body: JsonObject) -> list[JsonObject]:
    specs = (tool.get("toolSpec") for tool in _objects(_tool_config(body).get("tools")))
    return [spec for spec in specs if isinstance(spec, dict)]


def _tool_names(body: JsonObject) -> list[JsonValue]:
    return [spec.get("name") for spec in _specs(body)]


def _is_closed(schema: JsonValue) -> bool:
    match schema:
        case dict():
            open_ = schema.get("type") == "object" and schema.get("additionalProperties") is not False
            return not open_ and all(map(_is_closed, schema.values()))
        case list():
            return all(map(_is_closed, schema))
        case _:
            return True


def _is_id(value: JsonValue) -> bool:
    return isinstance(value, str) and _ID.fullmatch(value) is not None


def _last_block(body: JsonObject) -> JsonObject:
    role, blocks = _messages(body)[-1] if _messages(body) else (None, [])
    return blocks[-1] if role == "assistant" and blocks else {}


def _choice_is_there(body: JsonObject) -> bool:
    choice = _tool_config(body).get("toolChoice")
    one = choice.get("tool") if isinstance(choice, dict) else None
    return not isinstance(one, dict) or one.get("name") in _tool_names(body)


def _thinking_fits(body: JsonObject) -> bool:
    extra, inference = body.get("additionalModelRequestFields"), body.get("inferenceConfig")
    thinking = extra.get("thinking") if isinstance(extra, dict) else None
    budget = thinking.get("budget_tokens") if isinstance(thinking, dict) else None
    most = inference.get("maxTokens") if isinstance(inference, dict) else None
    return not isinstance(budget, int) or (budget >= 1024 and (not isinstance(most, int) or budget < most))


def _is_reasoning(content: JsonObject) -> bool:
    text = content.get("reasoningText")
    return bool(content.get("redactedContent")) or (isinstance(text, dict) and bool(text.get("signature")))


RULES: Final[dict[str, Callable[[JsonObject], bool]]] = {
    "there is a message": lambda body: bool(_messages(body)),
    "messages are of the user and the assistant, by turns, the user first": lambda body: (
        [role for role, _ in _messages(body)] == [("user", "assistant")[at % 2] for at in range(len(_messages(body)))]
    ),
    "a message has content": lambda body: all(blocks for _, blocks in _messages(body)),
    "a block has one member": lambda body: all(len(block) == 1 for block in _blocks(body)),
    "no text is blank": lambda body: all(isinstance(text, str) and text.strip() for text in _texts(body)),
    "an answer to be continued does not end in white space": lambda body: (
        not isinstance(text := _last_block(body).get("text"), str) or text == text.rstrip()
    ),
    "calls have their results, in order, at the start of the next message": _answered_at_once,
    "a call that the server answers stands with its answer": _served_at_once,
    "a result is not empty, and says how it went": lambda body: all(
        result.get("content") and result.get("status") in ("success", "error")
        for result in _contents(body, "toolResult", "user")
    ),
    "a result is of texts, images and documents": lambda body: all(
        len(block) == 1 and block.keys() <= {"text", "image", "document"}
        for blocks in _results(body)
        for block in blocks
    ),
    "a strict tool has a closed schema": lambda body: all(
        _is_closed(spec.get("inputSchema")) for spec in _specs(body) if spec.get("strict")
    ),
    "ids and names are of allowed letters": lambda body: all(
        _is_id(value)
        for value in (
            *_tool_names(body),
            *(
                call.get(key)
                for call in _contents(body, "toolUse")
                if not _is_served(call)
                for key in ("toolUseId", "name")
            ),
        )
    ),
    "arguments are an object": lambda body: all(
        isinstance(call.get("input"), dict) for call in _contents(body, "toolUse")
    ),
    "calls come with tools": lambda body: not any(map(_client_calls, _all(body))) or bool(_tool_names(body)),
    "tools have names of their own": lambda body: len(set(map(str, _tool_names(body)))) == len(_tool_names(body)),
    "a tool that is demanded is there": _choice_is_there,
    "reasoning has its signature": lambda body: all(map(_is_reasoning, _contents(body, "reasoningContent"))),
    "a message does not end in reasoning": lambda body: (
        not any(blocks and "reasoningContent" in blocks[-1] for _, blocks in _messages(body))
    ),
    "media come from the user": lambda body: not any(_contents(body, kind, "assistant") for kind in _MEDIA),
    "media have a format that the wire knows": lambda body: (
        all(image.get("format") in _IMAGES for image in _media(body, "image"))
        and all(document.get("format") in _DOCUMENTS for document in _media(body, "document"))
    ),
    "documents have names of their own, of allowed letters": lambda body: (
        all(_DOCUMENT.fullmatch(name) for name in _names(body)) and len(set(_names(body))) == len(_names(body))
    ),
    "a document has a text beside it": lambda body: all(
        any("text" in block for block in blocks)
        for blocks in (*_all(body), *_results(body))
        if any("document" in block for block in blocks)
    ),
    "a thinking budget leaves room for an answer": _thinking_fits,
}


def _all(body: JsonObject) -> list[Blocks]:
    return [blocks for _, blocks in _messages(body)]


def _names(body: JsonObject) -> list[str]:
    return [str(document.get("name")) for document in _media(body, "document")]
