"""What tools may come up with: results of texts, images and documents, of which no wire takes all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, TypeAlias

from hypothesis import strategies as st

from punk.core.media import CacheMark, InlineMedia, MediaSource, MediaUrl
from punk.core.messages import Message, ToolCallMessage, ToolResultMessage, UserMessage
from punk.core.parts import DocumentPart, ImagePart, TextPart, ToolCall, UserPart
from punk.testing.strategies.values import texts

PNG: Final = InlineMedia("image/png", b"\x89PNG")
PDF: Final = InlineMedia("application/pdf", b"%PDF")
TIFF: Final = InlineMedia("image/tiff; x=1", b"1234")
NOT_SHOWN: Final = "that this model cannot be shown]"

TYPES: Final = (
    "image/png",
    "image/PNG",
    "image/tiff",
    "image/heic",
    "application/pdf",
    "text/plain; charset=utf-8",
    "audio/wav",
    "application/zip",
    "",
)
URLS: Final = (
    "https://u:secret@example.com/a.png?signature=secret",
    "http://example.com/a.pdf#secret",
    "HTTPS://example.com/a?secret",
    "https://[secret",
    "https:///a?secret",
    "https://example.com/a b?secret",
    "s3://bucket/a.pdf?secret",
    "s3://bucket/a.pdf",
    "gs://bucket/a.png",
    "data:image/png;base64,secret",
    "secret",
    "",
)
_MARKS: Final = st.none() | st.builds(CacheMark, st.sampled_from(("5m", "1h")))
# Enough of them to be told from all else in what is sent.
_BYTES: Final = st.binary(min_size=9, max_size=12) | st.sampled_from((b"", b" ", "Écrit.".encode()))
_SOURCES: Final[st.SearchStrategy[MediaSource]] = st.builds(InlineMedia, st.sampled_from(TYPES), _BYTES) | st.builds(
    MediaUrl, st.sampled_from(URLS), st.none() | st.sampled_from(TYPES)
)
_PARTS: Final[st.SearchStrategy[UserPart]] = st.one_of(
    st.builds(TextPart, texts(), cache=_MARKS),
    st.builds(ImagePart, _SOURCES, _MARKS),
    st.builds(DocumentPart, _SOURCES, st.none() | texts(), _MARKS),
)
Given: TypeAlias = list[UserPart]
_TURNS: Final = st.lists(st.lists(st.lists(_PARTS, max_size=3), min_size=1, max_size=3), min_size=1, max_size=2)


def answered(*results: Sequence[UserPart | str] | str, failed: bool = False, name: str = "now") -> list[Message]:
    """A turn with a call of the tool `name` for each of these results, and the results."""
    calls = [ToolCall(f"id-{at}", name, "{}") for at in range(len(results))]
    said = [ToolResultMessage(call.id, name, result, failed) for call, result in zip(calls, results, strict=True)]
    return [ToolCallMessage(calls), *said]


@st.composite
def asked_tools(draw: st.DrawFn) -> tuple[Message, ...]:
    """A conversation in which tools gave anything, and the user may have the last word."""
    said: list[Message] = [UserMessage("Hi")]
    for turn in draw(_TURNS):
        said += answered(*turn, failed=draw(st.booleans()))
    return (*said, *([UserMessage("Go on.")] if draw(st.booleans()) else []))
