"""What a tool returns is text for the model that says the same, or a text that says what could not be written."""

import json
import math
from collections import OrderedDict, UserDict, deque
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum, IntEnum, StrEnum
from pathlib import PurePosixPath
from typing import NamedTuple
from uuid import UUID

import pydantic
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field, RootModel
from returns.result import Failure, Result, Success

from punk.core.json import JsonValue
from punk.core.media import InlineMedia
from punk.core.parts import DocumentPart, ImagePart, TextPart
from punk.tools.remote import ToolAnswer
from punk.tools.result import describe_error, render_result


class Colour(Enum):
    RED = "red"
    MIXED = (1, 2)


class Price(Enum):
    LOW = Decimal("1.50")


class Named(StrEnum):
    ONE = "one"


class Numbered(IntEnum):
    ONE = 1


class Model(BaseModel):
    x: float
    when: date = date(2026, 1, 31)
    other: str = Field("y", alias="o")


class Bytes(BaseModel):
    model_config = ConfigDict(ser_json_bytes="base64")
    data: bytes


class Ids(RootModel[list[int]]): ...


class BadModel(BaseModel):
    @pydantic.model_serializer
    def broken(self) -> str:
        raise ValueError("no")


class Pair(NamedTuple):
    a: int
    b: str


@dataclass
class Data:
    x: int
    inner: "Data | None" = None
    colours: list[Colour] = field(default_factory=list)


@pydantic.dataclasses.dataclass
class PydanticData:
    when: date
    ratio: float = 0.5


class BadMapping(UserDict[str, int]):
    def __getitem__(self, key: str) -> int:
        raise KeyError(key)


class Opaque: ...


RENDERED: list[tuple[object, str]] = [
    ("text", "text"),
    ("", ""),
    ('"quoted" é', '"quoted" é'),
    ("\ud83d", "\ufffd"),
    ("a\udc00\udc00b\ud83d", "a\ufffd\ufffdb\ufffd"),
    ("\ud83d\ude00", "😀"),
    (None, "null"),
    (True, "true"),
    (7, "7"),
    (-0.5, "-0.5"),
    ([1, "é", None], '[1,"é",null]'),
    ((1, (2,)), "[1,[2]]"),
    ({3, 1, 2}, "[1,2,3]"),
    ({1, "5"}, '["5",1]'),
    (frozenset({"b", "a"}), '["a","b"]'),
    (deque([1]), "[1]"),
    (Pair(1, "b"), '[1,"b"]'),
    ({"a": {"b": "\ud83d"}}, '{"a":{"b":"\ufffd"}}'),
    (OrderedDict(b=1, a=2), '{"b":1,"a":2}'),
    ({1: "i", None: "n", False: "t", 1.5: "f"}, '{"1":"i","null":"n","false":"t","1.5":"f"}'),
    ({Colour.RED: 1, date(2026, 1, 31): 2}, '{"red":1,"2026-01-31":2}'),
    (Colour.RED, "red"),
    (Colour.MIXED, "[1,2]"),
    (Price.LOW, "1.50"),
    ([Price.LOW], '["1.50"]'),
    (Named.ONE, "one"),
    (Numbered.ONE, "1"),
    (datetime(2026, 1, 31, 12, tzinfo=UTC), "2026-01-31T12:00:00Z"),
    (time(12, 30), "12:30:00"),
    (timedelta(seconds=90), "PT1M30S"),
    ([Decimal("1.20")], '["1.20"]'),
    (UUID(int=1), "00000000-0000-0000-0000-000000000001"),
    (PurePosixPath("/a/b"), "/a/b"),
    (Model(x=1.5, o="z"), '{"x":1.5,"when":"2026-01-31","other":"z"}'),
    ([Model(x=1, o="\ud83d")], '[{"x":1.0,"when":"2026-01-31","other":"\ufffd"}]'),
    (Bytes(data=b"\xff"), '{"data":"_w=="}'),
    (Ids([1, 2]), "[1,2]"),
    (Data(1, Data(2), [Colour.RED]), '{"x":1,"inner":{"x":2,"inner":null,"colours":[]},"colours":["red"]}'),
    (PydanticData(date(2026, 1, 31)), '{"when":"2026-01-31","ratio":0.5}'),
]


def rendered(value: object) -> Result[str, str]:
    """The one text that the value gives."""
    return render_result(value).map(_only_text)


def _only_text(answer: ToolAnswer) -> str:
    (part,) = answer.parts
    assert isinstance(part, TextPart)
    assert not answer.is_error
    return part.text


@pytest.mark.parametrize(("value", "text"), RENDERED)
def test_rendered(value: object, text: str) -> None:
    assert rendered(value) == Success(text)


cycle: list[object] = []
cycle.append(cycle)

