"""The strict JSON of the core: what it refuses, and that what it accepts survives a round trip."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from punk.core.json import MAX_DEPTH, JsonValue, dump_json, parse_json, parse_object, same_json

_SCALARS: st.SearchStrategy[JsonValue] = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.text()
)
_VALUES: st.SearchStrategy[JsonValue] = st.recursive(
    _SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text(), inner, max_size=4)),
    max_leaves=12,
)


@given(_VALUES)
@example(["\ud83d", "\ude00 x", {"\udfff": "😀"}])
@example([-0.0, 1.0, 1, True, 2**80, 5e-324])
def test_a_value_survives_writing_and_reading(value: JsonValue) -> None:
    text = dump_json(value)
    assert text.isascii()
    # repr tells apart what == does not: 1, 1.0 and True, and the two zeros.
    assert repr(parse_json(text).unwrap()) == repr(value)


@given(st.text(alphabet='[]{}",:0-1.eE+ \n\\ud8truefalsnNaInity\u00e9', max_size=12))
def test_text_never_raises_and_is_never_read_otherwise_than_by_the_standard_library(text: str) -> None:
    try:
        expected = json.loads(text)
    except ValueError:
        assert parse_json(text).value_or("refused") == "refused"
    else:
        assert parse_json(text).map(repr).value_or(repr(expected)) == repr(expected)


def test_what_is_written_is_compact_ascii() -> None:
    assert dump_json({"a": [1, 2.5, None, True], "é": "\ud800"}) == '{"a":[1,2.5,null,true],"\\u00e9":"\\ud800"}'


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "not valid JSON: Expecting value at character 0"),
        ("1 2", "not valid JSON: Extra data at character 2"),
        ('{"a":1}}', "not valid JSON: Extra data at character 7"),
        ("\ufeff1", "not valid JSON: Expecting value at character 0"),
        ('"\n"', "not valid JSON: Invalid control character at at character 1"),
        ("NaN", "NaN is not JSON"),
        ("[Infinity]", "Infinity is not JSON"),
        ("-Infinity", "-Infinity is not JSON"),
        ("1e999", "a number is too large"),
        ("[-1e999]", "a number is too large"),
        ("1" * 5000, "a number has too many digits"),
        ('{"a":1,"a":1}', "an object has the key 'a' twice"),
        ('[{"a":1,"b":2,"\\u0061":3}]', "an object has the key 'a' twice"),
        ('{"\\ud800":1,"\\ud800":2}', "an object has the key '\\ud800' twice"),
        ("[" * 100_000, "nested too deeply"),
        ("[" * 100_000 + "]" * 100_000, "nested too deeply"),
    ],
)
def test_what_is_refused(text: str, why: str) -> None:
    assert parse_json(text).failure() == why


def test_a_long_repeated_key_does_not_fill_the_failure() -> None:
    key = "k" * 10_000
    assert len(parse_json(f'{{"{key}":1,"{key}":2}}').failure()) < 100


def test_the_same_key_in_two_objects_is_allowed() -> None:
    assert parse_json('[{"a":1},{"a":{"a":2}}]').unwrap() == [{"a": 1}, {"a": {"a": 2}}]


@pytest.mark.parametrize(
    ("opening", "core", "closing"), [("[", "0", "]"), ('{"k":', "{}", "}"), ('[{"k":', "[]", "}]")]
)
def test_the_depth_is_counted_in_containers(opening: str, core: str, closing: str) -> None:
    inside = 0 if core == "0" else 1
    times = (MAX_DEPTH - inside) // len(closing)
    assert parse_json(opening * times + core + closing * times).value_or(None) is not None
    more = times + 1
    assert parse_json(opening * more + core + closing * more).failure() == "nested too deeply"


def test_wide_is_not_deep() -> None:
    wide: JsonValue = ["[{" * MAX_DEPTH, *([] for _ in range(2 * MAX_DEPTH))]
    assert parse_json(dump_json(wide)).unwrap() == wide
    deepest = "[" * (MAX_DEPTH - 1) + "[]" + "]" * (MAX_DEPTH - 1)
    assert parse_json(f"[[],{deepest[1:-1]}]").value_or(None) is not None
    assert parse_json(f"[[],{deepest}]").failure() == "nested too deeply"


@given(_VALUES)
def test_an_object_and_nothing_else_is_an_object(value: JsonValue) -> None:
    parsed = parse_object(dump_json(value))
    if isinstance(value, dict):
        assert parsed.unwrap() == value
    else:
        assert parsed.failure() == "not a JSON object"


def test_an_object_that_is_not_json_says_so() -> None:
    assert parse_object("{").failure().startswith("not valid JSON: ")


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf, 10**5000], ids=["nan", "inf", "-inf", "digits"])
def test_what_is_no_json_is_not_written(number: float) -> None:
    with pytest.raises(ValueError, match=r"JSON compliant|digits"):
        dump_json([number])


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ('{"a":1,"b":[2]}', '{ "b": [2], "a": 1 }', True),
        ("1", "1.0", False),
        ("1", "true", False),
        ("[1,2]", "[2,1]", False),
        ('{"a":1', '{"a":1', True),
        ('{"a":1}', '{"a":1', False),
    ],
)
def test_texts_of_the_same_value(one: str, other: str, same: bool) -> None:
    assert same_json(one, other) is same
