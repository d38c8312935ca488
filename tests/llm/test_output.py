"""Structured answers: what is asked for, what is read, and what is shown while it grows."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field, TypeAdapter
from typing_extensions import TypeAliasType

from punk.core.events import ProviderEvent, TextDelta
from punk.core.json import JsonValue, dump_json, parse_object
from punk.core.messages import AssistantMessage, Finish, FinishReason, UserMessage
from punk.core.parts import TextPart
from punk.errors import ConfigurationError, InvalidOutputError, StreamingError
from punk.llm.chat import Chat
from punk.providers.anthropic.schema import native_schema
from punk.providers.bedrock.output import text_format
from punk.providers.encoding import answer_tool
from punk.providers.openai.strict import strict_schema
from punk.testing import Fault, ScriptedModel
from punk.testing.strategies import json_values
from punk.tools.output import OutputForm
from tests.llm.script import CALLS, START, STOP, call, text
from tests.support.aio import run


class Weather(BaseModel):
    """How the weather is."""

    city: str
    degrees: float = Field(ge=-100)
    when: date = date(2026, 1, 1)


@dataclass
class Storm:
    kind: Literal["storm"]
    force: int


Forecast: TypeAdapter[Weather | Storm] = TypeAdapter(Weather | Storm)
SUN = '{"city": "Paris", "degrees": 21.5, "when": "2026-11-22"}'


def answered(words: str, reason: FinishReason = "stop") -> Chat:
    return Chat([UserMessage("?"), AssistantMessage(words, finish=Finish(reason))])


def test_an_answer_is_read_as_the_type_that_was_asked_for() -> None:
    assert answered(SUN).with_output(Weather).parsed == Weather(city="Paris", degrees=21.5, when=date(2026, 11, 22))
    assert answered('{"answer": {"kind": "storm", "force": 9}}').with_output(Forecast).parsed == Storm("storm", 9)
    assert answered('{"answer": [1, 2]}').with_output(list[int]).parsed == [1, 2]
    assert answered('{"answer": "x"}').with_output(str).parsed == "x"
    assert answered(SUN).parsed is None
    assert answered(SUN).with_output(Weather).with_output(None).parsed is None


@pytest.mark.parametrize(
    ("words", "finish", "says"),
    [
        ('{"city": "Paris"}', "stop", "the answer is no Weather: degrees: Field required"),
        ('{"city": 1, "degrees": -200}', "stop", "city: .*; degrees: .*"),
        ('{"city": "Par', "max_tokens", r"the answer \(it ended with max_tokens\) is no Weather: not valid JSON"),
        ("Sunny, I think.", "stop", "not valid JSON"),
        ("", "refusal", "it ended with refusal"),
        ("[1]", "stop", "is no Weather"),
    ],
)
def test_what_is_no_such_answer_is_an_error_that_says_why(words: str, finish: FinishReason, says: str) -> None:
    chat = answered(words, finish).with_output(Weather)
    with pytest.raises(InvalidOutputError, match=says) as caught:
        _ = chat.parsed
    assert caught.value.content == words
    assert caught.value.message


def test_many_faults_are_told_in_part() -> None:
    chat = answered(json.dumps({"answer": ["x"] * 7})).with_output(list[int])
    with pytest.raises(InvalidOutputError, match=r"0: .*; 4: .*; and 2 more$"):
        _ = chat.parsed


def test_a_chat_that_ends_in_no_answer_has_none() -> None:
    for chat in (Chat(), Chat([UserMessage("?")])):
        with pytest.raises(InvalidOutputError, match="no answer yet"):
            _ = chat.with_output(Weather).parsed


def test_words_before_a_tool_that_took_the_answer_do_not_spoil_it() -> None:
    said = AssistantMessage([TextPart("Here it is: "), TextPart(SUN)])
    assert Chat([said]).with_output(Weather).parsed.city == "Paris"
    with pytest.raises(InvalidOutputError, match="no property 'answer'"):
        _ = Chat([said]).with_output(list[int]).parsed


def test_the_form_is_an_object_with_a_name() -> None:
    weather, numbers = OutputForm.of(Weather).spec, OutputForm.of(list[int]).spec
    assert (weather.name, weather.description) == ("Weather", "How the weather is.")
    assert json.loads(weather.schema)["required"] == ["city", "degrees"]
    assert numbers.name == "list"
    assert json.loads(numbers.schema) == {
        "type": "object",
        "properties": {"answer": {"type": "array", "items": {"type": "integer"}}},
        "required": ["answer"],
        "additionalProperties": False,
    }
    either = json.loads(OutputForm.of(Forecast).spec.schema)
    assert set(either["$defs"]) == {"Weather", "Storm"}
    assert "anyOf" in either["properties"]["answer"]
    assert OutputForm.of(Forecast).spec.name == "answer"


@dataclass
class Branch:
    leaves: int
    above: list[Branch]


class Node(BaseModel):
    """A list of its own."""

    value: int
    rest: Node | None = None


Nested = TypeAliasType("Nested", "list[Nested]")


def test_an_object_that_holds_others_of_its_kind_is_an_object_at_its_top() -> None:
    for output, last, required in ((Node, "rest", ["value"]), (Branch, "above", ["leaves", "above"])):
        form = OutputForm.of(output)
        schema = json.loads(form.spec.schema)
        assert not form.wrapped
        assert (schema["type"], schema["required"]) == ("object", required)
        assert "$ref" not in schema
        assert list(schema["properties"])[-1] == last
        assert schema["$defs"][output.__name__]["properties"] == schema["properties"]
    assert OutputForm.of(Node).spec.description == "A list of its own."
    assert answered('{"value": 1, "rest": {"value": 2}}').with_output(Node).parsed == Node(value=1, rest=Node(value=2))
    assert partials(*pieces('{"value": 1}'), STOP, output=Node)[-1] == {"value": 1}


def test_what_holds_others_of_its_kind_and_is_no_object_is_wrapped() -> None:
    adapter: TypeAdapter[object] = TypeAdapter(Nested)
    form = OutputForm.of(adapter)
    assert form.wrapped
    assert json.loads(form.spec.schema)["properties"]["answer"]["type"] == "array"
    assert form.read(['{"answer": [[], [[]]]}']).unwrap() == [[], [[]]]


def test_every_vendor_is_asked_for_an_object_that_holds_others_of_its_kind() -> None:
    output = OutputForm.of(Node).spec
    schema = parse_object(output.schema).unwrap()
    strict = strict_schema(schema)
    assert strict is not None
    assert (strict["type"], strict["required"]) == ("object", ["value", "rest"])
    # Claude's own form, and Bedrock's, has no such thing: there the answer comes through a tool.
    assert native_schema(schema) is None
    assert text_format("anthropic.claude-sonnet-4-5-20250929-v1:0", output) is None
    assert answer_tool(output).parameters == output.schema


def test_a_type_without_a_schema_is_refused_at_once() -> None:
    with pytest.raises(ConfigurationError, match="cannot be the type of an answer"):
        Chat().with_output(ScriptedModel)


def test_a_chat_keeps_its_form_and_forms_are_compared_by_what_they_ask() -> None:
    chat = Chat().with_output(Weather)
    assert chat.add_message(UserMessage("?")).with_tools([]).with_model(None).with_output(Weather) != chat
    assert chat.with_tools([]) == Chat().with_output(Weather)
    assert chat != Chat()
    assert chat != Chat().with_output(Storm)
    assert hash(chat) == hash(Chat().with_output(Weather))


def add(a: int, b: int) -> int:
    """Add."""
    return a + b


def test_it_holds_through_rounds_of_tools_and_the_last_round_is_the_answer() -> None:
    first = (START, *text("Let me see. "), *call("add", '{"a": 1, "b": 2}', block=1), CALLS)
    model = ScriptedModel([first, (START, *pieces('{"answer": 3}'), STOP)])
    chat = Chat([UserMessage("1 + 2?")], model, [add]).with_output(int)

    async def main() -> tuple[int, list[JsonValue]]:
        async with chat.complete_stream() as stream:
            seen = [value async for value in stream.partial_output]
            return (await stream.chat).parsed, seen

    assert run(main()) == (3, [3])
    assert all(request.output == OutputForm.of(int).spec for request in model.requests)


def pieces(words: str, block: int = 0) -> tuple[ProviderEvent, ...]:
    return tuple(TextDelta(block, letter) for letter in words)


def partials(*said: ProviderEvent | Fault, output: type[object] = Weather) -> list[JsonValue]:
    chat = Chat([UserMessage("?")], ScriptedModel([(START, *said)])).with_output(output)

    async def main() -> list[JsonValue]:
        seen: list[JsonValue] = []
        async with chat.complete_stream() as stream:
            try:
                async for value in stream.partial_output:
                    seen.append(value)
            except StreamingError:
                seen.append("failed")
        return seen

    return run(main())


def test_partial_values_grow_up_to_the_whole() -> None:
    seen = partials(*pieces(SUN), STOP)
    assert seen[0] == {}
    assert seen[-1] == json.loads(SUN)
    assert {"city": "Pa"} in seen
    # Read again only when a quarter more has come: so far fewer values than letters.
    assert len(seen) < len(SUN) / 2


def test_a_long_answer_is_not_read_again_with_every_piece() -> None:
    words = dump_json({"answer": ["x" * 8] * 2000})
    seen = partials(*pieces(words), STOP, output=list[str])
    assert seen[-1] == ["x" * 8] * 2000
    assert len(seen) < 120


def test_an_answer_that_is_cut_shows_what_it_had_and_then_fails() -> None:
    assert partials(*pieces('{"city": "Par'))[-2:] == [{"city": "Par"}, "failed"]


def test_words_that_are_no_json_have_no_partial_value() -> None:
    assert partials(*pieces("Hello there"), STOP) == []
    assert partials(*pieces("Hello "), *pieces('{"city": "P"}', block=1), STOP)[-1] == {"city": "P"}


def test_partial_values_need_a_form() -> None:
    async def main() -> None:
        async with Chat([UserMessage("?")], ScriptedModel([(START, STOP)])).complete_stream() as stream:
            with pytest.raises(ConfigurationError, match="with_output"):
                await anext(aiter(stream.partial_output))

    run(main())


def test_each_task_reads_all_values_and_goes_on_where_it_stopped() -> None:
    chat = Chat([UserMessage("?")], ScriptedModel([(START, *pieces(SUN), STOP)])).with_output(Weather)

    async def main() -> list[JsonValue]:
        seen: list[JsonValue] = []
        async with chat.complete_stream() as stream:
            async for value in stream.partial_output:
                seen.append(value)
                break
            async for value in stream.partial_output:
                seen.append(value)
        return seen

    seen = run(main())
    assert seen[0] == {}
    assert seen[-1] == json.loads(SUN)
    assert seen.count({}) == 1


@given(json_values(), st.integers(0, 200))
def test_a_partial_value_never_raises_and_the_whole_is_the_value(value: JsonValue, at: int) -> None:
    form = OutputForm.of(dict[str, object])
    words = dump_json({"answer": value})
    form.partial([words[: at % (len(words) + 1)]])
    assert form.partial([words]) == value


def test_the_answer_tool_is_no_name_for_a_users_tool() -> None:
    def final_answer(x: int) -> int:
        """Mine."""
        return x

    with pytest.raises(ConfigurationError, match="rename yours"):
        Chat().with_tools([final_answer]).with_output(Weather).complete_stream()
