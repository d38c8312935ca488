"""The slow path for a provider's JSON: payloads whose strings hold lone surrogates, which fast parsers refuse."""

from __future__ import annotations

from returns.result import Failure, Result

from punk.core.json import JsonValue, parse_json, repair_text


def loads_lenient(data: bytes) -> Result[JsonValue, str]:
    """The JSON value that `data` is, its lone surrogates kept, or a short sentence that says why it is none."""
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        return Failure(f"not valid UTF-8: {error.reason} at byte {error.start}")
    return parse_json(text)


def repair_surrogates(value: JsonValue) -> JsonValue:
    """`value` with strings that can be encoded: surrogate pairs are joined, lone ones become U+FFFD, also in keys.

    Keys that become equal fall together: the last one counts. Raises RecursionError for nesting beyond what
    `parse_json` lets pass.
    """
    match value:
        case str():
            return repair_text(value)
        case list():
            return [repair_surrogates(item) for item in value]
        case dict():
            return {repair_text(key): repair_surrogates(item) for key, item in value.items()}
        case _:
            return value
