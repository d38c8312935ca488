"""Encodes the tools of a request, what is asked of them, and the form of the answer."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import final

from punk.core.effects import RequestTurn
from punk.core.failures import Unsupported
from punk.core.json import JsonObject, JsonValue, parse_object
from punk.core.request import OneTool, OutputSpec, ToolChoice, ToolSpec
from punk.providers.encoding import ANSWER_TOOL, answer_tool, asked_choice, tool_schema
from punk.providers.google.rules import NAMES, SIGNED_CALLS, is_function_name
from punk.providers.google.settings import GoogleSettings, since


@final
@dataclass(frozen=True, slots=True)
class Asked:
    """What a request says of tools and of the form of the answer: fields of its own and of its `generationConfig`, and
    the tool through which the answer comes, if it comes so."""

    fields: JsonObject = field(default_factory=dict)
    generation: JsonObject = field(default_factory=dict)
    answer_tool: str | None = None


def asked_of(settings: GoogleSettings, turn: RequestTurn) -> Asked | Unsupported:
    """What the request of `turn` says of tools and of the form of the answer, or why this wire cannot say it."""
    choice = asked_choice(settings.tool_choice, turn)
    if isinstance(choice, Unsupported):
        return choice
    output = turn.output
    if output is None or not turn.tools or since(settings.model, SIGNED_CALLS):
        generation = {} if output is None else _form(output)
        if isinstance(generation, Unsupported):
            return generation
        tools = _tools(turn.tools)
        return tools if isinstance(tools, Unsupported) else Asked(_fields(tools, choice), generation)
    tools = _tools((*turn.tools, answer_tool(output)))
    if isinstance(tools, Unsupported):
        return tools
    demanded = OneTool(ANSWER_TOOL) if choice == "none" else choice
    return Asked(_fields(tools, demanded if isinstance(demanded, OneTool) else "required"), {}, ANSWER_TOOL)


def _fields(tools: list[JsonValue], choice: ToolChoice | None) -> JsonObject:
    if not tools:
        return {}
    fields: JsonObject = {"tools": [{"functionDeclarations": tools}]}
    return fields if choice is None else {**fields, "toolConfig": {"functionCallingConfig": _mode(choice)}}


def _mode(choice: ToolChoice) -> JsonObject:
    match choice:
        case OneTool(name):
            return {"mode": "ANY", "allowedFunctionNames": [name]}
        case "required":
            return {"mode": "ANY"}
        case "auto":
            return {"mode": "AUTO"}
        case "none":
            return {"mode": "NONE"}


def _tools(specs: Iterable[ToolSpec]) -> list[JsonValue] | Unsupported:
    tools: list[JsonValue] = []
    for spec in specs:
        if not is_function_name(spec.name):
            return Unsupported(
                f"a tool's name is 1 to {NAMES.longest} letters, digits, _ . : and - for this provider, and begins "
                f"with a letter or _, not {spec.name[: NAMES.longest]!r}: rename it"
            )
        schema = tool_schema(spec)
        if isinstance(schema, Unsupported):
            return schema
        tool: JsonObject = {"name": spec.name, "parametersJsonSchema": schema}
        if spec.description.strip():
            tool["description"] = spec.description
        tools.append(tool)
    return tools


def _form(output: OutputSpec) -> JsonObject | Unsupported:
    schema = parse_object(output.schema).value_or(None)
    if schema is None:
        return Unsupported(f"the schema of the answer {output.name} is not a JSON schema")
    return {"responseMimeType": "application/json", "responseJsonSchema": schema}
