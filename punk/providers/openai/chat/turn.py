"""One answer on the chat-completions wire as it grows: what each delta adds, as events.

The wire numbers calls, and nothing else. Text and thinking are told by what came before: a run of one kind is a block,
and another kind (or a call) begins the next. A finish reason ends nothing yet: usage, late text and the pieces of open
calls may follow, so blocks are closed by the terminal.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, TypeAlias, final

from punk.core.events import (
    CallDelta,
    CallEnded,
    CallStarted,
    OpaqueEnded,
    OpaqueStarted,
    ProviderEvent,
    RefusalDelta,
    TextAnnotated,
    TextDelta,
    ThinkingDelta,
    ThinkingSealed,
    TurnEnded,
)
from punk.core.json import JsonValue
from punk.core.log import Log
from punk.core.messages import Finish, FinishReason
from punk.core.provider_data import ProviderData
from punk.providers.openai.chat.calls import Begun, Calls, Head
from punk.providers.openai.chat.reasoning import Channel, Reasoning
from punk.providers.openai.chat.settings import FAMILY
from punk.providers.openai.chat.wire import Delta, Function, Piece

# Words that are not here are "other". Whether tools were called is told by the calls: `stop` comes with them too.
REASONS: Final[Mapping[str, FinishReason]] = {
    "stop": "stop",
    "length": "max_tokens",
    "model_length": "max_tokens",  # Mistral's, for the model's own limit
    "tool_calls": "tool_use",
    "function_call": "tool_use",
    "content_filter": "content_filter",
}

_WHOLE: Final = ("stop", "tool_use")


@final
@dataclass(frozen=True, slots=True)
class Text:
    """The run under way is text."""

    block: int


@final
@dataclass(frozen=True, slots=True)
class Thinking:
    """The run under way is thinking."""

    block: int
    reasoning: Reasoning


Run: TypeAlias = Text | Thinking | None


@final
@dataclass(frozen=True, slots=True)
class Turn:
    """What an answer has said so far: how many blocks, the run under way, what later deltas or the end refer to."""

    blocks: int = 0
    run: Run = None
    calls: Calls = field(default_factory=Calls)
    text: int | None = None
    refusal: int | None = None
    annotations: Log[JsonValue] = field(default_factory=Log)
    raw_reason: str | None = None

    def add(self, delta: Delta, out: list[ProviderEvent]) -> Turn:
        """The answer with `delta`, whose events are appended to `out`. Raises ValueError for numbers JSON has not."""
        content = delta.get("content")
        if isinstance(content, str) and content and len(delta) == 1 and isinstance(self.run, Text):
            out.append(TextDelta(self.run.block, content))
            return self
        turn = self
        # Some servers say the same in both.
        if text := delta.get("reasoning_content"):
            turn = turn._think("reasoning_content", text, out)
        elif text := delta.get("reasoning"):
            turn = turn._think("reasoning", text, out)
        if details := delta.get("reasoning_details"):
            turn = turn._detail(details)
        if isinstance(content, str):
            turn = turn._say(content, out)
        elif content:
            turn = turn._add_pieces(content, out)
        if refusal := delta.get("refusal"):
            turn = turn._refuse(refusal, out)
        if legacy := delta.get("function_call"):
            turn = turn._call(0, None, legacy, out)
        for call in delta.get("tool_calls") or ():
            turn = turn._call(call.get("index"), call.get("id"), call.get("function") or {}, out)
        for image in delta.get("images") or ():
            turn = turn._keep(image, out, replayable=False)
        if annotations := delta.get("annotations"):
            turn = replace(turn, annotations=turn.annotations.extend(annotations))
        return turn

    def finish(self, raw_reason: str | None) -> Turn:
        """The answer with its finish reason: the last one counts, an empty one is none. But what says that the answer
        is not whole is never taken back: calls would run that were cut."""
        is_cut = self.raw_reason is not None and REASONS.get(self.raw_reason) not in _WHOLE
        if not raw_reason or (is_cut and REASONS.get(raw_reason) in _WHOLE):
            return self
        return replace(self, raw_reason=raw_reason)

    @property
    def has_spoken(self) -> bool:
        """Whether anything was said."""
        return self.blocks > 0 or bool(self.calls.all) or self.raw_reason is not None

    def close(self, out: list[ProviderEvent]) -> None:
        """Append what the wire's terminal says: every open block ends, then the turn. Raises ValueError as `add`."""
        turn = self._end_run(out)
        for number, call in turn.calls.all.items():
            if isinstance(call, Head):
                turn = turn._tell(number, call, out)
        if turn.text is not None and turn.annotations:
            data = ProviderData.of(FAMILY, {"annotations": list(turn.annotations)})
            out.append(TextAnnotated(turn.text, data))
        out.extend(CallEnded(call.block) for call in turn.calls.all.values() if isinstance(call, Begun))
        raw = turn.raw_reason
        reason = None if raw is None else REASONS.get(raw, "other")
        out.append(TurnEnded(Finish("refusal" if turn.refusal is not None else reason, raw)))

    def _say(self, text: str, out: list[ProviderEvent]) -> Turn:
        if not text:
            return self
        if isinstance(self.run, Text):
            out.append(TextDelta(self.run.block, text))
            return self
        turn = self._end_run(out)
        block = turn.blocks
        out.append(TextDelta(block, text))
        return replace(turn, blocks=block + 1, run=Text(block), text=block)

    def _think(self, channel: Channel, text: str, out: list[ProviderEvent]) -> Turn:
        turn, run = self._thinking(channel)
        out.append(ThinkingDelta(run.block, text))
        return turn

    def _detail(self, details: Sequence[Piece]) -> Turn:
        turn, run = self._thinking("reasoning_details")
        return replace(turn, run=Thinking(run.block, run.reasoning.detailed(details)))

    def _thinking(self, channel: Channel) -> tuple[Turn, Thinking]:
        if isinstance(self.run, Thinking):
            return self, self.run
        run = Thinking(self.blocks, Reasoning(channel))
        return replace(self, blocks=self.blocks + 1, run=run), run

    def _refuse(self, text: str, out: list[ProviderEvent]) -> Turn:
        if self.refusal is not None:
            out.append(RefusalDelta(self.refusal, text))
            return self
        turn = self._end_run(out)
        block = turn.blocks
        out.append(RefusalDelta(block, text))
        return replace(turn, blocks=block + 1, refusal=block)

    def _call(self, index: int | None, id_: str | None, function: Function, out: list[ProviderEvent]) -> Turn:
        name, arguments = function.get("name"), function.get("arguments")
        if not (id_ or name or arguments):
            return self
        if index is not None and index < 0:
            index = None
        turn = self
        number = turn.calls.find(index, id_, name)
        if number is None:
            turn = turn._end_run(out)
            calls, number = turn.calls.begin(index)
            turn = replace(turn, calls=calls)
        call = turn.calls.all[number]
        if isinstance(call, Head):
            head = call.add(id_, name, arguments)
            return turn._tell(number, head, out) if head.is_whole else turn._know(number, head)
        if arguments:
            out.append(CallDelta(call.block, arguments))
        return turn

    def _tell(self, number: int, head: Head, out: list[ProviderEvent]) -> Turn:
        """The answer after call `number` was told of, with what is known of it."""
        block = self.blocks
        out.append(CallStarted(block, head.id, head.name or ""))
        if head.pieces:
            out.append(CallDelta(block, "".join(head.pieces)))
        return replace(self._know(number, Begun(head.id, block)), blocks=block + 1)

    def _know(self, number: int, call: Head | Begun) -> Turn:
        return replace(self, calls=self.calls.put(number, call))

    def _add_pieces(self, pieces: Iterable[Piece], out: list[ProviderEvent]) -> Turn:
        turn = self
        for piece in pieces:
            match piece:
                case {"type": "text", "text": str(text)}:
                    turn = turn._say(text, out)
                case {"type": "thinking", "thinking": [*inner]}:
                    words = [part["text"] for part in inner if isinstance(part, dict) and "text" in part]
                    text = "".join(word for word in words if isinstance(word, str))
                    turn = turn._think("content", text, out) if text else turn
                case _:
                    turn = turn._keep(piece, out, replayable=True)
        return turn

    def _keep(self, piece: Piece, out: list[ProviderEvent], *, replayable: bool) -> Turn:
        turn = self._end_run(out)
        block, kind = turn.blocks, piece.get("type")
        data = ProviderData.of(FAMILY, piece)
        out.append(OpaqueStarted(block, kind if isinstance(kind, str) else "unknown"))
        out.append(OpaqueEnded(block, data, replayable))
        return replace(turn, blocks=block + 1)

    def _end_run(self, out: list[ProviderEvent]) -> Turn:
        """The answer before another block: the run is over, and a call that has a name waits for no id."""
        if isinstance(self.run, Thinking):
            data = self.run.reasoning.provider_data()
            out.append(ThinkingSealed(self.run.block, provider_data=data))
        turn = self if self.run is None else replace(self, run=None)
        for number, call in turn.calls.all.items():
            if isinstance(call, Head) and call.name is not None:
                turn = turn._tell(number, call, out)
        return turn
