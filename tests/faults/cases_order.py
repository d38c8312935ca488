"""Events in a wrong order, errors inside of the stream, ways to end, and thinking: cases 41 to 47, 58 and 62."""

from __future__ import annotations

from functools import partial
from typing import Final

from punk.core.events import RefusalDelta, ThinkingDelta, TurnEnded, TurnStarted
from punk.core.failures import ProviderError
from punk.core.json import JsonObject
from punk.core.messages import Finish
from punk.testing.wires.bedrock_converse import encode_event, encode_exception, encode_message
from tests.faults.byhand import candidate, chunk, event
from tests.faults.case import (
    CUT,
    WHOLE,
    WRONG_ORDER,
    Case,
    NotHere,
    Play,
    adding_to,
    broken,
    harmless,
)
from tests.faults.judge import Completed, Fails
from tests.faults.scripts import Hang
from tests.faults.wires import Family, Wire
from tests.llm.script import START, STOP, text

CASES: Final[list[Case]] = []
case = adding_to(CASES)

NO_START: Final = NotHere("every chunk names the answer anew: there is no start")
NO_FORM: Final = NotHere("this wire has no such form")
NO_STOP: Final = NotHere("blocks have no end of their own")


@case(41)
def delta_before_start(wire: Wire) -> Play | NotHere:
    if wire.family in ("chat", "gemini"):
        return NO_START
    return Play((wire.answer(wire.opening[-1], *wire.rest),), WHOLE)


@case(41, "then the start")
def start_after_the_delta(wire: Wire) -> Play | NotHere:
    if wire.family in ("chat", "gemini"):
        return NO_START
    return Play((wire.answer(wire.opening[-1], wire.opening[0], *wire.rest),), WHOLE)


@case(42)
def second_start(wire: Wire) -> Play | NotHere:
    if wire.family in ("chat", "gemini"):
        return NO_START
    return broken(wire, *wire.frames(TurnStarted(wire.family, "m", "another")), outcome=WRONG_ORDER)


@case(42, "of a block")
def second_start_of_a_block(wire: Wire) -> Play | NotHere:
    match wire.family:
        case "anthropic":
            return broken(wire, wire.opening[1], outcome=WRONG_ORDER)
        case "responses":
            return harmless(wire, wire.opening[1])
        case "bedrock":
            start: JsonObject = {"contentBlockIndex": 0, "start": {"toolUse": {"toolUseId": "c", "name": "transfer"}}}
            return broken(wire, encode_event("contentBlockStart", start), outcome=WRONG_ORDER)
        case _:
            return NO_START


STOPS: Final = (b"content_block_stop", b"output_item.done", b"contentBlockStop")


@case(43)
def block_without_stop(wire: Wire) -> Play | NotHere:
    if wire.family in ("chat", "gemini"):
        return NO_STOP
    rest = [frame for frame in wire.rest if not any(stop in frame for stop in STOPS)]
    assert len(rest) < len(wire.rest)
    return Play((wire.answer(*wire.opening, *rest),), WHOLE)


@case(43, "stopped twice")
def block_stopped_twice(wire: Wire) -> Play | NotHere:
    if wire.family in ("chat", "gemini"):
        return NO_STOP
    rest = [frame for frame in wire.rest for _ in range(1 + any(stop in frame for stop in STOPS))]
    return Play((wire.answer(*wire.opening, *rest),), WHOLE)


# By variant: what each vendor says when it fails, its name for that, and whether a retry may help.
Said = tuple[bytes, str | None, bool]
_OPENAI: Final = {"message": "Sorry.", "type": "server_error", "code": None, "param": None}
ERRORS: Final[dict[Family, dict[str, Said]]] = {
    "anthropic": {
        "": (event("error", error={"type": "overloaded_error", "message": "Sorry."}), "overloaded_error", True),
        "final": (event("error", error={"type": "billing_error", "message": "No."}), "billing_error", False),
        "without words": (event("error"), None, False),
    },
    "responses": {
        "": (event("error", code="server_error", message="Sorry.", param=None), "server_error", True),
        "final": (event("error", code="invalid_prompt", message="No.", param=None), "invalid_prompt", False),
        "nested": (event("error", error=_OPENAI), "server_error", True),
        "failed": (
            event("response.failed", response={"error": {"code": "server_error", "message": "Sorry."}}),
            "server_error",
            True,
        ),
        "without words": (event("error"), None, False),
    },
    "chat": {
        "": (chunk({"error": _OPENAI}), "server_error", True),
        "final": (chunk({"error": {**_OPENAI, "type": "invalid_request_error"}}), "invalid_request_error", False),
        "nested": (chunk({"choices": [], "error": _OPENAI}), "server_error", True),
        "named": (event("error", **_OPENAI), "server_error", True),
        "a text": (chunk({"error": "Sorry."}), None, False),
    },
    "bedrock": {
        "": (encode_exception("Sorry.", "throttlingException"), "throttlingException", True),
        "final": (encode_exception("No.", "validationException"), "validationException", False),
        "model": (encode_exception("Sorry.", "modelStreamErrorException"), "modelStreamErrorException", True),
        "no type": (encode_exception("Sorry.", None), None, False),
        "without words": (encode_message({":message-type": "exception"}, b""), None, False),
    },
    "gemini": {
        "": (chunk({"error": {"code": 503, "message": "Sorry.", "status": "UNAVAILABLE"}}), "UNAVAILABLE", True),
        "final": (chunk({"error": {"code": 400, "message": "No.", "status": "NOT_FOUND"}}), "NOT_FOUND", False),
        "bare": (b'{"error": {"code": 503, "message": "Sorry.", "status": "UNAVAILABLE"}}\n', "UNAVAILABLE", True),
        "only a code": (chunk({"error": {"code": 500}}), "500", True),
    },
}  # fmt: skip


