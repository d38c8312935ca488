"""Encodes a turn's request as the body of a Converse request."""

from __future__ import annotations

from returns.methods import unwrap_or_failure
from returns.result import Failure, Result, Success

from punk.core.effects import RequestTurn
from punk.core.failures import Unsupported
from punk.core.json import JsonObject, JsonValue
from punk.providers.base import Body, Delivery
from punk.providers.bedrock.history import answers_without_thinking, encode_messages, system_blocks
from punk.providers.bedrock.media import with_media_told
from punk.providers.bedrock.models import is_claude, takes_one_sampling
from punk.providers.bedrock.output import text_format
from punk.providers.bedrock.settings import BedrockSettings
from punk.providers.bedrock.thinking import Thinking, thinking_of
from punk.providers.bedrock.tools import tools_of
from punk.providers.encoding import answer_tool, room_beside
from punk.wire.json import repair_surrogates

_COUNTED = ("messages", "system", "toolConfig", "additionalModelRequestFields")


def encode(settings: BedrockSettings, turn: RequestTurn, delivery: Delivery) -> Result[Body, Unsupported]:
    """The request for `turn`, or why this wire cannot hold it."""
    refused = _refused_settings(settings)
    if refused is not None:
        return Failure(refused)
    thinking = unwrap_or_failure(thinking_of(settings))
    if isinstance(thinking, Unsupported):
        return Failure(thinking)
    messages = encode_messages(with_media_told(turn.messages, settings.model))
    if isinstance(messages, Unsupported):
        return Failure(messages)
    if not messages:
        return Failure(Unsupported("there is nothing to answer: the chat has no message with text beside its system"))
    if thinking.budget and answers_without_thinking(messages):
        thinking = Thinking()
    form = None if turn.output is None else text_format(settings.model, turn.output)
    answer = answer_tool(turn.output) if turn.output is not None and form is None else None
    tools = tools_of(settings, turn, thinking, answer)
    if isinstance(tools, Unsupported):
        return Failure(tools)
    system = system_blocks(turn.messages)
    if tools.sentence:
        system.append({"text": tools.sentence})
    fields: JsonObject = {
        "messages": [*messages],
        "system": system,
        "inferenceConfig": _inference(settings, thinking),
        "toolConfig": tools.config,
        "additionalModelRequestFields": _for_the_model(settings, thinking, with_tools=bool(tools.config)),
        "outputConfig": _given({"textFormat": form, "effort": thinking.effort}),
    }
    return Success(_body(settings, _given(fields), delivery, answer.name if answer else None))


def _body(settings: BedrockSettings, fields: JsonObject, delivery: Delivery, answer: str | None) -> Body:
    json = _laid_over(fields, settings.extra_body or {})
    if delivery == "count":
        json = {"input": {"converse": {name: json[name] for name in _COUNTED if name in json}}}
    # A request is UTF-8, which has no lone surrogates; a text that was cut between two halves of a character has.
    sendable = repair_surrogates(json)
    assert isinstance(sendable, dict), "an object stays one"
    return Body(sendable, delivery=delivery, answer_tool=answer)


def _refused_settings(settings: BedrockSettings) -> Unsupported | None:
    if settings.seed is not None:
        return Unsupported("Bedrock takes no seed: leave it out")
    if settings.top_k is not None and not is_claude(settings.model):
        return Unsupported(
            "Bedrock takes top_k for Anthropic's models alone: leave it out, or say it as your model wants it in "
            "extra_body under additionalModelRequestFields"
        )
    if settings.temperature is not None and settings.top_p is not None and takes_one_sampling(settings.model):
        return Unsupported("this model takes temperature or top_p, not both: leave one of the two out")
    return None


def _inference(settings: BedrockSettings, thinking: Thinking) -> JsonObject:
    most = settings.max_tokens
    return _given(
        {
            "maxTokens": None if most is None else room_beside(thinking.budget, most),
            "temperature": settings.temperature,
            "topP": settings.top_p,
            "stopSequences": [*settings.stop_sequences],
        }
    )


def _for_the_model(settings: BedrockSettings, thinking: Thinking, *, with_tools: bool) -> JsonObject:
    beta = thinking.beta_with_tools if with_tools else None
    return _given({"top_k": settings.top_k, **thinking.fields, "anthropic_beta": [beta] if beta else None})


def _given(fields: JsonObject) -> JsonObject:
    """`fields` without those that say nothing."""
    return {name: value for name, value in fields.items() if value not in (None, [], {})}


def _laid_over(fields: JsonObject, extra: JsonObject) -> JsonObject:
    """`fields` with what the caller adds: objects member by member, and tools beside those that are there."""
    merged = dict(fields)
    for name, value in extra.items():
        known = merged.get(name)
        if isinstance(known, dict) and isinstance(value, dict):
            tools = [*_list(known.get("tools")), *_list(value.get("tools"))]
            value = {**known, **value, **({"tools": tools} if tools else {})}
        merged[name] = value
    return merged


def _list(value: JsonValue) -> list[JsonValue]:
    return value if isinstance(value, list) else []
