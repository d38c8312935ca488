"""Checks the arguments that a model wrote against a tool's hints and makes a call that is ready to run."""

import inspect
import reprlib
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from inspect import Parameter
from typing import Final, TypeAlias, final

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails
from returns.methods import unwrap_or_failure
from returns.result import Failure, Result, Success

from punk.core.json import JsonObject, parse_object
from punk.tools.abort import abort_in
from punk.tools.context import ToolContext
from punk.tools.remote import RemoteTool, ToolAnswer
from punk.tools.result import describe_error
from punk.tools.schema import FunctionTool
from punk.tools.toolbox import AnyTool

_MOST_LINES: Final = 10


@final
@dataclass(frozen=True, slots=True)
class Returned:
    """A sync call has come back with its value."""

    value: object


@final
@dataclass(frozen=True, slots=True)
class Suspended:
    """A sync call came back with an awaitable: the value is what awaiting it gives, on the event loop."""

    awaitable: Awaitable[object]


@final
@dataclass(frozen=True, slots=True)
class SyncCall:
    """A call of a plain function; it may block, so it belongs in a thread."""

    tool: FunctionTool
    positional: tuple[object, ...]
    keyword: Mapping[str, object]

    def run(self) -> Returned | Suspended:
        """Call the function; what it raises leaves as it is."""
        value = self.tool.function(*self.positional, **self.keyword)
        # A plain wrapper around a coroutine function can't be told from a plain function before it is called.
        return Suspended(value) if inspect.isawaitable(value) else Returned(value)


@final
@dataclass(frozen=True, slots=True)
class AsyncCall:
    """A call of a coroutine function; it belongs on the event loop."""

    tool: FunctionTool
    positional: tuple[object, ...]
    keyword: Mapping[str, object]

    async def run(self) -> object:
        """Call the function and await it; what it raises leaves as it is."""
        value = self.tool.function(*self.positional, **self.keyword)
        return await value if inspect.isawaitable(value) else value


@final
@dataclass(frozen=True, slots=True)
class RemoteCall:
    """A call of a tool that runs elsewhere; it belongs on the event loop."""

    tool: RemoteTool
    arguments: JsonObject
    context: ToolContext

    async def run(self) -> ToolAnswer:
        """Ask for it; what that raises leaves as it is."""
        return await self.tool.ask(self.arguments, self.context)


BoundCall: TypeAlias = SyncCall | AsyncCall | RemoteCall


def bind(tool: AnyTool, arguments_json: str, context: ToolContext) -> Result[BoundCall, str]:
    """Validate and coerce the JSON text of the arguments as pydantic does; those of a remote tool are checked there.

    The failure is text for the model: one line for each bad argument, with its place and what is wrong with it.

    Raises:
        ToolExecutionAbortError: a validator of the user's own raised it.
    """
    match unwrap_or_failure(parse_object(arguments_json)):
        case str(problem):
            return Failure(problem)
        case parsed:
            pass
    if isinstance(tool, RemoteTool):
        return Success(RemoteCall(tool, parsed, context))
    try:
        # From the text, not from the parsed object: only then does pydantic read dates, bytes and decimals as JSON.
        arguments = tool.arguments.model_validate_json(arguments_json)
    except ValidationError as error:
        return Failure(_explain(error))
    except Exception as error:  # validators are the user's code
        if (abort := abort_in(error)) is not None:
            raise abort from None
        return Failure(f"arguments: {describe_error(error)}")
    positional, keyword = _passing(tool, arguments, context)
    return Success(AsyncCall(tool, positional, keyword) if tool.is_async else SyncCall(tool, positional, keyword))


def _passing(
    tool: FunctionTool, arguments: BaseModel, context: ToolContext
) -> tuple[tuple[object, ...], dict[str, object]]:
    """Arguments by position and by name; the function's own default stands in for what the model left out."""
    positional: list[object] = []
    keyword: dict[str, object] = {}
    filled = iter(arguments)
    for parameter in tool.parameters:
        given, value = True, context
        if parameter.name not in tool.contexts:
            field, value = next(filled)
            given = field in arguments.model_fields_set or parameter.default is Parameter.empty
        if parameter.kind is Parameter.POSITIONAL_ONLY:
            positional.append(value if given else parameter.default)
        elif given:
            keyword[parameter.name] = value
    return tuple(positional), keyword


def _explain(error: ValidationError) -> str:
    details = error.errors(include_url=False, include_context=False)
    lines = [_line(detail) for detail in details[:_MOST_LINES]]
    if len(details) > _MOST_LINES:
        lines.append(f"and {len(details) - _MOST_LINES} more")
    return "\n".join(lines)


def _line(detail: ErrorDetails) -> str:
    place = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in detail["loc"])
    line = f"{place.removeprefix('.') or 'arguments'}: {detail['msg']}"
    if detail["type"] in ("missing", "json_invalid"):
        return line
    return f"{line} (got {reprlib.repr(detail['input'])})"
