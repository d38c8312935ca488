"""What settings, tools and the form of an answer become in a request, and what cannot be asked for."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from google.genai import Client, types

from punk.core.failures import Unsupported
from punk.core.json import JsonObject, JsonValue
from punk.core.messages import AssistantMessage, SystemMessage, ToolCallMessage, ToolResultMessage
from punk.core.parts import TextPart, ThinkingPart, ToolCall
from punk.core.request import OneTool, OutputSpec, ToolChoice, ToolSpec
from punk.core.thinking import Effort, ThinkingConfig
from punk.providers.base import Body
from punk.providers.encoding import ANSWER_TOOL
from punk.providers.google.encode import count
from punk.providers.google.settings import GoogleSettings, version_of
from tests.providers.google.chunks import END
from tests.providers.google.requests import HI, OLD, OURS, SAID_HI, SETTINGS, TOOL, body_of, data, encoded, refused
from tests.support.aio import run
from tests.support.server import Answer, Server, serve

SCHEMA: JsonObject = {"type": "object", "properties": {"x": {"type": "integer"}}}
DECLARED: JsonObject = {"name": "f", "description": "Looks.", "parametersJsonSchema": SCHEMA}
OUTPUT = OutputSpec("Place", '{"type":"object","properties":{"name":{"type":"string"}}}', "A place.")
FORM: JsonObject = {"type": "object", "properties": {"name": {"type": "string"}}}


def test_the_least_request() -> None:
    assert body_of(HI) == {"contents": [SAID_HI]}


def test_a_request_holds_the_settings() -> None:
    settings = replace(
        SETTINGS,
        max_tokens=7,
        temperature=0.0,
        top_p=0.5,
        top_k=3,
        seed=0,
        stop_sequences=("END",),
        extra_body={"safetySettings": [], "generationConfig": {"topK": 9, "responseModalities": ["TEXT"]}},
    )
    assert body_of(HI, settings=settings) == {
        "contents": [SAID_HI],
        "generationConfig": {
            "maxOutputTokens": 7,
            "temperature": 0.0,
            "topP": 0.5,
            "topK": 9,
            "seed": 0,
            "stopSequences": ["END"],
            "responseModalities": ["TEXT"],
        },
        "safetySettings": [],
    }


@pytest.mark.parametrize(
    ("name", "version"),
    [
        ("gemini-2.5-flash-preview-05-20", (2, 5)),
        ("models/gemini-3-pro-preview", (3, 0)),
        ("publishers/google/models/Gemini-3.1-Flash", (3, 1)),
        ("gemini-1.5-pro-002", (1, 5)),
        ("gemini-flash-latest", None),
        ("tunedModels/mine", None),
    ],
)
def test_versions(name: str, version: tuple[int, int] | None) -> None:
    assert version_of(name) == version


def thinking(model: str, config: ThinkingConfig, max_tokens: int | None = None) -> JsonValue:
    settings = GoogleSettings(model, thinking_config=config, max_tokens=max_tokens)
    return body_of(HI, settings=settings).get("generationConfig")


PRO, FLASH, LITE = "gemini-2.5-pro", "gemini-2.5-flash", "gemini-2.5-flash-lite"


@pytest.mark.parametrize(
    ("model", "config", "said"),
    [
        (FLASH, ThinkingConfig(), {"includeThoughts": True}),
        (FLASH, ThinkingConfig(include_thoughts=False), {"includeThoughts": False}),
        (FLASH, ThinkingConfig(token_budget=500), {"includeThoughts": True, "thinkingBudget": 500}),
        (FLASH, ThinkingConfig(token_budget=0), {"includeThoughts": False, "thinkingBudget": 0}),
        (FLASH, ThinkingConfig(effort="none"), {"includeThoughts": False, "thinkingBudget": 0}),
        (FLASH, ThinkingConfig(effort="max"), {"includeThoughts": True, "thinkingBudget": 24_576}),
        (PRO, ThinkingConfig(effort="max"), {"includeThoughts": True, "thinkingBudget": 32_768}),
        (LITE, ThinkingConfig(effort="minimal"), {"includeThoughts": True, "thinkingBudget": 1024}),
        ("gemini-3-flash", ThinkingConfig(), {"includeThoughts": True}),
        ("gemini-3-flash", ThinkingConfig(effort="none"), {"includeThoughts": False, "thinkingLevel": "MINIMAL"}),
        ("gemini-3-flash", ThinkingConfig(effort="minimal"), {"includeThoughts": True, "thinkingLevel": "MINIMAL"}),
        ("gemini-3-pro", ThinkingConfig(effort="minimal"), {"includeThoughts": True, "thinkingLevel": "LOW"}),
        ("gemini-3.5-flash", ThinkingConfig(effort="medium"), {"includeThoughts": True, "thinkingLevel": "MEDIUM"}),
        ("gemini-flash-latest", ThinkingConfig(effort="max"), {"includeThoughts": True, "thinkingLevel": "HIGH"}),
        ("gemini-3-flash", ThinkingConfig(token_budget=3000), {"includeThoughts": True, "thinkingLevel": "LOW"}),
        ("gemini-3-flash", ThinkingConfig(token_budget=9), {"includeThoughts": True, "thinkingLevel": "MINIMAL"}),
    ],
)
def test_a_model_is_asked_to_think_in_its_own_way(model: str, config: ThinkingConfig, said: JsonObject) -> None:
    assert thinking(model, config) == {"thinkingConfig": said}


@pytest.mark.parametrize(
    ("model", "config"),
    [
        ("gemini-2.0-flash", ThinkingConfig()),
        (PRO, ThinkingConfig(effort="none")),
        (PRO, ThinkingConfig(token_budget=100)),
        (LITE, ThinkingConfig(token_budget=100)),
        (FLASH, ThinkingConfig(token_budget=30_000)),
        ("gemini-3-pro", ThinkingConfig(effort="none")),
    ],
)
def test_thinking_that_a_model_does_not_do(model: str, config: ThinkingConfig) -> None:
    assert model in refused(settings=GoogleSettings(model, thinking_config=config))


def test_a_model_that_never_thinks_may_be_told_not_to() -> None:
    assert thinking("gemini-2.0-flash", ThinkingConfig(effort="none")) is None


@pytest.mark.parametrize(("most", "said"), [(500, 1500), (1000, 2000), (1001, 1001)])
def test_a_budget_leaves_room_for_an_answer(most: int, said: int) -> None:
    match thinking(FLASH, ThinkingConfig(token_budget=1000), most):
        case {"maxOutputTokens": room}:
            assert room == said
        case other:
            raise AssertionError(other)


def test_tools_are_described() -> None:
    nested = ToolSpec("_g.h:i-j", " ", '{"$defs":{"A":{"type":"string"}},"properties":{"a":{"$ref":"#/$defs/A"}}}')
    schema: JsonObject = {"$defs": {"A": {"type": "string"}}, "properties": {"a": {"$ref": "#/$defs/A"}}}
    assert body_of(HI, tools=[TOOL, nested])["tools"] == [
        {"functionDeclarations": [DECLARED, {"name": "_g.h:i-j", "parametersJsonSchema": schema}]}
    ]
    for name in ("", "1f", "a b", ".f", "x" * 129):
        assert "rename" in refused(tools=[replace(TOOL, name=name)])
    assert "tool f" in refused(tools=[replace(TOOL, parameters="[]")])


@pytest.mark.parametrize(
    ("choice", "mode"),
    [
        ("auto", {"mode": "AUTO"}),
        ("none", {"mode": "NONE"}),
        ("required", {"mode": "ANY"}),
        (OneTool("f"), {"mode": "ANY", "allowedFunctionNames": ["f"]}),
    ],
)
def test_a_choice_of_tools(choice: ToolChoice, mode: JsonObject) -> None:
    settings = replace(SETTINGS, tool_choice=choice)
    assert body_of(HI, settings=settings, tools=[TOOL])["toolConfig"] == {"functionCallingConfig": mode}
    answered = (HI, ToolCallMessage([ToolCall("i", "f", "{}")]), ToolResultMessage("i", "f", "1"))
    later = body_of(*answered, settings=settings, tools=[TOOL])["toolConfig"]
    assert later == {"functionCallingConfig": {"mode": "NONE" if choice == "none" else "AUTO"}}


def test_choices_that_cannot_be() -> None:
    assert "no tools" in refused(settings=replace(SETTINGS, tool_choice="required"))
    assert "'g'" in refused(settings=replace(SETTINGS, tool_choice=OneTool("g")), tools=[TOOL])


@pytest.mark.parametrize(("settings", "tools"), [(SETTINGS, ()), (SETTINGS, (TOOL,)), (OLD, ())])
def test_the_form_of_an_answer(settings: GoogleSettings, tools: tuple[ToolSpec, ...]) -> None:
    body = encoded((HI,), settings, tools, output=OUTPUT)
    assert isinstance(body, Body)
    assert body.answer_tool is None
    form: JsonObject = {"responseMimeType": "application/json", "responseJsonSchema": FORM}
    assert body_of(HI, settings=settings, tools=tools, output=OUTPUT)["generationConfig"] == form
    assert isinstance(encoded((HI,), settings, tools, output=replace(OUTPUT, schema="[")), Unsupported)


@pytest.mark.parametrize(
    ("choice", "mode"),
    [
        (None, {"mode": "ANY"}),
        ("auto", {"mode": "ANY"}),
        ("required", {"mode": "ANY"}),
        ("none", {"mode": "ANY", "allowedFunctionNames": [ANSWER_TOOL]}),
        (OneTool("f"), {"mode": "ANY", "allowedFunctionNames": ["f"]}),
    ],
)
def test_beside_tools_older_models_answer_through_a_tool(choice: ToolChoice | None, mode: JsonObject) -> None:
    settings = replace(OLD, tool_choice=choice)
    body = encoded((HI,), settings, (TOOL,), output=OUTPUT)
    assert isinstance(body, Body)
    assert body.answer_tool == ANSWER_TOOL
    asked = body_of(HI, settings=settings, tools=[TOOL], output=OUTPUT)
    assert asked["toolConfig"] == {"functionCallingConfig": mode}
    assert "generationConfig" not in asked
    match asked["tools"]:
        case [{"functionDeclarations": [_, {"name": name, "parametersJsonSchema": schema}]}]:
            assert (name, schema) == (ANSWER_TOOL, FORM)
        case other:
            raise AssertionError(other)
    assert isinstance(encoded((HI,), settings, (replace(TOOL, name="a b"),), output=OUTPUT), Unsupported)


def test_a_count_asks_for_what_would_be_sent() -> None:
    settings = replace(SETTINGS, top_k=3, tool_choice="auto")
    whole = body_of(SystemMessage("A"), HI, settings=settings, tools=[TOOL])
    gemini = encoded((SystemMessage("A"), HI), settings, (TOOL,), "count")
    assert isinstance(gemini, Body)
    assert gemini.delivery == "count"
    assert gemini.json == {"generateContentRequest": {"model": "models/gemini-3-flash", **whole}}
    vertex = encoded((SystemMessage("A"), HI), replace(settings, service="vertex"), (TOOL,), "count")
    assert isinstance(vertex, Body)
    assert vertex.json == {name: value for name, value in whole.items() if name != "toolConfig"}
    assert count(b'{"totalTokens":12,"x":1}').unwrap() == 12
    assert count(b"{}").failure().message


async def sdk_request(server: Server) -> None:
    """A conversation, as the SDK's own types say it."""
    client = Client(api_key="k", http_options=types.HttpOptions(base_url=server.base))
    contents = [
        types.Content(role="user", parts=[types.Part(text="Hi")]),
        types.Content(
            role="model",
            parts=[
                types.Part(text="hm", thought=True, thought_signature=b"\xff\xfb"),
                types.Part(text="Let me see."),
                types.Part(
                    function_call=types.FunctionCall(id="i", name="f", args={"x": 1}), thought_signature=b"\xff\xfe"
                ),
            ],
        ),
        types.Content(
            role="user",
            parts=[
                types.Part(function_response=types.FunctionResponse(id="i", name="f", response={"result": "1"})),
                types.Part(text="Hi"),
            ],
        ),
    ]
    config = types.GenerateContentConfig(
        system_instruction=types.Content(parts=[types.Part(text="A")]),
        tools=[
            types.Tool(
                function_declarations=[
                    types.FunctionDeclaration(name="f", description="Looks.", parameters_json_schema=SCHEMA)
                ]
            )
        ],
        tool_config=types.ToolConfig(
            function_calling_config=types.FunctionCallingConfig(
                mode=types.FunctionCallingConfigMode.ANY, allowed_function_names=["f"]
            )
        ),
        automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True),
        max_output_tokens=9000,
        temperature=0.5,
        top_p=0.9,
        top_k=3,
        seed=7,
        stop_sequences=["END"],
        thinking_config=types.ThinkingConfig(include_thoughts=True, thinking_level=types.ThinkingLevel.LOW),
        response_mime_type="application/json",
        response_json_schema=FORM,
    )
    async for _ in await client.aio.models.generate_content_stream(model="m", contents=contents, config=config):
        pass
    await client.aio.aclose()
    client.close()


