"""The form that an answer must have, as both of OpenAI's wires say it."""

from __future__ import annotations

from returns.result import Success

from punk.core.failures import Unsupported
from punk.core.json import JsonObject, parse_object
from punk.core.request import OutputSpec
from punk.providers.openai.naming import NAMES
from punk.providers.openai.strict import strict_schema


def answer_form(output: OutputSpec) -> JsonObject | Unsupported:
    """The schema with its name. It is strict where it can be; else it goes as it is, and the model does its best."""
    match parse_object(output.schema):
        case Success(dict() as schema):
            strict = strict_schema(schema)
            form: JsonObject = {
                "name": NAMES.spelled(output.name),
                "schema": schema if strict is None else strict,
                "strict": strict is not None,
            }
            return form | ({"description": output.description} if output.description.strip() else {})
        case _:
            return Unsupported(f"the schema of the answer {output.name} is not a JSON schema")
