"""What a request offers to the model beside the conversation: tools, a choice of them, the form of its answer.

A structured answer is asked for as an output format, from Claude 4.5 on and for schemas that have such a form: beside
tools and thinking too. Else it comes through the answer tool. It is demanded if it is the only tool; beside others some
tool is; where the model thinks, which forbids to demand one, a sentence in the system asks for it. `tool_choice="none"`
leaves it alone on offer.

Where calls were made before and no tool is on offer any more, those that were called are declared, and none is chosen.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, final

from punk.core.effects import RequestTurn
from punk.core.failures import Unsupported
from punk.core.json import JsonObject, JsonValue, parse_object
from punk.core.request import OneTool, OutputSpec, ToolChoice, ToolSpec
from punk.providers.anthropic.rules import NAMES
from punk.providers.anthropic.schema import native_schema
from punk.providers.anthropic.settings import AnthropicSettings
from punk.providers.anthropic.thinking import Version, version_of
from punk.providers.encoding import ANSWER_TOOL, answer_tool, asked_choice, called_tools, refused_tool_name, tool_schema

STRUCTURED: Final[Version] = (4, 5)
"""From which version on a Claude is held to a form of its answer."""

BY_TOOL: Final = f"Give your final answer by calling the tool {ANSWER_TOOL}, not in words."


@final
@dataclass(frozen=True, slots=True)
class Offer:
    """The `tools`, what is chosen of them, the form of the answer, or the name of the tool through which it comes and
    what the system says of it."""

    tools: list[JsonValue]
    choice: JsonObject | None = None
    form: JsonObject | None = None
    answer_tool: str | None = None
    hint: str = ""


def offer_of(settings: AnthropicSettings, turn: RequestTurn, *, thinks: bool) -> Offer | Unsupported:
    """What `turn` offers to the model of `settings`, or why it cannot; `thinks` says whether it is to think."""
    choice = asked_choice(settings.tool_choice, turn)
    if isinstance(choice, Unsupported):
        return choice
    if thinks and not (choice is None or choice in ("auto", "none")):
        return Unsupported(
            "a model that thinks cannot be made to call a tool: leave tool_choice or thinking_config out"
        )
    if turn.output is None:
        return _free(settings, turn, choice)
    form = native_form(settings.model, turn.output)
    if isinstance(form, Unsupported):
        return form
    if form is not None:
        free = _free(settings, turn, choice)
        return free if isinstance(free, Unsupported) else replace(free, form=form)
    return _by_tool(settings, turn, turn.output, choice, thinks=thinks)


def native_form(model: str, output: OutputSpec) -> JsonObject | Unsupported | None:
    """The output format of `model`, None if it has none for this."""
    schema = parse_object(output.schema).value_or(None)
    if schema is None:
        return Unsupported(f"the schema of the answer {output.name} is not a JSON schema")
    closed = _closed(model, schema)
    return None if closed is None else {"type": "json_schema", "schema": closed}


def _closed(model: str, schema: JsonObject) -> JsonObject | None:
    """The form of `schema` to which `model` can be held, None if it cannot."""
    version = version_of(model)
    return native_schema(schema) if version is not None and version >= STRUCTURED else None


def _free(settings: AnthropicSettings, turn: RequestTurn, choice: ToolChoice | None) -> Offer | Unsupported:
    if not turn.tools and (called := called_tools(turn.messages)):
        stand_ins: list[JsonValue] = [
            {"name": NAMES.spelled(name), "input_schema": {"type": "object"}} for name in called
        ]
        return Offer(stand_ins, {"type": "none"})
    tools = _tools(settings.model, turn.tools)
    return tools if isinstance(tools, Unsupported) else Offer(tools, _choice(choice))


def _by_tool(
    settings: AnthropicSettings, turn: RequestTurn, output: OutputSpec, choice: ToolChoice | None, *, thinks: bool
) -> Offer | Unsupported:
    specs = () if choice == "none" else turn.tools
    if any(spec.name == ANSWER_TOOL for spec in specs):
        return Unsupported(f"the tool {ANSWER_TOOL} stands for the structured answer: rename the chat's tool")
    tools = _tools(settings.model, (*specs, answer_tool(output)))
    if isinstance(tools, Unsupported):
        return tools
    if thinks:
        return Offer(tools, answer_tool=ANSWER_TOOL, hint=BY_TOOL)
    if not isinstance(choice, OneTool):
        choice = "required" if specs else OneTool(ANSWER_TOOL)
    return Offer(tools, _choice(choice), answer_tool=ANSWER_TOOL)


def _choice(choice: ToolChoice | None) -> JsonObject | None:
    match choice:
        case None:
            return None
        case OneTool(name=name):
            return {"type": "tool", "name": name}
        case "required":
            return {"type": "any"}
        case word:
            return {"type": word}


def _tools(model: str, specs: tuple[ToolSpec, ...]) -> list[JsonValue] | Unsupported:
    tools: list[JsonValue] = []
    for spec in specs:
        schema = refused_tool_name(spec.name, NAMES) or tool_schema(spec)
        if isinstance(schema, Unsupported):
            return schema
        open_: JsonObject = {"type": "object", **schema}
        closed = _closed(model, open_) if spec.strict else None
        tool: JsonObject = {"name": spec.name, "input_schema": open_ if closed is None else closed}
        if closed is not None:
            tool["strict"] = True
        if spec.description.strip():
            tool["description"] = spec.description
        tools.append(tool)
    return tools
