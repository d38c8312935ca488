"""The rules of the Responses wire, as data that the encoder keeps to.

- The conversation is a list of items, in any order of roles; a system message may stand anywhere. None says nothing:
  blank texts are left out, with their marks, and so is a message of which nothing is left.
- A user message of texts alone is one text; with images, documents or marks it is a list of parts. Images and documents
  are sent as bytes or by address. Marks are for newer models, and not for what an assistant said.
- Calls and results are items of their own, told by their call id. A result is a text, or a list of texts, images and
  documents; a text stands there for what the wire does not take. An error is told by its words.
- Arguments are the text of a JSON object: `{}` stands for any others.
- Reasoning goes back encrypted, to its own family, before the item that it led to; other thinking is left out.
- Ids of calls are visible ASCII, up to 64 characters; names of tools, and of forms of answers, are of the letters of
  `NAMES`.
- A choice of tools comes with tools, and names one of them. The schemas of tools go as they are, but for strict tools
  whose schemas have a strict form.
- `seed`, `top_k` and stop sequences are unknown.
- Tokens are counted for the fields of `COUNTED` alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from punk.core.failures import Unsupported
from punk.core.messages import AssistantMessage, Message, ToolCallMessage
from punk.providers.encoding import Alphabet, MediaRules, refused_part
from punk.providers.openai.media import IMAGE_TYPES, in_results, refused_marks
from punk.providers.results import told_results

IDS: Final = Alphabet("!-~", 64)

_ADDRESSED: Final = frozenset({"bytes", "https", "http", "data"})

USER: Final = MediaRules("OpenAI", _ADDRESSED, _ADDRESSED, cache_marks=True, image_types=IMAGE_TYPES)
ASSISTANT: Final = MediaRules(
    "the Responses API, of an assistant's words,", frozenset(), frozenset(), cache_marks=False
)

COUNTED: Final = frozenset(
    "conversation input instructions model parallel_tool_calls personality previous_response_id reasoning text "
    "tool_choice tools truncation".split()
)


def refused_words(model: str, messages: Sequence[Message]) -> Unsupported | None:
    """Why a text, an image, a document or a mark in `messages` cannot be sent to `model`, None if all can."""
    for message in messages:
        said_by_model = isinstance(message, AssistantMessage | ToolCallMessage)
        if refused := refused_part([message], ASSISTANT if said_by_model else USER):
            return refused
    return refused_marks(model, messages)


def with_media_told(model: str, messages: Sequence[Message]) -> tuple[Message, ...]:
    """`messages` without what the wire does not take in a result."""
    return told_results(messages, in_results(model, addressed_documents=True))
