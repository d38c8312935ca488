"""The form of a structured answer: a JSON schema made of a type, and values of that type read from an answer's text."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, Generic, TypeAlias, final

from pydantic import PydanticUserError, TypeAdapter, ValidationError
from pydantic.errors import PydanticInvalidForJsonSchema, PydanticSchemaGenerationError
from pydantic_core import from_json
from returns.result import Failure, Result, Success
from typing_extensions import TypeVar

from punk.core.json import JsonObject, JsonValue, dump_json, parse_json
from punk.core.request import OutputSpec
from punk.errors import ConfigurationError

T = TypeVar("T")

OutputType: TypeAlias = type[T] | TypeAdapter[T]
"""What a type of answers is given as. A union, or another form that is no class, goes into a `TypeAdapter`."""

_WRAPPED: Final = "answer"
"""The one property of the object that holds an answer which is no object: providers want one at the top."""

_DEFINITIONS: Final = "#/$defs/"

_SHOWN_FAULTS: Final = 5


@final
@dataclass(frozen=True, slots=True)
class OutputForm(Generic[T]):
    """What an answer must be. Two forms are equal if their schemas are."""

    spec: OutputSpec
    wrapped: bool
    adapter: TypeAdapter[T] = field(repr=False, compare=False)

    @classmethod
    def of(cls, output: OutputType[T]) -> OutputForm[T]:
        """The form of answers that are an `output`. Raises `ConfigurationError` for what has no JSON schema."""
        try:
            adapter = output if isinstance(output, TypeAdapter) else TypeAdapter(output)
            schema = _with_plain_root(adapter.json_schema())
        except (PydanticUserError, PydanticSchemaGenerationError, PydanticInvalidForJsonSchema, NameError) as error:
            raise ConfigurationError(f"{output!r:.80} cannot be the type of an answer: {error}") from error
        wrapped = schema.get("type") != "object" or "properties" not in schema
        description = schema.get("description")
        spec = OutputSpec(
            _name(output, schema),
            dump_json(_wrap(schema) if wrapped else schema),
            description if isinstance(description, str) else "",
        )
        return cls(spec, wrapped, adapter)

    def read(self, texts: Iterable[str]) -> Result[T, str]:
        """The value that the first of `texts` which is JSON holds, or what is wrong with it, in words for a person."""
        fault = "there is no text"
        for text in texts:
            match parse_json(text):
                case Success(document):
                    return self._validated(document)
                case broken:
                    fault = broken.failure()
        return Failure(fault)

    def partial(self, texts: Iterable[str]) -> JsonValue:
        """What can be told so far of the value that the first readable one of `texts`, cut anywhere, begins; None if
        nothing can."""
        for text in texts:
            try:
                document: JsonValue = from_json(text, allow_inf_nan=False, allow_partial="trailing-strings")
            except ValueError:
                continue
            if not self.wrapped:
                return document
            return document.get(_WRAPPED) if isinstance(document, dict) else None
        return None

    def _validated(self, document: JsonValue) -> Result[T, str]:
        if self.wrapped:
            if not isinstance(document, dict) or _WRAPPED not in document:
                return Failure(f"there is no property {_WRAPPED!r}")
            document = document[_WRAPPED]
        try:
            # As JSON, for which pydantic knows dates, enums and the like.
            return Success(self.adapter.validate_json(dump_json(document)))
        except ValidationError as error:
            return Failure(_faults(error))


def _with_plain_root(schema: JsonObject) -> JsonObject:
    """`schema`, or if it only names one of its definitions, as that of a type which refers to itself does, that one."""
    match schema:
        case {"$ref": str(name), "$defs": dict() as definitions, **said}:
            root = definitions.get(name.removeprefix(_DEFINITIONS))
            return {**root, **said, "$defs": definitions} if isinstance(root, dict) else schema
        case _:
            return schema


def _wrap(schema: JsonObject) -> JsonObject:
    inner = {key: value for key, value in schema.items() if key != "$defs"}
    outer: JsonObject = {
        "type": "object",
        "properties": {_WRAPPED: inner},
        "required": [_WRAPPED],
        "additionalProperties": False,
    }
    return outer | ({"$defs": schema["$defs"]} if "$defs" in schema else {})


def _name(output: OutputType[T], schema: JsonObject) -> str:
    """What the answer is called: 1 to 64 letters, digits, _ and -."""
    given = schema.get("title") if isinstance(output, TypeAdapter) else getattr(output, "__name__", None)
    name = re.sub(r"[^a-zA-Z0-9_-]+", "_", given)[:64].strip("_") if isinstance(given, str) else ""
    return name or _WRAPPED


def _faults(error: ValidationError) -> str:
    told = error.errors(include_url=False, include_context=False, include_input=False)
    shown = "; ".join(f"{'.'.join(map(str, fault['loc'])) or 'it'}: {fault['msg']}" for fault in told[:_SHOWN_FAULTS])
    return shown if len(told) <= _SHOWN_FAULTS else f"{shown}; and {len(told) - _SHOWN_FAULTS} more"
