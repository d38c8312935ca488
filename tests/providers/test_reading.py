"""Wire JSON as typed values: what is read, and what is said of what cannot be."""

from __future__ import annotations

import pytest
from pydantic import TypeAdapter, with_config

# pydantic takes no other TypedDict on Python 3.11.
from typing_extensions import TypedDict

from punk.core.failures import Malformed
from punk.providers.reading import payload_reader, read_as, read_json


@with_config(strict=True, extra="ignore")
class Form(TypedDict, total=False):
    text: str
    count: int


FORM = TypeAdapter(Form)
READ = payload_reader(FORM, "a chunk")


@pytest.mark.parametrize(
    ("data", "read"),
    [
        (b'{"text":"a","more":[1]}', {"text": "a"}),
        (b'{"text":"\\ud83d"}', {"text": "\ufffd"}),
        (b'{"text":"\\ud83d\\ude00"}', {"text": "\U0001f600"}),
        (b"{}", {}),
        (b'{"text":7}', Malformed("a chunk is not what the wire allows: text: Input should be a valid string")),
        (b'{"text":"\\ud83d","count":"x"}', Malformed("a chunk is not what the wire allows: count: ")),
        (b"[]", Malformed("a chunk is not what the wire allows: it: ")),
        (b'{"text', Malformed("a chunk cannot be read: ")),
        (b"\xff", Malformed("a chunk cannot be read: ")),
    ],
)
def test_a_payload_is_read_or_it_is_said_why_not(data: bytes, read: dict[str, str] | Malformed) -> None:
    found = READ(data)
    if isinstance(read, Malformed):
        assert isinstance(found, Malformed)
        assert found.message.startswith(read.message)
        assert len(found.message) < 250
    else:
        assert found == read


def test_an_object_keeps_its_surrogates_until_it_has_a_form() -> None:
    document = read_json(b'{"text":"\\ud83d"}', "the event x")
    assert document == {"text": "\ud83d"}
    assert read_as(FORM, document, "the event x") == {"text": "\ufffd"}
    for data in (b"[1]", b"x"):
        fault = read_json(data, "the event x")
        assert isinstance(fault, Malformed)
        assert fault.message.startswith("the event x is not ")
