"""Images, documents and cache marks, as both of OpenAI's wires have them.

A mark is a breakpoint of the prompt cache, which models before gpt-5.6 do not know: they keep prompts by themselves.
OpenAI keeps a prompt for at least half an hour, and else for twelve: a mark's `5m` is the first, its `1h` the other.

Source: the request types of OpenAI's SDK (`prompt_cache_breakpoint`).
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from punk.core.failures import Unsupported
from punk.core.json import JsonObject
from punk.core.media import CacheMark, CacheTtl, InlineMedia
from punk.core.messages import Message, ToolResultMessage
from punk.core.parts import DocumentPart, ImagePart, TextPart
from punk.providers.encoding import MediaRules, plain_type

IMAGE_TYPES: Final = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})

_UNMARKED: Final = re.compile(r"(?:ft:)?(?:gpt-[34]|gpt-5(?!\.(?:[6-9]|\d\d))|chatgpt-|o\d)")
_LIFETIMES: Final[dict[CacheTtl, JsonObject]] = {"5m": {}, "1h": {"ttl": "12h"}}
_OFFICE: Final = "application/vnd.openxmlformats-officedocument"
_ENDINGS: Final = {
    "": ".pdf",
    "application/pdf": ".pdf",
    "text/plain": ".txt",
    "text/markdown": ".md",
    "text/csv": ".csv",
    "text/html": ".html",
    "application/json": ".json",
    f"{_OFFICE}.wordprocessingml.document": ".docx",
    f"{_OFFICE}.spreadsheetml.sheet": ".xlsx",
    f"{_OFFICE}.presentationml.presentation": ".pptx",
}

_RESULTS: Final = MediaRules(
    "OpenAI",
    images=frozenset({"bytes", "https", "http"}),
    documents=frozenset({"bytes"}),
    cache_marks=True,
    image_types=IMAGE_TYPES,
    document_types=frozenset(_ENDINGS) - {""},
)


def in_results(model: str, *, addressed_documents: bool = False) -> MediaRules:
    """Which parts of a result `model` takes, one of OpenAI's, and whether documents by address are among them."""
    documents = _RESULTS.images if addressed_documents else _RESULTS.documents
    return replace(_RESULTS, documents=documents, cache_marks=takes_marks(model))


def takes_marks(model: str) -> bool:
    """Whether `model` lets a prompt be marked; one whose name says nothing of its age may."""
    return _UNMARKED.match(model) is None


def refused_marks(model: str, messages: Iterable[Message]) -> Unsupported | None:
    """Why the marks in `messages` cannot be sent to `model`, one of OpenAI's; None if they can, or there are none."""
    said = (message.parts for message in messages if not isinstance(message, ToolResultMessage))
    takers = (part for parts in said for part in parts if isinstance(part, TextPart | ImagePart | DocumentPart))
    if takes_marks(model) or all(part.cache is None for part in takers):
        return None
    return Unsupported(f"{model} takes no cache marks, as OpenAI's models do from gpt-5.6 on: leave `cache` out")


def breakpoint_of(mark: CacheMark | None) -> JsonObject:
    """The fields by which a part of the prompt is marked; none for no mark."""
    return {} if mark is None else {"prompt_cache_breakpoint": {"mode": "explicit", **_LIFETIMES[mark.ttl]}}


def data_url(media: InlineMedia) -> str:
    """The bytes as an address that holds them."""
    kind = plain_type(media.media_type) or "application/octet-stream"
    return f"data:{kind};base64,{b64encode(media.data).decode()}"


def file_name(part: DocumentPart) -> str:
    """The document's name; both wires want one beside its bytes, and read the type from its ending."""
    name = (part.name or "").strip() or "document"
    return name if "." in name else name + _ENDINGS.get(plain_type(part.source.media_type), "")