def test_the_sdk_says_the_same_of_the_same_conversation() -> None:
    settings = replace(
        SETTINGS,
        max_tokens=9000,
        temperature=0.5,
        top_p=0.9,
        top_k=3,
        seed=7,
        stop_sequences=("END",),
        thinking_config=ThinkingConfig(effort="low"),
        tool_choice=OneTool("f"),
    )
    call = ToolCall("i", "f", '{"x":1}', data({"id": "i", "thoughtSignature": "//4="}))
    said = ToolCallMessage([ThinkingPart("hm", "//s="), TextPart("Let me see."), call], origin=OURS)
    messages = (SystemMessage("A"), HI, said, ToolResultMessage("i", "f", "1"), HI)
    with serve(Answer((END,))) as server:
        run(sdk_request(server))
        theirs = server.requests[0].body
    ours = body_of(*messages, settings=settings, tools=[TOOL], output=OUTPUT)
    assert plain(ours) == plain(theirs)


def plain(value: JsonValue) -> JsonValue:
    """`value` in one spelling: of names and of base64 the SDK also writes the other one, which Google reads too."""
    match value:
        case dict():
            return {re.sub("_(.)", lambda x: x[1].upper(), key): plain(member) for key, member in value.items()}
        case list():
            return [plain(item) for item in value]
        case str():
            return value.replace("-", "+").replace("_", "/")
        case _:
            return value


def test_efforts_are_all_known() -> None:
    efforts: list[Effort] = ["none", "minimal", "low", "medium", "high", "xhigh", "max"]
    for model in ("gemini-2.5-flash", "gemini-3-flash"):
        assert all(thinking(model, ThinkingConfig(effort=effort)) for effort in efforts)


def test_what_was_said_before_does_not_matter_to_a_form() -> None:
    assert body_of(HI, AssistantMessage('{"name":"x"}'), HI, output=OUTPUT)["contents"] == [
        SAID_HI,
        {"role": "model", "parts": [{"text": '{"name":"x"}'}]},
        SAID_HI,
    ]
