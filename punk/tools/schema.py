"""Describes an annotated callable as a tool: its name, its description and the JSON schema of its arguments."""

import functools
import inspect
import types
from collections.abc import Callable
from dataclasses import dataclass
from inspect import Parameter
from typing import Annotated, Any, TypeAlias, final, get_args, get_origin, get_type_hints

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, create_model
from pydantic.fields import FieldInfo
from pydantic.json_schema import GenerateJsonSchema
from pydantic_core import PydanticSerializationError, PydanticUndefined

from punk.core.json import JsonObject, JsonValue, dump_json
from punk.core.request import ToolSpec
from punk.errors import ConfigurationError
from punk.tools.context import ToolContext
from punk.tools.docstring import read_docstring
from punk.tools.tool import TOOL_NAME, AsTool, Tool

_Function: TypeAlias = Callable[..., object]


@final
@dataclass(frozen=True, slots=True)
class FunctionTool:
    """A callable with what the model is told of it; `function` is the very object that was given.

    `parameters` have their hints resolved; those in `contexts` are given the `ToolContext`, the others are filled in by
    the model. `arguments` validates these, with one field for each, in the same order. A field's alias is the
    parameter's name, for a field can't be called `_key` or `copy` and a parameter can. `timeout` and `concurrency` are
    what its `Tool` said.
    """

    spec: ToolSpec
    function: Callable[..., object]
    parameters: tuple[Parameter, ...]
    contexts: frozenset[str]
    arguments: type[BaseModel]
    is_async: bool
    timeout: float | None = None
    concurrency: int | None = None

    @classmethod
    def of(cls, tool: AsTool) -> "FunctionTool":
        """Describe a function, a bound method, a `functools.partial` or an object with `__call__`.

        The description is the docstring's summary and body. A parameter's description is, in this order, that of its
        `Annotated` hint or that of the docstring. What a `partial` binds is not shown to the model, nor is a parameter
        that takes the `ToolContext`. What a `Tool` says comes first.

        Raises:
            ConfigurationError: it has no usable name, takes `*args` or `**kwargs`, or a hint has no JSON schema.
        """
        said = tool if isinstance(tool, Tool) else Tool(tool)
        definition = _definition(said.function)
        name = said.name or _name(said.function)
        parameters = _parameters(said.function, definition, name)
        contexts = frozenset(each.name for each in parameters if _takes_context(each.annotation))
        offered = tuple(each for each in parameters if each.name not in contexts)
        described = read_docstring(_docstring(said.function, definition))
        arguments, schema = _arguments(offered, name)
        properties = schema["properties"]
        assert isinstance(properties, dict)
        for parameter in offered:
            _describe(properties[parameter.name], parameter.annotation, described.parameters.get(parameter.name))
        return cls(
            spec=ToolSpec(
                name,
                described.text if said.description is None else said.description,
                dump_json(schema),
                said.strict,
                said.requires_approval,
                said.idempotent,
            ),
            function=said.function,
            parameters=parameters,
            contexts=contexts,
            arguments=arguments,
            is_async=is_async(said.function),
            timeout=said.timeout,
            concurrency=said.concurrency,
        )


def is_async(function: Callable[..., object]) -> bool:
    """Whether calling it gives a coroutine, as far as can be told before it is called."""
    return inspect.iscoroutinefunction(_definition(function))


def _takes_context(hint: object) -> bool:
    """Whether the hint is that of the context, or of one that may be missing."""
    return hint is ToolContext or ToolContext in get_args(hint)


def _whole(function: _Function) -> _Function:
    """The callable under partials."""
    while isinstance(function, functools.partial):
        function = function.func
    return function


def _definition(function: _Function) -> _Function:
    """What carries the hints: a function, or the `__call__` of an object."""
    whole = _whole(function)
    if not callable(whole):
        raise ConfigurationError(f"a tool must be callable, and {whole!r} is not")
    if isinstance(whole, type):
        raise ConfigurationError(f"{whole.__name__} is a class: give a function that makes one as the tool")
    call: _Function = whole if inspect.isroutine(whole) else type(whole).__call__
    return call


def _name(function: _Function) -> str:
    whole = _whole(function)
    name = str(getattr(whole, "__name__", type(whole).__name__))
    if TOOL_NAME.fullmatch(name) is None:
        raise ConfigurationError(
            f"{name!r} can't be the name of a tool: give a function made with def,"
            " whose name is 1 to 64 ASCII letters, digits and underscores, or name it: Tool(..., name=...)"
        )
    return name


def _docstring(function: _Function, definition: _Function) -> str:
    """The definition's docstring; an object whose `__call__` has none is described by its class."""
    whole = _whole(function)
    if inspect.isroutine(whole):
        return inspect.getdoc(whole) or ""
    # getdoc of a bare `__call__` would find that of `type`.
    return inspect.cleandoc(definition.__doc__ or "") or inspect.getdoc(type(whole)) or ""


