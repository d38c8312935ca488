"""Payloads of one provider that punk carries unread: kept as JSON text, sent back as an equal JSON value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

from punk.core.json import JsonValue, dump_json, parse_json


@final
@dataclass(frozen=True, slots=True)
class ProviderData:
    """A JSON value that only the wire family it came from understands.

    `family` is the wire's name (`anthropic`, `openai-chat`, ...); `text` the value as JSON text, so that it is
    immutable and hashable.
    """

    family: str
    text: str

    @classmethod
    def of(cls, family: str, value: JsonValue) -> ProviderData:
        """The payload `value` of `family`."""
        return cls(family, dump_json(value))

    @property
    def value(self) -> JsonValue:
        """The payload, parsed afresh: changing it changes nothing here."""
        return parse_json(self.text).value_or(None)
