"""The rules of the Messages wire, as data that the encoder keeps to.

- Messages are of two roles, by turns; those of one role in a row are one. What the system says stands before them all.
- Blocks keep their order. Blank text is left out, with its mark, and so is a message that has no block left.
- Each call has its result at the start of the next message, in call order. A server tool's call goes with its result,
  or alone where the turn it belongs to is still to be continued.
- Thinking goes back with its signature, redacted thinking and opaque blocks as they came: all of them only to the wire
  they came from, and thinking never as the last block of a message.
- A model that thinks by a budget answers results only of turns that begin with its own thinking; so for another's turns
  it is not asked to think.
- The last message, if it is an answer to be continued, does not end in white space.
- Ids and names are of the letters of `IDS` and `NAMES`; arguments are an object, and results are not blank: a text, or
  texts, images and documents. A text stands there for what the wire does not take.
- Images and documents are bytes or https addresses, of the types of `MEDIA`. By address a document is a PDF; texts are
  sent as texts, in UTF-8.
- At most `MOST_MARKS` cache marks, those of an hour before those of five minutes. A mark in a result stands on the
  whole of it; results give theirs up where there are too many.
- From 4.5 on, tools can be strict, with a schema that has the form of structured output.
- A request with calls in it declares tools. A choice of tools names one of them; with thinking, none is demanded.
- From 4.7 on, Claude takes no sampling parameters; from 4.1 on, a temperature or a top_p, not both.
- Tokens are counted for the fields of `COUNTED` alone.

Source: Anthropic's documentation of the Messages API, and the request types of its SDK.
"""

from __future__ import annotations

from typing import Final

from punk.providers.encoding import Alphabet, MediaRules

IDS: Final = Alphabet("a-zA-Z0-9_-", 256)
NAMES: Final = Alphabet("a-zA-Z0-9_-", 128)

PDF: Final = "application/pdf"
TEXTS: Final = frozenset({"text/plain", "text/markdown", "text/csv", "text/html", "application/json"})
MEDIA: Final = MediaRules(
    "Anthropic",
    frozenset({"bytes", "https"}),
    frozenset({"bytes", "https"}),
    cache_marks=True,
    image_types=frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"}),
    document_types=TEXTS | {PDF},
)
MOST_MARKS: Final = 4

COUNTED: Final = frozenset(
    "cache_control context_management mcp_servers messages model output_config speed system thinking tool_choice "
    "tools".split()
)