def _parameters(function: _Function, definition: _Function, tool: str) -> tuple[Parameter, ...]:
    try:
        signature = inspect.signature(function)
    except (ValueError, TypeError, NameError) as error:
        raise ConfigurationError(f"tool {tool!r}: its signature can't be read: {error}") from error
    # A partial's keywords stay in its signature as defaults, but who binds an account number does not offer it.
    bound = function.keywords if isinstance(function, functools.partial) else {}
    return tuple(
        _resolved(parameter, definition, f"tool {tool!r}, parameter {name!r}")
        for name, parameter in signature.parameters.items()
        if name not in bound
    )


def _resolved(parameter: Parameter, definition: _Function, where: str) -> Parameter:
    if parameter.kind in (Parameter.VAR_POSITIONAL, Parameter.VAR_KEYWORD):
        raise ConfigurationError(f"{where}: *args and **kwargs can't be described to a model; name each parameter")
    hint = _hint(parameter, definition, where)
    if isinstance(parameter.default, FieldInfo):  # pydantic's `city: str = Field(description="...")`
        return parameter.replace(annotation=Annotated[hint, parameter.default], default=Parameter.empty)
    return parameter.replace(annotation=hint)


def _hint(parameter: Parameter, definition: _Function, where: str) -> object:
    """One hint, evaluated alone: so the return hint may name what does not exist at run time."""
    if parameter.annotation is Parameter.empty:
        return object
    holder = types.SimpleNamespace(__annotations__={parameter.name: parameter.annotation})
    namespace = getattr(inspect.unwrap(definition), "__globals__", {})
    try:
        hints: dict[str, object] = get_type_hints(holder, namespace, include_extras=True)
    except Exception as error:  # a hint in quotes is any expression at all
        raise ConfigurationError(f"{where}: its type hint can't be resolved: {error}") from error
    return hints[parameter.name]


class _Schema(GenerateJsonSchema):
    """A default that is no JSON (a client, an infinity) is nobody's fault: it is left out of the schema."""

    ignored_warning_kinds = {*GenerateJsonSchema.ignored_warning_kinds, "non-serializable-default"}  # noqa: RUF012

    def encode_default(self, dft: object) -> JsonValue:
        """The default as JSON; what this raises makes pydantic leave it out."""
        try:
            encoded: JsonValue = super().encode_default(dft)
            dump_json(encoded)
        except (TypeError, ValueError, RecursionError) as error:
            raise PydanticSerializationError(str(error)) from error
        return encoded


def _arguments(parameters: tuple[Parameter, ...], tool: str) -> tuple[type[BaseModel], JsonObject]:
    fields: dict[str, Any] = {
        f"p{index}": (parameter.annotation, Field(_default(parameter), alias=parameter.name))
        for index, parameter in enumerate(parameters)
    }
    try:
        model = create_model("Arguments", __config__=ConfigDict(extra="forbid", allow_inf_nan=False), **fields)
        schema: JsonObject = model.model_json_schema(schema_generator=_Schema)
    except Exception as error:  # pydantic's errors, and whatever a type of the user's own raises
        culprit = next((f", parameter {each.name!r}" for each in parameters if not _has_schema(each)), "")
        reason = str(error).partition("\n")[0].partition(". ")[0]
        raise ConfigurationError(f"tool {tool!r}{culprit}: its type has no JSON schema: {reason}") from error
    _drop_titles(schema)
    return model, schema


def _default(parameter: Parameter) -> object:
    return PydanticUndefined if parameter.default is Parameter.empty else parameter.default


def _has_schema(parameter: Parameter) -> bool:
    try:
        TypeAdapter(parameter.annotation).json_schema(schema_generator=_Schema)
    except Exception:  # as above
        return False
    return True


def _drop_titles(schema: JsonValue) -> None:
    """Remove pydantic's titles, which only repeat names; a property that is called `title` stays."""
    if isinstance(schema, list):
        for item in schema:
            _drop_titles(item)
    if not isinstance(schema, dict):
        return
    schema.pop("title", None)
    for keyword, value in schema.items():
        if keyword in ("properties", "patternProperties", "$defs") and isinstance(value, dict):
            for inner in value.values():
                _drop_titles(inner)
        elif keyword not in ("default", "const", "enum", "examples", "discriminator"):
            _drop_titles(value)


def _describe(property_schema: JsonValue, hint: object, documented: str | None) -> None:
    """Describe a property that no `Field` in its hint describes."""
    metadata = get_args(hint)[1:] if get_origin(hint) is Annotated else ()
    description = next((each for each in metadata if isinstance(each, str)), documented)
    if description is not None and isinstance(property_schema, dict):
        property_schema.setdefault("description", description)
