"""Images, documents, and what else the Converse wire takes or not."""

from __future__ import annotations

import base64
from dataclasses import replace

import pytest

from punk.core.failures import Unsupported
from punk.core.media import CacheMark, InlineMedia, MediaUrl
from punk.core.messages import (
    Message,
    SystemMessage,
    UserMessage,
)
from punk.core.parts import (
    DocumentPart,
    ImagePart,
    TextPart,
)
from punk.core.request import ToolSpec
from punk.providers.bedrock.settings import BedrockSettings
from tests.providers.bedrock.requests import (
    HI,
    PDF,
    PNG,
    SETTINGS,
    encoded,
    messages_of,
)


def test_media_of_the_user() -> None:
    said = UserMessage(
        [
            ImagePart(PNG, cache=CacheMark()),
            ImagePart(MediaUrl("s3://bucket/a/cat.JPG")),
            DocumentPart(PDF, "Q3_report  (final).pdf"),
            DocumentPart(PDF, "Q3/report (final)?pdf"),
            DocumentPart(MediaUrl("s3://bucket/x", "text/markdown; charset=utf-8")),
            TextPart("Read."),
        ]
    )
    pdf = base64.b64encode(b"%PDF").decode()
    assert messages_of(said) == [
        (
            "user",
            [
                {"image": {"format": "png", "source": {"bytes": base64.b64encode(PNG.data).decode()}}},
                {"cachePoint": {"type": "default"}},
                {"image": {"format": "jpeg", "source": {"s3Location": {"uri": "s3://bucket/a/cat.JPG"}}}},
                {"document": {"format": "pdf", "name": "Q3-report (final)-pdf", "source": {"bytes": pdf}}},
                {"document": {"format": "pdf", "name": "Q3-report (final)-pdf (2)", "source": {"bytes": pdf}}},
                {"document": {"format": "md", "name": "document", "source": {"s3Location": {"uri": "s3://bucket/x"}}}},
                {"text": "Read."},
            ],
        )
    ]


def test_a_document_alone_has_its_name_for_a_text() -> None:
    said = messages_of(UserMessage([DocumentPart(PDF, "one"), DocumentPart(PDF, "two"), ImagePart(PNG)]))
    content = said[0][1]
    assert isinstance(content, list)
    assert content[-1] == {"text": "one, two"}


@pytest.mark.parametrize(
    ("part", "word"),
    [
        (ImagePart(MediaUrl("https://example.com/cat.png")), "https"),
        (DocumentPart(MediaUrl("https://example.com/a.pdf")), "https"),
        (ImagePart(InlineMedia("image/tiff", b"x")), "image/tiff"),
        (DocumentPart(InlineMedia("application/zip", b"x")), "pdf, csv"),
        (DocumentPart(MediaUrl("s3://bucket/x")), "media_type"),
        (ImagePart(InlineMedia("", b"x")), "media_type"),
        (ImagePart(InlineMedia("image/png", b"")), "empty"),
    ],
)
def test_media_that_the_wire_does_not_take(part: ImagePart | DocumentPart, word: str) -> None:
    refused = encoded(UserMessage([part, TextPart("?")]))
    assert isinstance(refused, Unsupported)
    assert word in refused.message


@pytest.mark.parametrize(
    ("settings", "tools", "word"),
    [
        (replace(SETTINGS, seed=1), (), "seed"),
        (BedrockSettings("amazon.nova-pro-v1:0", top_k=3), (), "top_k"),
        (SETTINGS, (ToolSpec("a b", "", "{}"),), "a b"),
        (SETTINGS, (ToolSpec("x" * 65, "", "{}"),), "64"),
        (SETTINGS, (ToolSpec("f", "", "[]"),), "f"),
    ],
)
def test_what_the_wire_cannot_hold(settings: BedrockSettings, tools: tuple[ToolSpec, ...], word: str) -> None:
    refused = encoded(HI, settings=settings, tools=tools)
    assert isinstance(refused, Unsupported)
    assert word in refused.message


@pytest.mark.parametrize(
    "said", [(), (SystemMessage("S"),), (UserMessage(" "),), (SystemMessage("S"), UserMessage(""))]
)
def test_nothing_to_answer(said: tuple[Message, ...]) -> None:
    assert isinstance(encoded(*said), Unsupported)
