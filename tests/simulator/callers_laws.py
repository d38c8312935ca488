"""What the caller and the readers may rely on after every world: pieces, errors, results, and the time to leave."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any, Final

from punk.core.events import TextDelta, ThinkingDelta
from punk.core.failures import Failure, ToolAborted
from punk.core.state import Completed, Failed, StreamState
from punk.errors import PunkError, StreamingNotSupported
from punk.llm.streaming import StreamIncompleteError
from tests.simulator.draw_talk import JSON
from tests.simulator.life import EPSILON, Life, Seen
from tests.simulator.live import BodyError
from tests.simulator.provider import DRAIN

GRACE: Final = 3.0  # what tools that do not listen may hold up


def _leaving(life: Life) -> None:
    """Whoever leaves is held up by nothing but what does not listen."""
    if life.exit_at is None or life.left_at is None:
        return
    last = [asked.answer for asked in life.asked[-1:] if asked.opened or asked.answer.deaf]
    slack = sum(answer.close + 2 * answer.deaf + DRAIN for answer in last)
    slack += GRACE if life.deaf_tools else 0.0
    took = life.left_at - life.exit_at
    assert took <= slack + EPSILON, f"leaving took {took:g} s, of which {slack:g} are accounted for"


def _errors(life: Life) -> None:
    """Errors are punk's or the caller's own, said once, and the same again."""
    state, error, own = life.state, life.body_error, life.own_error
    if own is not None:
        same = error is own or (type(error) is type(own) and not isinstance(own, BodyError))
        # Whoever is cancelled on the way out leaves cancelled.
        same = same or (life.cancelled_from_outside and type(error).__name__ == "CancelledError")
        assert same, f"{own!r} left the block as {error!r}"
        mine = isinstance(own, BodyError | PunkError) or (
            life.cancelled_from_outside and type(own).__name__ == "CancelledError"
        )
        assert mine, f"{own!r} was raised in the block"
    elif error is not None and not isinstance(error, PunkError):
        cancelled = life.cancelled_from_outside and type(error).__name__ == "CancelledError"
        assert cancelled, f"{error!r} left the block"
    told = [seen.error for seen in life.seen if seen.error is not None]
    failure = state.failure if isinstance(state, Failed) else None
    if failure is not None:
        if life.entered and own is None and error is None and not told:
            raise AssertionError(f"nobody was told of {failure}")
        for one in (*told, *([error] if isinstance(error, PunkError) else []), life.last_error):
            _fits(life, failure, one)
    else:
        for one in told:
            assert isinstance(one, StreamIncompleteError), f"{one!r} was told, and the run is {type(state).__name__}"
        fits = not isinstance(error, PunkError) or isinstance(error, StreamIncompleteError | StreamingNotSupported)
        assert fits, f"{error!r} left the block, and the run is {type(state).__name__}"


def _fits(life: Life, failure: Failure, error: BaseException | None) -> None:
    if error is None:
        return
    message = getattr(error, "message", None)
    assert message == failure.message or isinstance(error, StreamIncompleteError), f"{error!r} tells of {failure}"
    assert not isinstance(error, StreamIncompleteError), f"{error!r} tells of {failure}"
    if isinstance(failure, ToolAborted) and life.aborts and life.world.approve not in ("raises", "nonsense"):
        assert any(error is abort for abort in life.aborts), f"{error!r} is not what the tool raised"


def _readers(life: Life) -> None:
    """Law 8: who read to the end saw every piece once, in order; who broke off, the first of them."""
    log = life.state.log
    texts = [entry.text for entry in log if isinstance(entry, TextDelta) and entry.text]
    thoughts = [entry.text for entry in log if isinstance(entry, ThinkingDelta) and entry.text]
    for seen in life.seen:
        kind, pieces = seen.reader.kind, seen.pieces
        whole = seen.ended or seen.error is not None
        match kind:
            case "content_delta":
                _same(kind, pieces, texts, whole)
            case "content":
                _same(kind, pieces, ["".join(texts[: end + 1]) for end in range(len(texts))], whole)
            case "thinking_delta":
                _same(kind, pieces, thoughts, whole)
            case "thinking":
                deltas = [_cut(loop) for loop in seen.loops]
                _same(kind, [delta for loop in deltas for delta in loop], thoughts, whole)
            case "events":
                for index, loop in enumerate(seen.loops):
                    assert [piece.number for piece in loop] == list(range(len(loop))), f"events are numbered {loop}"
                    over = whole or index + 1 < len(seen.loops)
                    _same(kind, [piece.event for piece in loop], list(log), over)
            case "chat":
                _final(life, seen)
            case "partial_output":
                _partials(life, seen, whole)
        stop = seen.reader.stop
        assert whole or stop is None or len(pieces) == stop or life.body_error or _broken_off(life, seen), "ended early"
        if seen.reader.reads_all and not whole and not _broken_off(life, seen):
            raise AssertionError(f"a reader of {kind} came to no end")


def _partials(life: Life, seen: Seen, whole: bool) -> None:
    """Each value is another than the last, and the last one is what the whole answer says."""
    values = seen.pieces
    assert all(one != next_ for one, next_ in pairwise(values)), f"{values} says something twice"
    state = life.state
    if whole and values and isinstance(state, Completed) and len(seen.loops) == seen.reader.loops:
        said = state.run.messages[len(state.run.messages) - 1].content
        assert said != "".join(JSON) or values[-1] == json.loads(said)["answer"], f"{said} was read as {values[-1]}"


def _broken_off(life: Life, seen: Seen) -> bool:
    """Whether the reader was cancelled, or only reads so many loops."""
    hindered = any(each.kind in ("cancel reader", "cancel body") for each in life.world.outside)
    return hindered or life.rescued or seen.reader.kind.startswith("thinking")


def _cut(loop: list[str]) -> list[str]:
    """The deltas of the text so far."""
    before = ["", *loop]
    assert all(now.startswith(then) for then, now in zip(before, loop, strict=False)), f"{loop} shrank"
    return [now[len(then) :] for then, now in zip(before, loop, strict=False)]


def _same(kind: str, pieces: list[Any], expected: list[Any], whole: bool) -> None:
    if pieces != (expected if whole else expected[: len(pieces)]):
        raise AssertionError(f"a reader of {kind} saw {pieces} {'of' if whole else 'at the beginning of'} {expected}")


def _final(life: Life, seen: Seen) -> None:
    if seen.chat is not None:
        assert isinstance(life.state, Completed)
        assert seen.chat.messages == tuple(life.state.run.messages)
        assert life.last_chat is None or seen.chat.messages == life.last_chat.messages


def _result(life: Life) -> None:
    """What `complete_async` gives is the completed run; so is what it raises."""
    if life.world.body.kind != "fold":
        return
    state: StreamState = life.state
    if life.result is not None:
        assert isinstance(state, Completed)
        assert life.result.messages == tuple(state.run.messages)
    else:
        assert life.body_error is not None, "complete_async gave nothing"
        assert not isinstance(state, Completed) or life.cancelled_from_outside


CALLERS_LAWS: Final = (_leaving, _errors, _readers, _result)
