"""What a conversation becomes on the Gemini wire, and that the wire's rules hold for any."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from punk.core.history import valid_history
from punk.core.json import JsonObject, JsonValue
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
from punk.core.parts import (
    AssistantPart,
    DocumentPart,
    ImagePart,
    OpaquePart,
    RefusalPart,
    TextPart,
    ThinkingPart,
    ToolCall,
)
from punk.providers.base import Body
from punk.providers.google.rules import PLACEHOLDER
from punk.providers.google.settings import GoogleSettings
from punk.testing.strategies import histories
from punk.testing.wires.gemini_request import RULES, request_faults
from tests.providers.google.requests import (
    HI,
    OLD,
    OURS,
    SAID_HI,
    SETTINGS,
    body_of,
    contents_of,
    data,
    encoded,
    refused,
)

FOREIGN = Origin("anthropic")
SIGNATURE: JsonObject = {"thoughtSignature": "c+/v"}


def parts_of(*parts: AssistantPart, origin: Origin = OURS, settings: GoogleSettings = SETTINGS) -> JsonValue:
    """The parts of an answer with these, and a text after them."""
    contents = contents_of(HI, AssistantMessage([*parts, TextPart(".")], origin=origin), HI, settings=settings)
    match contents:
        case [_, {"role": "model", "parts": [*said, {"text": "."}]}, _]:
            return said
        case _:
            raise AssertionError(contents)


def call(id_: str, name: str = "f", arguments: str = "{}", **kept: JsonValue) -> ToolCall:
    return ToolCall(id_, name, arguments, data(kept) if kept else None)


def test_a_conversation_with_tools() -> None:
    calls = ToolCallMessage(
        [
            ThinkingPart("hm", "sig"),
            TextPart("Let me see."),
            call("i", "f", '{"x": 1}', id="i", **SIGNATURE),
            call("call_1_1", "g"),
        ],
        origin=OURS,
    )
    results = [ToolResultMessage("i", "f", "1"), ToolResultMessage("call_1_1", "g", '{"a":[2]}')]
    said: list[Message] = [
        SystemMessage("A"),
        HI,
        calls,
        *results,
        UserMessage("Go"),
        SystemMessage(["B", " "]),
        AssistantMessage("ok"),
    ]
    first: JsonObject = {"id": "i", "name": "f", "args": {"x": 1}}
    body = body_of(*said)
    assert body["systemInstruction"] == {"parts": [{"text": "A"}, {"text": "B"}]}
    assert body["contents"] == [
        SAID_HI,
        {
            "role": "model",
            "parts": [
                {"text": "hm", "thought": True, "thoughtSignature": "sig"},
                {"text": "Let me see."},
                {"functionCall": first, **SIGNATURE},
                {"functionCall": {"name": "g", "args": {}}},
            ],
        },
        {
            "role": "user",
            "parts": [
                {"functionResponse": {"id": "i", "name": "f", "response": {"result": "1"}}},
                {"functionResponse": {"name": "g", "response": {"a": [2]}}},
                {"text": "Go"},
            ],
        },
        {"role": "model", "parts": [{"text": "ok"}]},
    ]


@pytest.mark.parametrize(
    ("result", "response"),
    [
        (ToolResultMessage("i", "f", "a"), {"result": "a"}),
        (ToolResultMessage("i", "f", ""), {"result": ""}),
        (ToolResultMessage("i", "f", "[1]"), {"result": "[1]"}),
        (ToolResultMessage("i", "f", '{"b":1}'), {"b": 1}),
        (ToolResultMessage("i", "f", '{"b":1}', is_error=True), {"error": '{"b":1}'}),
    ],
)
def test_a_result_is_an_object(result: ToolResultMessage, response: JsonObject) -> None:
    contents = contents_of(HI, ToolCallMessage([call("i")]), result)
    assert isinstance(contents, list)
    assert contents[2] == {"role": "user", "parts": [{"functionResponse": {"name": "f", "response": response}}]}


def test_every_payload_goes_back_on_its_own_part() -> None:
    code: JsonObject = {"code": "1", "language": "PYTHON"}
    opaque: JsonObject = {"executableCode": code, **SIGNATURE}
    assert parts_of(
        ThinkingPart("a", "c2ln", data({"partMetadata": {"x": 1}})),
        ThinkingPart("unsigned"),
        TextPart("b", data(SIGNATURE)),
        TextPart("c"),
        OpaquePart("executableCode", data(opaque)),
        TextPart("", data(SIGNATURE)),
        TextPart(" "),
        RefusalPart("No."),
        RefusalPart(""),
    ) == [
        {"text": "a", "thought": True, "partMetadata": {"x": 1}, "thoughtSignature": "c2ln"},
        {"text": "b", **SIGNATURE},
        {"text": "c"},
        opaque,
        {"text": "", **SIGNATURE},
        {"text": "No."},
    ]


def test_what_only_another_wire_understands_is_left_out() -> None:
    theirs = data({"thoughtSignature": "x"}, "anthropic")
    said = parts_of(
        ThinkingPart("a", "s"),
        TextPart("b", theirs),
        TextPart("", theirs),
        OpaquePart("x", theirs),
        OpaquePart("groundingMetadata", data({"groundingMetadata": {}}), replayable=False),
        OpaquePart("continuationToken", data({"continuationToken": "t"})),
        OpaquePart("x", data([1])),
        origin=FOREIGN,
    )
    assert said == [{"text": "b"}]


@pytest.mark.parametrize(
    ("settings", "signed"),
    [
        (SETTINGS, True),
        (GoogleSettings("gemini-flash-latest"), True),
        (OLD, False),
        (GoogleSettings("gemini-2.0"), False),
    ],
)
def test_the_first_call_of_a_turn_is_signed_from_3_on(settings: GoogleSettings, signed: bool) -> None:
    asked = ToolCallMessage([call("toolu_1"), call("toolu_2")], origin=FOREIGN)
    contents = contents_of(
        HI, asked, ToolResultMessage("toolu_1", "f", "1"), ToolResultMessage("toolu_2", "f", "2"), settings=settings
    )
    first: JsonObject = {"functionCall": {"name": "f", "args": {}}}
    proof: JsonObject = {"thoughtSignature": PLACEHOLDER} if signed else {}
    assert isinstance(contents, list)
    assert contents[1] == {"role": "model", "parts": [{**first, **proof}, first]}


@pytest.mark.parametrize("name", ["9lives", "not a name", "é", "", "x" * 200])
def test_names_that_do_not_fit_are_spelled_alike_in_call_and_result(name: str) -> None:
    match contents_of(HI, ToolCallMessage([call("i", name)]), ToolResultMessage("i", name, "1")):
        case [_, {"parts": [{"functionCall": {"name": one}}]}, {"parts": [{"functionResponse": {"name": other}}]}]:
            assert one == other != name
        case contents:
            raise AssertionError(contents)


def test_arguments_that_are_no_object_are_sent_as_none() -> None:
    for arguments in ("[1]", "{", ""):
        contents = contents_of(HI, ToolCallMessage([call("i", "f", arguments)]), ToolResultMessage("i", "f", "1"))
        assert "'args': {}" in str(contents)


def test_empty_messages_are_left_out_and_neighbours_merged() -> None:
    assert contents_of(HI, AssistantMessage(""), UserMessage(" "), UserMessage("b")) == [
        {"role": "user", "parts": [{"text": "Hi"}, {"text": "b"}]}
    ]
    assert contents_of(HI, AssistantMessage("b", unrun_calls=[call("i")]), AssistantMessage("c"))[1:] == [  # type: ignore[index]  # a list
        {"role": "model", "parts": [{"text": "b"}, {"text": "c"}]}
    ]
    assert "nothing to answer" in refused(SystemMessage("A"), UserMessage(" "))


def paused(*parts: AssistantPart) -> AssistantMessage:
    return AssistantMessage(parts, finish=Finish("pause", "CONTINUATION"), origin=OURS)


def test_a_paused_answer_is_gone_on_from_with_its_last_token() -> None:
    tokens = [OpaquePart("continuationToken", data({"continuationToken": token})) for token in ("a", "b")]
    assert body_of(HI, paused(TextPart("So"), *tokens)) == {"contents": [SAID_HI], "continuationToken": "b"}
    unpaused = AssistantMessage([*tokens, TextPart("So")], finish=Finish("stop"), origin=OURS)
    for last in (paused(TextPart("So")), unpaused):
        assert "continuationToken" not in body_of(HI, last)
    assert "continuationToken" not in body_of(HI, paused(*tokens, TextPart("So")), HI)


def test_media() -> None:
    image = ImagePart(InlineMedia("image/png", b"\xff\xfe"))
    document = DocumentPart(MediaUrl("gs://b/o.PDF"), "report")
    typed = ImagePart(MediaUrl("https://x/y?z=.png", "image/webp"))
    untyped = DocumentPart(MediaUrl("https://generativelanguage.googleapis.com/v1beta/files/abc"))
    message = UserMessage(["Look:", image, document, typed, untyped])
    said: list[JsonValue] = [
        {"text": "Look:"},
        {"inlineData": {"mimeType": "image/png", "data": "//4="}},
        {"fileData": {"fileUri": "gs://b/o.PDF", "mimeType": "application/pdf"}},
        {"fileData": {"fileUri": "https://x/y?z=.png", "mimeType": "image/webp"}},
        {"fileData": {"fileUri": "https://generativelanguage.googleapis.com/v1beta/files/abc"}},
    ]
    assert contents_of(message) == [{"role": "user", "parts": said}]
    vertex = replace(SETTINGS, service="vertex")
    assert "media_type" in refused(message, settings=vertex)
    assert contents_of(UserMessage(["Look:", image, document, typed]), settings=vertex)


def test_media_that_are_not_taken() -> None:
    assert "s3" in refused(UserMessage([ImagePart(MediaUrl("s3://b/o.png"))]))
    assert refused(UserMessage(["Look:", ImagePart(InlineMedia("image/png", b""))])) == "the image is empty"
    assert refused(UserMessage([DocumentPart(InlineMedia("application/pdf", b""))])) == "the document is empty"
    assert "cache" in refused(UserMessage([TextPart("a", cache=CacheMark())]))
    assert "cache" in refused(SystemMessage([TextPart("a", cache=CacheMark())]), HI)


def test_a_request_can_be_written_in_utf_8() -> None:
    assert contents_of(UserMessage("cut \ud83d")) == [{"role": "user", "parts": [{"text": "cut �"}]}]


@given(histories(), st.sampled_from((SETTINGS, OLD)))
def test_any_history_keeps_the_rules_of_the_wire(said: tuple[Message, ...], settings: GoogleSettings) -> None:
    """Laws 18 and 19: what is encoded is valid, and says all text there is."""
    body = encoded((HI, *valid_history(said)), settings)
    assert isinstance(body, Body)
    assert request_faults(body.json) == ()
    sent = str(body.json)
    for message in said:
        for part in () if isinstance(message, ToolResultMessage) else message.parts:
            if isinstance(part, TextPart | RefusalPart) and part.text.strip():
                assert repr(part.text)[1:-1] in sent


def test_the_rules_can_be_broken() -> None:
    part: JsonObject = {"text": "", "thought": True}
    asked: JsonObject = {"functionCall": {"name": "a b", "args": []}, "inlineData": {}}
    answered: JsonObject = {"functionResponse": {"name": "f", "response": "x", "parts": [{"text": "a"}]}}
    bad: JsonObject = {
        "contents": [
            {"role": "user", "parts": [asked, {"text": " "}, part]},
            {"role": "user", "parts": []},
            {"role": "tool", "parts": [{"text": "a"}, answered]},
        ],
        "toolConfig": {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["f"]}},
        "generationConfig": {"maxOutputTokens": 5, "thinkingConfig": {"thinkingBudget": 5}},
    }
    assert {*request_faults(bad), *request_faults({})} == {*RULES}
