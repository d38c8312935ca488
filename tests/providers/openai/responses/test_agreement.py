"""Items that are said more than once: what must agree, what may grow, and in which order parts stand."""

from __future__ import annotations

import pytest

from punk.core.events import (
    CallDelta,
    CallEnded,
    CallSealed,
    CallStarted,
    OpaqueStarted,
    RefusalDelta,
    TextAnnotated,
    TextDelta,
    ThinkingDelta,
    ThinkingSealed,
    TurnEnded,
    TurnFailed,
)
from punk.core.failures import Failure, ProtocolViolation, ProviderError
from punk.core.json import JsonObject, JsonValue
from punk.core.messages import AssistantMessage, Finish, Origin, ToolCallMessage
from punk.core.parts import TextPart, ThinkingPart, ToolCall
from punk.providers.openai.responses.history import encode_assistant
from punk.providers.openai.responses.settings import FAMILY
from tests.providers.openai.responses.events import (
    COMPLETED,
    CREATED,
    about,
    added,
    data,
    decoded,
    delta,
    done,
    said,
    sse,
    text,
)
from tests.support.wire_cases import fold_turn

END = TurnEnded(Finish("stop", "completed"))
TOOL_END = TurnEnded(Finish("tool_use", "completed"))


def function_call(id_: str | None, call_id: str, name: str, arguments: str, **fields: JsonValue) -> JsonObject:
    item: JsonObject = {"type": "function_call", "id": id_, "call_id": call_id, "name": name, "arguments": arguments}
    return {**item, **fields}


ONE = function_call("f1", "c1", "pay", '{"who":"one"}')
TWO = function_call("f2", "c2", "look", '{"who":"two"}')
THOUGHT: JsonObject = {"type": "reasoning", "id": "r1", "summary": [], "encrypted_content": "e"}


def begins(index: int, item: JsonObject) -> bytes:
    empty: JsonObject = {"arguments": ""} if item["type"] == "function_call" else {"content": []}
    return sse("response.output_item.added", {"output_index": index, "item": {**item, **empty}})


def ends(index: int, item: JsonObject) -> bytes:
    return sse("response.output_item.done", {"output_index": index, "item": item})


def message(words: str, id_: str = "m") -> JsonObject:
    return {"type": "message", "id": id_, "content": [{"type": "output_text", "text": words}]}


def ran(*frames: bytes) -> list[tuple[str, str, str]]:
    """The calls that run."""
    log = fold_turn(decoded(CREATED, *frames)).state.log
    return [(e.call.id, e.call.name, e.call.arguments) for e in log if isinstance(e, CallSealed)]


def kind_of(item: JsonValue) -> JsonValue:
    return item.get("type") if isinstance(item, dict) else None


def failure_in(*frames: bytes) -> Failure | None:
    return fold_turn(decoded(CREATED, *frames)).failure


BOTH = [("c1", "pay", '{"who":"one"}'), ("c2", "look", '{"who":"two"}')]


@pytest.mark.parametrize("ended", [True, False])
def test_what_the_terminal_leaves_out_moves_no_call(ended: bool) -> None:
    thought = [begins(0, THOUGHT), *([ends(0, THOUGHT)] if ended else [])]
    frames = [*thought, begins(1, ONE), begins(2, TWO)]
    assert ran(*frames, about("completed", output=[ONE, TWO])) == BOTH
    assert ran(*frames, about("completed", output=[TWO])) == BOTH[1:]


def test_ids_that_are_new_every_time_are_told_by_their_place() -> None:
    frames = [begins(0, ONE), begins(1, TWO)]
    new: list[JsonValue] = [{**ONE, "id": "n1"}, {**TWO, "id": "n2"}]
    assert ran(*frames, about("completed", output=new)) == BOTH
    assert ran(*frames, about("completed", output=new[1:])) == []
    one_for_all = [{**ONE, "id": "x"}, {**TWO, "id": "x"}]
    begun = [begins(index, item) for index, item in enumerate(one_for_all)]
    assert ran(*begun, about("completed", output=[*one_for_all])) == BOTH


