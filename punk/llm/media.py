"""Images and documents for a user's message: from bytes, from a file that is read at once, or by address."""

from __future__ import annotations

import mimetypes
import os
import re
from base64 import b64decode
from pathlib import Path
from typing import Final, TypeAlias
from urllib.parse import unquote_to_bytes

from punk.core.media import CacheMark, InlineMedia, MediaSource, MediaUrl
from punk.core.parts import DocumentPart, ImagePart
from punk.errors import ConfigurationError

__all__ = ["Media", "document", "image"]

Media: TypeAlias = bytes | bytearray | memoryview | os.PathLike[str] | str
"""Bytes, the path of a file, or an address.

A text that begins with `data:` holds the bytes itself; one with `://` in it is an address, any other a file's path.
"""

_DATA: Final = "data:"
_TYPE: Final = re.compile(r"[\w.+-]+/[\w.+-]+(;.*)?", re.ASCII)
_SHOWN: Final = 80
"""Characters of a name that an error shows."""

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
    Raises `ConfigurationError` for a file or a `data:` URL that cannot be read, or a type that cannot be told.
    """
    return ImagePart(_source(source, media_type, "image"), cache)


def document(
    source: Media, *, media_type: str | None = None, name: str | None = None, cache: CacheMark | None = None
) -> DocumentPart:
    """A document for a `UserMessage`, as `image`; its `name` is the file's where it is not given."""
    if name is None and not isinstance(source, bytes | bytearray | memoryview) and not _holds_data(source):
        name = Path(os.fspath(source).partition("?")[0]).name or None
    return DocumentPart(_source(source, media_type, "document"), name, cache)


def _source(source: Media, media_type: str | None, what: str) -> MediaSource:
    if isinstance(source, bytes | bytearray | memoryview):
        data = bytes(source)
        return InlineMedia(media_type or _type_of(data, "", what), data)
    place = os.fspath(source)
    if _holds_data(source):
        said, data = _data_in(place, what)
        return InlineMedia(media_type or said or _type_of(data, "", what), data)
    if isinstance(source, str) and "://" in source:
        return MediaUrl(source, media_type or _type_by_name(source.partition("?")[0]))
    try:
        data = Path(place).read_bytes()
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no path"
        # The error itself shows the whole name, which may be what a file holds.
        raise ConfigurationError(f"the {what} {_shown(place)} cannot be read: {reason}") from None
    return InlineMedia(media_type or _type_of(data, place, what), data)


def _holds_data(source: os.PathLike[str] | str) -> bool:
    return isinstance(source, str) and source[: len(_DATA)].lower() == _DATA


def _data_in(url: str, what: str) -> tuple[str, bytes]:
    """The type that a `data:` URL says, maybe none, and the bytes that it holds."""
    head, comma, text = url[len(_DATA) :].partition(",")
    said, semicolon, last = head.rpartition(";")
    encoded = last.strip().lower() == "base64"
    media_type = (said if encoded else head).strip()
    if not comma or (encoded and not semicolon) or not (_TYPE.fullmatch(media_type) or media_type[:1] in ("", ";")):
        raise ConfigurationError(f"the {what} {_shown(_DATA + head)} is no data URL, as in 'data:image/png;base64,…'")
    try:
        data = unquote_to_bytes(text)
        if encoded:
            # Padding may be left out, and lines broken.
            letters = b"".join(data.split())
            data = b64decode(letters + b"=" * (-len(letters) % 4), validate=True)
    except ValueError:
        raise ConfigurationError(f"what the {what} {_shown(_DATA + head)},… holds cannot be decoded") from None
    return "" if media_type.startswith(";") else media_type, data


def _shown(name: str) -> str:
    """`name`, or what it begins and ends with if it is long."""
    return name if len(name) <= _SHOWN else f"{name[: _SHOWN // 2]}…{name[-_SHOWN // 2 :]}"


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
