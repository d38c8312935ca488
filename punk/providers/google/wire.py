"""The payloads of the Gemini wire as types, and how they are read from bytes.

Source of the names: the Gemini API's GenerateContentResponse, and Vertex's. What is not named here is ignored, but in
a part: its other fields are its payload.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Final, TypeAlias, TypeVar, final

from pydantic import Field, TypeAdapter, with_config

# pydantic takes no other TypedDict on Python 3.11.
from typing_extensions import TypedDict

from punk.core.failures import Malformed
from punk.providers.reading import payload_reader

FAMILY: Final = "gemini"

T = TypeVar("T")

# Typed dicts are read in half the time that models take, and a chunk is read for every token. `strict`: 7 is no text.
# A number or a truth value in a text is none either, but where Google's SDK takes it for one and servers send it so.
_wire: Final = with_config(strict=True, extra="ignore")
_open: Final = with_config(strict=True, extra="allow")

Raw: TypeAlias = object
"""A JSON value that is carried as it came: nothing is looked at, for that takes as long as all the rest."""


@final
@_wire
class PartialArg(TypedDict, total=False):
    """A piece of an argument at `jsonPath`: one of the values; a string goes on in the next piece of its path."""

    jsonPath: str | None
    stringValue: str | None
    numberValue: Annotated[int | float | None, Field(union_mode="left_to_right")]
    boolValue: bool | None
    nullValue: Raw
    willContinue: bool | None


@final
@_wire
class FunctionCall(TypedDict, total=False):
    """A call, whole, or a piece of one whose arguments are streamed."""

    id: str | None
    name: str | None
    args: dict[str, Raw] | None
    partialArgs: list[PartialArg] | None
    willContinue: bool | None


@final
@_open
class Part(TypedDict, total=False):
    """A part of the answer: a text, a thought, a call, or something else under a name of its own."""

    text: str | None
    thought: Annotated[bool | None, Field(strict=False)]
    thoughtSignature: str | None
    functionCall: FunctionCall | None


@final
@_wire
class Content(TypedDict, total=False):
    """The parts that a chunk adds."""

    parts: list[Part] | None


@final
@_wire
class Candidate(TypedDict, total=False):
    """One of the answers that were asked for; punk asks for one, number 0."""

    index: Annotated[int | None, Field(strict=False)]
    content: Content | None
    finishReason: str | None
    finishMessage: str | None
    continuationToken: str | None
    groundingMetadata: Raw
    citationMetadata: Raw
    urlContextMetadata: Raw


@final
@_wire
class PromptFeedback(TypedDict, total=False):
    """What was wrong with the prompt."""

    blockReason: str | None
    blockReasonMessage: str | None


@final
@_wire
class Chunk(TypedDict, total=False):
    """One payload of a stream; also a whole answer, which has the same form."""

    candidates: list[Candidate] | None
    promptFeedback: PromptFeedback | None
    usageMetadata: dict[str, Raw] | None
    modelVersion: str | None
    responseId: str | None
    error: Raw


read_chunk: Final[Callable[[bytes], Chunk | Malformed]] = payload_reader(TypeAdapter(Chunk), "a chunk of the answer")
"""The chunk that one payload is, or why it is none."""

read_chunks: Final[Callable[[bytes], list[Chunk] | Malformed]] = payload_reader(TypeAdapter(list[Chunk]), "the answer")
"""The chunks that a payload holds which is a list of them, or why it is none."""
