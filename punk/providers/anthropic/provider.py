"""Puts a Messages model together: its encoder, its decoders, and a transport."""

from __future__ import annotations

from functools import partial

from punk.providers.anthropic.decode import AnthropicDecoder, decode_whole
from punk.providers.anthropic.encode import encode
from punk.providers.anthropic.settings import AnthropicSettings
from punk.providers.anthropic.usage import count_in
from punk.providers.anthropic.wire import FAMILY
from punk.providers.base import Provider, Transport


def anthropic_provider(
    settings: AnthropicSettings, transport: Transport, *, streams: bool = True, portable: bool = True
) -> Provider:
    """The model of `settings`, reached through `transport`; not `portable` if its client belongs to one event loop."""
    return Provider(
        FAMILY, partial(encode, settings), AnthropicDecoder, decode_whole, transport, streams, portable, count_in
    )
