"""The rules of the Gemini wire for what a request may hold, as data.

- A name is of letters, digits and `_.:-`, and does not begin with one that is no letter or `_`.
- The contents are of the user or of the model, by turns; one has at least one part, and no text is blank but beside a
  signature.
- A signature goes back in the part on which it came, and no other part is merged with that one.
- From 3 on, the first call of a turn has a signature. `PLACEHOLDER` is Google's word for a call that has none.
- The results of a turn's calls follow on them, all in one content, in their order, each an object. From 3 on, a result
  holds bytes of the types `IN_RESPONSES`; other images and documents stand behind all results, in the same content. A
  text stands in a result for what the wire does not take.
- An id goes back only if the provider gave it, then with the call and with its result.
- Thoughts go back with their signature, other parts as they came: all of them only to this wire.

Sources: Google's documentation of function calling, of thought signatures and of media, and the types of its SDK.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from punk.providers.encoding import Alphabet, MediaRules

NAMES: Final = Alphabet(r"a-zA-Z0-9_.:\-", 128)
PLACEHOLDER: Final = "skip_thought_signature_validator"
SIGNED_CALLS: Final = (3, 0)
"""From this version on, calls need a signature, and results hold media; and the form of an answer can be asked for
beside tools."""

MEDIA: Final = MediaRules(
    "Gemini",
    images=frozenset({"bytes", "https", "http", "gs"}),
    documents=frozenset({"bytes", "https", "http", "gs"}),
    cache_marks=False,
)

# Of the results of tools it is known what can be shown: the rest is told.
RESULT_IMAGES: Final = frozenset(f"image/{kind}" for kind in "png jpeg webp heic heif".split())
RESULT_DOCUMENTS: Final = RESULT_IMAGES | frozenset(
    "application/pdf text/plain text/markdown text/html text/csv text/xml "
    "audio/wav audio/mpeg audio/mp3 audio/aiff audio/aac audio/ogg audio/flac "
    "video/mp4 video/mpeg video/quicktime video/webm video/wmv video/3gpp".split()
)
IN_RESPONSES: Final = frozenset({"image/png", "image/jpeg", "image/webp", "application/pdf", "text/plain"})

# What an address ends with, and what is there: for those who do not say it.
TYPES: Final[Mapping[str, str]] = {
    "png": "image/png",
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "webp": "image/webp",
    "heic": "image/heic",
    "heif": "image/heif",
    "gif": "image/gif",
    "pdf": "application/pdf",
    "txt": "text/plain",
    "md": "text/markdown",
    "html": "text/html",
    "csv": "text/csv",
    "json": "application/json",
    "mp3": "audio/mpeg",
    "wav": "audio/wav",
    "mp4": "video/mp4",
    "webm": "video/webm",
}


def function_name(name: str) -> str:
    """`name`, or one that the wire takes and that stands for it alone."""
    spelled = NAMES.spelled(name)
    return spelled if is_function_name(spelled) else NAMES.spelled(f"_{spelled}")


def is_function_name(name: str) -> bool:
    """Whether the wire takes `name` as it is."""
    return NAMES.holds(name) and (name[0].isalpha() or name[0] == "_")
