"""Strategies for messages of every kind, and for conversations that a provider would accept."""

from __future__ import annotations

from typing import Final

from hypothesis import strategies as st

from punk.core.json import dump_json
from punk.core.media import CacheMark, InlineMedia, MediaSource, MediaUrl
from punk.core.messages import (
    AssistantMessage,
    Message,
    SystemMessage,
    ToolCallMessage,
    ToolResultMessage,
    UserMessage,
)
from punk.core.parts import (
    Approval,
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
from punk.llm.chat import Chat
from punk.testing.strategies.values import finishes, json_objects, origins, provider_data, texts, usages

NAMES = ("get_weather", "calculate", "now")


_APPROVALS: Final[st.SearchStrategy[Approval | None]] = st.sampled_from((None, None, "needed", "given"))

# Strategies are made once: hypothesis spends far more on making one than on drawing from it.
CALLS: Final = st.builds(
    ToolCall,
    st.integers(0, 99).map(lambda number: f"id-{number}"),
    st.sampled_from(NAMES),
    json_objects().map(dump_json),
    st.none() | provider_data(),
    _APPROVALS,
)
TEXT_PARTS: Final = st.builds(TextPart, texts(min_size=1), st.none() | provider_data())
_MARKS: Final = st.none() | st.builds(CacheMark, st.sampled_from(("5m", "1h")))
_MEDIA_TYPES: Final = st.sampled_from(("image/png", "application/pdf"))
_SOURCES: Final[st.SearchStrategy[MediaSource]] = st.builds(
    InlineMedia, _MEDIA_TYPES, st.binary(max_size=8)
) | st.builds(MediaUrl, st.just("https://example.com/media?signature=x"), st.none() | _MEDIA_TYPES)
_MEDIA: Final[st.SearchStrategy[UserPart]] = st.one_of(
    st.builds(TextPart, texts(), cache=_MARKS),
    st.builds(ImagePart, _SOURCES, _MARKS),
    st.builds(DocumentPart, _SOURCES, st.none() | texts(), _MARKS),
)
_RESULT_PARTS: Final[st.SearchStrategy[UserPart]] = st.one_of(
    st.builds(TextPart, texts()),
    st.builds(ImagePart, st.builds(InlineMedia, st.just("image/png"), st.binary(min_size=1, max_size=8))),
    st.builds(
        DocumentPart,
        st.builds(InlineMedia, st.just("application/pdf"), st.binary(min_size=1, max_size=8)),
        st.none() | texts(),
    ),
)
# What a tool gives: a text, or parts that every wire can hold. A tool marks nothing to be kept.
RESULTS: Final[st.SearchStrategy[str | tuple[UserPart, ...]]] = texts() | st.lists(_RESULT_PARTS, max_size=2).map(tuple)
WORDS: Final[st.SearchStrategy[AssistantPart]] = st.one_of(
    TEXT_PARTS,
    st.builds(ThinkingPart, texts(), st.none() | texts(min_size=1), st.none() | provider_data()),
    st.builds(RefusalPart, texts(min_size=1)),
    st.builds(OpaquePart, st.sampled_from(("server_tool_use", "thing")), provider_data(), st.booleans()),
)
_USER_WORDS: Final = texts(min_size=1) | st.lists(TEXT_PARTS, min_size=1, max_size=3).map(tuple)
_USER_MESSAGES: Final = st.builds(UserMessage, _USER_WORDS)
_ASSISTANT_MESSAGES: Final = st.builds(
    AssistantMessage,
    st.lists(WORDS, max_size=3),
    finish=finishes(),
    usage=st.none() | usages(),
    origin=origins(),
    unrun_calls=st.lists(CALLS, max_size=1),
)
# At least one call, their ids distinct, among other parts.
CALL_MESSAGES: Final = st.builds(
    ToolCallMessage,
    st.tuples(
        st.lists(WORDS, max_size=1),
        st.lists(CALLS, min_size=1, max_size=3, unique_by=lambda call: call.id),
        st.lists(WORDS, max_size=1),
    ).map(lambda parts: [*parts[0], *parts[1], *parts[2]]),
    finish=finishes(),
    usage=st.none() | usages(),
    origin=origins(),
)
_MESSAGES: Final[st.SearchStrategy[Message]] = st.one_of(
    st.builds(SystemMessage, _USER_WORDS),
    _USER_MESSAGES,
    st.builds(UserMessage, st.lists(_MEDIA, max_size=3)),
    _ASSISTANT_MESSAGES,
    CALL_MESSAGES,
    st.builds(
        ToolResultMessage,
        texts(min_size=1),
        st.sampled_from(NAMES),
        texts() | st.lists(_MEDIA, max_size=3),
        st.booleans(),
    ),
)


def messages() -> st.SearchStrategy[Message]:
    """One message of any kind."""
    return _MESSAGES


@st.composite
def histories(draw: st.DrawFn) -> tuple[Message, ...]:
    """A conversation in words, in which every call has its one result, in call order, and the user speaks last. Only
    results hold media."""
    said: list[Message] = [SystemMessage("Be brief.")] if draw(st.booleans()) else []
    for _ in range(draw(st.integers(0, 2))):
        said.append(draw(_USER_MESSAGES))
        if draw(st.booleans()):
            asked = draw(CALL_MESSAGES)
            said.append(asked)
            said.extend(ToolResultMessage(c.id, c.name, draw(RESULTS), draw(st.booleans())) for c in asked.calls)
        said.append(draw(_ASSISTANT_MESSAGES))
    return (*said, draw(_USER_MESSAGES))


def chats() -> st.SearchStrategy[Chat]:
    """A chat that holds such a conversation; it has neither a model nor tools yet."""
    return st.builds(Chat, histories())
