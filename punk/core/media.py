"""Where an image or a document comes from, and the mark that lets a provider keep a prompt."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, TypeAlias, final

CacheTtl: TypeAlias = Literal["5m", "1h"]


@final
@dataclass(frozen=True, slots=True)
class CacheMark:
    """The prompt up to and with the part that has this mark may be kept by the provider, for `ttl`."""

    ttl: CacheTtl = "5m"


@final
@dataclass(frozen=True, slots=True)
class InlineMedia:
    """The bytes themselves; `media_type` as in `image/png`."""

    media_type: str
    data: bytes = field(repr=False)


@final
@dataclass(frozen=True, slots=True)
class MediaUrl:
    """An address from which the provider fetches the media: https, or a scheme of its own such as `gs` or `s3`.

    What stands after a `?` may be a signature, so it is not shown in the representation.
    """

    url: str = field(repr=False)
    media_type: str | None = None

    @property
    def scheme(self) -> str:
        """The part before the first colon, in lower case."""
        return self.url.partition(":")[0].lower()

    def __repr__(self) -> str:
        shown, signed, _ = self.url.partition("?")
        return f"MediaUrl({shown + (signed and '?…')!r}, media_type={self.media_type!r})"


MediaSource: TypeAlias = InlineMedia | MediaUrl
