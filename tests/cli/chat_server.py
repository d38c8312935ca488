"""Answers of a chat-completions server, and the environment in which the command asks it."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence

from tests.support.paths import ROOT
from tests.support.server import Answer, Ending, Piece, Server

PUNK = [sys.executable, "-m", "punk"]
KEY = "sk-not-a-key-but-as-long-as-one"

END = b"data: [DONE]\n\n"


def delta(text: str = "", *, thinking: str | None = None, finish: str | None = None) -> bytes:
    """One chunk of an answer."""
    said = {"content": text} if thinking is None else {"reasoning_content": thinking}
    choice = {"index": 0, "delta": said, "finish_reason": finish}
    chunk = {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}
    return b"data: %s\n\n" % json.dumps(chunk).encode()


def answer(*texts: str, finish: str = "stop") -> Answer:
    """A whole answer of these deltas."""
    return Answer([*map(delta, texts), delta(finish=finish), END])


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
    return {**os.environ, **settings, "PYTHONWARNINGS": "error"}


def prompts(server: Server) -> Sequence[object]:
    """The messages of the last request."""
    messages = server.requests[-1].body["messages"]
    assert isinstance(messages, list)
    return messages
