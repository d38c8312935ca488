"""What encoders share of tools' results: a text for each image or document that a wire does not take in one.

A tool has run when its result is encoded, so nothing that it gave makes the request fail.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import TypeAlias
from urllib.parse import urlsplit

from punk.core.failures import Unsupported
from punk.core.media import InlineMedia, MediaSource
from punk.core.messages import Message, ToolResultMessage
from punk.core.parts import DocumentPart, ImagePart, TextPart, UserPart
from punk.providers.encoding import MediaRules, plain_type

Refuses: TypeAlias = Callable[[ImagePart | DocumentPart], Unsupported | None]
"""Says why a provider does not take a part, None if it does."""


def told_results(
    messages: Iterable[Message], rules: MediaRules, refuses: Refuses = lambda part: None
) -> tuple[Message, ...]:
    """`messages`, in whose results a text tells of each image and document that `rules`, or `refuses`, do not take.
    Where no marks are taken, there are none."""
    return tuple(
        ToolResultMessage(
            message.call_id, message.name, [_told(part, rules, refuses) for part in message.parts], message.is_error
        )
        if isinstance(message, ToolResultMessage)
        else message
        for message in messages
    )


def result_text(parts: Sequence[UserPart]) -> str:
    """The texts of a result as one: as it is where there is but one, else those that are not blank, on lines."""
    texts = [part.text for part in parts if isinstance(part, TextPart)]
    return texts[0] if len(texts) == 1 else "\n".join(text for text in texts if text.strip())


def media_label(part: ImagePart | DocumentPart, number: int, tool: str) -> str:
    """What an image or a document of a result is called that has to stand apart from it."""
    return f"{'image' if isinstance(part, ImagePart) else 'document'} {number} of call {tool}"


def _told(part: UserPart, rules: MediaRules, refuses: Refuses) -> UserPart:
    if not rules.cache_marks:
        part = replace(part, cache=None)
    if isinstance(part, TextPart):
        return part
    if _is_whole(part.source) and rules.refusal(part) is None and refuses(part) is None:
        return part
    named = f" {part.name!r}" if isinstance(part, DocumentPart) and part.name else ""
    what = f"{'an image' if isinstance(part, ImagePart) else 'a document'}{named}"
    return TextPart(f"[{what}, {_about(part.source)}, that this model cannot be shown]", cache=part.cache)


def _is_whole(source: MediaSource) -> bool:
    """Whether there are bytes of a type, or an address with a host."""
    if isinstance(source, InlineMedia):
        return bool(source.data and plain_type(source.media_type))
    return _address(source.url) is not None


def _about(source: MediaSource) -> str:
    kind = plain_type(source.media_type) or "no known type"
    if isinstance(source, InlineMedia):
        return f"{kind}, {len(source.data)} bytes"
    return f"{kind}, at {_address(source.url) or 'an address that leads nowhere'}"


def _address(url: str) -> str | None:
    """`url` without what may be secret in it, None for what is no address."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    known = parts.hostname and url.startswith(f"{parts.scheme}://") and url.isprintable() and " " not in url
    return f"{parts.scheme}://{parts.hostname}{parts.path}" if known else None
