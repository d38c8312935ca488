"""The rules of the Converse wire as data, by which requests are encoded.

- Messages are of two roles, which take turns, the user first; a message has content. So all results of a turn stand in
  one user message, in the order of their calls, each with its status, before anything else that the user says.
- No text is blank. A document has a name of its own, and a text beside it.
- Images and documents come from the user, as bytes or from `s3`, and stand in results; images there for Claude and Nova
  alone. A text stands in a result for what cannot. There are no cache points in results.
- Tools can be strict for models that are held to a form of their answer, with a schema of such a form.
- A call that the server answers itself stands with its answer, in the same message.
- Calls come with `toolConfig`: as long as there are calls in a conversation, there are tools. Their arguments are an
  object; their ids, and the names of tools, are of few letters.
- Reasoning goes back in its place with its signature, only to this wire, and never as the last block of a message.
- A Claude that thinks by a budget answers results only of turns that begin with its own reasoning; so for another's
  turns it is not asked to think.
- An answer to be continued does not end in white space.

Source: the service model of Bedrock Runtime and its documentation.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from punk.providers.base import Delivery
from punk.providers.encoding import Alphabet, MediaRules

OPERATIONS: Final[Mapping[Delivery, str]] = {"stream": "converse-stream", "whole": "converse", "count": "count-tokens"}

IDS: Final = Alphabet("a-zA-Z0-9_-", 64)
TOOL_NAMES: Final = Alphabet("a-zA-Z0-9_-", 64)
MEDIA: Final = MediaRules(
    "Bedrock", images=frozenset({"bytes", "s3"}), documents=frozenset({"bytes", "s3"}), cache_marks=True
)

FROM_THE_USER_ALONE: Final = frozenset({"image", "document", "video", "audio"})

IMAGE_FORMATS: Final[Mapping[str, str]] = {
    "image/png": "png",
    "image/jpeg": "jpeg",
    "image/jpg": "jpeg",
    "image/gif": "gif",
    "image/webp": "webp",
}
DOCUMENT_FORMATS: Final[Mapping[str, str]] = {
    "application/pdf": "pdf",
    "text/csv": "csv",
    "application/msword": "doc",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "docx",
    "application/vnd.ms-excel": "xls",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx",
    "text/html": "html",
    "text/plain": "txt",
    "text/markdown": "md",
}

NAME_LIMIT: Final = 200
_FOREIGN_TO_NAMES: Final = re.compile(r"[^a-zA-Z0-9\s()\[\]-]+")
_SPACES: Final = re.compile(r"\s+")

NO_OUTPUT: Final = "(no output)"
"""Stands for the blank result of a tool, which the wire refuses."""
NO_WORDS: Final = "(no words)"
"""Stands for what the user said before an answer with which a conversation begins."""

_REGIONS: Final = re.compile(r"(us|us-gov|eu|apac|jp|au|ca|sa|global)\.")


def document_name(name: str) -> str:
    """`name` in the letters that a document's name may have, empty if it has none of them."""
    return _SPACES.sub(" ", _FOREIGN_TO_NAMES.sub("-", name)).strip(" -")[: NAME_LIMIT - 10].strip()


def counted_model(model: str) -> str:
    """The name under which the tokens of `model` are counted: of an inference profile, that of the model in it."""
    return _REGIONS.sub("", model, count=1) if _REGIONS.match(model) else model
