"""The rules of the Converse wire hold for every conversation, and each of them can be broken."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given

from punk.core.history import valid_history
from punk.core.json import JsonObject
from punk.core.messages import (
    AssistantMessage,
    Message,
    ToolCallMessage,
    UserMessage,
)
from punk.providers.base import Body
from punk.testing.strategies import histories
from punk.testing.wires.bedrock_converse_request import RULES, request_faults
from tests.providers.bedrock.requests import (
    OURS,
    encoded,
    result,
    spec,
)


@given(histories())
def test_any_history_is_encoded_by_the_rules(said: tuple[Message, ...]) -> None:
    """Law 19: whatever wire its parts came from."""
    ours = tuple(replace_origin(message) for message in valid_history(said))
    for messages in (valid_history(said), ours):
        body = encoded(*messages, UserMessage("Go"))
        assert isinstance(body, Body)
        assert request_faults(body.json) == ()


def replace_origin(message: Message) -> Message:
    match message:
        case AssistantMessage(parts=parts):
            return AssistantMessage(parts, origin=OURS)
        case ToolCallMessage(parts=parts):
            return ToolCallMessage(parts, origin=OURS)
        case _:
            return message


USER: JsonObject = {"role": "user", "content": [{"text": "Hi"}]}


def said_by(role: str, *blocks: JsonObject) -> JsonObject:
    return {"role": role, "content": [*blocks]}


CALL: JsonObject = {"toolUse": {"toolUseId": "a", "name": "f", "input": {}}}
CONFIG: JsonObject = {"tools": [spec("f", {})]}
BROKEN: Mapping[str, JsonObject] = {
    "there is a message": {"messages": []},
    "messages are of the user and the assistant, by turns, the user first": {"messages": [USER, USER]},
    "a message has content": {"messages": [said_by("user")]},
    "a block has one member": {"messages": [said_by("user", {"text": "a", "cachePoint": {}})]},
    "no text is blank": {"messages": [USER], "system": [{"text": " "}]},
    "an answer to be continued does not end in white space": {"messages": [USER, said_by("assistant", {"text": "a "})]},
    "calls have their results, in order, at the start of the next message": {
        "messages": [USER, said_by("assistant", CALL), USER],
        "toolConfig": CONFIG,
    },
    "a call that the server answers stands with its answer": {
        "messages": [
            USER,
            said_by("assistant", {"toolUse": {"toolUseId": "a", "type": "server_tool_use", "input": {}}}),
        ]
    },
    "a result is not empty, and says how it went": {
        "messages": [
            USER,
            said_by("assistant", CALL),
            said_by("user", {"toolResult": {"toolUseId": "a", "content": [], "status": "success"}}),
        ],
        "toolConfig": CONFIG,
    },
    "a result is of texts, images and documents": {
        "messages": [
            USER,
            said_by("assistant", CALL),
            said_by("user", {"toolResult": {"toolUseId": "a", "content": [{"video": {}}], "status": "success"}}),
        ],
        "toolConfig": CONFIG,
    },
    "a strict tool has a closed schema": {
        "messages": [USER],
        "toolConfig": {
            "tools": [{"toolSpec": {"name": "f", "inputSchema": {"json": {"type": "object"}}, "strict": True}}]
        },
    },
    "ids and names are of allowed letters": {"messages": [USER], "toolConfig": {"tools": [spec("a b", {})]}},
    "arguments are an object": {
        "messages": [
            USER,
            said_by("assistant", {"toolUse": {"toolUseId": "a", "name": "f", "input": "{}"}}),
            said_by("user", result("a", "1")),
        ],
        "toolConfig": CONFIG,
    },
    "calls come with tools": {"messages": [USER, said_by("assistant", CALL), said_by("user", result("a", "1"))]},
    "tools have names of their own": {"messages": [USER], "toolConfig": {"tools": [spec("f", {}), spec("f", {})]}},
    "a tool that is demanded is there": {
        "messages": [USER],
        "toolConfig": {**CONFIG, "toolChoice": {"tool": {"name": "g"}}},
    },
    "reasoning has its signature": {
        "messages": [USER, said_by("assistant", {"reasoningContent": {"reasoningText": {"text": "a"}}}, {"text": "b"})]
    },
    "a message does not end in reasoning": {
        "messages": [USER, said_by("assistant", {"reasoningContent": {"redactedContent": "AA=="}})]
    },
    "media come from the user": {
        "messages": [USER, said_by("assistant", {"image": {"format": "png", "source": {}}}), USER]
    },
    "media have a format that the wire knows": {
        "messages": [said_by("user", {"image": {"format": "tiff", "source": {}}})]
    },
    "documents have names of their own, of allowed letters": {
        "messages": [said_by("user", {"text": "a"}, {"document": {"format": "pdf", "name": "a_b", "source": {}}})]
    },
    "a document has a text beside it": {
        "messages": [said_by("user", {"document": {"format": "pdf", "name": "a", "source": {}}})]
    },
    "a thinking budget leaves room for an answer": {
        "messages": [USER],
        "inferenceConfig": {"maxTokens": 2048},
        "additionalModelRequestFields": {"thinking": {"type": "enabled", "budget_tokens": 2048}},
    },
}


@pytest.mark.parametrize("rule", RULES)
def test_each_rule_can_be_broken(rule: str) -> None:
    assert request_faults(BROKEN[rule]) == (rule,)
