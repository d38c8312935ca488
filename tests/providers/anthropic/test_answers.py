"""How a structured answer is asked of a model: as an output format, or through the answer tool."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import pytest
from hypothesis import given
from returns.methods import unwrap_or_failure

from punk.core.effects import RequestTurn
from punk.core.json import JsonObject, JsonValue, dump_json
from punk.core.messages import UserMessage
from punk.core.request import OneTool, OutputSpec, ToolChoice, ToolSpec
from punk.core.thinking import ThinkingConfig
from punk.providers.anthropic.encode import encode
from punk.providers.anthropic.offer import BY_TOOL
from punk.providers.anthropic.schema import native_schema
from punk.providers.anthropic.settings import AnthropicSettings
from punk.providers.base import Body
from punk.testing.strategies import json_objects
from tests.providers.anthropic.test_requests import NEW, TYPES, encoded, refused
from tests.support.asking import CLOSED, OPEN, TOOLS

OLD: Final = replace(NEW, model="claude-sonnet-4-20250514")
THINKING: Final = ThinkingConfig(token_budget=2000)
STRING: Final[JsonObject] = {"type": "string"}


def asked(output: OutputSpec, *tools: ToolSpec) -> RequestTurn:
    return RequestTurn(1, (UserMessage("Hi"),), tools, output)


@pytest.mark.parametrize("model", ["claude-opus-5", "claude-sonnet-4-5", "claude-haiku-4.5", "claude-mythos-preview"])
def test_newer_models_are_held_to_the_form(model: str) -> None:
    body = encoded(replace(NEW, model=model), asked(CLOSED, *TOOLS))
    assert body.answer_tool is None
    assert "tool_choice" not in body.json
    assert body.json["output_config"] == {
        "format": {
            "type": "json_schema",
            "schema": {
                "type": "object",
                "properties": {"a": {"type": "string", "description": '(default: "x")'}, "b": {"type": "integer"}},
                "required": [],
                "additionalProperties": False,
            },
        }
    }
    assert TYPES["stream"].faults(body.json) == []


def test_the_form_goes_with_effort_thinking_and_fields_of_ones_own() -> None:
    settings = replace(NEW, thinking_config=ThinkingConfig(effort="low"))
    config = encoded(settings, asked(CLOSED)).json["output_config"]
    assert isinstance(config, dict)
    assert (config["effort"], {*config}) == ("low", {"effort", "format"})
    more = encoded(replace(settings, extra_body={"output_config": {"effort": "max"}}), asked(CLOSED)).json
    assert more["output_config"] == {**config, "effort": "max"}


@pytest.mark.parametrize(
    ("settings", "output"),
    [
        (OLD, CLOSED),
        (replace(NEW, model="qwen3"), CLOSED),
        (NEW, OPEN),
        (replace(NEW, model="claude-opus-4-1"), CLOSED),
    ],
)
def test_else_the_answer_comes_through_a_tool(settings: AnthropicSettings, output: OutputSpec) -> None:
    body = encoded(settings, asked(output))
    assert body.answer_tool == "final_answer"
    assert body.json["tool_choice"] == {"type": "tool", "name": "final_answer"}
    assert "output_config" not in body.json
    assert "system" not in body.json
    match body.json["tools"]:
        case [{"name": "final_answer", "description": str(), "input_schema": {"type": "object"}}]:
            pass
        case other:
            raise AssertionError(other)


@pytest.mark.parametrize(
    ("choice", "said", "offered"),
    [
        (None, {"type": "any"}, 3),
        ("auto", {"type": "any"}, 3),
        ("required", {"type": "any"}, 3),
        (OneTool("now"), {"type": "tool", "name": "now"}, 3),
        ("none", {"type": "tool", "name": "final_answer"}, 1),
    ],
)
def test_beside_other_tools_some_tool_is_demanded(choice: ToolChoice | None, said: JsonValue, offered: int) -> None:
    body = encoded(replace(OLD, tool_choice=choice), asked(CLOSED, *TOOLS))
    tools = body.json["tools"]
    assert isinstance(tools, list)
    assert (body.json["tool_choice"], len(tools), body.answer_tool) == (said, offered, "final_answer")


@pytest.mark.parametrize("tools", [(), TOOLS])
def test_a_model_that_thinks_is_asked_in_words(tools: tuple[ToolSpec, ...]) -> None:
    body = encoded(replace(OLD, thinking_config=THINKING), asked(CLOSED, *tools))
    assert body.answer_tool == "final_answer"
    assert "tool_choice" not in body.json
    assert body.json["system"] == [{"type": "text", "text": BY_TOOL}]


def test_what_cannot_be_asked() -> None:
    assert "rename" in refused(OLD, asked(CLOSED, replace(TOOLS[0], name="final_answer")))
    for settings in (NEW, OLD):
        assert "tool now" in refused(settings, asked(CLOSED, replace(TOOLS[1], parameters="[]")))
        assert "JSON schema" in refused(settings, asked(replace(CLOSED, schema="[]")))


def native(**fields: JsonValue) -> JsonValue:
    """What becomes of a property with the schema `fields`."""
    whole = native_schema({"type": "object", "properties": {"x": {**fields}}, "$defs": {"D": STRING}})
    if whole is None:
        return None
    properties = whole["properties"]
    assert isinstance(properties, dict)
    return properties["x"]


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        ({"type": "string", "format": "uuid"}, {"type": "string", "format": "uuid"}),
        ({"type": "string", "format": "path"}, {"type": "string", "description": '(format: "path")'}),
        (
            {"type": "integer", "description": "D.", "minimum": 1, "maximum": 2},
            {"type": "integer", "description": "D. (minimum: 1, maximum: 2)"},
        ),
        ({"$ref": "#/$defs/D", "description": "D."}, {"$ref": "#/$defs/D"}),
        ({"allOf": [STRING], "description": "D."}, {**STRING, "description": "D."}),
        ({"anyOf": [STRING, {"type": "null"}]}, {"anyOf": [STRING, {"type": "null"}]}),
        ({"oneOf": [STRING], "discriminator": {}}, {"anyOf": [STRING]}),
        ({"enum": ["a", 1], "type": "string"}, {"enum": ["a", 1]}),
        (
            {"type": "object", "properties": {"a": STRING}, "required": ["a"], "additionalProperties": False},
            {"type": "object", "properties": {"a": STRING}, "required": ["a"], "additionalProperties": False},
        ),
        ({"const": None, "title": "T"}, {"const": None, "title": "T"}),
        ({"type": "array", "items": STRING, "minItems": 1}, {"type": "array", "items": STRING, "minItems": 1}),
        (
            {"type": "array", "items": STRING, "minItems": 2},
            {"type": "array", "items": STRING, "description": "(minItems: 2)"},
        ),
    ],
)
def test_what_the_form_of_a_schema_is(schema: JsonObject, said: JsonValue) -> None:
    assert native(**schema) == said


@pytest.mark.parametrize(
    "schema",
    [
        {},
        {"type": "object"},
        {"type": "object", "properties": {}, "additionalProperties": True},
        {"type": "object", "properties": {"a": True}},
        {"type": "array"},
        {"type": "array", "prefixItems": [STRING], "items": STRING},
        {"type": ["string", "null"]},
        {"enum": [["a"]]},
        {"$ref": "http://x"},
        {"allOf": [STRING, STRING]},
        {"type": "string", "not": {}},
    ],
)
def test_what_has_no_such_form(schema: JsonObject) -> None:
    assert native(**schema) is None


def test_what_refers_to_itself_has_no_such_form() -> None:
    def lists(*to: str) -> JsonObject:
        return {"type": "object", "properties": {name: {"$ref": f"#/$defs/{name}"} for name in to}}

    assert native_schema({**lists("A"), "$defs": {"A": lists("B"), "B": lists()}}) is not None
    assert native_schema({**lists("A"), "$defs": {"A": lists("B"), "B": lists("A")}}) is None
    assert native_schema({**lists("A"), "$defs": {"A": lists("A")}}) is None
    assert native_schema({"$ref": "#/$defs/A", "$defs": []}) is None


@given(json_objects())
def test_any_schema_has_a_form_or_none(schema: JsonObject) -> None:
    output = OutputSpec("x", dump_json(schema))
    for settings in (NEW, OLD):
        assert isinstance(unwrap_or_failure(encode(settings, asked(output), "stream")), Body)
