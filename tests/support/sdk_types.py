"""Holds a request against the types that a vendor's SDK has for it, in which no field is unknown."""

from __future__ import annotations

from typing import final

from pydantic import TypeAdapter, ValidationError

from punk.core.json import JsonObject


@final
class SdkType:
    """The SDK's type of a request's body."""

    def __init__(self, type_: type[object]) -> None:
        self._adapter: TypeAdapter[object] = TypeAdapter(type_)

    def faults(self, body: JsonObject) -> list[str]:
        """What in `body` the SDK does not know, empty if it knows all."""
        try:
            _read(self._adapter.validate_python(body, extra="forbid"))
        except ValidationError as error:
            return [f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors()]
        return []


def _read(value: object) -> None:
    """Reads `value` to its end: pydantic looks at what is only iterable when it is iterated over."""
    if isinstance(value, dict):
        for inner in value.values():
            _read(inner)
    elif not isinstance(value, str | bytes) and hasattr(value, "__iter__"):
        for inner in value:
            _read(inner)
