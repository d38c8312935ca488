"""How a model is asked to call a tool, and to answer in a given form."""

from __future__ import annotations

from dataclasses import replace

import pytest

from punk.core.failures import Unsupported
from punk.core.json import JsonObject, JsonValue, dump_json, parse_json
from punk.core.messages import Message, ToolCallMessage, ToolResultMessage, UserMessage
from punk.core.parts import ToolCall
from punk.core.request import OneTool, OutputSpec, ToolChoice, ToolSpec
from punk.core.thinking import ThinkingConfig
from punk.providers.base import Body
from punk.providers.bedrock.models import writes_json
from punk.providers.encoding import ANSWER_TOOL
from tests.providers.bedrock.requests import ADAPTIVE, BUDGET, NOVA, OLDER, asked, member

HI = UserMessage("Hi")
TOOL = ToolSpec("f", "", "{}")
SCHEMA: JsonObject = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}
OUTPUT = OutputSpec("Thing", dump_json(SCHEMA), "What it is.")


@pytest.mark.parametrize(
    ("choice", "said"),
    [
        (None, None),
        ("auto", None),
        ("required", {"any": {}}),
        (OneTool("f"), {"tool": {"name": "f"}}),
    ],
)
def test_the_choice_of_tools(choice: ToolChoice | None, said: JsonValue) -> None:
    settings = replace(BUDGET, tool_choice=choice)
    assert member(asked(settings, tools=(TOOL,)), "toolConfig", "toolChoice") == said
    # A demand that was met is not made again: the model would call for ever.
    answered = (ToolCallMessage([ToolCall("a", "f", "{}")]), ToolResultMessage("a", "f", "1"))
    assert member(asked(settings, *answered, tools=(TOOL,)), "toolConfig", "toolChoice") is None


CALLED = (ToolCallMessage([ToolCall("a", "f", "{}")]), ToolResultMessage("a", "f", "1"))


@pytest.mark.parametrize(
    ("choice", "tools", "thinking", "said"),
    [
        ("none", (TOOL,), None, CALLED),
        ("required", (), None, ()),
        (OneTool("g"), (TOOL,), None, ()),
        ("required", (TOOL,), ThinkingConfig(), ()),
        (OneTool("f"), (TOOL,), ThinkingConfig(), ()),
    ],
)
def test_choices_that_cannot_be(
    choice: ToolChoice, tools: tuple[ToolSpec, ...], thinking: ThinkingConfig | None, said: tuple[Message, ...]
) -> None:
    refused = asked(replace(BUDGET, tool_choice=choice), *said, tools=tools, thinking=thinking)
    assert isinstance(refused, Unsupported)


def test_no_tools_are_forbidden_by_offering_none() -> None:
    forbidding = replace(OLDER, tool_choice="none")
    assert member(asked(forbidding), "toolConfig") is None
    assert member(asked(forbidding, tools=(TOOL,)), "toolConfig") is None
    answered = asked(forbidding, *CALLED, tools=(TOOL,), output=OUTPUT)
    assert spec_names(answered) == [ANSWER_TOOL]
    assert member(answered, "toolConfig", "toolChoice") == {"tool": {"name": ANSWER_TOOL}}


def test_the_answers_tool_has_a_name_of_its_own() -> None:
    assert isinstance(asked(OLDER, tools=(ToolSpec(ANSWER_TOOL, "", "{}"),), output=OUTPUT), Unsupported)
    one = asked(replace(OLDER, tool_choice=OneTool("f")), tools=(TOOL,), output=OUTPUT)
    assert spec_names(one) == ["f", ANSWER_TOOL]
    assert member(one, "toolConfig", "toolChoice") == {"tool": {"name": "f"}}


def test_a_form_that_the_model_holds_to() -> None:
    body = asked(BUDGET, tools=(TOOL,), output=OUTPUT, thinking=ThinkingConfig())
    assert isinstance(body, Body)
    assert body.answer_tool is None
    definition = member(body, "outputConfig", "textFormat", "structure", "jsonSchema")
    assert isinstance(definition, dict)
    assert (definition["name"], definition["description"]) == ("Thing", "What it is.")
    closed: JsonObject = {**SCHEMA, "additionalProperties": False}
    assert parse_json(str(definition["schema"])).unwrap() == closed
    both = asked(ADAPTIVE, output=replace(OUTPUT, description=""), thinking=ThinkingConfig(effort="low"))
    assert member(both, "outputConfig", "effort") == "low"
    assert member(both, "outputConfig", "textFormat", "type") == "json_schema"


