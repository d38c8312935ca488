"""Puts a Converse model together: its encoder, its decoders, and a transport."""

from __future__ import annotations

from functools import partial

from returns.result import Failure, Result, Success

from punk.core.failures import Malformed
from punk.providers.base import Provider, Transport
from punk.providers.bedrock.decode import ConverseDecoder
from punk.providers.bedrock.encode import encode
from punk.providers.bedrock.settings import BedrockSettings
from punk.providers.bedrock.whole import decode_whole
from punk.providers.bedrock.wire import FAMILY
from punk.providers.counts import count_within
from punk.providers.reading import read_json


def bedrock_provider(settings: BedrockSettings, transport: Transport, *, streams: bool = True) -> Provider:
    """The model of `settings`, reached through `transport`."""
    return Provider(
        FAMILY, partial(encode, settings), ConverseDecoder, decode_whole, transport, streams=streams, count=counted
    )


def counted(body: bytes) -> Result[int, Malformed]:
    """The number of tokens in an answer of `count-tokens`."""
    answer = read_json(body, "the answer")
    if isinstance(answer, Malformed):
        return Failure(answer)
    count = count_within(answer, "inputTokens")
    return Failure(Malformed("the answer states no number of tokens")) if count is None else Success(count)
