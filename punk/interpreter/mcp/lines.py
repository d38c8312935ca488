"""Reads what a stdio server prints: a message, an answer that nobody can read, or noise."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from returns.methods import unwrap_or_failure

from punk.core.json import JsonValue, parse_object
from punk.wire.json import repair_surrogates

if TYPE_CHECKING:
    from mcp.shared.message import SessionMessage

_BOM: Final = b"\xef\xbb\xbf"
_TOKENS: Final = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\]:]|[^\s{}\[\]:,"]+')


def read_line(line: bytes) -> SessionMessage | None:
    """The message that `line` is; None for noise, as a server prints that greets its terminal first.

    Text that is no Unicode is repaired with U+FFFD. An answer that cannot be read even so is an error in its place:
    whoever asked would wait for ever.
    """
    from mcp.shared.message import SessionMessage
    from mcp_types import jsonrpc_message_adapter

    line = line.removeprefix(_BOM)
    try:
        return SessionMessage(jsonrpc_message_adapter.validate_json(line, by_name=False))
    except ValueError:
        pass
    text = line.decode("utf-8", "replace")
    match unwrap_or_failure(parse_object(text)):
        case str():
            return _answer_in(_outermost(text))
        case told:
            pass
    try:
        repaired = repair_surrogates(told)
        return SessionMessage(jsonrpc_message_adapter.validate_python(repaired, by_name=False))
    except ValueError:
        return _answer_in(told)


def _outermost(text: str) -> dict[str, JsonValue]:
    """The fields of the object that `text` begins, cut or too deep as it may be; None is what is no whole number."""
    fields: dict[str, JsonValue] = {}
    depth = 0
    last, key = "", ""
    for token in _TOKENS.findall(text):
        if depth == 1 and token == ":":
            key = last
        elif depth == 1 and key:
            fields[key.strip('"')] = int(token) if token.isdigit() else None
            key = ""
        depth += (token in "{[") - (token in "}]")
        last = token
    return fields


def _answer_in(told: dict[str, JsonValue]) -> SessionMessage | None:
    """The error of the answer that has these fields, None if they are no answer's: programs log in JSON, too."""
    from mcp.shared.message import SessionMessage
    from mcp_types import PARSE_ERROR, ErrorData, JSONRPCError

    asked = told.get("id")
    answers = "method" not in told and not told.keys().isdisjoint(("jsonrpc", "result", "error"))
    if not answers or isinstance(asked, bool) or not isinstance(asked, int | str):
        return None
    error = ErrorData(code=PARSE_ERROR, message="what it answered cannot be read")
    return SessionMessage(JSONRPCError(jsonrpc="2.0", id=asked, error=error))