def spec_names(body: Body | Unsupported) -> list[JsonValue]:
    tools = member(body, "toolConfig", "tools")
    assert isinstance(tools, list)
    specs = [tool["toolSpec"] for tool in tools if isinstance(tool, dict)]
    return [spec["name"] for spec in specs if isinstance(spec, dict)]


def test_a_form_through_a_tool() -> None:
    alone = asked(OLDER, output=OUTPUT)
    assert isinstance(alone, Body)
    assert alone.answer_tool == ANSWER_TOOL
    assert spec_names(alone) == [ANSWER_TOOL]
    assert member(alone, "toolConfig", "toolChoice") == {"tool": {"name": ANSWER_TOOL}}
    beside = asked(OLDER, tools=(TOOL,), output=OUTPUT)
    assert spec_names(beside) == ["f", ANSWER_TOOL]
    assert member(beside, "toolConfig", "toolChoice") == {"any": {}}
    thinking = asked(OLDER, output=OUTPUT, thinking=ThinkingConfig())
    assert member(thinking, "toolConfig", "toolChoice") is None
    assert ANSWER_TOOL in str(member(thinking, "system"))
    assert member(alone, "system") is None


TREE: JsonObject = {"type": "object", "properties": {"b": {"anyOf": [{"$ref": "#/$defs/A"}, {"type": "null"}]}}}
LEAF: JsonObject = {"type": "object", "properties": {"b": {"type": "string"}}}


def test_a_form_with_parts_of_its_own() -> None:
    parts: JsonObject = {"type": "array", "items": {"$ref": "#/$defs/A"}}
    schema: JsonObject = {"type": "object", "properties": {"a": parts}, "$defs": {"A": LEAF}}
    body = asked(BUDGET, output=OutputSpec("Thing", dump_json(schema)))
    definition = member(body, "outputConfig", "textFormat", "structure", "jsonSchema", "schema")
    closed: JsonObject = {"A": {**LEAF, "additionalProperties": False}}
    assert parse_json(str(definition)).unwrap() == {**schema, "$defs": closed, "additionalProperties": False}


def test_formats_that_the_service_knows_are_said() -> None:
    # What is called `format` may be a member of the answer as well.
    members: JsonObject = {"format": {"type": "string"}, "at": {"type": "string", "format": "date-time"}}
    body = asked(BUDGET, output=OutputSpec("Thing", dump_json({"type": "object", "properties": members})))
    schema = member(body, "outputConfig", "textFormat", "structure", "jsonSchema", "schema")
    assert '"format":"date-time"' in str(schema)


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "array", "items": {"type": "string"}},
        {"type": "object"},
        {"type": "object", "properties": {"a": {}}},
        {"type": "object", "properties": {"a": {"type": "array", "items": True}}},
        {"type": "object", "properties": {"a": {"type": "object", "additionalProperties": {"type": "string"}}}},
        {"type": "object", "properties": {"a": {"type": "integer", "minimum": 1}}},
        {"type": "object", "properties": {"a": {"anyOf": [{"type": "string", "maxLength": 3}, {"type": "null"}]}}},
        {"type": "object", "properties": {"a": {"$ref": "#/$defs/A"}}, "$defs": {"A": {"type": "object"}}},
        {"type": "object", "properties": {"a": {"$ref": "other.json"}}},
        {"type": "object", "properties": {"a": {"type": "string", "format": "binary"}}},
        {"type": "object", "properties": {"a": {"type": "array", "items": {"type": "integer", "format": "int32"}}}},
        {"type": "object", "properties": {"a": {"$ref": "#/$defs/A"}}, "$defs": {"A": TREE}},
        {"type": "object", "properties": {"a": {"type": "array", "items": {"type": "object"}}}},
    ],
)
def test_schemas_that_the_service_refuses_go_through_a_tool(schema: JsonObject) -> None:
    body = asked(BUDGET, output=OutputSpec("Thing", dump_json(schema)))
    assert isinstance(body, Body)
    assert body.answer_tool == ANSWER_TOOL


@pytest.mark.parametrize(
    ("model", "can"),
    [
        (BUDGET.model, True),
        (ADAPTIVE.model, True),
        (OLDER.model, False),
        ("anthropic.claude-opus-4-1-20250805-v1:0", False),
        (NOVA.model, False),
    ],
)
def test_which_models_hold_to_a_schema(model: str, can: bool) -> None:
    assert writes_json(model) == can
