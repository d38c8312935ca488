"""Reads what a stdio server prints: a message, an answer that nobody can read, or noise."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from returns.methods import unwrap_or_failure

from punk.core.json import JsonObject, parse_object
from punk.wire.json import repair_surrogates

if TYPE_CHECKING:
    from mcp.shared.message import SessionMessage

_ANSWERS: Final = re.compile(r'\s*\{.*"id"\s*:\s*(\d+)', re.DOTALL)


def read_line(line: bytes) -> SessionMessage | None:
    """The message that `line` is; None for noise, as a server prints that greets its terminal first.

    Text that is no Unicode is repaired with U+FFFD. An answer that cannot be read even so is an error in its place:
    whoever asked would wait for ever.
    """
    from mcp.shared.message import SessionMessage
    from mcp_types import jsonrpc_message_adapter

    try:
        return SessionMessage(jsonrpc_message_adapter.validate_json(line, by_name=False))
    except ValueError:
        pass
    text = line.decode("utf-8", "replace")
    match unwrap_or_failure(parse_object(text)):
        case str():
            found = _ANSWERS.match(text)
            return None if found is None or '"method"' in text else _unreadable(int(found[1]))
        case told:
            pass
    try:
        repaired = repair_surrogates(told)
        return SessionMessage(jsonrpc_message_adapter.validate_python(repaired, by_name=False))
    except ValueError:
        return _answer_in(told)


def _answer_in(told: JsonObject) -> SessionMessage | None:
    asked = told.get("id")
    if "method" in told or isinstance(asked, bool) or not isinstance(asked, int | str):
        return None
    return _unreadable(asked)


def _unreadable(asked: int | str) -> SessionMessage:
    from mcp.shared.message import SessionMessage
    from mcp_types import PARSE_ERROR, ErrorData, JSONRPCError

    error = ErrorData(code=PARSE_ERROR, message="what it answered cannot be read")
    return SessionMessage(JSONRPCError(jsonrpc="2.0", id=asked, error=error))
