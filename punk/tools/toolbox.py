"""The tools of a chat, each under a name of its own."""

import reprlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TypeAlias, final

from returns.result import Failure, Result, Success

from punk.core.request import ToolSpec
from punk.errors import ConfigurationError
from punk.tools.schema import FunctionTool

Tool: TypeAlias = FunctionTool
"""What a toolbox holds."""


@final
@dataclass(frozen=True, slots=True)
class Toolbox:
    """Tools by name, in the order in which they were given."""

    by_name: Mapping[str, Tool]

    @classmethod
    def of(cls, functions: Sequence[Callable[..., object]]) -> "Toolbox":
        """Describe each callable as a tool.

        Raises:
            ConfigurationError: one can't be a tool, or two have the same name.
        """
        by_name: dict[str, Tool] = {}
        for function in functions:
            tool = FunctionTool.of(function)
            name = tool.spec.name
            if name in by_name:
                raise ConfigurationError(
                    f"two tools are called {name!r}: {by_name[name].function!r} and {function!r};"
                    " wrap one of them in a function with another name"
                )
            by_name[name] = tool
        return cls(MappingProxyType(by_name))

    @property
    def specs(self) -> tuple[ToolSpec, ...]:
        """What the model is told of each tool."""
        return tuple(tool.spec for tool in self.by_name.values())

    def lookup(self, name: str) -> Result[Tool, str]:
        """The tool of that name; the failure tells the model which names there are."""
        tool = self.by_name.get(name)
        if tool is not None:
            return Success(tool)
        known = ", ".join(self.by_name) or "none"
        return Failure(f"unknown tool {reprlib.repr(name)}; known tools: {known}")
