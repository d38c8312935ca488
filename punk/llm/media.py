"""Images and documents for a user's message: from bytes, from a file that is read at once, or by address."""

from __future__ import annotations

import mimetypes
import os
from pathlib import Path
from typing import Final, TypeAlias

from punk.core.media import CacheMark, InlineMedia, MediaSource, MediaUrl
from punk.core.parts import DocumentPart, ImagePart
from punk.errors import ConfigurationError

__all__ = ["Media", "document", "image"]

Media: TypeAlias = bytes | os.PathLike[str] | str
"""Bytes, the path of a file, or an address; a text with `://` in it is an address, any other the path of a file."""

# What Python's table lacks on some systems.
_TYPES: Final = {".md": "text/markdown", ".webp": "image/webp", ".csv": "text/csv", ".txt": "text/plain"}

_SIGNATURES: Final = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF8", "image/gif"),
    (b"%PDF-", "application/pdf"),
)


def image(source: Media, *, media_type: str | None = None, cache: CacheMark | None = None) -> ImagePart:
    """An image for a `UserMessage`.

    `media_type`, as in `image/png`, is told by the bytes or by the name where it is not given. A file is read now.
    Raises `ConfigurationError` for a file that cannot be read or a type that cannot be told.
    """
    return ImagePart(_source(source, media_type, "image"), cache)


def document(
    source: Media, *, media_type: str | None = None, name: str | None = None, cache: CacheMark | None = None
) -> DocumentPart:
    """A document for a `UserMessage`, as `image`; its `name` is the file's where it is not given."""
    if name is None and not isinstance(source, bytes):
        name = Path(os.fspath(source).partition("?")[0]).name or None
    return DocumentPart(_source(source, media_type, "document"), name, cache)


def _source(source: Media, media_type: str | None, what: str) -> MediaSource:
    if isinstance(source, bytes):
        return InlineMedia(media_type or _type_of(source, "", what), source)
    place = os.fspath(source)
    if isinstance(source, str) and "://" in source:
        return MediaUrl(source, media_type or _type_by_name(source.partition("?")[0]))
    try:
        data = Path(place).read_bytes()
    except OSError as error:
        raise ConfigurationError(f"the {what} {place} cannot be read: {error.strerror}") from error
    return InlineMedia(media_type or _type_of(data, place, what), data)


def _type_of(data: bytes, name: str, what: str) -> str:
    for start, media_type in _SIGNATURES:
        if data.startswith(start):
            return media_type
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    by_name = _type_by_name(name)
    if by_name is None:
        raise ConfigurationError(f"what kind of {what} this is cannot be told: pass media_type, as in 'image/png'")
    return by_name


def _type_by_name(name: str) -> str | None:
    return _TYPES.get(Path(name).suffix.lower()) or mimetypes.guess_type(name)[0]
