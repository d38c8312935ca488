"""What punk reads of the events of a ConverseStream answer, and how their JSON is read: fast, or leniently.

Source of the names: the service model of Bedrock Runtime in botocore. Fields that are not named here are ignored.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NotRequired, TypeVar, final

from pydantic import TypeAdapter, with_config

# pydantic takes no other TypedDict on Python 3.11.
from typing_extensions import TypedDict

FAMILY: Final = "bedrock-converse"

T = TypeVar("T")

# Typed dicts are read in half the time that models take, and a delta is read for every token. `strict`: 7 is no text.
_wire: Final = with_config(strict=True, extra="ignore")


@final
@_wire
class ToolUseDelta(TypedDict, total=False):
    """The next piece of a call's arguments."""

    input: str | None


@final
@_wire
class ReasoningDelta(TypedDict, total=False):
    """One of: more reasoning, (a piece of) its signature, (a piece of) redacted reasoning in base64."""

    text: str | None
    signature: str | None
    redactedContent: str | None


@final
@_wire
class Delta(TypedDict, total=False):
    """The members that most deltas have one of; others leave this empty."""

    text: str | None
    toolUse: ToolUseDelta | None
    reasoningContent: ReasoningDelta | None


@final
@_wire
class BlockDelta(TypedDict):
    """`contentBlockDelta`."""

    contentBlockIndex: int
    delta: Delta


@final
@_wire
class OtherBlockDelta(TypedDict):
    """`contentBlockDelta` with a delta that few blocks, or only blocks yet to come, know."""

    contentBlockIndex: int
    delta: dict[str, object]


@final
@_wire
class BlockStart(TypedDict):
    """`contentBlockStart`. Blocks of text and of reasoning have none."""

    contentBlockIndex: int
    start: NotRequired[dict[str, object] | None]


@final
@_wire
class BlockStop(TypedDict):
    """`contentBlockStop`. One that names no block ends none."""

    contentBlockIndex: NotRequired[int | None]


@final
@_wire
class ToolUse(TypedDict, total=False):
    """A call as it starts, or whole; with a `type`, it is one that the server itself answers."""

    toolUseId: str | None
    name: str | None
    type: str | None


@final
@_wire
class MessageStop(TypedDict, total=False):
    """`messageStop`; a whole answer says the same."""

    stopReason: str | None


BLOCK_DELTA: Final = TypeAdapter(BlockDelta)
OTHER_BLOCK_DELTA: Final = TypeAdapter(OtherBlockDelta)
BLOCK_START: Final = TypeAdapter(BlockStart)
BLOCK_STOP: Final = TypeAdapter(BlockStop)
TOOL_USE: Final = TypeAdapter(ToolUse)
MESSAGE_STOP: Final = TypeAdapter(MessageStop)

# Without the half of its time that `TypeAdapter.validate_json` spends on looking at optional arguments.
parse_block_delta: Final[Callable[[bytes], BlockDelta]] = BLOCK_DELTA.validator.validate_json
