"""The error of a chat that is not there, for our side left early."""

from __future__ import annotations

from typing import TYPE_CHECKING

from punk.core.state import AwaitingApproval, StreamState
from punk.errors import PunkError

if TYPE_CHECKING:
    from punk.llm.chat import Chat


class StreamIncompleteError(PunkError):
    """The final chat was asked for, but the stream was left before its end, or waits for calls to be approved.

    `partial` is the state so far, `partial_chat` the chat with what has arrived; one whose calls wait for approval ends
    in them.
    """

    partial: StreamState
    partial_chat: Chat

    def __init__(self, message: str, *, partial: StreamState, partial_chat: Chat) -> None:
        super().__init__(message)
        self.partial = partial
        self.partial_chat = partial_chat


def why_incomplete(state: StreamState) -> str:
    """Why a stream in `state` has no final chat (internal)."""
    if not isinstance(state, AwaitingApproval):
        return "the stream was left before its end; partial_chat has what had arrived"
    waiting = ", ".join(f"{call.name} ({call.id})" for call in state.calls)
    return f"these calls wait to be approved: {waiting}; approve or deny them on partial_chat, and stream that"
