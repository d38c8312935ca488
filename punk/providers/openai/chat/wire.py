"""The payloads of the chat-completions wire as types, and how they are read from bytes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Final, TypeAlias, TypeVar, final

from pydantic import Field, JsonValue, TypeAdapter, with_config

# pydantic takes no other TypedDict on Python 3.11.
from typing_extensions import TypedDict

from punk.core.failures import Malformed
from punk.providers.reading import payload_reader

T = TypeVar("T")

# Typed dicts are read in half the time that models take, and a chunk is read for every token. `strict`: 7 is no text.
# What is not named here is ignored.
_wire: Final = with_config(strict=True, extra="ignore")

Piece: TypeAlias = dict[str, JsonValue]
"""A typed piece of content or of reasoning: `{"type": "text", "text": …}`, `{"type": "thinking", …}`."""


@final
@_wire
class Function(TypedDict, total=False):
    """The name of a call's function, and the next piece of its arguments."""

    name: str | None
    arguments: str | None


@final
@_wire
class ToolDelta(TypedDict, total=False):
    """A piece of a call. `index` numbers the calls; some servers leave it out or send -1."""

    index: int | None
    id: str | None
    function: Function | None


@final
@_wire
class Delta(TypedDict, total=False):
    """What a chunk adds to the message; also a whole message, which has the same fields.

    `reasoning_content` is the word of DeepSeek, vLLM and llama.cpp for thinking, `reasoning` that of OpenRouter, Groq
    and Ollama; `reasoning_details` are OpenRouter's, with signatures; content in pieces is Mistral's.
    """

    content: Annotated[str | list[Piece] | None, Field(union_mode="left_to_right")]
    reasoning_content: str | None
    reasoning: str | None
    reasoning_details: list[Piece] | None
    refusal: str | None
    tool_calls: list[ToolDelta] | None
    function_call: Function | None
    annotations: list[JsonValue] | None
    images: list[Piece] | None


@final
@_wire
class Choice(TypedDict, total=False):
    """One of the answers that were asked for; punk asks for one, number 0."""

    index: int | None
    delta: Delta | None
    finish_reason: str | None


@final
@_wire
class Chunk(TypedDict, total=False):
    """One payload of a stream."""

    id: str | None
    model: str | None
    object: str | None
    choices: list[Choice] | None
    usage: Piece | None
    error: JsonValue


@final
@_wire
class WholeChoice(TypedDict, total=False):
    """As `Choice`, of an answer that came in one piece."""

    index: int | None
    message: Delta | None
    finish_reason: str | None


@final
@_wire
class Completion(TypedDict, total=False):
    """An answer that came in one piece."""

    id: str | None
    model: str | None
    object: str | None
    choices: list[WholeChoice] | None
    usage: Piece | None
    error: JsonValue


read_chunk: Final[Callable[[bytes], Chunk | Malformed]] = payload_reader(TypeAdapter(Chunk), "a chunk of the answer")
"""The chunk that one payload is, or why it is none."""

read_completion: Final[Callable[[bytes], Completion | Malformed]] = payload_reader(
    TypeAdapter(Completion), "the answer"
)
"""The answer that a whole body is, or why it is none."""
