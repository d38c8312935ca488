"""The events and items of the Responses wire as types, and how they are read from bytes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Generic, Required, TypeAlias, TypeVar, final

from pydantic import JsonValue, TypeAdapter, ValidationError, with_config
from returns.result import Success

# pydantic takes no other TypedDict on Python 3.11.
from typing_extensions import TypedDict

from punk.core.failures import Malformed
from punk.core.json import JsonObject
from punk.wire.json import loads_lenient, repair_surrogates

T = TypeVar("T")

# Typed dicts are read in half the time that models take, and a delta is read for every token. `strict`: 7 is no text.
# What is not named here is ignored.
_wire: Final = with_config(strict=True, extra="ignore")

Record: TypeAlias = dict[str, JsonValue]
"""An object of the provider's that is kept as it is."""


@final
@_wire
class Delta(TypedDict, total=False):
    """The next piece of an item, or with `arguments` the whole of a call's. An item is known by its index or its id."""

    output_index: int | None
    item_id: str | None
    content_index: int | None
    summary_index: int | None
    delta: str | None
    arguments: str | None
    error: JsonValue


@final
@_wire
class ItemEvent(TypedDict, total=False):
    """An item begins, or is whole."""

    output_index: int | None
    item: Record
    error: JsonValue


@final
@_wire
class Part(TypedDict, total=False):
    """A part of a message's content, or of a reasoning item's summary or content."""

    type: str | None
    text: str | None
    refusal: str | None
    annotations: list[JsonValue] | None


@final
@_wire
class MessageItem(TypedDict, total=False):
    """What the model says."""

    id: str | None
    phase: str | None
    content: list[Part] | None


@final
@_wire
class ReasoningItem(TypedDict, total=False):
    """What the model thinks. Some servers give its content as one text."""

    id: str | None
    summary: list[Part] | None
    content: list[Part] | str | None


@final
@_wire
class CallItem(TypedDict, total=False):
    """A call of a function. `id` is the item's; what its result refers to is `call_id`."""

    id: str | None
    call_id: str | None
    name: str | None
    arguments: str | None
    status: str | None


@final
@_wire
class OtherItem(TypedDict, total=False):
    """An item that punk does not interpret."""

    id: str | None
    type: Required[str]


@final
@_wire
class IncompleteDetails(TypedDict, total=False):
    """Why an answer ended early."""

    reason: str | None


@final
@_wire
class Response(TypedDict, total=False):
    """The answer as a whole, or what is known of it."""

    id: str | None
    model: str | None
    status: str | None
    output: list[Record] | None
    usage: Record | None
    incomplete_details: IncompleteDetails | None
    error: JsonValue


@final
@_wire
class ResponseEvent(TypedDict, total=False):
    """The answer begins, waits, or ends."""

    response: Response | None
    error: JsonValue


@final
@_wire
class Named(TypedDict, total=False):
    """What an event says that it is; one without a type may be a gateway's error."""

    type: str | None
    error: JsonValue


@final
class Reader(Generic[T]):
    """Reads one form of payload."""

    def __init__(self, adapter: TypeAdapter[T], what: str) -> None:
        self._adapter = adapter
        self._what = what

    @property
    def hot(self) -> Callable[[bytes], T | Malformed]:
        """As `read`, in half the time: for payloads that punk does not keep."""
        validate_json = self._adapter.validator.validate_json

        def read(data: bytes) -> T | Malformed:
            try:
                payload: T = validate_json(data)
            except ValidationError:
                # The fast parser refuses lone surrogates, which the format allows; the other tells them from garbage.
                return self.read(data)
            return payload

        return read

    def read(self, data: bytes) -> T | Malformed:
        """The payload that `data` is, its lone surrogates repaired, or why it is none."""
        document = read_object(data, self._what)
        return document if isinstance(document, Malformed) else self.check(document)

    def check(self, document: JsonObject) -> T | Malformed:
        """`document` as this form of payload, or where it is none."""
        try:
            return self._adapter.validate_python(document)
        except ValidationError as error:
            place = ".".join(str(step) for step in error.errors(include_input=False, include_url=False)[0]["loc"])
            return Malformed(f"the provider sent {self._what} of a wrong form (at {place[:80]})")


def read_object(data: bytes, what: str) -> JsonObject | Malformed:
    """The JSON object that `data` is, its lone surrogates repaired; `what` names it in the failure's message."""
    match loads_lenient(data).map(repair_surrogates):
        case Success(dict() as document):
            return document
        case Success(_):
            return Malformed(f"the provider sent {what} that is not a JSON object")
        case fault:
            return Malformed(f"the provider sent {what} that cannot be read: {fault.failure()}")


read_delta: Final = Reader(TypeAdapter(Delta), "a delta").hot
read_name: Final = Reader(TypeAdapter(Named), "an event").hot
ITEM_EVENT: Final = Reader(TypeAdapter(ItemEvent), "an item")
RESPONSE_EVENT: Final = Reader(TypeAdapter(ResponseEvent), "an event about the answer")
RESPONSE: Final = Reader(TypeAdapter(Response), "an answer")
MESSAGE: Final = Reader(TypeAdapter(MessageItem), "a message")
REASONING: Final = Reader(TypeAdapter(ReasoningItem), "a reasoning item")
CALL: Final = Reader(TypeAdapter(CallItem), "a function call")
OTHER: Final = Reader(TypeAdapter(OtherItem), "an item")
