"""Encodes the request of a turn for the Gemini wire.

The model's name is part of the address, not of the body, but where the Gemini API counts tokens. An answer that paused
is asked to go on with the request as it was, and the token that it gave.
"""

from __future__ import annotations

from typing import Final

from returns.methods import unwrap_or_failure
from returns.result import Failure, Result, Success

from punk.core.effects import RequestTurn
from punk.core.failures import Malformed, Unsupported
from punk.core.json import JsonObject
from punk.providers.base import Body, Delivery
from punk.providers.counts import read_count
from punk.providers.encoding import laid_over, refused_part, room_beside
from punk.providers.google.address import resource
from punk.providers.google.history import continued, encode_contents, system_parts
from punk.providers.google.media import refused_source, with_media_told
from punk.providers.google.rules import MEDIA, SIGNED_CALLS
from punk.providers.google.settings import GoogleSettings, since
from punk.providers.google.thinking import Thinking, thinking_of
from punk.providers.google.tools import asked_of
from punk.providers.google.turn import TOKEN
from punk.wire.json import repair_surrogates

_COUNTED: Final = ("contents", "systemInstruction", "tools", "generationConfig")
"""What Vertex takes of a request whose tokens it counts."""


def encode(settings: GoogleSettings, turn: RequestTurn, delivery: Delivery) -> Result[Body, Unsupported]:
    """The request for `turn`, or why this wire cannot hold it. Text that is no Unicode is repaired with U+FFFD."""
    thinking = unwrap_or_failure(thinking_of(settings))
    if isinstance(thinking, Unsupported):
        return Failure(thinking)
    if refused := refused_part(turn.messages, MEDIA) or refused_source(settings.service, turn.messages):
        return Failure(refused)
    asked = asked_of(settings, turn)
    if isinstance(asked, Unsupported):
        return Failure(asked)
    token = continued(turn.messages)
    said = turn.messages if token is None else turn.messages[:-1]
    new = since(settings.model, SIGNED_CALLS)
    contents = encode_contents(with_media_told(settings.service, said), sign_calls=new, media_in_results=new)
    if not contents:
        return Failure(Unsupported("there is nothing to answer: the chat has no message with text beside its system"))
    system = system_parts(turn.messages)
    generation: JsonObject = {**_generation(settings, thinking), **asked.generation}
    body: JsonObject = {
        "contents": [*contents],
        **({"systemInstruction": {"parts": system}} if system else {}),
        **asked.fields,
        **({"generationConfig": generation} if generation else {}),
        **({TOKEN: token} if token is not None else {}),
    }
    sendable = repair_surrogates(
        _counting(settings, laid_over(body, settings.extra_body, "generationConfig"), delivery)
    )
    assert isinstance(sendable, dict), "an object stays one"
    return Success(Body(sendable, delivery=delivery, answer_tool=asked.answer_tool))


def count(answer: bytes) -> Result[int, Malformed]:
    """The number of tokens that an answer to the count delivery states."""
    return read_count(answer, "totalTokens")


def _generation(settings: GoogleSettings, thinking: Thinking) -> JsonObject:
    most = settings.max_tokens
    said: JsonObject = {
        "maxOutputTokens": None if most is None else room_beside(thinking.budget, most),
        "temperature": settings.temperature,
        "topP": settings.top_p,
        "topK": settings.top_k,
        "seed": settings.seed,
        "stopSequences": [*settings.stop_sequences] or None,
        "thinkingConfig": thinking.config,
    }
    return {name: value for name, value in said.items() if value is not None}


def _counting(settings: GoogleSettings, body: JsonObject, delivery: Delivery) -> JsonObject:
    if delivery != "count":
        return body
    if settings.service == "vertex":
        return {name: body[name] for name in _COUNTED if name in body}
    return {"generateContentRequest": {"model": resource(settings.model, "gemini"), **body}}
