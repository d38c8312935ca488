"""The rules of the chat-completions wire, as data that the encoder keeps to.

- Roles come in any order; a system message may stand anywhere. No message says nothing: blank texts are left out, with
  their marks, and so is a message of which nothing is left.
- A user message of texts alone is one text; with images, documents or marks it is a list of parts.
- Images are sent as bytes or by address, documents as bytes. Marks are OpenAI's own, and of its newer models.
- An assistant message has text, a refusal (OpenAI alone) or calls. Arguments are the text of a JSON object: `{}` stands
  for any others. Thinking and opaque parts go only to the server they came from.
- Each call is answered by a `tool` message right after its message, in call order; an error is told by its words alone.
  Those messages are texts: what else a turn's tools gave comes in a message of the user right behind them, and their
  texts say so. A text stands there for what the wire does not take.
- Ids of calls are visible ASCII, up to 40 characters; names of tools, and of forms of answers, are of the letters of
  `NAMES`. OpenAI refuses a tool with another name; other servers may take it.
- A choice of tools comes with tools, and names one of them. Strict tools are OpenAI's own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from punk.core.failures import Unsupported
from punk.core.messages import Message
from punk.providers.encoding import Alphabet, MediaRules, refused_part
from punk.providers.openai.chat.settings import ChatSettings
from punk.providers.openai.media import IMAGE_TYPES, in_results, refused_marks
from punk.providers.results import told_results

IDS: Final = Alphabet("!-~", 40)

_IMAGES: Final = frozenset({"bytes", "https", "http", "data"})
_DOCUMENTS: Final = frozenset({"bytes", "data"})

OPENAI: Final = MediaRules("OpenAI", _IMAGES, _DOCUMENTS, cache_marks=True, image_types=IMAGE_TYPES)
COMPATIBLE: Final = MediaRules("a compatible server", _IMAGES, _DOCUMENTS, cache_marks=False)


def refused_words(settings: ChatSettings, messages: Sequence[Message]) -> Unsupported | None:
    """Why a text, an image, a document or a mark in `messages` cannot be sent, None if all can."""
    if settings.flavour == "compatible":
        return refused_part(messages, COMPATIBLE)
    return refused_part(messages, OPENAI) or refused_marks(settings.model, messages)


def with_media_told(settings: ChatSettings, messages: Sequence[Message]) -> tuple[Message, ...]:
    """`messages` without what the wire does not take of a result."""
    rules = in_results(settings.model)
    return told_results(messages, rules if settings.flavour == "openai" else replace(rules, cache_marks=False))