REFUSED: list[tuple[object, str]] = [
    (math.nan, "the result contains nan, a number that JSON can't hold"),
    ({"a": [-math.inf]}, "the result contains -inf, a number that JSON can't hold"),
    (Decimal("NaN"), "the result contains NaN, a number that JSON can't hold"),
    (Model(x=math.inf, o="z"), "the result contains inf, a number that JSON can't hold"),
    (PydanticData(date(2026, 1, 31), math.nan), "the result contains nan, a number that JSON can't hold"),
    (b"x", "the result contains a value of type bytes, which has no JSON form"),
    ([bytearray(b"x")], "the result contains a value of type bytearray, which has no JSON form"),
    (1j, "the result contains a value of type complex, which has no JSON form"),
    (iter([1]), "the result contains a value of type list_iterator, which has no JSON form"),
    ({"a": Opaque()}, f"the result contains a value of type {__name__}.Opaque, which has no JSON form"),
    (Data, "the result contains a value of type type, which has no JSON form"),
    (ValueError("x"), "the result contains a value of type ValueError, which has no JSON form"),
    ({(1, 2): 3}, "the result contains a mapping with a key of type tuple"),
    ({1: "a", "1": "b"}, "the result contains a mapping with two keys that are '1' in JSON"),
    (cycle, "the result, a list, is nested too deeply or contains itself"),
]


@pytest.mark.parametrize(("value", "text"), REFUSED)
def test_refused(value: object, text: str) -> None:
    assert render_result(value) == Failure(text)


@pytest.mark.parametrize("value", [BadModel(), BadMapping(a=1), [10**5000]])
def test_what_raises_while_it_is_written_is_a_failure(value: object) -> None:
    result = render_result(value)
    assert isinstance(result, Failure)
    assert result.failure().startswith(f"the result, a {type(value).__name__}, could not be written as JSON: ")


JSON: st.SearchStrategy[JsonValue] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)


@given(JSON.filter(lambda value: not isinstance(value, str)))
def test_json_comes_back_as_it_was(value: JsonValue) -> None:
    assert json.loads(rendered(value).unwrap()) == value


@given(st.text(st.characters(exclude_categories=())))
def test_any_text_can_be_sent_and_only_surrogates_change(text: str) -> None:
    written = rendered(text).unwrap()
    assert written.encode().decode() == written
    kept = "".join(c for c in text if not "\ud800" <= c <= "\udfff")
    position = iter(written)
    assert all(c in position for c in kept)
    assert rendered([text]) == Success(json.dumps([written], ensure_ascii=False))


IMAGE = ImagePart(InlineMedia("image/png", b"png"))
PAGE = DocumentPart(InlineMedia("application/pdf", b"pdf"), "page")


@pytest.mark.parametrize(
    ("value", "parts"),
    [
        (IMAGE, [IMAGE]),
        (PAGE, [PAGE]),
        (TextPart("a\ud800"), [TextPart("a\ufffd")]),
        (["a", IMAGE, {"n": 1}, [PAGE, None]], [TextPart("a"), IMAGE, TextPart('{"n":1}'), PAGE, TextPart("null")]),
        ((IMAGE, IMAGE), [IMAGE, IMAGE]),
        (["a", "b"], [TextPart('["a","b"]')]),
        (ToolAnswer((IMAGE,), is_error=True), [IMAGE]),
    ],
)  # fmt: skip
def test_parts_stay_what_they_are(value: object, parts: list[object]) -> None:
    answer = render_result(value).unwrap()
    assert list(answer.parts) == parts
    assert answer.is_error == (isinstance(value, ToolAnswer) and value.is_error)


def test_what_has_no_json_form_spoils_a_list_of_parts() -> None:
    assert render_result([IMAGE, b"x"]) == Failure("the result contains a value of type bytes, which has no JSON form")


class SpeechlessError(Exception):
    def __str__(self) -> str:
        raise RuntimeError


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (ValueError("no"), "ValueError: no"),
        (SpeechlessError(), "SpeechlessError"),
        (
            ExceptionGroup("some", [ValueError("a"), ExceptionGroup("inner", [SpeechlessError(), KeyError("b")])]),
            "ExceptionGroup: ValueError: a; ExceptionGroup: SpeechlessError; KeyError: 'b'",
        ),
        (
            ExceptionGroup("five", [ValueError(n) for n in range(5)]),
            "ExceptionGroup: ValueError: 0; ValueError: 1; ValueError: 2; ValueError: 3; ValueError: 4",
        ),
        (
            ExceptionGroup("six", [ValueError(n) for n in range(6)]),
            "ExceptionGroup: ValueError: 0; ValueError: 1; ValueError: 2; ValueError: 3; ValueError: 4; …",
        ),
    ],
)
def test_what_is_said_of_an_error(error: Exception, text: str) -> None:
    assert describe_error(error) == text