@pytest.mark.parametrize(
    "other",
    [TWO, {**ONE, "name": "look"}, {**ONE, "call_id": "c2"}, {**ONE, "status": "incomplete"}],
)
def test_a_call_that_ends_as_another_one_or_as_half_a_one_does_not_run(other: JsonObject) -> None:
    assert ran(begins(1, ONE), ends(1, other), COMPLETED) == []
    assert ran(begins(0, ONE), about("completed", output=[other])) == []
    arguments = delta("function_call_arguments", 0, ONE["arguments"])
    assert ran(begins(0, ONE), arguments, ends(0, other), about("completed", output=[ONE])) == []


@pytest.mark.parametrize("silent", [{"call_id": ""}, {"name": None}, {"status": "completed"}, {"status": None}])
def test_what_an_end_leaves_out_is_no_contradiction(silent: JsonObject) -> None:
    assert ran(begins(0, ONE), ends(0, {**ONE, **silent}), about("completed", output=[{**ONE, **silent}])) == BOTH[:1]


@pytest.mark.parametrize("other", [{"arguments": '{"who":"two"}'}, {"name": "look"}, {"call_id": "c2"}])
def test_a_whole_call_that_is_stated_otherwise_ends_the_answer(other: JsonObject) -> None:
    whole = [begins(0, ONE), delta("function_call_arguments", 0, ONE["arguments"])]
    for end in (ONE, {**ONE, "arguments": ""}):
        for contradiction in (ends(0, {**ONE, **other}), about("completed", output=[{**ONE, **other}])):
            frames = [*whole, ends(0, end), contradiction, COMPLETED]
            assert isinstance(failure_in(*frames), ProtocolViolation)
            assert ran(*frames) == []


def test_a_whole_call_is_told_by_its_call_id_where_its_item_has_another_id() -> None:
    other = {**ONE, "id": "new", "arguments": "{}"}
    assert isinstance(failure_in(ends(0, ONE), about("completed", output=[other])), ProtocolViolation)
    assert ran(ends(0, ONE), about("completed", output=[{**other, "call_id": "c9"}])) == BOTH[:1]


def test_a_whole_call_may_be_stated_again() -> None:
    again = {**ONE, "arguments": '{"who": "one"}'}
    assert ran(ends(0, ONE), ends(0, again), about("completed", output=[again])) == BOTH[:1]
    assert ran(ends(0, ONE), about("completed", output=[{**ONE, "arguments": ""}])) == BOTH[:1]
    streamed = [
        begins(0, ONE),
        delta("function_call_arguments", 0, ONE["arguments"]),
        ends(0, {**ONE, "arguments": ""}),
    ]
    assert ran(*streamed, about("completed", output=[again])) == BOTH[:1]


def test_the_seal_of_other_reasoning_is_not_taken() -> None:
    other = {**THOUGHT, "id": "r2", "encrypted_content": "z"}
    sealed = ThinkingSealed(0, provider_data=data(THOUGHT))
    assert said(ends(0, THOUGHT), about("completed", output=[other])) == (sealed, END)


def test_an_answer_that_did_not_complete_may_contradict_itself() -> None:
    other = {**ONE, "arguments": "{"}
    incomplete = about("incomplete", output=[other], incomplete_details={"reason": "max_output_tokens"})
    assert said(ends(0, ONE), incomplete)[-1] == TurnEnded(Finish("max_tokens", "incomplete", "max_output_tokens"))
    assert failure_in(ends(0, ONE), about("failed", output=[other], error={"message": "no"})) == ProviderError("no")


