"""The rules that the chat-completions wire has for the ids and names of calls, and what is sent for others."""

from __future__ import annotations

import re
from hashlib import sha256
from typing import Final

_LONGEST_ID: Final = 40
_NAME: Final = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_FORBIDDEN: Final = re.compile(r"[^a-zA-Z0-9_-]")


def call_id(id_: str) -> str:
    """`id_`, or where it is too long for OpenAI a digest of it: the same for a call and its result."""
    if len(id_) <= _LONGEST_ID:
        return id_
    return f"call_{sha256(id_.encode(errors='surrogatepass')).hexdigest()[:32]}"


def call_name(name: str, offered: frozenset[str]) -> str:
    """`name` if it is a tool `offered` or a valid name; a model may have called what can not be a tool's name."""
    if name in offered or _NAME.fullmatch(name):
        return name
    return _FORBIDDEN.sub("_", name)[:64] or "unnamed"
