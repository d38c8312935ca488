"""The slow path for payloads with lone surrogates: bytes to values, and strings that can be encoded."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from punk.core.json import JsonValue, dump_json
from punk.wire.json import loads_lenient, repair_surrogates

_TEXT = st.text(alphabet="a\ud83d\udfff\ude00\ud800😀\ufffdé\x00", max_size=8)


def _joined(text: str) -> str:
    """What is wanted of one string, spelled out character by character."""
    out = ""
    for char in text:
        if out and "\ud800" <= out[-1] <= "\udbff" and "\udc00" <= char <= "\udfff":
            out = out[:-1] + chr(0x10000 + (ord(out[-1]) - 0xD800) * 0x400 + ord(char) - 0xDC00)
        else:
            out += char
    return "".join("\ufffd" if "\ud800" <= char <= "\udfff" else char for char in out)


@given(_TEXT)
def test_pairs_are_joined_and_each_lone_surrogate_is_replaced(text: str) -> None:
    assert repair_surrogates(text) == _joined(text)


@given(st.text())
def test_a_string_that_can_be_encoded_stays(text: str) -> None:
    assert repair_surrogates(text) == text


def test_every_string_of_a_value_is_repaired_and_nothing_else() -> None:
    value: dict[str, JsonValue] = {"a\ud800": ["\udc00", {"b": "\ud83d\ude00"}, 1, 1.5, True, None], "ok": {}}
    assert repr(repair_surrogates(value)) == repr({"a\ufffd": ["\ufffd", {"b": "😀"}, 1, 1.5, True, None], "ok": {}})
    assert list(value) == ["a\ud800", "ok"]


def test_keys_that_become_equal_fall_together() -> None:
    assert repair_surrogates(dict(zip(["\ud800", "\udfff"], [1, 2], strict=True))) == {"\ufffd": 2}


@given(_TEXT)
def test_escapes_are_read_as_they_stand(text: str) -> None:
    assert loads_lenient(dump_json({"t": text}).encode()).unwrap() == {"t": _paired(text)}


def _paired(text: str) -> str:
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")


def test_raw_utf8_is_read() -> None:
    assert loads_lenient('{"é":"😀\u2028"}'.encode()).unwrap() == {"é": "😀\u2028"}


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b'"\xff"', "not valid UTF-8: invalid start byte at byte 1"),
        (b'"\xed\xa0\x80"', "not valid UTF-8: invalid continuation byte at byte 1"),
        (b'{"a":', "not valid JSON: Expecting value at character 5"),
        (b"", "not valid JSON: Expecting value at character 0"),
    ],
)
def test_what_is_refused(data: bytes, why: str) -> None:
    assert loads_lenient(data).failure() == why


@given(st.binary(max_size=12))
def test_garbage_never_raises(data: bytes) -> None:
    loads_lenient(data).map(repair_surrogates)


def test_the_deepest_value_that_is_read_can_be_repaired() -> None:
    depth = 0
    while (value := loads_lenient(b"[" * (depth + 1) + b"]" * (depth + 1)).value_or(None)) is not None:
        assert repair_surrogates(value) == value
        depth += 1
    assert depth > 200
