"""Draws what a chat may ask of a model: media and marks in its messages, tools, a choice of them, an answer's form."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from hypothesis import strategies as st

from punk.core.effects import RequestTurn
from punk.core.json import JsonObject, JsonValue, dump_json
from punk.core.media import CacheMark, InlineMedia, MediaUrl
from punk.core.messages import AssistantMessage, Message, SystemMessage, ToolCallMessage, UserMessage
from punk.core.parts import (
    AssistantPart,
    DocumentPart,
    ImagePart,
    OpaquePart,
    RefusalPart,
    TextPart,
    ThinkingPart,
    ToolCall,
    UserPart,
)
from punk.core.request import OneTool, OutputSpec, ToolChoice, ToolSpec
from punk.core.thinking import ThinkingConfig
from punk.testing.strategies import histories, texts

PNG: Final = InlineMedia("image/png", b"\x89PNG")
PDF: Final = InlineMedia("application/pdf", b"%PDF")
NOTE: Final = InlineMedia("text/plain; charset=utf-8", "é".encode())
WEB: Final = MediaUrl("https://example.com/m?signature=x")

TOOLS: Final = (
    ToolSpec("calculate", "Adds up.", '{"type":"object","properties":{"n":{"type":"integer"}}}'),
    ToolSpec("now", "", '{"type":"object"}'),
)
CLOSED: Final = OutputSpec(
    "Reply",
    '{"type":"object","properties":{"a":{"type":"string","default":"x"},"b":{"type":"integer"}}}',
    "What it is.",
)
OPEN: Final = OutputSpec("Any reply", dump_json({"type": "object", "additionalProperties": {"type": "integer"}}))

_IMAGES: Final = st.sampled_from((PNG, WEB))
_NAMES: Final = st.none() | texts()
_TURNS: Final = st.sampled_from(((), TOOLS))
_OUTPUTS: Final = st.sampled_from((None, CLOSED, OPEN))

CHOICES: Final[st.SearchStrategy[ToolChoice | None]] = st.sampled_from(
    (None, "auto", "none", "required", OneTool("now"), OneTool("missing"))
)
THINKING: Final = st.sampled_from(
    (None, ThinkingConfig(), ThinkingConfig(token_budget=2000), ThinkingConfig(effort="none"))
)


def words(
    *, marks: st.SearchStrategy[CacheMark | None], documents: tuple[InlineMedia | MediaUrl, ...]
) -> st.SearchStrategy[list[UserPart]]:
    """Parts of a user's message, marked with `marks`, its documents of `documents`."""
    parts: st.SearchStrategy[UserPart] = st.one_of(
        st.builds(TextPart, texts(), cache=marks),
        st.builds(ImagePart, _IMAGES, marks),
        st.builds(DocumentPart, st.sampled_from(documents), _NAMES, marks),
    )
    return st.lists(parts, min_size=1, max_size=3)


@st.composite
def requests(
    draw: st.DrawFn, said: st.SearchStrategy[list[UserPart]], *, limit: int = 99, family: str = ""
) -> RequestTurn:
    """A turn with media in its conversation, at most `limit` marks, and no payloads of `family`: those that are drawn
    are nothing that a wire has said."""
    first, last = draw(said), draw(said)
    system = SystemMessage([part for part in draw(said) if isinstance(part, TextPart)])
    marked = [part for parts in (system.parts, first, last) for part in parts if part.cache is not None]
    messages: tuple[Message, ...] = (
        UserMessage(first),
        *(_without_payloads(message, family) for message in draw(histories())),
        UserMessage(last),
        UserMessage("Go on."),
    )
    if len(marked) <= limit:
        messages = (system, *messages)
    else:
        messages = messages[1:-2] + messages[-1:]
    return RequestTurn(1, messages, draw(_TURNS), draw(_OUTPUTS))


def _without_payloads(message: Message, family: str) -> Message:
    if not isinstance(message, AssistantMessage | ToolCallMessage):
        return message
    parts: list[AssistantPart] = []
    for part in message.parts:
        match part:
            case OpaquePart(data=data) if data.family == family:
                continue
            case TextPart() | ThinkingPart() | ToolCall() if part.provider_data and part.provider_data.family == family:
                parts.append(replace(part, provider_data=None))
            case _:
                parts.append(part)
    if isinstance(message, ToolCallMessage):
        return ToolCallMessage(parts, origin=message.origin)
    return AssistantMessage(parts, origin=message.origin)


def unsaid(turn: RequestTurn, body: JsonObject, *media: str) -> list[str]:
    """What of the texts in `turn` stands nowhere in `body`, and how many of its images and documents are no parts of
    the types `media`."""
    texts: list[str] = []
    shown = 0
    for message in turn.messages:
        parts = message.parts
        texts += [part.text for part in parts if isinstance(part, TextPart | RefusalPart) and part.text.strip()]
        shown += sum(isinstance(part, ImagePart | DocumentPart) for part in parts)
    written = dump_json(body)
    lost = [text for text in texts if dump_json(text)[1:-1] not in written]
    missing = shown - _parts(body, media)
    return [*lost, f"{missing} images or documents"] if missing else lost


def _parts(value: JsonValue, kinds: tuple[str, ...]) -> int:
    """How many objects of the types `kinds` are in `value`."""
    match value:
        case dict():
            return (value.get("type") in kinds) + sum(_parts(inner, kinds) for inner in value.values())
        case list():
            return sum(_parts(inner, kinds) for inner in value)
        case _:
            return 0
