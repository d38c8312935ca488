"""What punk reads of the events of a Messages stream, and how their JSON is read: fast, or leniently.

Source of the names: Anthropic's Messages API, streaming. Fields that are not named here are ignored.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, ClassVar, Final, Literal, TypeAlias, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from punk.core.failures import Malformed
from punk.core.json import JsonValue
from punk.providers.reading import wrong_form
from punk.wire.json import repair_surrogates

FAMILY: Final = "anthropic"


class WireModel(BaseModel):
    """A part of an event. Strict: 7 is no text."""

    model_config: ClassVar[ConfigDict] = ConfigDict(strict=True, frozen=True, extra="ignore")


class TextPiece(WireModel):
    """`text_delta`."""

    type: Literal["text_delta"]
    text: str


class ThinkingPiece(WireModel):
    """`thinking_delta`."""

    type: Literal["thinking_delta"]
    thinking: str


class InputPiece(WireModel):
    """`input_json_delta`."""

    type: Literal["input_json_delta"]
    partial_json: str


class SignaturePiece(WireModel):
    """`signature_delta`."""

    type: Literal["signature_delta"]
    signature: str


KNOWN_PIECES: Final = frozenset({"text_delta", "thinking_delta", "input_json_delta", "signature_delta"})
Piece: TypeAlias = Annotated[TextPiece | ThinkingPiece | InputPiece | SignaturePiece, Field(discriminator="type")]


class BlockDelta(WireModel):
    """`content_block_delta` with a delta that all blocks have in common."""

    index: int
    delta: Piece


class TextBlock(WireModel):
    """A text block as it starts, or whole."""

    text: str | None = None


class ThinkingBlock(WireModel):
    """A thinking block as it starts, or whole."""

    thinking: str | None = None
    signature: str | None = None


class ToolUseBlock(WireModel):
    """A call as it starts, or whole."""

    id: str | None = None
    name: str | None = None


# As `BlockDelta.model_validate_json`, without the half of its time that goes into looking at optional arguments.
parse_block_delta: Final[Callable[[bytes], BlockDelta]] = BlockDelta.__pydantic_validator__.validate_json


class Typed(WireModel):
    """What all blocks and deltas have."""

    type: str


class OtherBlockDelta(WireModel):
    """`content_block_delta` with a delta that few blocks, or only blocks yet to come, know."""

    index: int
    delta: Typed


class BlockStart(WireModel):
    """`content_block_start`."""

    index: int
    content_block: Typed


class BlockStop(WireModel):
    """`content_block_stop`."""

    index: int


class MessageNames(WireModel):
    """The names in `message_start`."""

    model: str | None = None
    id: str | None = None


class MessageStart(WireModel):
    """`message_start`."""

    message: MessageNames


class StopDetails(WireModel):
    """Why a model refused."""

    category: str | None = None
    explanation: str | None = None


class Stop(WireModel):
    """How a message ended: the `delta` of `message_delta`, or part of a whole message."""

    stop_reason: str | None = None
    stop_sequence: str | None = None
    stop_details: StopDetails | None = None


class MessageDelta(WireModel):
    """`message_delta`."""

    delta: Stop = Stop()


M = TypeVar("M", bound=WireModel)


def read_model(model: type[M], document: JsonValue, what: str) -> M | Malformed:
    """`document` as `model`, with lone surrogates in its texts repaired."""
    try:
        return model.model_validate(repair_surrogates(document))
    except ValidationError as error:
        return wrong_form(error, what)
