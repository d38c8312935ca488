"""The checkers of requests find what is wrong, each by the rule that says so."""

from __future__ import annotations

import pytest

from punk.core.json import JsonObject, JsonValue
from punk.testing.wires import (
    anthropic_request,
    bedrock_converse_request,
    gemini_request,
    openai_chat_request,
    openai_responses_request,
)

CALL: JsonObject = {"id": "x", "function": {"name": "f", "arguments": "{}"}}
ASKED: JsonObject = {"role": "assistant", "content": None, "tool_calls": [CALL]}
ANSWERED: JsonObject = {"role": "tool", "tool_call_id": "x", "content": "1"}
HI: JsonObject = {"role": "user", "content": "Hi"}
ORDER = "calls have their results right behind them, in order"
WORDS = "a message says something"
MEDIA = "images and documents come as the wire takes them"
CHOICE = "a choice of tools is one of those on offer"
FORM = "a form of the answer is sound"


def part(**fields: JsonValue) -> JsonObject:
    return {"role": "user", "content": [fields]}


@pytest.mark.parametrize(
    ("messages", "faults"),
    [
        ([HI, ASKED, ANSWERED], ()),
        ([HI, {**ASKED, "refusal": "No."}, ANSWERED, {"role": "assistant", "content": None, "refusal": "No."}], ()),
        ([{"role": "assistant", "content": [{"type": "thing"}]}], ()),
        ([part(type="file", file={"file_data": "data:x", "filename": "a"})], ()),
        ([HI, ASKED], (ORDER,)),
        ([HI, ASKED, HI, ANSWERED], (ORDER,)),
        ([HI, ANSWERED], (ORDER,)),
        ([HI, ASKED, {**ANSWERED, "tool_call_id": "y"}], (ORDER,)),
        ([HI, {**ASKED, "tool_calls": [{**CALL, "function": {"name": "f", "arguments": "{"}}]}, ANSWERED],
         ("arguments are the text of an object",)),
        ([{"role": "assistant", "content": None}], (WORDS,)),
        ([{"role": "user", "content": None}], (WORDS,)),
        ([{"role": "user", "content": ["a"]}], (WORDS,)),
        ([part(type="thing")], (WORDS,)),
        ([part(type="text", text=" ")], (WORDS,)),
        ([part(type="image_url", image_url="https://x")], (MEDIA,)),
        ([part(type="file", file={"file_data": "https://x", "filename": "a.pdf"})], (MEDIA,)),
    ],
)  # fmt: skip
def test_messages_of_chat_completions(messages: list[JsonValue], faults: tuple[str, ...]) -> None:
    assert openai_chat_request.request_faults({"messages": messages}) == faults


@pytest.mark.parametrize(
    ("schema", "strict", "sound"),
    [
        ({"type": "object", "properties": {}, "required": [], "additionalProperties": False}, True, True),
        ({"type": "object"}, False, True),
        ({"type": "object"}, None, False),
        ({"type": "string"}, True, False),
        ({"type": "object", "properties": {}, "required": []}, True, False),
        ({"type": "object", "properties": {"a": {"minLength": 1}}, "required": ["a"], "additionalProperties": False},
         True, False),
        ({"type": "object", "properties": {"default": {}}, "required": ["default"], "additionalProperties": False},
         True, True),
    ],
)  # fmt: skip
def test_forms_of_answers(schema: JsonObject, strict: bool | None, sound: bool) -> None:
    form: JsonObject = {"name": "x", "schema": schema, "strict": strict}
    chat: JsonObject = {"messages": [HI], "response_format": {"json_schema": form}}
    assert openai_chat_request.request_faults(chat) == (() if sound else (FORM,))
    responses: JsonObject = {"input": [HI], "text": {"format": form}}
    assert openai_responses_request.request_faults(responses) == (() if sound else (FORM,))


