"""Encodes the results of tools for the chat-completions wire, which has them as texts.

What else the tools of a turn gave is for a message of the user, right behind the results. The text of a result says
where in it an image or a document was, and what it is called there.
"""

from __future__ import annotations

from punk.core.json import JsonObject, JsonValue
from punk.core.messages import ToolResultMessage
from punk.core.parts import TextPart
from punk.providers.openai.chat.content import piece_of
from punk.providers.openai.chat.rules import IDS
from punk.providers.results import media_label, result_text


def encode_result(message: ToolResultMessage, apart: list[JsonValue]) -> JsonObject:
    """The message of the tool. Its images and documents are added to those that stand `apart` from their results, each
    behind a text that names it."""
    said: list[TextPart] = []
    for part in message.parts:
        if isinstance(part, TextPart):
            said.append(part)
            continue
        label = media_label(part, 1 + len(apart) // 2, message.name)
        said.append(TextPart(f"[{label}: shown in the next message]"))
        apart += [piece_of(TextPart(f"[{label}]")), piece_of(part)]
    return {"role": "tool", "tool_call_id": IDS.spelled(message.call_id), "content": result_text(said)}
