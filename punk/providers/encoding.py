"""What every encoder of requests needs: alphabets of ids and names, tools, choices, and which media a wire takes."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from typing import Final, final

from returns.result import Success

from punk.core.effects import RequestTurn
from punk.core.failures import Unsupported
from punk.core.json import JsonObject, parse_object
from punk.core.media import InlineMedia
from punk.core.messages import Message, ToolCallMessage, ToolResultMessage
from punk.core.parts import DocumentPart, ImagePart, TextPart, ToolCall, UserPart
from punk.core.request import OneTool, OutputSpec, ToolChoice, ToolSpec

ANSWER_TOOL: Final = "final_answer"
"""The tool through which a structured answer comes where a wire has no better way."""

_DIGEST: Final = 12
"""Letters of a digest that keep two spellings apart."""


@final
@dataclass(frozen=True, slots=True)
class Alphabet:
    """What an id or a name may be made of: `letters`, as they stand between the brackets of a regular expression, and
    at most `longest` of them."""

    letters: str
    longest: int

    def holds(self, text: str) -> bool:
        """Whether `text` is one, and not empty."""
        return len(text) <= self.longest and _pattern(f"[{self.letters}]+").fullmatch(text) is not None

    def spelled(self, text: str) -> str:
        """`text`, or if it is none, one that stands for it alone: the same every time."""
        if self.holds(text):
            return text
        kept = _pattern(f"[^{self.letters}]").sub("_", text)[: max(0, min(40, self.longest - _DIGEST - 1))]
        return f"{kept}_{sha256(text.encode(errors='surrogatepass')).hexdigest()[:_DIGEST]}"


@final
@dataclass(frozen=True, slots=True)
class MediaRules:
    """Which parts of a user's words a provider takes.

    `images` and `documents` name the sources: `bytes`, or the scheme of an address. `cache_marks` says whether a
    prompt may be marked to be kept. `image_types` and `document_types` are the media types that are taken; with none
    named, all are.
    """

    provider: str
    images: frozenset[str]
    documents: frozenset[str]
    cache_marks: bool
    image_types: frozenset[str] = frozenset()
    document_types: frozenset[str] = frozenset()

    def refusal(self, part: UserPart) -> Unsupported | None:
        """Why the provider does not take `part`, None if it does."""
        if part.cache is not None and not self.cache_marks:
            return Unsupported(f"{self.provider} takes no cache marks: leave `cache` out")
        if isinstance(part, TextPart):
            return None
        if isinstance(part, ImagePart):
            what, taken, types = "images", self.images, self.image_types
        else:
            what, taken, types = "documents", self.documents, self.document_types
        if not taken:
            return Unsupported(f"{self.provider} takes no {what}")
        source = "bytes" if isinstance(part.source, InlineMedia) else part.source.scheme
        if source not in taken:
            ways = " or ".join("bytes" if way == "bytes" else f"{way} URL" for way in sorted(taken))
            return Unsupported(f"{self.provider} takes {what} as {ways}, not as {source}: pass it in such a form")
        kind = plain_type(part.source.media_type)
        if kind and types and kind not in types:
            return Unsupported(f"{self.provider} takes {what} of {', '.join(sorted(types))}, not {kind}: convert it")
        return None


def plain_type(media_type: str | None) -> str:
    """The type alone, in lower case: `text/plain` of `text/plain; charset=utf-8`."""
    return (media_type or "").partition(";")[0].strip().lower()


def refused_part(messages: Iterable[Message], rules: MediaRules) -> Unsupported | None:
    """Why one of the texts, images and documents in `messages` is not taken, None if all are."""
    for message in messages:
        for part in () if isinstance(message, ToolResultMessage) else message.parts:
            if isinstance(part, TextPart | ImagePart | DocumentPart) and (refusal := rules.refusal(part)):
                return refusal
    return None


def refused_tool_name(name: str, alphabet: Alphabet) -> Unsupported | None:
    """Why a tool cannot have this name, None if it can."""
    if alphabet.holds(name):
        return None
    return Unsupported(
        f"a tool's name is 1 to {alphabet.longest} of the letters {alphabet.letters} for this provider, "
        f"not {name[: alphabet.longest]!r}: rename it"
    )


def tool_schema(tool: ToolSpec) -> JsonObject | Unsupported:
    """The JSON schema of the tool's arguments."""
    match parse_object(tool.parameters):
        case Success(dict() as schema):
            return schema
        case _:
            return Unsupported(f"the parameters of tool {tool.name} are not a JSON schema of an object")


def arguments_object(call: ToolCall) -> JsonObject:
    """The arguments of `call`; an empty object for what is none."""
    return parse_object(call.arguments).value_or({})


def arguments_text(call: ToolCall) -> str:
    """The arguments of `call` as they were written; `{}` for what is no JSON object."""
    return parse_object(call.arguments).map(lambda _: call.arguments).value_or("{}")


def choice_now(choice: ToolChoice | None, turn: RequestTurn) -> ToolChoice | None:
    """What `choice` asks of `turn`. A demand holds until a tool has answered: else a model would call for ever."""
    if choice in (None, "auto", "none"):
        return choice
    answered = bool(turn.messages) and isinstance(turn.messages[-1], ToolResultMessage)
    return "auto" if answered else choice


def asked_choice(choice: ToolChoice | None, turn: RequestTurn) -> ToolChoice | Unsupported | None:
    """What `choice` asks of `turn`: None without tools, and why not where it demands one that is not on offer."""
    offered = [tool.name for tool in turn.tools]
    if isinstance(choice, OneTool) and choice.name not in offered:
        return Unsupported(f"tool_choice demands {choice.name!r}, which is none of the chat's tools: {offered}")
    if not offered:
        return Unsupported("tool_choice demands a call, and the chat has no tools") if choice == "required" else None
    return choice_now(choice, turn)


def laid_over(body: JsonObject, extra: JsonObject | None, *merged: str) -> JsonObject:
    """`body` with the fields of `extra`, which win. The objects that are `merged` are so field by field."""
    result = body | (extra or {})
    for name in merged:
        match body.get(name), result.get(name):
            case dict() as ours, dict() as theirs:
                result[name] = ours | theirs
            case _:
                pass
    return result


def room_beside(budget: int, max_tokens: int) -> int:
    """`max_tokens`, of which the thinking is a part: raised by a `budget` that would leave no room for an answer."""
    return max_tokens if max_tokens > budget else max_tokens + budget


def called_tools(messages: Iterable[Message]) -> tuple[str, ...]:
    """The names of the tools that were called, each once."""
    said = (message for message in messages if isinstance(message, ToolCallMessage))
    return tuple(dict.fromkeys(call.name for message in said for call in message.calls))


def answer_tool(output: OutputSpec) -> ToolSpec:
    """The tool whose arguments are the structured answer."""
    about = output.description or f"The answer: {output.name}."
    return ToolSpec(ANSWER_TOOL, f"Give your final answer by calling this tool, once. {about}", output.schema)


@lru_cache(maxsize=32)
def _pattern(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)
