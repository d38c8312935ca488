"""Tells the standard log, under `punk`, what a run asks for, waits for and comes to; quiet unless somebody listens."""

from __future__ import annotations

import logging
from typing import Final

from punk.core.effects import RequestTurn
from punk.core.events import FallbackTaken, RetryScheduled
from punk.core.state import Failed, StreamState

_LOG: Final = logging.getLogger("punk")
_LOG.addHandler(logging.NullHandler())


def tell_request(effect: RequestTurn, family: str, state: StreamState) -> None:
    """A turn is about to be asked for; that it is one of a fallback stands in the log of `state`."""
    if len(state.log) > 1 and isinstance(taken := state.log[len(state.log) - 2], FallbackTaken):
        _LOG.info("fallback %d (%s) takes over: %s", taken.model, family, taken.failure.message)
    _LOG.debug("asking %s for turn %d", family, effect.round)


def tell_wait(state: StreamState) -> None:
    """A turn is about to be waited for before it is asked for again."""
    note = state.log[len(state.log) - 1]
    if isinstance(note, RetryScheduled):
        why = note.failure.message
        _LOG.info("asking again in %.2f s, for the %d. time: %s", note.seconds, state.run.attempt, why)


def tell_end(state: StreamState) -> None:
    """The run is over."""
    said = state.failure.message if isinstance(state, Failed) else f"{state.run.rounds} turns"
    _LOG.debug("%s: %s", type(state).__name__.lower(), said)
