"""The shared pieces of encoders: alphabets, tools and their choice, arguments, media, fields of one's own."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from punk.core.effects import RequestTurn
from punk.core.failures import Unsupported
from punk.core.json import JsonObject
from punk.core.media import CacheMark, InlineMedia, MediaUrl
from punk.core.messages import AssistantMessage, Message, SystemMessage, ToolCallMessage, ToolResultMessage, UserMessage
from punk.core.parts import DocumentPart, ImagePart, TextPart, ToolCall, UserPart
from punk.core.request import OneTool, OutputSpec, ToolChoice, ToolSpec
from punk.providers.encoding import (
    ANSWER_TOOL,
    Alphabet,
    MediaRules,
    answer_tool,
    arguments_object,
    arguments_text,
    asked_choice,
    choice_now,
    laid_over,
    plain_type,
    refused_part,
    refused_tool_name,
    tool_schema,
)

WORDS = Alphabet("a-zA-Z0-9_-", 20)
ASCII = Alphabet("!-~", 40)
TOOL = ToolSpec("f", "", '{"type":"object"}')
HI = UserMessage("Hi")
RULES = MediaRules(
    "Vendor", frozenset({"bytes", "https"}), frozenset({"s3"}), cache_marks=False, image_types=frozenset({"image/png"})
)


@given(st.text(max_size=50), st.sampled_from((WORDS, ASCII)))
def test_a_spelling_is_in_the_alphabet_and_stays(text: str, alphabet: Alphabet) -> None:
    spelled = alphabet.spelled(text)
    assert alphabet.holds(spelled)
    assert alphabet.spelled(text) == spelled
    assert alphabet.spelled(spelled) == spelled
    assert (spelled == text) == alphabet.holds(text)


@given(st.lists(st.text("a._é\ud83d", max_size=30), unique=True, max_size=5), st.sampled_from((WORDS, ASCII)))
def test_other_texts_have_other_spellings(texts: list[str], alphabet: Alphabet) -> None:
    assert len({alphabet.spelled(text) for text in texts}) == len(texts)


def test_what_an_alphabet_holds() -> None:
    assert WORDS.holds("a-Z_9")
    for text in ("", "a b", "a\n", "é", "a" * 21):
        assert not WORDS.holds(text)
    assert WORDS.holds("a" * 20)
    assert WORDS.spelled("a b").startswith("a_b_")


def test_a_tools_name_is_refused_with_what_to_do() -> None:
    assert refused_tool_name("f", WORDS) is None
    refusal = refused_tool_name("a b", WORDS)
    assert refusal is not None
    assert "rename" in refusal.message
    long = refused_tool_name("x" * 5000, WORDS)
    assert long is not None
    assert len(long.message) < 200


def test_a_tools_schema_is_an_object() -> None:
    assert tool_schema(TOOL) == {"type": "object"}
    for text in ("[]", "", "{", "null"):
        refusal = tool_schema(ToolSpec("f", "", text))
        assert isinstance(refusal, Unsupported)
        assert "tool f" in refusal.message


@pytest.mark.parametrize(
    ("arguments", "value", "text"),
    [
        ('{"a": 1}', {"a": 1}, '{"a": 1}'),
        ("", {}, "{}"),
        ("[1]", {}, "{}"),
        ('{"a":', {}, "{}"),
        ('{"a":1,"a":2}', {}, "{}"),
        ('{"a":NaN}', {}, "{}"),
    ],
)
def test_arguments_are_an_object(arguments: str, value: JsonObject, text: str) -> None:
    call = ToolCall("x", "f", arguments)
    assert arguments_object(call) == value
    assert arguments_text(call) == text


def turn(*messages: Message, tools: tuple[ToolSpec, ...] = (TOOL,)) -> RequestTurn:
    return RequestTurn(1, messages, tools)


CALLED: tuple[Message, ...] = (HI, ToolCallMessage([ToolCall("x", "f", "{}")]), ToolResultMessage("x", "f", "1"))


@pytest.mark.parametrize("demand", ["required", OneTool("f")])
def test_a_demand_holds_until_a_tool_has_answered(demand: ToolChoice) -> None:
    for still in (turn(HI), turn(), turn(*CALLED, HI), turn(*CALLED, AssistantMessage("a"))):
        assert choice_now(demand, still) == asked_choice(demand, still) == demand
    assert choice_now(demand, turn(*CALLED)) == asked_choice(demand, turn(*CALLED)) == "auto"


@pytest.mark.parametrize("choice", [None, "auto", "none"])
def test_what_demands_nothing_holds(choice: ToolChoice | None) -> None:
    for any_turn in (turn(HI), turn(*CALLED)):
        assert choice_now(choice, any_turn) == asked_choice(choice, any_turn) == choice
    assert asked_choice(choice, turn(HI, tools=())) is None


@pytest.mark.parametrize(("demand", "tools"), [("required", ()), (OneTool("f"), ()), (OneTool("g"), (TOOL,))])
def test_a_demand_for_what_is_not_on_offer_is_refused(demand: ToolChoice, tools: tuple[ToolSpec, ...]) -> None:
    for messages in ((HI,), CALLED):
        refusal = asked_choice(demand, turn(*messages, tools=tools))
        assert isinstance(refusal, Unsupported)
        assert "tool_choice" in refusal.message


def test_the_answer_tool_has_the_answers_schema() -> None:
    tool = answer_tool(OutputSpec("Weather", '{"type":"object"}'))
    assert (tool.name, tool.parameters) == (ANSWER_TOOL, '{"type":"object"}')
    assert "Weather" in tool.description
    assert "The sky." in answer_tool(OutputSpec("Weather", "{}", "The sky.")).description


@pytest.mark.parametrize(
    ("part", "word"),
    [
        (TextPart("a"), None),
        (ImagePart(InlineMedia("image/png", b"x")), None),
        (ImagePart(InlineMedia("IMAGE/PNG; a=b", b"x")), None),
        (ImagePart(MediaUrl("HTTPS://x")), None),
        (DocumentPart(MediaUrl("s3://b/o", "text/odd")), None),
        (TextPart("a", cache=CacheMark()), "cache"),
        (ImagePart(MediaUrl("https://x"), CacheMark()), "cache"),
        (ImagePart(MediaUrl("gs://x")), "bytes or https URL, not as gs"),
        (ImagePart(InlineMedia("image/gif", b"x")), "image/png, not image/gif"),
        (ImagePart(MediaUrl("https://x", "image/gif")), "not image/gif"),
        (DocumentPart(InlineMedia("application/pdf", b"x")), "s3 URL, not as bytes"),
    ],
)
def test_media_are_taken_by_source_and_type(part: UserPart, word: str | None) -> None:
    refusal = RULES.refusal(part)
    assert refused_part([SystemMessage("S"), HI, UserMessage(["a", part]), *CALLED], RULES) == refusal
    assert (refusal is None) == (word is None)
    assert refusal is None or (word is not None and word in refusal.message)


def test_a_wire_may_take_no_media_at_all() -> None:
    rules = MediaRules("Vendor", frozenset(), frozenset(), cache_marks=True)
    refusal = rules.refusal(ImagePart(MediaUrl("https://x")))
    assert refusal is not None
    assert "no images" in refusal.message
    marked = AssistantMessage([TextPart("a", cache=CacheMark())])
    assert refused_part([marked], rules) is None
    assert refused_part([HI, marked], RULES) is not None


def test_the_plain_type() -> None:
    assert [plain_type(kind) for kind in ("Text/Plain; charset=x", None, " ")] == ["text/plain", "", ""]


def test_fields_are_laid_over_fields() -> None:
    body: JsonObject = {"a": 1, "b": {"x": 1, "y": 1}}
    assert laid_over(body, None) == body
    assert laid_over(body, {"a": 2, "b": {"y": 2}}) == {"a": 2, "b": {"y": 2}}
    assert laid_over(body, {"b": {"y": 2}}, "b", "c") == {"a": 1, "b": {"x": 1, "y": 2}}
    assert laid_over(body, {"b": None, "c": {}}, "b", "c") == {"a": 1, "b": None, "c": {}}
    assert body == {"a": 1, "b": {"x": 1, "y": 1}}
