"""Token counts are read where they are, and nowhere else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from returns.result import Failure, Success

from punk.core.failures import Malformed
from punk.core.json import JsonObject, JsonValue, dump_json
from punk.providers.counts import count_of, count_within, read_count
from punk.testing.strategies import json_values

NO_COUNTS: list[JsonValue] = [None, True, False, 1.0, "1", [], [1], {}]


@pytest.mark.parametrize("value", NO_COUNTS)
def test_only_a_whole_number_is_a_count(value: JsonValue) -> None:
    assert count_of(value) is None
    assert count_within({"a": value}, "a") is None
    assert isinstance(read_count(dump_json({"a": value}).encode(), "a"), Failure)
    assert count_of(7) == 7


def test_a_count_is_found_inside() -> None:
    document: JsonObject = {"a": {"b": 3}, "c": 4}
    assert count_within(document, "a", "b") == 3
    assert count_within(document, "c") == 4
    assert count_within(document, "a") is None
    assert count_within(document, "c", "b") is None
    assert count_within(document, "d", "b") is None
    assert count_within(5) == 5


def test_an_answer_that_counts() -> None:
    assert read_count(b'{"input_tokens":12,"x":[]}', "input_tokens") == Success(12)
    assert read_count(b'{"a":{"b":0}}', "a", "b") == Success(0)
    assert read_count(b'{"a":"\\ud83d","b":1}', "b") == Success(1)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"7", b"\xff", b'{"a":-1}', b"<html>"])
def test_an_answer_that_does_not(body: bytes) -> None:
    match read_count(body, "a"):
        case Failure(Malformed(message=message)):
            assert "no a" in message
        case other:
            raise AssertionError(other)


@given(json_values() | st.binary(), st.lists(st.text(max_size=3), max_size=3))
def test_nothing_is_ever_raised(value: JsonValue | bytes, path: list[str]) -> None:
    body = value if isinstance(value, bytes) else dump_json(value).encode()
    counted = read_count(body, *path).value_or(0)
    assert counted >= 0
