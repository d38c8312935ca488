"""Encodes a turn's request as the body of a Messages request, by the `rules` that the wire has."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from returns.methods import unwrap_or_failure
from returns.result import Failure, Result, Success

from punk.core.effects import RequestTurn
from punk.core.failures import Unsupported
from punk.core.json import JsonObject, JsonValue
from punk.core.messages import Message, SystemMessage
from punk.core.parts import TextPart
from punk.providers.anthropic.history import Blocks, Said, answers_without_thinking, encode_messages, text_blocks
from punk.providers.anthropic.media import fit_marks, refused_media, with_media_told
from punk.providers.anthropic.offer import Offer, offer_of
from punk.providers.anthropic.rules import COUNTED
from punk.providers.anthropic.settings import AnthropicSettings
from punk.providers.anthropic.thinking import Thinking, thinking_of
from punk.providers.base import Body, Delivery
from punk.providers.encoding import laid_over, room_beside
from punk.wire.json import repair_surrogates


def encode(settings: AnthropicSettings, turn: RequestTurn, delivery: Delivery) -> Result[Body, Unsupported]:
    """The request for `turn`, or why this wire cannot hold it."""
    if settings.seed is not None:
        return Failure(Unsupported("Anthropic takes no seed: leave it out"))
    thinking = unwrap_or_failure(thinking_of(settings))
    if isinstance(thinking, Unsupported):
        return Failure(thinking)
    messages = encode_messages(with_media_told(turn.messages))
    if thinking.budget and answers_without_thinking(messages):
        thinking = Thinking()
    offer = offer_of(settings, turn, thinks=thinking.is_asked_for)
    if isinstance(offer, Unsupported):
        return Failure(offer)
    conversation = _conversation(turn.messages, messages, offer.hint)
    if isinstance(conversation, Unsupported):
        return Failure(conversation)
    fields = conversation | _asked(settings, thinking, offer) | thinking.fields
    if offer.form is not None:
        fields = laid_over(fields, {"output_config": {"format": offer.form}}, "output_config")
    body = laid_over(fields, settings.extra_body, "output_config") | {"stream": delivery == "stream"}
    if delivery == "count":
        body = {name: value for name, value in body.items() if name in COUNTED}
    # A request is UTF-8, which has no lone surrogates; a text that was cut between two halves of a character has.
    sendable = repair_surrogates(body)
    assert isinstance(sendable, dict), "an object stays one"
    headers = thinking.header_with_tools if offer.tools else ()
    return Success(Body(sendable, headers, delivery, offer.answer_tool))


def _conversation(said: tuple[Message, ...], messages: Sequence[Said], hint: str) -> JsonObject | Unsupported:
    if refused := refused_media(said):
        return refused
    if not messages:
        return Unsupported("there is nothing to answer: the chat has no message with content beside its system")
    system = [*_system(said), *text_blocks([TextPart(hint)])]
    if refused := fit_marks([*system, *(block for message in messages for block in message.blocks)]):
        return refused
    spoken: list[JsonValue] = [{"role": message.role, "content": [*message.blocks]} for message in messages]
    return {"messages": spoken, **({"system": [*system]} if system else {})}


def _system(said: Iterable[Message]) -> Blocks:
    # The wire's own messages are of two roles, so instructions that come late stand with the first ones.
    return [block for message in said if isinstance(message, SystemMessage) for block in text_blocks(message.parts)]


def _asked(settings: AnthropicSettings, thinking: Thinking, offer: Offer) -> JsonObject:
    known: JsonObject = {
        "model": settings.model,
        "max_tokens": room_beside(thinking.budget, settings.max_tokens),
        "tools": offer.tools or None,
        "tool_choice": offer.choice,
        "temperature": settings.temperature,
        "top_p": settings.top_p,
        "top_k": settings.top_k,
        "stop_sequences": [*settings.stop_sequences] or None,
    }
    return {name: value for name, value in known.items() if value is not None}