@pytest.mark.parametrize(
    ("choice", "faults"),
    [("auto", ()), ({"type": "function", "name": "f"}, ()), ("any", (CHOICE,)), ({"name": "g"}, (CHOICE,))],
)
def test_choices_of_responses(choice: JsonValue, faults: tuple[str, ...]) -> None:
    body: JsonObject = {"input": [HI], "tools": [{"name": "f"}], "tool_choice": choice}
    assert openai_responses_request.request_faults(body) == faults


THOUGHT: JsonObject = {"type": "reasoning", "encrypted_content": "e"}
CALLED: JsonObject = {"type": "function_call", "call_id": "x", "name": "f", "arguments": "{}"}
OUTPUT = "results are texts, or parts that say something"
RESULT: JsonObject = {"type": "function_call_output", "call_id": "x", "output": "1"}


@pytest.mark.parametrize(
    ("items", "faults"),
    [
        ([HI, THOUGHT, CALLED, {"role": "assistant", "content": "a"}, RESULT], ()),
        ([HI, CALLED, HI, RESULT], ("calls have their results behind them, in order",)),
        ([HI, THOUGHT], ("reasoning leads to something",)),
        ([THOUGHT, HI], ("reasoning leads to something",)),
        ([HI, CALLED, {**RESULT, "output": [{"type": "input_text", "text": "1"}]}], ()),
        ([HI, CALLED, {**RESULT, "output": [{"type": "input_text", "text": " "}]}], (OUTPUT,)),
        ([HI, CALLED, {**RESULT, "output": [{"type": "text", "text": "1"}]}], (OUTPUT,)),
        ([HI, CALLED, {**RESULT, "output": []}], (OUTPUT,)),
        ([HI, CALLED, {**RESULT, "output": [{"type": "input_file", "file_url": "s3://b"}]}], (MEDIA,)),
        ([part(type="input_file", file_url="s3://b")], (MEDIA,)),
        ([part(type="input_image", image_url="https://x")], (MEDIA,)),
    ],
)
def test_items_of_responses(items: list[JsonValue], faults: tuple[str, ...]) -> None:
    assert openai_responses_request.request_faults({"input": items}) == faults


PDF: JsonObject = {"type": "base64", "media_type": "application/pdf", "data": "x"}


@pytest.mark.parametrize(
    ("fields", "faults"),
    [
        ({}, ()),
        ({"tools": [{"name": "f"}], "tool_choice": {"type": "auto"}}, ()),
        ({"tool_choice": {"type": "auto"}}, (CHOICE,)),
        ({"tools": [{"name": "f"}], "tool_choice": "auto"}, (CHOICE,)),
        ({"thinking": {"type": "disabled"}, "tools": [{"name": "f"}], "tool_choice": {"type": "any"}}, ()),
        ({"messages": [part(type="image", source={"type": "file"})]}, (MEDIA,)),
        ({"messages": [part(type="image", source=PDF)]}, (MEDIA,)),
        ({"messages": [part(type="document", source=PDF)]}, ()),
        ({"messages": ["Hi"]}, ("messages are of the user or the assistant, by turns", "a message has content")),
    ],
)  # fmt: skip
def test_requests_of_anthropic(fields: JsonObject, faults: tuple[str, ...]) -> None:
    body: JsonObject = {"messages": [{"role": "user", "content": [{"type": "text", "text": "Hi"}]}]}
    assert anthropic_request.request_faults(body | fields) == faults


def used(content: JsonValue, **fields: JsonValue) -> list[JsonValue]:
    """A conversation with a result that holds `content`, on the wire of Anthropic."""
    call: JsonObject = {"type": "tool_use", "id": "x", "name": "f", "input": {}}
    result: JsonObject = {"type": "tool_result", "tool_use_id": "x", "content": content, **fields}
    return [{"role": "assistant", "content": [call]}, {"role": "user", "content": [result]}]


HELD = "a result is not empty, and of texts, images and documents"
TEXT: JsonObject = {"type": "text", "text": "a"}
MARK: JsonObject = {"type": "ephemeral", "ttl": "5m"}