def error_midway(wire: Wire, variant: str = "") -> Play | NotHere:
    """An error after the first text."""
    if variant not in ERRORS[wire.family]:
        return NO_FORM
    frame, error_type, again = ERRORS[wire.family][variant]
    return broken(wire, frame, outcome=Fails(ProviderError, again, error_type=error_type))


def error_at_once(wire: Wire, variant: str = "") -> Play | NotHere:
    """An error, and nothing before it."""
    if variant not in ERRORS[wire.family]:
        return NO_FORM
    frame, error_type, again = ERRORS[wire.family][variant]
    return Play((wire.unended(frame, wire.late, Hang()),), Fails(ProviderError, again, error_type=error_type))


for _variant in dict.fromkeys(variant for forms in ERRORS.values() for variant in forms):
    case(44, _variant)(partial(error_midway, variant=_variant))
    case(45, _variant)(partial(error_at_once, variant=_variant))


def _ended(wire: Wire, finish: Finish) -> tuple[bytes, ...]:
    return wire.frames(START, *text("Hello"), TurnEnded(finish))


@case(46)
def limit_of_tokens(wire: Wire) -> Play:
    return Play((wire.answer(*_ended(wire, Finish("max_tokens"))),), Completed("Hello", "max_tokens"))


@case(46, "before a word")
def limit_before_a_word(wire: Wire) -> Play:
    return Play((wire.answer(*wire.frames(START, TurnEnded(Finish("max_tokens")))),), Completed("", "max_tokens"))


@case(46, "a reason nobody knows")
def unknown_reason(wire: Wire) -> Play:
    if wire.family == "responses":
        details = {"status": "incomplete", "incomplete_details": {"reason": "eclipse"}}
        end = event("response.incomplete", response=details)
        return Play((wire.answer(*wire.opening, end),), Completed("Hello", "other"))
    return Play((wire.answer(*_ended(wire, Finish("other", "eclipse"))),), Completed("Hello", "other"))


@case(47, "refusal")
def refusal(wire: Wire) -> Play:
    # Wires without words for a refusal have them as text; Gemini's name for it is a filter's.
    has_words = wire.family in ("chat", "responses")
    frames = wire.frames(START, RefusalDelta(0, "I will not."), TurnEnded(Finish("refusal")))
    outcome = Completed("" if has_words else "I will not.", "content_filter" if wire.family == "gemini" else "refusal")
    return Play((wire.answer(*frames),), outcome)


@case(47, "filter")
def content_filter(wire: Wire) -> Play | NotHere:
    if wire.family == "anthropic":
        return NotHere("its word for it is a refusal")
    return Play((wire.answer(*_ended(wire, Finish("content_filter"))),), Completed("Hello", "content_filter"))


@case(47, "filter before a word")
def content_filter_before_a_word(wire: Wire) -> Play | NotHere:
    if wire.family == "anthropic":
        return NotHere("its word for it is a refusal")
    frames = wire.frames(START, TurnEnded(Finish("content_filter")))
    return Play((wire.answer(*frames),), Completed("", "content_filter"))


@case(47, "the prompt is blocked")
def blocked_prompt(wire: Wire) -> Play | NotHere:
    if wire.family != "gemini":
        return NotHere("this wire answers with an HTTP status, see 14")
    blocked = chunk({"promptFeedback": {"blockReason": "SAFETY"}, "usageMetadata": {"promptTokenCount": 4}})
    return Play((wire.answer(blocked),), Completed("", "content_filter"))


@case(58)
def thinking_only(wire: Wire) -> Play:
    return Play((wire.answer(*wire.frames(START, ThinkingDelta(0, "Hm, "), ThinkingDelta(0, "well."))),), CUT)


@case(58, "and a whole end")
def thinking_only_with_an_end(wire: Wire) -> Play:
    return Play((wire.answer(*wire.frames(START, ThinkingDelta(0, "Hm."), STOP)),), Completed(""))


SILENT: Final[dict[Family, bytes]] = {
    "anthropic": event("content_block_delta", index=0, delta={"type": "signature_delta", "signature": "s"})
    + event("ping"),
    "responses": event("keepalive") + event("response.in_progress", response={"id": "r"}),
    "chat": b": OPENROUTER PROCESSING\n\n" + chunk({"choices": [{"index": 0, "delta": {"content": ""}}]}),
    "bedrock": encode_event(
        "contentBlockDelta", {"contentBlockIndex": 5, "delta": {"reasoningContent": {"signature": "s"}}}
    ),
    "gemini": candidate({"text": "", "thoughtSignature": "cw=="}),
}


@case(62)
def signatures_and_pings(wire: Wire) -> Play:
    return harmless(wire, SILENT[wire.family])
