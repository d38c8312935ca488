"""Answers of a server of OpenAI's Responses, and the environment in which the command asks it."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence

from tests.support.paths import ROOT
from tests.support.server import Answer, Ending, Piece, Server

PUNK = [sys.executable, "-m", "punk"]
KEY = "sk-not-a-key-but-as-long-as-one"


def delta(text: str = "", *, thinking: str | None = None) -> bytes:
    """One piece of an answer."""
    if thinking is None:
        return _event("response.output_text.delta", output_index=1, delta=text)
    return _event("response.reasoning_text.delta", output_index=0, delta=thinking)


def end(reason: str | None = None) -> bytes:
    """The end of an answer; `reason` says why it is incomplete, if it is."""
    if reason is None:
        return _event("response.completed", response={"status": "completed"})
    return _event("response.incomplete", response={"incomplete_details": {"reason": reason}})


def _event(name: str, **fields: object) -> bytes:
    return b"event: %s\ndata: %s\n\n" % (name.encode(), json.dumps({"type": name, **fields}).encode())


def answer(*texts: str, reason: str | None = None) -> Answer:
    """A whole answer of these deltas."""
    return Answer([*map(delta, texts), end(reason)])


def unfinished(*pieces: Piece, ending: Ending = "clean") -> Answer:
    """An answer that does not come to its end."""
    return Answer(pieces, ending=ending)


def refused(status: int, message: str) -> Answer:
    """An error instead of an answer."""
    body = json.dumps({"error": {"message": message, "type": "invalid_request_error"}}).encode()
    return Answer([body], status=status, headers=(("content-type", "application/json"),))


def environment(server: Server) -> dict[str, str]:
    """The process's environment, with the server as OpenAI."""
    settings = {"OPENAI_API_KEY": KEY, "OPENAI_BASE_URL": f"{server.base}/v1", "PYTHONPATH": str(ROOT)}
    # What would overrule the size of a terminal of the tests.
    inherited = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES")}
    return {**inherited, **settings, "PYTHONWARNINGS": "error"}


def prompts(server: Server) -> Sequence[object]:
    """The messages of the last request."""
    messages = server.requests[-1].body["input"]
    assert isinstance(messages, list)
    return messages
