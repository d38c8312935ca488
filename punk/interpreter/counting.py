"""Asks a provider how many tokens a request would have: one request, whose answer is a number."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from math import inf
from typing import TypeAlias, final

from returns.methods import unwrap_or_failure

from punk.core.effects import RequestTurn
from punk.core.failures import Failure, Unsupported
from punk.core.timeouts import timed_out
from punk.providers.base import Provider, TransportError, read_all
from punk.providers.secrets import presentable_failure, presented, secrets_of_body


@final
@dataclass(frozen=True, slots=True)
class Counted:
    """The request would have this many tokens."""

    tokens: int


@final
@dataclass(frozen=True, slots=True)
class NotCounted:
    """The provider did not say; `cause` is the foreign exception behind the failure, as it may be shown."""

    failure: Failure
    cause: BaseException | None = None


Count: TypeAlias = Counted | NotCounted


async def count_tokens(provider: Provider, turn: RequestTurn) -> Count:
    """How many tokens the request for `turn` would have."""
    if provider.count is None:
        return NotCounted(Unsupported(f"there is no way to count tokens with {provider.family}"))
    body = unwrap_or_failure(provider.encode(turn, "count"))
    if isinstance(body, Unsupported):
        return NotCounted(body)
    clocks = turn.clocks
    try:
        await provider.transport.prepare(body)
        seconds = min(clocks.first_event, clocks.total)
        async with asyncio.timeout(None if seconds == inf else seconds):
            stream = await provider.transport.open(replace(body, connect=clocks.connect))
            try:
                answer = await read_all(stream)
            finally:
                await stream.close()
    except TransportError as error:
        return NotCounted(*presented(error, body))
    except TimeoutError:
        return NotCounted(timed_out("first_event", clocks))
    match unwrap_or_failure(provider.count(answer)):
        case int() as tokens:
            return Counted(tokens)
        case failure:
            return NotCounted(presentable_failure(failure, (*stream.secrets, *secrets_of_body(body))))
