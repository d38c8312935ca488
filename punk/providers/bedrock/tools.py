"""Decides which tools a request offers and whether one must be called, as the wire and the model's thinking allow.

The wire has no word that forbids tools: `tool_choice="none"` offers none, and is refused where calls were made before,
for then there must be tools. A structured answer that comes through a tool is demanded: by name if it is the only tool,
beside others some tool is; where the model thinks, which forbids demands, a sentence in the system asks for it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, final

from punk.core.effects import RequestTurn
from punk.core.failures import Unsupported
from punk.core.json import JsonObject, JsonValue
from punk.core.request import OneTool, ToolSpec
from punk.providers.bedrock.output import closed_schema
from punk.providers.bedrock.rules import TOOL_NAMES
from punk.providers.bedrock.settings import BedrockSettings
from punk.providers.bedrock.thinking import Thinking
from punk.providers.encoding import ANSWER_TOOL, asked_choice, called_tools, refused_tool_name, tool_schema

ASK_FOR_ANSWER: Final = f"Give your final answer by calling the tool {ANSWER_TOOL}, and in no other way."


@final
@dataclass(frozen=True, slots=True)
class Tools:
    """What a request says of tools: the member `toolConfig` (empty if it has none), and a sentence for the system."""

    config: JsonObject = field(default_factory=dict)
    sentence: str = ""


def tools_of(
    settings: BedrockSettings, turn: RequestTurn, thinking: Thinking, answer: ToolSpec | None
) -> Tools | Unsupported:
    """The tools of `turn`, or why it cannot have them. `answer` is the one through which a structured answer comes."""
    choice = asked_choice(settings.tool_choice, turn)
    if isinstance(choice, Unsupported):
        return choice
    demanded = isinstance(choice, OneTool) or choice == "required"
    if demanded and thinking.forbids_forcing:
        return Unsupported("a tool cannot be demanded of a model that thinks: leave one of the two out")
    offered = () if choice == "none" else turn.tools
    called = called_tools(turn.messages)
    if choice == "none" and called and answer is None:
        return Unsupported("Bedrock cannot forbid tools once they were called: leave tool_choice out")
    if answer is not None and any(spec.name == answer.name for spec in offered):
        return Unsupported(f"the tool {answer.name} stands for the structured answer: rename the chat's tool")
    specs = _specs(settings.model, (*offered, *((answer,) if answer else ())))
    if isinstance(specs, Unsupported):
        return specs
    # A conversation in which tools were called cannot be told without them.
    specs = specs or [_spec(TOOL_NAMES.spelled(name), "", {"type": "object"}) for name in called]
    if not specs:
        return Tools()
    if isinstance(choice, OneTool):
        return Tools({"tools": specs, "toolChoice": {"tool": {"name": choice.name}}})
    if answer is not None and thinking.forbids_forcing:
        return Tools({"tools": specs}, ASK_FOR_ANSWER)
    if answer is not None and not offered:
        return Tools({"tools": specs, "toolChoice": {"tool": {"name": answer.name}}})
    return Tools({"tools": specs, **({"toolChoice": {"any": {}}} if demanded or answer is not None else {})})


def _specs(model: str, specs: Iterable[ToolSpec]) -> list[JsonValue] | Unsupported:
    tools: list[JsonValue] = []
    for spec in specs:
        schema = refused_tool_name(spec.name, TOOL_NAMES) or tool_schema(spec)
        if isinstance(schema, Unsupported):
            return schema
        open_: JsonObject = {"type": "object", **schema}
        closed = closed_schema(model, open_) if spec.strict else None
        strict: JsonObject = {} if closed is None else {"strict": True}
        tools.append(_spec(spec.name, spec.description, open_ if closed is None else closed, strict))
    return tools


def _spec(name: str, description: str, schema: JsonObject, strict: JsonObject | None = None) -> JsonObject:
    about: JsonObject = {"description": description} if description.strip() else {}
    return {"toolSpec": {"name": name, **about, "inputSchema": {"json": schema}, **(strict or {})}}
