"""Messages, the request as a whole: its rules, the SDK's own types, media, marks, choices of tools, counting."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import pytest
from anthropic.types import MessageCountTokensParams
from anthropic.types.message_create_params import MessageCreateParamsNonStreaming, MessageCreateParamsStreaming
from hypothesis import given
from hypothesis import strategies as st
from returns.methods import unwrap_or_failure
from returns.result import Failure, Success

from punk.core.effects import RequestTurn
from punk.core.failures import Unsupported
from punk.core.json import JsonObject, JsonValue
from punk.core.media import CacheMark, InlineMedia, MediaUrl
from punk.core.messages import AssistantMessage, Message, SystemMessage, ToolCallMessage, ToolResultMessage, UserMessage
from punk.core.parts import DocumentPart, ImagePart, TextPart, ToolCall, UserPart
from punk.core.request import OneTool, ToolChoice, ToolSpec
from punk.core.thinking import ThinkingConfig
from punk.providers.anthropic.encode import encode
from punk.providers.anthropic.settings import AnthropicSettings
from punk.providers.anthropic.usage import count_in
from punk.providers.base import Body, Delivery
from punk.testing.wires.anthropic_request import request_faults
from tests.support.asking import CHOICES, NOTE, PDF, PNG, THINKING, TOOLS, WEB, requests, unsaid, words
from tests.support.sdk_types import SdkType

NEW: Final = AnthropicSettings("claude-opus-5", max_tokens=4000)
MODELS: Final = st.sampled_from(("claude-opus-5", "claude-sonnet-4-5", "claude-3-7-sonnet-20250219", "qwen3"))
HI: Final = UserMessage("Hi")
TYPES: Final = {
    "stream": SdkType(MessageCreateParamsStreaming),
    "whole": SdkType(MessageCreateParamsNonStreaming),
    "count": SdkType(MessageCountTokensParams),
}
DELIVERIES: Final[st.SearchStrategy[Delivery]] = st.sampled_from(("stream", "whole", "count"))
MARKS: Final = st.none() | st.just(CacheMark("1h"))
REQUESTS: Final = requests(words(marks=MARKS, documents=(PDF, NOTE, WEB)), limit=4, family="anthropic")
HOUR: Final = CacheMark("1h")


def encoded(settings: AnthropicSettings, turn: RequestTurn, delivery: Delivery = "stream") -> Body:
    body = unwrap_or_failure(encode(settings, turn, delivery))
    assert isinstance(body, Body), body
    assert body.delivery == delivery
    assert request_faults(body.json) == ()
    return body


def refused(settings: AnthropicSettings, turn: RequestTurn) -> str:
    refusal = unwrap_or_failure(encode(settings, turn, "stream"))
    assert isinstance(refusal, Unsupported), refusal
    return refusal.message


def asked(*messages: Message, tools: tuple[ToolSpec, ...] = ()) -> RequestTurn:
    return RequestTurn(1, messages or (HI,), tools)


def content(*messages: Message) -> JsonValue:
    said = encoded(NEW, asked(*messages)).json["messages"]
    assert isinstance(said, list)
    assert isinstance(said[-1], dict)
    return said[-1]["content"]


@given(REQUESTS, CHOICES, THINKING, MODELS, DELIVERIES)
def test_any_request_keeps_the_rules_and_the_sdk_knows_it(
    turn: RequestTurn, choice: ToolChoice | None, thinking: ThinkingConfig | None, model: str, delivery: Delivery
) -> None:
    """Laws 18 and 19."""
    settings = replace(NEW, model=model, tool_choice=choice, thinking_config=thinking, stop_sequences=("x",))
    demanded = choice not in (None, "auto", "none")
    thinks = thinking is not None and thinking.effort != "none"
    never = choice == OneTool("missing") or (demanded and not turn.tools)
    refusal = unwrap_or_failure(encode(settings, turn, delivery))
    if isinstance(refusal, Unsupported):
        assert "tool_choice" in refusal.message
        assert never or (demanded and thinks)
        return
    # A model that answers results of a turn without thinking of its own is not asked to think: then it is made to call.
    assert not never
    body = encoded(settings, turn, delivery)
    assert TYPES[delivery].faults(body.json) == []
    assert unsaid(turn, body.json, "image", "document") == []
    if delivery == "count":
        whole = encoded(settings, turn, "whole")
        assert {name: whole.json[name] for name in body.json} == body.json
        assert body.headers == whole.headers


def test_the_sdk_would_tell_what_it_does_not_know() -> None:
    body = encoded(NEW, asked()).json
    assert TYPES["stream"].faults({**body, "seed": 1})
    block: JsonObject = {"type": "text", "text": "Hi", "cache": 1}
    assert TYPES["stream"].faults({**body, "messages": [{"role": "user", "content": [block]}]})
    assert TYPES["count"].faults(body)
    # The SDK has dropped them, as the newest models have; older ones and other servers take them.
    older = encoded(replace(NEW, model="claude-opus-4-5", temperature=0.5, top_k=4), asked()).json
    assert [fault.partition(":")[0] for fault in TYPES["stream"].faults(older)] == ["temperature", "top_k"]


def test_media_are_blocks_of_the_message() -> None:
    said: list[UserPart] = [TextPart("See:"), TextPart(" ", cache=HOUR), ImagePart(PNG), ImagePart(WEB)]
    assert content(UserMessage(said)) == [
        {"type": "text", "text": "See:"},
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBORw=="}},
        {"type": "image", "source": {"type": "url", "url": WEB.url}},
    ]
    web = MediaUrl(WEB.url, "application/pdf")
    assert content(UserMessage([DocumentPart(PDF, "Report"), DocumentPart(web, " "), DocumentPart(NOTE, "é")])) == [
        {
            "type": "document",
            "source": {"type": "base64", "media_type": "application/pdf", "data": "JVBERg=="},
            "title": "Report",
        },
        {"type": "document", "source": {"type": "url", "url": WEB.url}},
        {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "é"}, "title": "é"},
    ]


def test_a_mark_stands_on_its_block() -> None:
    hour: JsonObject = {"cache_control": {"type": "ephemeral", "ttl": "1h"}}
    minutes: JsonObject = {"cache_control": {"type": "ephemeral", "ttl": "5m"}}
    system = SystemMessage([TextPart("S", cache=HOUR)])
    answer = AssistantMessage([TextPart("a", cache=CacheMark())])
    body = encoded(NEW, asked(system, UserMessage([ImagePart(PNG, HOUR)]), answer, UserMessage("b"))).json
    source: JsonObject = {"type": "base64", "media_type": "image/png", "data": "iVBORw=="}
    assert body["system"] == [{"type": "text", "text": "S", **hour}]
    assert body["messages"] == [
        {"role": "user", "content": [{"type": "image", "source": source, **hour}]},
        {"role": "assistant", "content": [{"type": "text", "text": "a", **minutes}]},
        {"role": "user", "content": [{"type": "text", "text": "b"}]},
    ]


def test_marks_are_four_and_the_longer_ones_come_first() -> None:
    four = [TextPart("a", cache=HOUR), *[TextPart("b", cache=CacheMark())] * 3]
    encoded(NEW, asked(UserMessage(four)))
    assert "4 cache marks, not 5" in refused(NEW, asked(SystemMessage(four), UserMessage(four[:1])))
    assert "reorder" in refused(NEW, asked(SystemMessage(four[1:2]), UserMessage(four[:1])))


@pytest.mark.parametrize(
    ("part", "word"),
    [
        (ImagePart(InlineMedia("image/tiff", b"x")), "image/tiff"),
        (ImagePart(MediaUrl("http://x/y.png")), "https"),
        (DocumentPart(InlineMedia("application/msword", b"x")), "application/msword"),
        (DocumentPart(MediaUrl("s3://b/o")), "https"),
        (DocumentPart(MediaUrl("https://x/y.txt", "text/plain")), "pass its bytes"),
        (DocumentPart(InlineMedia("text/csv", b"\xff")), "UTF-8"),
        (DocumentPart(InlineMedia("text/csv", b" ")), "empty"),
    ],
)
def test_media_of_other_kinds_are_refused_with_what_to_do(part: UserPart, word: str) -> None:
    assert word in refused(NEW, asked(UserMessage([part])))


@pytest.mark.parametrize(
    ("choice", "said"),
    [
        ("auto", {"type": "auto"}),
        ("none", {"type": "none"}),
        ("required", {"type": "any"}),
        (OneTool("now"), {"type": "tool", "name": "now"}),
    ],
)
def test_a_choice_of_tools(choice: ToolChoice, said: JsonValue) -> None:
    settings = replace(NEW, tool_choice=choice)
    assert encoded(settings, asked(tools=TOOLS)).json["tool_choice"] == said
    called = (HI, ToolCallMessage([ToolCall("x", "now", "{}")]), ToolResultMessage("x", "now", "1"))
    after = encoded(settings, asked(*called, tools=TOOLS)).json["tool_choice"]
    assert after == {"type": "none" if choice == "none" else "auto"}


def test_a_model_that_thinks_is_not_made_to_call() -> None:
    for model in ("claude-opus-5", "claude-opus-4-5"):
        thinks = replace(NEW, model=model, thinking_config=ThinkingConfig(token_budget=2000))
        for demand in ("required", OneTool("now")):
            assert "thinks" in refused(replace(thinks, tool_choice=demand), asked(tools=TOOLS))
        for word in ("auto", "none"):
            said = encoded(replace(thinks, tool_choice=word), asked(tools=TOOLS)).json
            assert said["tool_choice"] == {"type": word}
    silent = replace(NEW, thinking_config=ThinkingConfig(effort="none"), tool_choice="required")
    assert encoded(silent, asked(tools=TOOLS)).json["tool_choice"] == {"type": "any"}


def test_a_choice_needs_tools() -> None:
    assert "tool_choice" not in encoded(replace(NEW, tool_choice="none"), asked()).json
    assert "no tools" in refused(replace(NEW, tool_choice="required"), asked())
    assert "'missing'" in refused(replace(NEW, tool_choice=OneTool("missing")), asked(tools=TOOLS))


def test_tools_that_were_called_are_declared_when_none_is_on_offer() -> None:
    calls = ToolCallMessage([ToolCall("x", "f", "{}"), ToolCall("y", "f", "{}"), ToolCall("z", "g h", "{}")])
    results = [ToolResultMessage(call.id, call.name, "1") for call in calls.calls]
    body = encoded(NEW, asked(HI, calls, *results)).json
    tools = body["tools"]
    assert isinstance(tools, list)
    assert tools[0] == {"name": "f", "input_schema": {"type": "object"}}
    assert len(tools) == 2
    assert body["tool_choice"] == {"type": "none"}


def test_a_seed_is_refused() -> None:
    assert "seed" in refused(replace(NEW, seed=1), asked())


def test_the_count_is_read() -> None:
    assert count_in(b'{"input_tokens":12}') == Success(12)
    assert isinstance(count_in(b'{"input_tokens":true}'), Failure)


def test_counting_leaves_out_what_it_does_not_know() -> None:
    settings = replace(NEW, extra_body={"metadata": {"user_id": "u"}, "speed": "fast"})
    assert encoded(settings, asked(), "count").json == {
        "model": "claude-opus-5",
        "messages": [{"role": "user", "content": [{"type": "text", "text": "Hi"}]}],
        "speed": "fast",
    }
