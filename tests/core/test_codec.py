"""Law 18: messages survive JSON, and JSON that is none of theirs is a failure that says why."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from punk.core.codec import VERSION, messages_from_json, messages_to_json
from punk.core.json import JsonValue, dump_json, parse_json
from punk.core.media import CacheMark, InlineMedia, MediaUrl
from punk.core.messages import (
    AssistantMessage,
    Finish,
    Message,
    Origin,
    SystemMessage,
    ToolCallMessage,
    ToolResultMessage,
    UserMessage,
)
from punk.core.parts import DocumentPart, ImagePart, OpaquePart, RefusalPart, TextPart, ThinkingPart, ToolCall
from punk.core.provider_data import ProviderData
from punk.core.usage import Usage
from punk.testing.laws import check_json
from punk.testing.strategies import json_values, messages

DATA = ProviderData.of("anthropic", {"type": "redacted_thinking", "data": "xyz"})
# Every field of every kind differs from its default.
FIRST: tuple[Message, ...] = (
    SystemMessage("s"),
    UserMessage([TextPart("u", DATA), TextPart("\ud83d")]),
    AssistantMessage(
        [TextPart("a", DATA), ThinkingPart("t", "sig", DATA), RefusalPart("no"), OpaquePart("k", DATA, False)],
        finish=Finish("max_tokens", "length", "detail"),
        usage=Usage(1, 2, 3, 4, 5, True, DATA),
        origin=Origin("anthropic", "model", "response"),
        unrun_calls=[ToolCall("i", "n", '{"a":', DATA)],
    ),
    ToolCallMessage(
        [ThinkingPart("", None, DATA), ToolCall("1", "f", "{}", DATA)],
        finish=Finish("tool_use", "tool_calls", "d"),
        usage=Usage(0),
        origin=Origin("f", "m", "r"),
    ),
    ToolResultMessage("1", "f", "result", True),
)
MEDIA = (
    InlineMedia("image/png", b"\x89PNG\x00"),
    MediaUrl("https://example.com/a.pdf?signature=x", "application/pdf"),
)
WHOLE: tuple[Message, ...] = (
    *FIRST,
    UserMessage([TextPart("u", DATA, CacheMark("1h")), ImagePart(MEDIA[0], CacheMark("1h"))]),
    UserMessage([DocumentPart(MEDIA[1], "a", CacheMark("1h"))]),
    ToolCallMessage([ToolCall("2", "f", "{}", DATA, approval="given"), ToolCall("3", "f", "{}", approval="needed")]),
    ToolResultMessage("2", "f", [TextPart("r", DATA), ImagePart(MEDIA[0]), DocumentPart(MEDIA[1], "d")], True),
)


@given(st.lists(messages(), max_size=4))
@example(list(WHOLE))
@example([])
def test_messages_survive_json(said: list[Message]) -> None:
    check_json(said)
    assert messages_to_json(said).isascii()


def test_nothing_of_a_message_is_left_out() -> None:
    """A field that JSON forgot would come back as its default, and every field here differs from it."""
    written = parse_json(messages_to_json(WHOLE)).unwrap()
    read = messages_from_json(dump_json(written)).unwrap()
    assert read == WHOLE
    assert repr(read) == repr(WHOLE)


def test_version_1_stays_readable() -> None:
    """What was written by this version must be read by all later ones: the file is never rewritten."""
    text = (Path(__file__).parent / "messages_v1.json").read_text(encoding="utf-8")
    assert messages_from_json(text).unwrap() == FIRST
    assert json.loads(text)["version"] == 1


def test_a_result_that_is_a_text_is_written_as_that_text() -> None:
    """So it was written before results had parts: what reads only that keeps reading it."""
    assert _written(ToolResultMessage("1", "f", "result"))["content"] == "result"
    assert _written(ToolResultMessage("1", "f", ""))["content"] == ""


@pytest.mark.parametrize(
    "parts", [[], [TextPart("a"), TextPart("b")], [TextPart("a", DATA)], [TextPart("a", cache=CacheMark("5m"))]]
)
def test_a_result_that_is_more_than_a_text_is_written_in_parts(parts: list[TextPart]) -> None:
    said = ToolResultMessage("1", "f", parts)
    assert len(_written(said)["content"]) == len(parts)
    check_json([said])


def test_a_call_that_was_written_before_there_were_approvals_has_none() -> None:
    text = messages_to_json([ToolCallMessage([ToolCall("1", "f", "{}", approval="given")])])
    assert '"approval":"given"' in text
    old = text.replace(',"approval":"given"', "")
    assert old != text
    assert messages_from_json(old).unwrap() == (ToolCallMessage([ToolCall("1", "f", "{}")]),)


def _written(message: Message) -> dict[str, Any]:
    """One message as its JSON."""
    [written] = json.loads(messages_to_json([message]))["messages"]
    assert isinstance(written, dict)
    return written


@given(json_values())
def test_other_json_is_a_failure(value: JsonValue) -> None:
    assert messages_from_json(dump_json(value)).failure().startswith("not a chat's JSON: ")


@given(st.data())
def test_a_document_with_anything_in_one_place_never_raises(data: st.DataObject) -> None:
    document = parse_json(messages_to_json(WHOLE)).unwrap()
    _replace_somewhere(data, document)
    result = messages_from_json(dump_json(document))
    read = result.value_or(None)
    assert read is not None or result.failure() != ""


def _replace_somewhere(data: st.DataObject, value: JsonValue) -> None:
    """Put a random value somewhere into `value`."""
    places: list[Callable[[JsonValue], None]] = []
    todo: list[JsonValue] = [value]
    while todo:
        match todo.pop():
            case list() as items:
                places.extend(partial(items.__setitem__, index) for index in range(len(items)))
                todo.extend(items)
            case dict() as members:
                places.extend(partial(members.__setitem__, key) for key in members)
                todo.extend(members.values())
            case _:
                pass
    data.draw(st.sampled_from(places))(data.draw(json_values()))


MESSAGE = '{"format":"punk.messages","version":1,"messages":[%s]}'


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "not a chat's JSON: not valid JSON: Expecting value at character 0"),
        ("[]", "not a chat's JSON: not a JSON object"),
        ("{}", "not a chat's JSON: there is no format punk.messages"),
        ('{"format":"punk.messages"}', "this punk reads version 1 of a chat's JSON, not None"),
        ('{"format":"punk.messages","version":2}', "this punk reads version 1 of a chat's JSON, not 2"),
        ('{"format":"punk.messages","version":1}', "not a chat's JSON: a list was expected, not None"),
        (MESSAGE % "7", "not a chat's JSON: an object was expected, not 7"),
        (MESSAGE % '{"type":"poem"}', "not a chat's JSON: 'poem' is no kind of message"),
        (MESSAGE % '{"type":"user","parts":[{"type":"call"}]}', "not a chat's JSON: parts: 'call' is no kind of part"),
        (
            MESSAGE % '{"type":"system","parts":[{"type":"image","source":{"type":"url","url":"x"}}]}',
            "not a chat's JSON: parts: a text part was expected",
        ),
        (
            MESSAGE % '{"type":"user","parts":[{"type":"image","source":{"type":"file"}}]}',
            "not a chat's JSON: parts: source: 'file' is no source of media",
        ),
        (
            MESSAGE % '{"type":"user","parts":[{"type":"image",'
            '"source":{"type":"inline","media_type":"a/b","data":{"base64":"?"}}}]}',
            "not a chat's JSON: parts: source: data: bytes in base64 were expected",
        ),
        (
            MESSAGE % '{"type":"user","parts":[{"type":"text","text":"a","cache":{"ttl":"1d"}}]}',
            "not a chat's JSON: parts: cache: ttl: how long to cache was expected, not '1d'",
        ),
        (
            MESSAGE % '{"type":"assistant","parts":[{"type":"poem"}]}',
            "not a chat's JSON: parts: 'poem' is no kind of part",
        ),
        (
            MESSAGE % '{"type":"assistant","parts":[],"finish":{"reason":"bored"}}',
            "not a chat's JSON: finish: reason: a finish reason was expected, not 'bored'",
        ),
        (
            MESSAGE % '{"type":"tool_result","call_id":"1","name":"f","content":7,"is_error":false}',
            "not a chat's JSON: content: a list was expected, not 7",
        ),
        (
            MESSAGE % '{"type":"tool_result","call_id":"1","name":"f","content":[{"type":"call"}],"is_error":false}',
            "not a chat's JSON: content: 'call' is no kind of part",
        ),
        (
            MESSAGE
            % '{"type":"tool_call","parts":[{"type":"call","id":"1","name":"f","arguments":"","approval":"yes"}]}',
            "not a chat's JSON: parts: approval: an approval was expected, not 'yes'",
        ),
        (
            MESSAGE % '{"type":"tool_result","call_id":"1","name":"f","content":"","is_error":0}',
            "not a chat's JSON: is_error: true or false was expected, not 0",
        ),
        (
            MESSAGE
            % '{"type":"assistant","parts":[],"finish":{},"usage":{"input_tokens":true},"origin":{},"unrun_calls":[]}',
            "not a chat's JSON: usage: input_tokens: a whole number was expected, not True",
        ),
    ],
)
def test_what_is_wrong_is_said(text: str, why: str) -> None:
    assert messages_from_json(text).failure() == why


def test_another_value_has_no_place_in_a_message() -> None:
    with pytest.raises(TypeError, match="float has no place in a message"):
        messages_to_json([UserMessage([1.5])])  # type: ignore[list-item]  # what the checker forbids


def test_the_version_is_written() -> None:
    assert json.loads(messages_to_json([])) == {"format": "punk.messages", "version": VERSION, "messages": []}


def test_a_signed_address_is_not_shown() -> None:
    assert repr(MEDIA[1]) == "MediaUrl('https://example.com/a.pdf?…', media_type='application/pdf')"
    assert repr(MediaUrl("gs://bucket/a")) == "MediaUrl('gs://bucket/a', media_type=None)"
    assert repr(MEDIA[0]) == "InlineMedia(media_type='image/png')"
