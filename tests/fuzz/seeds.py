"""Bodies to begin with, for each target: turns that punk's own servers write, and the shapes of the recorded streams.

What the recordings say is not kept, only how they say it: their texts are cut to a few characters.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from punk.core.events import (
    CallDelta,
    CallEnded,
    CallStarted,
    OpaqueEnded,
    OpaqueStarted,
    ProviderEvent,
    RefusalDelta,
    TextDelta,
    ThinkingDelta,
    ThinkingSealed,
    TurnEnded,
    TurnFailed,
    TurnStarted,
    UsageReported,
)
from punk.core.failures import ProviderError
from punk.core.json import JsonObject, JsonValue
from punk.core.messages import Finish
from punk.core.provider_data import ProviderData
from punk.core.usage import Usage
from punk.testing.wires import anthropic, bedrock_converse, gemini, openai_chat, openai_responses
from tests.fuzz.documents import STREAMED_ARGUMENTS, WHOLE
from tests.fuzz.frames import FRAMINGS, Frame, body_of, frames_of
from tests.support.paths import ROOT

RECORDINGS: Final = ROOT.parent / "shared" / "wire"
"""Where the recorded streams of the vendors lie, if they do; they are not ours to ship."""

LONGEST: Final = 8192
"""Bytes that a body may have."""

_FOLDERS: Final[dict[str, tuple[str, ...]]] = {
    "sse": ("anthropic", "openai_compat_chat"),
    "eventstream": ("bedrock_converse", "bedrock_invoke"),
    "anthropic": ("anthropic",),
    "openai_responses": ("openai_responses",),
    "openai_chat": ("openai_chat", "azure_chat", "openai_compat_chat"),
    "bedrock_converse": ("bedrock_converse",),
    "gemini": ("gemini",),
    "whole": (),
}
_WRITERS: Final[dict[str, tuple[Callable[[Iterable[ProviderEvent]], bytes], str]]] = {
    "sse": (anthropic.encode_events, "anthropic"),
    "eventstream": (bedrock_converse.encode_events, "bedrock-converse"),
    "anthropic": (anthropic.encode_events, "anthropic"),
    "openai_responses": (openai_responses.encode_events, "openai-responses"),
    "openai_chat": (openai_chat.encode_events, "openai-chat"),
    "bedrock_converse": (bedrock_converse.encode_events, "bedrock-converse"),
    "gemini": (gemini.encode_events, "gemini"),
}
_WORD: Final = re.compile(r"[A-Za-z][A-Za-z0-9_.]{0,47}")
_KEPT: Final = frozenset({"arguments", "partial_json", "input", "jsonPath"})


def seeds(target: str) -> list[bytes]:
    """The bodies that the target's fuzzing begins with, each once."""
    bodies = [b"", b"\n", *_own(target), *_recorded(target)]
    if target == "whole":
        bodies += [json.dumps(document).encode() for document in WHOLE]
    if target == "gemini":
        chunks: list[JsonObject] = [{"candidates": [{"content": {"parts": [part]}}]} for part in STREAMED_ARGUMENTS]
        chunks.append({"candidates": [{"content": {"parts": []}, "finishReason": "STOP"}]})
        bodies += [body_of("sse", [Frame(b"", json.dumps(chunk).encode()) for chunk in chunks])]
        bodies += [json.dumps(chunks, indent=1).encode()]
    return list(dict.fromkeys(body for body in bodies if len(body) <= LONGEST))


def words(target: str, bodies: Iterable[bytes]) -> list[bytes]:
    """The words of the target's wire: the names and the values of its fields, and what frames are made of."""
    found = dict.fromkeys([b"data: ", b"event: ", b"\n\n", b"\r\n", b"\xef\xbb\xbf", b"[DONE]", b":message-type"])
    text = re.compile(rb'"[A-Za-z:_$][A-Za-z0-9_.:-]{1,40}"|event: [a-z_.]+')
    for body in bodies:
        found |= dict.fromkeys(text.findall(body))
    return list(found)[:400]


