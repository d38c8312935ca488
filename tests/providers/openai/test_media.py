"""What both of OpenAI's wires make of media and marks."""

from __future__ import annotations

import pytest

from punk.core.media import InlineMedia, MediaUrl
from punk.core.parts import DocumentPart
from punk.providers.openai.media import data_url, file_name, takes_marks


@pytest.mark.parametrize(
    ("model", "takes"),
    [
        ("gpt-5.6", True),
        ("gpt-5.10-mini", True),
        ("gpt-6", True),
        ("my-deployment", True),
        ("gpt-5", False),
        ("gpt-5-mini", False),
        ("gpt-5.5", False),
        ("gpt-4.1", False),
        ("ft:gpt-4o:x", False),
        ("o4-mini", False),
        ("chatgpt-4o-latest", False),
    ],
)
def test_marks_are_for_newer_models(model: str, takes: bool) -> None:
    assert takes_marks(model) == takes


def test_bytes_as_an_address() -> None:
    assert data_url(InlineMedia("IMAGE/PNG; a=b", b"\xff")) == "data:image/png;base64,/w=="
    assert data_url(InlineMedia("", b"")) == "data:application/octet-stream;base64,"


@pytest.mark.parametrize(
    ("name", "media_type", "said"),
    [
        ("report.pdf", "text/plain", "report.pdf"),
        ("report", "text/csv; charset=utf-8", "report.csv"),
        (" ", "application/json", "document.json"),
        (None, "application/pdf", "document.pdf"),
        (None, "application/odd", "document"),
        ("a", "application/vnd.openxmlformats-officedocument.wordprocessingml.document", "a.docx"),
        ("a", "", "a.pdf"),
    ],
)
def test_a_document_has_a_name_with_an_ending(name: str | None, media_type: str, said: str) -> None:
    assert file_name(DocumentPart(InlineMedia(media_type, b""), name)) == said
    assert file_name(DocumentPart(MediaUrl("data:x", media_type), name)) == said
