"""The checkers of requests find what is wrong, each by the rule that says so."""

from __future__ import annotations

import pytest

from punk.core.json import JsonObject, JsonValue
from punk.testing.wires import anthropic_request, openai_chat_request, openai_responses_request

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
RESULT: JsonObject = {"type": "function_call_output", "call_id": "x", "output": "1"}


@pytest.mark.parametrize(
    ("items", "faults"),
    [
        ([HI, THOUGHT, CALLED, {"role": "assistant", "content": "a"}, RESULT], ()),
        ([HI, CALLED, HI, RESULT], ("calls have their results behind them, in order",)),
        ([HI, THOUGHT], ("reasoning leads to something",)),
        ([THOUGHT, HI], ("reasoning leads to something",)),
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
