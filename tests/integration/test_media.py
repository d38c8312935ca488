"""Images, documents and instructions reach the server on every route."""

from __future__ import annotations

import base64

from punk.core.media import InlineMedia
from punk.core.messages import SystemMessage, UserMessage
from punk.core.parts import DocumentPart, ImagePart, UserPart
from punk.llm.chat import Chat
from tests.integration.routes import Route
from tests.support.aimock import Aimock
from tests.support.aio import run

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
PDF = b"%PDF-1.4\n%%EOF\n"


def test_images_and_documents_are_sent_with_the_text(route: Route, aimock: Aimock) -> None:
    parts: list[UserPart | str] = [
        "hello",
        ImagePart(InlineMedia("image/png", PNG)),
        DocumentPart(InlineMedia("application/pdf", PDF), name="report"),
    ]

    async def main() -> None:
        final = await Chat([UserMessage(parts)], route.make(aimock.base, {})).complete_async()
        assert final.latest_message.content == "Hello there, nice to meet you."

    run(main())
    (asked,) = aimock.settled()
    for sent in (PNG, PDF):
        assert base64.b64encode(sent).decode() in asked.body


def test_instructions_are_sent_beside_the_conversation(route: Route, aimock: Aimock) -> None:
    async def main() -> None:
        chat = Chat([SystemMessage("Be brief."), UserMessage("hello")], route.make(aimock.base, {}))
        final = await chat.complete_async()
        assert final.latest_message.content == "Hello there, nice to meet you."

    run(main())
    (asked,) = aimock.settled()
    assert asked.body.count("Be brief.") == 1
