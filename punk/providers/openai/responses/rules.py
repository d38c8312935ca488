"""The rules of the Responses wire, as data that the encoder keeps to.

- The conversation is a list of items, in any order of roles; a system message may stand anywhere. None says nothing:
  blank texts are left out, with their marks, and so is a message of which nothing is left.
- A user message of texts alone is one text; with images, documents or marks it is a list of parts. Images and documents
  are sent as bytes or by address. Marks are for newer models, and not for what an assistant said.
- Calls and results are items of their own, told by their call id. Results are text; an error is told by its words.
- Arguments are the text of a JSON object: `{}` stands for any others.
- Reasoning goes back encrypted, to its own family, before the item that it led to; other thinking is left out.
- Ids of calls are visible ASCII, up to 64 characters; names of tools, and of forms of answers, are of the letters of
  `NAMES`.
- A choice of tools comes with tools, and names one of them. Tools are not strict: their schemas are what the user's
  functions take, and go as they are.
- `seed`, `top_k` and stop sequences are unknown.
- Tokens are counted for the fields of `COUNTED` alone.
"""

from __future__ import annotations

from typing import Final

from punk.providers.encoding import Alphabet, MediaRules
from punk.providers.openai.media import IMAGE_TYPES, takes_marks

IDS: Final = Alphabet("!-~", 64)

_ADDRESSED: Final = frozenset({"bytes", "https", "http", "data"})

MARKED: Final = MediaRules("OpenAI", _ADDRESSED, _ADDRESSED, cache_marks=True, image_types=IMAGE_TYPES)
UNMARKED: Final = MediaRules(
    "OpenAI (before gpt-5.6)", _ADDRESSED, _ADDRESSED, cache_marks=False, image_types=IMAGE_TYPES
)
ASSISTANT: Final = MediaRules(
    "the Responses API, of an assistant's words,", frozenset(), frozenset(), cache_marks=False
)

COUNTED: Final = frozenset(
    "conversation input instructions model parallel_tool_calls personality previous_response_id reasoning text "
    "tool_choice tools truncation".split()
)


def media_rules(model: str) -> MediaRules:
    """Which media and marks may be sent to `model`."""
    return MARKED if takes_marks(model) else UNMARKED
