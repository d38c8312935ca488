"""The tools of a chat, each under a name of its own."""

import reprlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TypeAlias, final

from returns.result import Failure, Result, Success

from punk.core.request import ToolSpec
from punk.errors import ConfigurationError
from punk.tools.remote import RemoteTool
from punk.tools.schema import FunctionTool
from punk.tools.tool import AsTool, Tool

AnyTool: TypeAlias = FunctionTool | RemoteTool
"""What a toolbox holds."""


@final
@dataclass(frozen=True, slots=True)
class Toolbox:
    """Tools by name, in the order in which they were given."""

    by_name: Mapping[str, AnyTool]

    @classmethod
    def of(cls, tools: Sequence[AsTool]) -> "Toolbox":
        """Describe each as a tool.

        Raises:
            ConfigurationError: one can't be a tool, or two have the same name.
        """
        by_name: dict[str, FunctionTool] = {}
        for given in tools:
            tool = FunctionTool.of(given)
            name = tool.spec.name
            if name in by_name:
                raise ConfigurationError(
                    f"two tools are called {name!r}: {by_name[name].function!r} and {tool.function!r};"
                    " name one of them otherwise: Tool(..., name=...)"
                )
            by_name[name] = tool
        return cls(MappingProxyType(by_name))

    def with_remote(self, tools: Sequence[RemoteTool]) -> "Toolbox":
        """These tools and `tools`, whose names are other ones."""
        return Toolbox(MappingProxyType({**self.by_name, **{tool.spec.name: tool for tool in tools}}))

    @property
    def specs(self) -> tuple[ToolSpec, ...]:
        """What the model is told of each tool."""
        return tuple(tool.spec for tool in self.by_name.values())

    def lookup(self, name: str) -> Result[AnyTool, str]:
        """The tool of that name; the failure tells the model which names there are."""
        tool = self.by_name.get(name)
        if tool is not None:
            return Success(tool)
        known = ", ".join(self.by_name) or "none"
        return Failure(f"unknown tool {reprlib.repr(name)}; known tools: {known}")


def checked_tools(tools: Iterable[AsTool] | AsTool | None) -> tuple[AsTool, ...]:
    """`tools`, if they are such. Raises `ConfigurationError` for what is no list of functions and `Tool`s."""
    given = None if callable(tools) or isinstance(tools, Tool) or not isinstance(tools, Iterable) else tuple(tools)
    if given is None or not all(callable(tool) or isinstance(tool, Tool) for tool in given):
        raise ConfigurationError(f"tools are a list of functions, not {tools!r:.60}")
    return given
