"""Conversations in what all wires have in common, and what each comes to whatever wire it went over."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias, final

from hypothesis import strategies as st

from punk.core.effects import Effect, RequestTurn, RunTools
from punk.core.events import (
    CallDelta,
    CallEnded,
    CallStarted,
    ProviderEvent,
    TextDelta,
    ThinkingDelta,
    ThinkingSealed,
    TurnEnded,
    TurnStarted,
)
from punk.core.json import JsonObject, JsonValue, dump_json, parse_json
from punk.core.log import Log
from punk.core.messages import (
    AssistantMessage,
    Finish,
    FinishReason,
    Message,
    SystemMessage,
    ToolCallMessage,
    ToolResultMessage,
    UserMessage,
)
from punk.core.request import Request, ToolSpec
from punk.core.state import StreamState, history
from punk.core.step import begin, step
from punk.core.tool_events import ToolReturned
from punk.testing.strategies.turns import cut as pieces_of
from tests.providers.wires import Wire
from tests.support.sse import cut
from tests.support.wire_cases import decode

TOOLS: Final = (
    ToolSpec("get_weather", "Get the weather.", '{"type":"object","properties":{"city":{"type":"string"}}}'),
    ToolSpec("now", "Tell the time.", '{"type":"object","properties":{}}'),
)
WORDS: Final = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Zs", "Zl", "Zp"]), min_size=1, max_size=6
)
ARGUMENTS: Final = st.dictionaries(
    st.sampled_from("abc"), st.text(max_size=4) | st.integers(-9, 9) | st.booleans(), max_size=2
)


@final
@dataclass(frozen=True, slots=True)
class Said:
    """A run of text or thinking, in pieces."""

    thought: bool
    pieces: tuple[str, ...]


@final
@dataclass(frozen=True, slots=True)
class Called:
    """A call, with the result that its tool gives."""

    name: str
    arguments: JsonObject
    marks: tuple[int, ...]
    result: str
    failed: bool


@final
@dataclass(frozen=True, slots=True)
class Round:
    """A turn of a model: what it says, then what it calls, and how it ends."""

    words: tuple[Said, ...]
    calls: tuple[Called, ...]
    reason: FinishReason

    def events(self, family: str) -> tuple[ProviderEvent, ...]:
        """What a provider of `family` says."""
        said: list[ProviderEvent] = [TurnStarted(family, "a-model", "an-id")]
        for block, words in enumerate(self.words):
            if words.thought:
                said += [ThinkingDelta(block, piece) for piece in words.pieces]
                said.append(ThinkingSealed(block))
            else:
                said += [TextDelta(block, piece) for piece in words.pieces]
        for position, call in enumerate(self.calls):
            block = len(self.words) + position
            arguments = pieces_of(dump_json(call.arguments), call.marks)
            said.append(CallStarted(block, f"call_{position}_of_it", call.name))
            said += [*(CallDelta(block, piece) for piece in arguments if piece), CallEnded(block)]
        return (*said, TurnEnded(Finish(self.reason)))


Talk: TypeAlias = tuple[Round, ...]


@st.composite
def _words(draw: st.DrawFn) -> tuple[Said, ...]:
    """Runs of text and thinking by turns: neighbours of one kind are one on some wires."""
    thought = draw(st.booleans())
    runs = draw(st.lists(st.lists(WORDS, min_size=1, max_size=3), max_size=3))
    return tuple(Said(thought ^ bool(index % 2), tuple(run)) for index, run in enumerate(runs))


_CALLS: Final = st.builds(
    Called,
    st.sampled_from([tool.name for tool in TOOLS]),
    ARGUMENTS,
    st.lists(st.integers(0, 40), max_size=2).map(tuple),
    WORDS,
    st.booleans(),
)
_LAST: Final[st.SearchStrategy[FinishReason]] = st.sampled_from(("stop", "max_tokens"))


@st.composite
def talks(draw: st.DrawFn, *, max_rounds: int = 3) -> Talk:
    """Rounds with tools, and one that ends it; a turn that was cut off has calls that never run."""
    rounds = [
        Round(draw(_words()), tuple(draw(st.lists(_CALLS, min_size=1, max_size=3))), "tool_use")
        for _ in range(draw(st.integers(0, max_rounds - 1)))
    ]
    return (*rounds, Round(draw(_words()), (), draw(_LAST)))


def request(said: Sequence[Message] = (UserMessage("Hello"),)) -> Request:
    """The request that a talk answers."""
    return Request(Log([SystemMessage("Be brief."), *said]), TOOLS)


Moment: TypeAlias = tuple[StreamState, tuple[Effect, ...]]


def moments(wire: Wire, talk: Talk, places: Iterable[int] = ()) -> Iterator[Moment]:
    """Every state that `talk` leads through over `wire`, its bytes cut at `places`, with what it asks for."""
    places = tuple(places)
    state, effects = begin(request())
    yield state, effects
    for turn in talk:
        for event in decode(wire.decoder(), cut(wire.write(turn.events(wire.family)), places)):
            state, effects = step(state, event)
            yield state, effects
        ran = [call for effect in effects if isinstance(effect, RunTools) for call in effect.calls]
        for call, planned in zip(ran, turn.calls, strict=True):
            state, effects = step(state, ToolReturned(call.id, planned.result, planned.failed))
            yield state, effects


def asked(wire: Wire, turn: RequestTurn) -> JsonObject:
    """The body of the request for `turn`, which the wire must take."""
    return wire.encode(turn, "stream").unwrap().json


Form: TypeAlias = tuple[object, ...]


def normal_form(state: StreamState) -> Form:
    """What a conversation came to, in terms that all wires share."""
    return type(state).__name__, *(_form(message) for message in history(state))


def expected_form(talk: Talk) -> Form:
    """The same, read off the talk."""
    forms: list[Form] = [("system", "Be brief."), ("user", "Hello")]
    for turn in talk:
        text = "".join(piece for run in turn.words if not run.thought for piece in run.pieces)
        thoughts = tuple("".join(run.pieces) for run in turn.words if run.thought)
        calls = tuple((call.name, dump_json(call.arguments)) for call in turn.calls)
        forms.append(("calls" if calls else turn.reason, text, thoughts, calls))
        forms += [("result", call.name, call.result, call.failed) for call in turn.calls]
    return ("Completed", *forms)


def _form(message: Message) -> Form:
    match message:
        case SystemMessage():
            return "system", message.content
        case UserMessage():
            return "user", message.content
        case ToolResultMessage():
            return "result", message.name, message.content, message.is_error
        case ToolCallMessage():
            calls = tuple((call.name, dump_json(_value(call.arguments))) for call in message.calls)
            return "calls", message.content, _thoughts(message), calls
        case AssistantMessage():
            return message.finish_reason, message.content, _thoughts(message), ()


def _thoughts(message: AssistantMessage | ToolCallMessage) -> tuple[str, ...]:
    return tuple(part.text for part in message.thinking_blocks)


def _value(text: str) -> JsonValue:
    return parse_json(text).unwrap()
