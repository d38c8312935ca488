"""One answer on the Gemini wire as it grows: what each of its parts adds, as events.

The wire numbers nothing. Texts in a row are one block, and so are thoughts; but what came with a payload of its own (a
signature, say) is a part that must go back as it came, so it is a block by itself. A finish reason ends nothing yet:
more parts may follow.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final, TypeAlias, cast, final

from punk.core.events import (
    CallDelta,
    CallStarted,
    OpaqueEnded,
    OpaqueStarted,
    ProviderEvent,
    TextAnnotated,
    TextDelta,
    ThinkingDelta,
    ThinkingSealed,
    TurnEnded,
)
from punk.core.json import JsonObject, JsonValue
from punk.core.messages import Finish, FinishReason
from punk.core.provider_data import ProviderData
from punk.providers.google.arguments import StreamedArguments
from punk.providers.google.calls import OpenCall
from punk.providers.google.wire import FAMILY, Candidate, Chunk, FunctionCall, Part

_FILTERS: Final = """
    SAFETY RECITATION BLOCKLIST PROHIBITED_CONTENT SPII MODEL_ARMOR ESCALATION
    IMAGE_SAFETY IMAGE_PROHIBITED_CONTENT IMAGE_RECITATION
""".split()

# Words that are not here are "other". Turns with calls say STOP too.
REASONS: Final[Mapping[str, FinishReason]] = {
    "STOP": "stop",
    "MAX_TOKENS": "max_tokens",
    "FUNCTION_CALL": "tool_use",
    "TOOL_CALL": "tool_use",
    "TOOL_CALLS": "tool_use",
    **dict.fromkeys(_FILTERS, "content_filter"),
}
CONTINUATION: Final = "CONTINUATION"
"""The word for an answer that is to be asked to go on, with the token that it gives."""
TOKEN: Final = "continuationToken"
SIGNATURE: Final = "thoughtSignature"
_NO_REASON: Final = "FINISH_REASON_UNSPECIFIED"

_NOTES: Final = ("groundingMetadata", "citationMetadata", "urlContextMetadata")
"""What is said of an answer beside its parts; what of it cannot be sent back."""


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


Run: TypeAlias = Text | Thinking | None


@final
@dataclass(frozen=True, slots=True)
class Turn:
    """What an answer has said so far: how many blocks, the run under way, an open call, and what the end refers to.

    `told` is the last report of token counts that became an event.
    """

    blocks: int = 0
    run: Run = None
    call: OpenCall | None = None
    finish: Finish | None = None
    token: str | None = None
    notes: Mapping[str, object] = field(default_factory=dict)
    told: Mapping[str, object] | None = None

    def add(self, chunk: Chunk, out: list[ProviderEvent]) -> Turn:
        """The answer with `chunk`, whose events are appended to `out`. Raises ValueError for what JSON cannot hold."""
        turn = self
        candidates = chunk.get("candidates")
        for candidate in candidates or ():
            if not candidate.get("index"):
                turn = turn._add(candidate, out)
        feedback = chunk.get("promptFeedback")
        if feedback and not candidates and (word := feedback.get("blockReason")):
            turn = replace(turn, finish=Finish("content_filter", word, feedback.get("blockReasonMessage")))
        return turn

    def close(self, out: list[ProviderEvent]) -> None:
        """Append what the end of the answer says: all that is open ends but a call that was to go on."""
        turn = self._end_run(out)
        finish = turn.finish or Finish()
        if finish.raw == CONTINUATION and turn.token:
            turn._keep(TOKEN, {TOKEN: turn.token}, out, replayable=True)
            finish = replace(finish, reason="pause")
        out.append(TurnEnded(finish))

    def _add(self, candidate: Candidate, out: list[ProviderEvent]) -> Turn:
        turn = self
        content = candidate.get("content")
        for part in (content.get("parts") if content else None) or ():
            text = part.get("text")
            if text and len(part) == 1 and isinstance(turn.run, Text):
                out.append(TextDelta(turn.run.block, text))
            else:
                turn = turn._part(part, out)
        if content is not None and len(candidate) == 1 + ("index" in candidate):
            return turn  # all that most chunks say
        for kind in _NOTES:
            note = candidate.get(kind)
            if note and note != turn.notes.get(kind):
                notes = {**turn.notes, kind: note}
                kept: JsonObject = {kind: cast("JsonValue", note)}
                turn = replace(turn._keep(kind, kept, out, replayable=False), notes=notes)
        word = candidate.get("finishReason")
        if word and word != _NO_REASON:
            finish = Finish(REASONS.get(word, "other"), word, candidate.get("finishMessage"))
            turn = replace(turn, finish=finish, token=candidate.get("continuationToken"))
        return turn

    def _part(self, part: Part, out: list[ProviderEvent]) -> Turn:
        text = part.get("text")
        beside = cast("JsonObject", {k: v for k, v in part.items() if k not in _TYPED and v is not None})
        call = part.get("functionCall")
        if call is not None:
            return self._call(call, beside, out)
        kind = min((name for name in beside if name != SIGNATURE), key=_DETAILS.__contains__, default=None)
        if text is None and kind is not None:
            turn = self._end_run(out)
            whole = cast("JsonObject", {name: value for name, value in part.items() if value is not None})
            return turn._keep(kind, whole, out, replayable=True)
        if part.get("thought"):
            return self._think(text or "", beside, out)
        return self._annotate(text or "", beside, out) if beside else self._say(text or "", out)

    def _say(self, text: str, out: list[ProviderEvent]) -> Turn:
        if not text:
            return self
        if isinstance(self.run, Text):
            out.append(TextDelta(self.run.block, text))
            return self
        turn = self._end_run(out)
        block = turn.blocks
        out.append(TextDelta(block, text))
        return replace(turn, blocks=block + 1, run=Text(block))

    def _annotate(self, text: str, beside: JsonObject, out: list[ProviderEvent]) -> Turn:
        turn = self._end_run(out)
        if text:
            out.append(TextDelta(turn.blocks, text))
        out.append(TextAnnotated(turn.blocks, ProviderData.of(FAMILY, beside)))
        return replace(turn, blocks=turn.blocks + 1)

    def _think(self, text: str, beside: JsonObject, out: list[ProviderEvent]) -> Turn:
        if not (text or beside):
            return self
        if beside:
            turn = self._end_run(out)
            if text:
                out.append(ThinkingDelta(turn.blocks, text))
            signature = beside.pop(SIGNATURE, None)
            data = ProviderData.of(FAMILY, beside) if beside else None
            out.append(ThinkingSealed(turn.blocks, signature if isinstance(signature, str) else None, data))
            return replace(turn, blocks=turn.blocks + 1)
        if isinstance(self.run, Thinking):
            out.append(ThinkingDelta(self.run.block, text))
            return self
        turn = self._end_run(out)
        block = turn.blocks
        out.append(ThinkingDelta(block, text))
        return replace(turn, blocks=block + 1, run=Thinking(block))

    def _call(self, call: FunctionCall, beside: JsonObject, out: list[ProviderEvent]) -> Turn:
        id_, name, open_ = call.get("id") or None, call.get("name") or "", self.call
        args, pieces = cast("JsonObject | None", call.get("args")), call.get("partialArgs")
        turn = self
        if open_ is None or not open_.goes_on(id_, name):
            if not (name or args or pieces):
                return self  # the end of a call that had ended
            turn = self._end_run(out)
            block = turn.blocks
            out.append(CallStarted(block, id_, name))
            # The id is kept too: one that the provider did not give must not be sent back.
            open_ = OpenCall(block, id_, name, StreamedArguments(), None, {"id": id_} if id_ else {})
            turn = replace(turn, blocks=block + 1)
        arguments, said = open_.arguments.add(pieces or ())
        open_ = replace(open_, arguments=arguments, whole=args or open_.whole, data={**open_.data, **beside})
        if said:
            out.append(CallDelta(open_.block, said))
        if call.get("willContinue"):
            return replace(turn, call=open_)
        open_.end(out)
        return turn if turn.call is None else replace(turn, call=None)

    def _keep(self, kind: str, data: JsonObject, out: list[ProviderEvent], *, replayable: bool) -> Turn:
        out.append(OpaqueStarted(self.blocks, kind))
        out.append(OpaqueEnded(self.blocks, ProviderData.of(FAMILY, data), replayable))
        return replace(self, blocks=self.blocks + 1)

    def _end_run(self, out: list[ProviderEvent]) -> Turn:
        if self.run is None:
            return self
        if isinstance(self.run, Thinking):
            out.append(ThinkingSealed(self.run.block))
        return replace(self, run=None)


_TYPED: Final = ("text", "thought", "functionCall")

_DETAILS: Final = ("partMetadata", "mediaResolution", "videoMetadata")
"""What stands beside the content of a part, before it or after."""
