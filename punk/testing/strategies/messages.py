"""Strategies for messages of every kind, and for conversations that a provider would accept."""

from __future__ import annotations

from hypothesis import strategies as st

from punk.core.json import dump_json
from punk.core.messages import (
    AssistantMessage,
    Message,
    SystemMessage,
    ToolCallMessage,
    ToolResultMessage,
    UserMessage,
)
from punk.core.parts import AssistantPart, OpaquePart, RefusalPart, TextPart, ThinkingPart, ToolCall
from punk.llm.chat import Chat
from punk.testing.strategies.values import finishes, json_objects, origins, provider_data, texts, usages

NAMES = ("get_weather", "calculate", "now")


def calls() -> st.SearchStrategy[ToolCall]:
    """Calls with complete arguments, and ids that may repeat."""
    ids = st.integers(0, 99).map(lambda number: f"id-{number}")
    return st.builds(
        ToolCall, ids, st.sampled_from(NAMES), json_objects().map(dump_json), st.none() | provider_data()
    )


def text_parts() -> st.SearchStrategy[TextPart]:
    """Text, some of it with a payload."""
    return st.builds(TextPart, texts(min_size=1), st.none() | provider_data())


def words() -> st.SearchStrategy[AssistantPart]:
    """What an assistant says beside calls: text, thinking with and without a signature, refusals, opaque blocks."""
    return st.one_of(
        text_parts(),
        st.builds(ThinkingPart, texts(), st.none() | texts(min_size=1), st.none() | provider_data()),
        st.builds(RefusalPart, texts(min_size=1)),
        st.builds(OpaquePart, st.sampled_from(("server_tool_use", "thing")), provider_data(), st.booleans()),
    )


def _user_words() -> st.SearchStrategy[str | tuple[TextPart, ...]]:
    return texts(min_size=1) | st.lists(text_parts(), min_size=1, max_size=3).map(tuple)


def _assistant_messages() -> st.SearchStrategy[AssistantMessage]:
    return st.builds(
        AssistantMessage,
        st.lists(words(), max_size=3),
        finish=finishes(),
        usage=st.none() | usages(),
        origin=origins(),
        unrun_calls=st.lists(calls(), max_size=1),
    )


@st.composite
def _call_messages(draw: st.DrawFn) -> ToolCallMessage:
    """At least one call, their ids distinct, among other parts."""
    asked = draw(st.lists(calls(), min_size=1, max_size=3, unique_by=lambda call: call.id))
    said = draw(st.lists(words(), max_size=2))
    parts = draw(st.permutations([*said, *asked]))
    return ToolCallMessage(parts, finish=draw(finishes()), usage=draw(st.none() | usages()), origin=draw(origins()))


def messages() -> st.SearchStrategy[Message]:
    """One message of any kind."""
    return st.one_of(
        st.builds(SystemMessage, _user_words()),
        st.builds(UserMessage, _user_words()),
        _assistant_messages(),
        _call_messages(),
        st.builds(ToolResultMessage, texts(min_size=1), st.sampled_from(NAMES), texts(), st.booleans()),
    )


@st.composite
def histories(draw: st.DrawFn) -> tuple[Message, ...]:
    """A conversation in which every call has its one result, in call order, and the user speaks last."""
    said: list[Message] = [SystemMessage("Be brief.")] if draw(st.booleans()) else []
    for _ in range(draw(st.integers(0, 2))):
        said.append(draw(st.builds(UserMessage, _user_words())))
        if draw(st.booleans()):
            asked = draw(_call_messages())
            said.append(asked)
            said.extend(ToolResultMessage(c.id, c.name, draw(texts()), draw(st.booleans())) for c in asked.calls)
        said.append(draw(_assistant_messages()))
    return (*said, UserMessage(draw(texts(min_size=1))))


def chats() -> st.SearchStrategy[Chat]:
    """A chat that holds such a conversation; it has neither a model nor tools yet."""
    return st.builds(Chat, histories())
