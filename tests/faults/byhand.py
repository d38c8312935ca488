"""Writes by hand what no encoder of a wire would: events of any name, chunks with anything in them."""

from __future__ import annotations

import json
from collections.abc import Mapping


def event(name: str, **fields: object) -> bytes:
    """A server-sent event with a name, which its document says again as its type."""
    return f"event: {name}\ndata: {json.dumps({'type': name, **fields})}\n\n".encode()


def chunk(document: Mapping[str, object]) -> bytes:
    """A server-sent event without a name."""
    return b"data: " + json.dumps(document).encode() + b"\n\n"


def choice(delta: Mapping[str, object]) -> bytes:
    """A chunk of chat completions."""
    return chunk({"choices": [{"index": 0, "delta": delta}]})


def candidate(*parts: Mapping[str, object], **fields: object) -> bytes:
    """A chunk of Gemini's."""
    return chunk({"candidates": [{"index": 0, "content": {"parts": parts, "role": "model"}, **fields}]})
