"""A chat is a value: adding to it makes another, and what is no part of it is refused where it is given."""

from __future__ import annotations

import re
from typing import cast

import pytest

from punk.core.messages import AssistantMessage, Message, SystemMessage, UserMessage
from punk.core.usage import Usage
from punk.errors import ConfigurationError
from punk.llm.chat import Chat
from punk.llm.mcp import MCPServerConfig
from punk.llm.models.base import Model
from punk.llm.options import RunOptions
from punk.llm.tools import Tool
from tests.llm.script import answer, ask

ASKED = UserMessage("q")


def tool() -> str:
    """Do something."""
    return "x"


def test_adding_makes_another_chat() -> None:
    empty = Chat()
    one = empty.add_message(ASKED)
    two = empty.add_messages([SystemMessage("s"), ASKED])
    assert (empty.messages, one.messages, two.messages) == ((), (ASKED,), (SystemMessage("s"), ASKED))
    assert one.latest_message is ASKED
    assert one == Chat([ASKED])
    assert hash(one) == hash(Chat([ASKED]))
    assert one != two
    assert one != "q"
    assert one.with_messages(()) == empty


def test_model_and_tools_stay_with_the_chat() -> None:
    _, model = ask(answer("a"))
    chat = Chat(model=model).with_tools([tool]).add_message(ASKED)
    assert (chat.model, chat.tools) == (model, (tool,))
    assert chat.with_model(None).model is None
    final = chat.complete()
    assert (final.model, final.tools) == (model, (tool,))
    assert "UserMessage" in repr(chat)


def test_usage_is_summed_over_the_answers() -> None:
    messages = [
        AssistantMessage("a", usage=Usage(10, 5, cache_read_tokens=3)),
        AssistantMessage("b"),
        AssistantMessage("c", usage=Usage(1, 2, lower_bound=True)),
    ]
    assert Chat(messages).usage == Usage(11, 7, cache_read_tokens=3, lower_bound=True)
    assert Chat().usage == Usage()


@pytest.mark.parametrize("wrong", ["a text", None, ["m"]])
def test_what_is_no_message_is_refused(wrong: object) -> None:
    message = cast("Message", wrong)
    with pytest.raises(ConfigurationError, match="made of messages"):
        Chat([message])
    with pytest.raises(ConfigurationError, match="made of messages"):
        Chat().add_message(message)
    with pytest.raises(ConfigurationError, match="made of messages"):
        Chat().add_messages([message])


@pytest.mark.parametrize("wrong", [tool, ["tool"]])
def test_what_is_no_list_of_tools_is_refused(wrong: object) -> None:
    with pytest.raises(ConfigurationError, match="list of functions"):
        Chat().with_tools(cast("list[type[object]]", wrong))


def test_what_is_no_model_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="AnthropicModel"):
        Chat(model=cast("Model", "anthropic:claude"))


def test_an_empty_chat_has_no_latest_message() -> None:
    with pytest.raises(ConfigurationError, match="no message"):
        _ = Chat().latest_message


@pytest.mark.parametrize("text", ["", "[]", '{"format": "punk.messages", "version": 99, "messages": []}'])
def test_json_of_another_kind_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError, match="JSON"):
        Chat.from_json(text)


def test_tools_come_from_any_iterable_and_from_nothing_else() -> None:
    assert Chat(tools=(each for each in [tool])).tools == (tool,)  # type: ignore[arg-type]  # a generator will do
    for wrong in (None, tool, Tool(tool), 5):
        with pytest.raises(ConfigurationError, match="tools are a list of functions"):
            Chat().with_tools(wrong)  # type: ignore[arg-type]  # what the checker forbids


def test_mcp_servers_come_from_any_iterable_and_from_nothing_else() -> None:
    config = MCPServerConfig("a", command="a")
    one = Chat().with_mcp_servers([config])
    assert one == Chat().with_mcp_servers(each for each in [config])  # type: ignore[arg-type]  # a generator will do
    assert one != Chat()
    for wrong in (None, config, 5):
        with pytest.raises(ConfigurationError, match="MCP servers are a list of MCPServerConfig"):
            Chat().with_mcp_servers(wrong)  # type: ignore[arg-type]  # what the checker forbids
    with pytest.raises(ConfigurationError, match="an MCP server is an MCPServerConfig, not str"):
        Chat().with_mcp_servers("a")  # type: ignore[arg-type]  # what the checker forbids


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"max_rounds": None}, "max_rounds is a whole number above 0, not None"),
        ({"max_rounds": True}, "max_rounds is a whole number above 0, not True"),
        ({"max_rounds": 1.5}, "max_rounds is a whole number above 0, not 1.5"),
        ({"max_tool_calls": 0}, "max_tool_calls is a whole number above 0, not 0"),
        ({"timeouts": 5}, "timeouts are Timeouts(...), not 5"),
        ({"retry": 3}, "retry is a RetryPolicy(...), not 3"),
        ({"fallback": ["gpt"]}, "a model is an object such as AnthropicModel(...), not 'gpt'"),
        ({"approve": dict}, "approve is a function of a call, not <class 'dict'>"),
    ],
)
def test_options_that_are_none(options: RunOptions, why: str) -> None:
    with pytest.raises(ConfigurationError, match=re.escape(why)):
        Chat().complete_stream(**options)