@pytest.mark.parametrize(
    ("content", "faults"),
    [
        ("a", ()),
        ([TEXT, {"type": "document", "source": PDF}], ()),
        (" ", (HELD,)),
        ([], (HELD,)),
        (["a"], (HELD,)),
        ([{"type": "tool_use"}], (HELD,)),
        ([{"type": "text", "text": " "}], ("no text is blank",)),
        ([{"type": "image", "source": PDF}], (MEDIA,)),
        ([{**TEXT, "cache_control": MARK}] * 5, ("marks are four at most, the longer ones first",)),
    ],
)
def test_results_of_anthropic(content: JsonValue, faults: tuple[str, ...]) -> None:
    body: JsonObject = {"messages": used(content), "tools": [{"name": "f"}]}
    assert anthropic_request.request_faults(body) == faults


@pytest.mark.parametrize(
    ("content", "faults"),
    [
        ([{"text": "a"}, {"image": {"format": "png"}}], ()),
        ([{"text": " "}], ("no text is blank",)),
        ([{"text": "a", "image": {"format": "png"}}], ("a result is of texts, images and documents",)),
        ([{"image": {"format": "tiff"}}], ("media have a format that the wire knows",)),
        ([{"document": {"format": "pdf", "name": "a"}}], ("a document has a text beside it",)),
        (
            [{"text": "a"}, *[{"document": {"format": "pdf", "name": "a"}}] * 2],
            ("documents have names of their own, of allowed letters",),
        ),
    ],
)
def test_results_of_converse(content: list[JsonValue], faults: tuple[str, ...]) -> None:
    call: JsonObject = {"toolUse": {"toolUseId": "a", "name": "f", "input": {}}}
    result: JsonObject = {"toolResult": {"toolUseId": "a", "content": content, "status": "success"}}
    body: JsonObject = {
        "messages": [
            {"role": "user", "content": [{"text": "Hi"}]},
            {"role": "assistant", "content": [call]},
            {"role": "user", "content": [result]},
        ],
        "toolConfig": {"tools": [{"toolSpec": {"name": "f"}}]},
    }
    assert bedrock_converse_request.request_faults(body) == faults


HOLDS = "a result holds bytes of few types"


@pytest.mark.parametrize(
    ("parts", "faults"),
    [
        ([{"inlineData": {"mimeType": "image/png", "data": "x"}}], ()),
        ([{"inlineData": {"mimeType": "audio/wav", "data": "x"}}], (HOLDS,)),
        ([{"inlineData": {"mimeType": "image/png", "data": ""}}], (HOLDS,)),
        ([{"fileData": {"mimeType": "image/png", "fileUri": "gs://b"}}], (HOLDS,)),
        ({}, (HOLDS,)),
    ],
)
def test_results_of_gemini(parts: JsonValue, faults: tuple[str, ...]) -> None:
    called: JsonObject = {"functionCall": {"name": "f", "args": {}}}
    result: JsonObject = {"functionResponse": {"name": "f", "response": {}, "parts": parts}}
    said: list[JsonValue] = [{"role": "model", "parts": [called]}, {"role": "user", "parts": [result, {"text": "a"}]}]
    assert gemini_request.request_faults({"contents": said}) == faults
    said[1] = {"role": "user", "parts": [{"text": "a"}, result]}
    order = "results come before all else that is said"
    assert {*gemini_request.request_faults({"contents": said})} == {*faults, order}


@pytest.mark.parametrize(("strict", "sound"), [(None, True), (False, True), (True, False), ("yes", False)])
def test_strict_tools_of_openai(strict: JsonValue, sound: bool) -> None:
    tool: JsonObject = {"name": "f", "parameters": {"type": "object"}, "strict": strict}
    faults = () if sound else ("strict tools have the strict form",)
    assert openai_chat_request.request_faults({"messages": [HI], "tools": [{"function": tool}]}) == faults
    assert openai_responses_request.request_faults({"input": [HI], "tools": [tool]}) == faults