@pytest.mark.parametrize(
    ("fields", "last"),
    [
        (
            {"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}},
            TurnEnded(Finish("max_tokens", "incomplete", "max_output_tokens")),
        ),
        ({"status": "incomplete"}, TurnEnded(Finish("other", "incomplete"))),
        (
            {"status": "completed", "incomplete_details": {"reason": "content_filter"}},
            TurnEnded(Finish("content_filter", "incomplete", "content_filter")),
        ),
        ({"status": "failed", "error": {"message": "no"}}, TurnFailed(ProviderError("no"))),
        ({"status": "completed", "error": {"message": "no"}}, TurnFailed(ProviderError("no"))),
        ({"status": "cancelled"}, TurnFailed(ProviderError("the answer was cancelled"))),
        ({"status": "in_progress"}, TOOL_END),
    ],
)
def test_the_answer_says_worse_than_the_name_of_its_end(fields: JsonObject, last: TurnEnded | TurnFailed) -> None:
    end = sse("response.completed", {"response": {"id": "r", **fields}})
    assert said(ends(0, ONE), end)[-1] == last
    assert ran(ends(0, ONE), end) == (BOTH[:1] if last == TOOL_END else [])


@pytest.mark.parametrize("named", [True, False])
def test_an_end_that_states_no_answer_is_an_end(named: bool) -> None:
    end = sse("response.completed", {"sequence_number": 9}, named=named)
    assert said(text("a"), end) == (TextDelta(0, "a"), END)
    assert isinstance(said(sse("response.failed", {}))[-1], TurnFailed)
    unlike = b'event: response.completed\ndata: {"type":"response.output_text.delta"}\n\n'
    assert said(unlike, text("a"), COMPLETED) == (TextDelta(0, "a"), END)


def test_reasoning_stands_before_the_call_that_it_led_to() -> None:
    frames = [begins(0, THOUGHT), begins(1, ONE), ends(1, ONE), ends(0, THOUGHT)]
    turn = fold_turn(decoded(CREATED, *frames, about("completed", output=[THOUGHT, ONE])))
    (asked,) = (message for message in turn.state.run.messages if isinstance(message, ToolCallMessage))
    assert [type(part) for part in asked.parts] == [ThinkingPart, ToolCall]
    assert [kind_of(item) for item in encode_assistant(asked, frozenset({"pay"}))] == ["reasoning", "function_call"]
    assert said(*frames, COMPLETED) == (
        ThinkingDelta(0, ""),
        CallStarted(1, "c1", "pay"),
        CallEnded(1, '{"who":"one"}', data({"id": "f1"})),
        ThinkingSealed(0, provider_data=data(THOUGHT)),
        TOOL_END,
    )


def test_without_the_reasoning_that_is_left_out_items_go_back_without_names() -> None:
    parts = (TextPart("a", data({"id": "m"})), ThinkingPart("", None, data(THOUGHT)))
    before, trailing = (
        encode_assistant(AssistantMessage(kept, origin=Origin(FAMILY)), frozenset()) for kept in (parts[::-1], parts)
    )
    assert [kind_of(item) for item in before] == ["reasoning", "message"]
    assert trailing == [{"role": "assistant", "content": "a"}]


def test_parts_stand_in_the_order_of_their_items() -> None:
    begun = [begins(0, message("")), begins(1, THOUGHT), added(2, "thing")]
    summary = [delta("reasoning_summary_text", 1, word, summary_index=0) for word in ("h", "m")]
    frames = [*begun, *summary, text("a"), done(2, "thing"), ends(1, THOUGHT)]
    assert said(*frames, ends(0, message("a")), COMPLETED)[:5] == (
        TextDelta(0, ""),
        ThinkingDelta(1, ""),
        OpaqueStarted(2, "thing"),
        ThinkingDelta(1, "h"),
        ThinkingDelta(1, "m"),
    )
    second = {**THOUGHT, "id": "r2"}
    assert said(begins(0, THOUGHT), ends(1, second), ends(0, THOUGHT), COMPLETED)[:-1] == (
        ThinkingDelta(0, ""),
        ThinkingSealed(1, provider_data=data(second)),
        ThinkingSealed(0, provider_data=data(THOUGHT)),
    )
    thought = delta("reasoning_text", 1, "h", content_index=0)
    assert said(begins(0, message("")), thought, COMPLETED)[:2] == (TextDelta(0, ""), ThinkingDelta(1, "h"))
    later = [begins(0, THOUGHT), text("a", 1), ends(0, {**THOUGHT, "summary": [{"type": "summary_text", "text": "h"}]})]
    assert [e for e in said(*later, COMPLETED) if isinstance(e, ThinkingDelta)] == [
        ThinkingDelta(0, ""),
        ThinkingDelta(0, "h"),
    ]


def test_a_place_that_is_kept_for_text_and_not_used_is_no_part() -> None:
    refusal: JsonObject = {"type": "message", "id": "m", "content": [{"type": "refusal", "refusal": "No"}]}
    for whole in (message(""), refusal):
        turn = fold_turn(decoded(CREATED, begins(0, whole), ends(1, ONE), ends(0, whole), about("incomplete")))
        assert turn.message is not None
        assert not any(isinstance(part, TextPart) for part in turn.message.parts)


def test_text_that_only_the_end_completes_is_said() -> None:
    note = TextAnnotated(0, data({"id": "m"}))
    begun = [begins(0, message("")), text("Hel"), text("lo")]
    whole = about("completed", output=[message("Hello world")])
    rest = (TextDelta(0, "Hel"), TextDelta(0, "lo"), TextDelta(0, " world"), note, END)
    assert said(*begun, ends(0, message("Hello world")), COMPLETED) == rest
    assert said(*begun, whole) == rest
    assert said(*begun, ends(0, message("Hello")), text(" world"), whole) == (*rest[:2], note, *rest[2:])
    assert said(*begun, ends(0, message("Hello world")), whole) == rest
    assert said(*begun, ends(0, message("Good bye")), whole)[:3] == (*rest[:2], note)
    assert said(*begun, ends(0, message("")), COMPLETED) == (*rest[:2], note, END)


def test_a_refusal_that_only_the_end_completes_is_said() -> None:
    whole = done(0, "message", content=[{"type": "refusal", "refusal": "No."}])
    assert said(delta("refusal", 0, "No", content_index=0), whole, COMPLETED)[:2] == (
        RefusalDelta(0, "No"),
        RefusalDelta(0, "."),
    )


def test_arguments_that_come_before_their_call_are_its_own() -> None:
    early = [delta("function_call_arguments", 0, '{"who":'), delta("function_call_arguments", 0, '"one"}')]
    assert said(*early, begins(0, ONE), ends(0, {**ONE, "arguments": ""}), COMPLETED)[:3] == (
        CallStarted(0, "c1", "pay"),
        CallDelta(0, '{"who":"one"}'),
        CallEnded(0, None, data({"id": "f1"})),
    )
    assert ran(early[0], begins(0, ONE), ends(0, ONE), COMPLETED) == []
    assert ran(*early, ends(0, ONE), COMPLETED) == ran(*early, about("completed", output=[ONE])) == BOTH[:1]
    stated = sse("response.function_call_arguments.done", {"output_index": 0, "arguments": "{}"})
    assert ran(stated, begins(0, ONE), ends(0, ONE), COMPLETED) == []
    assert isinstance(failure_in(*early, begins(0, THOUGHT), COMPLETED), ProtocolViolation)
    assert failure_in(*early, about("failed", error={"message": "no"})) == ProviderError("no")


@pytest.mark.parametrize(
    "frame",
    [
        text("a").replace(b'"delta"', b'"error":{"message":"no"},"delta"'),
        ends(0, ONE).replace(b'"item"', b'"error":{"message":"no"},"item"'),
        about("failed", error=None).replace(b'"response":', b'"error":{"message":"no"},"response":'),
        about("completed").replace(b'"response":', b'"error":{"message":"no"},"response":'),
        about("in_progress").replace(b'"response":', b'"error":{"message":"no"},"response":'),
    ],
)
def test_an_error_beside_what_an_event_says_is_one(frame: bytes) -> None:
    assert failure_in(frame, text("LATE"), COMPLETED) == ProviderError("no")


def test_reasoning_whose_content_is_one_text() -> None:
    assert said(done(0, "reasoning", id="r", content="hm"), COMPLETED)[0] == ThinkingDelta(0, "hm")
