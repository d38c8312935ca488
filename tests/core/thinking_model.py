"""The rules of reading thinking, written down a second time over a plain list of what was said."""

from __future__ import annotations

from dataclasses import dataclass

from punk.core.events import (
    CallStarted,
    OpaqueStarted,
    RefusalDelta,
    TextDelta,
    ThinkingDelta,
    TurnEnded,
    TurnRequested,
)
from punk.core.state import AwaitingApproval, Cancelled, Completed, Failed, Streaming, StreamState


@dataclass
class ThinkingModel:
    """One reader: how many pieces of thinking it has read, whether its loop is inside a phase, and in which turn its
    last loop ended (None before the first has)."""

    read: int = 0
    in_phase: bool = False
    turn: int | None = None

    def next(self, state: StreamState) -> tuple[str, str]:
        """What the loop gets: ("piece", text), ("wait", ""), ("end", "") or ("broken", "")."""
        said = spoken(state)
        thoughts = [index for index, (_, thought) in enumerate(said) if thought is not None]
        if self.in_phase:
            after = said[thoughts[self.read - 1] + 1 :]
            if not after:
                return self._silence(state)
            turn, thought = after[0]
            if thought is not None:
                self.read += 1
                return "piece", thought
            self.in_phase, self.turn = False, turn
            return "end", ""
        if self.read < len(thoughts):
            self.in_phase = True
            thought = said[thoughts[self.read]][1]
            assert thought is not None
            self.read += 1
            return "piece", thought
        # None is unread: what else was said decides.
        passed = said if self.turn is None else [(turn, what) for turn, what in said if turn > self.turn]
        if any(thought is None for _, thought in passed):
            self.turn = state.run.rounds
            return "end", ""
        if self.turn is not None and isinstance(state, Streaming) and self.turn == state.run.rounds:
            request = state.run.request
            if not request.tools or not request.execute_tools or state.run.rounds == request.max_rounds:
                return "end", ""
        return self._silence(state)

    def _silence(self, state: StreamState) -> tuple[str, str]:
        match state:
            case Completed() | AwaitingApproval() | Cancelled():
                return "end", ""
            case Failed():
                return "broken", ""
            case _:
                return "wait", ""


def spoken(state: StreamState) -> list[tuple[int, str | None]]:
    """What the log says, each with its turn: a piece of thinking, or None for something else than thinking."""
    said: list[tuple[int, str | None]] = []
    turn = 0
    for entry in state.log:
        match entry:
            case TurnRequested():
                turn += 1
            case ThinkingDelta(text=text):
                if text:
                    said.append((turn, text))
            case TextDelta(text=text) | RefusalDelta(text=text):
                if text:
                    said.append((turn, None))
            case CallStarted() | OpaqueStarted() | TurnEnded():
                said.append((turn, None))
            case _:
                pass
    return said