def _own(target: str) -> Iterator[bytes]:
    writers = _WRITERS.values() if target == "whole" else [_WRITERS[target]]
    for write, family in writers:
        for turn in _turns(family):
            body = write(turn)
            if target == "whole":
                yield from (frame.payload for frame in frames_of("sse", body))
            else:
                yield body


def _recorded(target: str) -> Iterator[bytes]:
    framing = FRAMINGS[target]
    for folder in _FOLDERS[target]:
        for path in sorted((RECORDINGS / folder).glob("*.*")):
            if path.suffix in (".sse", ".bin"):
                frames = frames_of(framing, path.read_bytes())
                yield from _pieces(target, [Frame(frame.head, _plain(frame.payload)) for frame in frames])


def _pieces(target: str, frames: list[Frame]) -> Iterator[bytes]:
    """The frames of one answer, each shape of them twice and the last ones, as one body or, where long, several."""
    seen: dict[str, int] = {}
    kept: list[Frame] = []
    for index, frame in enumerate(frames):
        shape = str(frame.head) + re.sub(rb'(?<=:)\s*("[^"]*"|-?[0-9.]+)', b"", frame.payload).decode(errors="replace")
        seen[shape] = seen.get(shape, 0) + 1
        if seen[shape] <= 2 or index >= len(frames) - 3:
            kept.append(frame)
    framing = FRAMINGS[target]
    while kept:
        size = 1
        while size < len(kept) and len(body_of(framing, kept[: size + 1])) < LONGEST // 2:
            size += 1
        yield body_of(framing, kept[:size])
        kept = kept[size:]


def _plain(payload: bytes) -> bytes:
    try:
        document: JsonValue = json.loads(payload)
    except ValueError:
        return payload[:200]
    return json.dumps(_shape(document, ""), ensure_ascii=False, separators=(",", ":")).encode(errors="replace")


def _shape(value: JsonValue, key: str) -> JsonValue:
    """`value` with the words of the wire, and only the beginnings of all other texts."""
    match value:
        case str():
            is_short = len(value) <= 24 and (key in _KEPT or _WORD.fullmatch(value))
            return value if is_short or (_WORD.fullmatch(value) and key in ("type", "object")) else value[:4]
        case list():
            return [_shape(item, key) for item in value[:3]]
        case dict():
            return {name: _shape(item, name) for name, item in value.items()}
        case _:
            return value


def _turns(family: str) -> Iterator[tuple[ProviderEvent, ...]]:
    start = TurnStarted(family, "m", "r")
    thinking = (ThinkingDelta(0, "Hm"), ThinkingDelta(0, " é"), ThinkingSealed(0, "s"))
    text = (TextDelta(1, "Hi"), TextDelta(1, " 😀\u2028"))
    call = (CallStarted(2, "t", "f"), CallDelta(2, '{"a":'), CallDelta(2, '"b"}'), CallEnded(2))
    other = (CallStarted(3, "u", "g"), CallDelta(3, "{}"), CallEnded(3))
    usage = UsageReported(Usage(3, 4, 1, 0, 2))
    opaque = (OpaqueStarted(4, "thing"), OpaqueEnded(4, ProviderData.of(family, {"thing": {"x": 1}}), True))
    yield (start, *text, TurnEnded(Finish("stop")))
    yield (start, *thinking, *text, usage, TurnEnded(Finish("max_tokens")))
    yield (start, *thinking, *call, *other, usage, TurnEnded(Finish("tool_use")))
    yield (start, *text, *opaque, TurnEnded(Finish("stop")))
    yield (start, RefusalDelta(0, "No"), TurnEnded(Finish("refusal", None, "w")))
    yield (start, *text, TurnFailed(ProviderError("m", "overloaded_error")))
