"""The models that a run may ask, one after the other, and how each gives its answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import final

from returns.methods import unwrap_or_failure

from punk.core.effects import RequestTurn
from punk.core.failures import Failure, Unsupported
from punk.interpreter.turn import Turn
from punk.providers.base import Delivery, Provider


@final
class Routes:
    """The providers of a run, the chat's own first. Used by one run."""

    def __init__(self, providers: Sequence[Provider]) -> None:
        self._providers = tuple(providers)
        self._deliveries: list[Delivery] = ["stream" if provider.streams else "whole" for provider in providers]
        self._kept: Turn | None = None

    def family(self, model: int) -> str:
        """The name of the wire of model number `model`."""
        return self._providers[model].family

    def turn(self, effect: RequestTurn) -> Turn | Unsupported:
        """The request for `effect`, ready to be made; or why it cannot be."""
        kept, self._kept = self._kept, None
        if kept is not None:
            return kept
        provider, delivery = self._providers[effect.model], self._deliveries[effect.model]
        match unwrap_or_failure(provider.encode(effect, delivery)):
            case Unsupported() as unsupported:
                return unsupported
            case body:
                return Turn(provider, body, effect.clocks)

    def expect_whole(self, model: int) -> bool:
        """Model number `model` cannot stream: it is asked for whole answers from now on. False if it was before."""
        before, self._deliveries[model] = self._deliveries[model], "whole"
        return before != "whole"

    async def refused(self, effect: RequestTurn, *, keep: bool) -> Failure | None:
        """Why one of the models could not be asked for `effect`, None if all could; nothing is sent to find out. The
        first request is kept for when it is asked for."""
        turns = [self.turn(replace(effect, model=model)) for model in range(len(self._providers))]
        for turn in turns:
            failure = await turn.prepare() if isinstance(turn, Turn) else turn
            if failure is not None:
                return failure
        self._kept = turns[0] if keep and isinstance(turns[0], Turn) else None
        return None
