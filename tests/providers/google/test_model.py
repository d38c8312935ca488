"""Chats with a Gemini model over a real connection: thinking, tools, forms of an answer, counts."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import pytest

from punk.core.json import JsonObject, JsonValue, dump_json
from punk.core.messages import AssistantMessage, SystemMessage, ToolCallMessage, UserMessage
from punk.errors import StreamingError
from punk.llm.chat import Chat
from punk.llm.models.google import GoogleModel
from tests.llm.script import read
from tests.providers.google.chunks import call, chunk, document, sse, text
from tests.support.aio import run
from tests.support.server import Answer, Server, WaitForClose, serve


def add(a: int, b: int) -> int:
    """Adds two numbers."""
    return a + b


def chat_with(server: Server, model: str = "gemini-3-flash", *, streams: bool = True) -> Chat:
    google = GoogleModel(model, api_key="k", base_url=server.base, streams=streams)
    return Chat(model=google).add_message(UserMessage("q"))


FIRST = Answer(
    (
        chunk(text("I think.", thought=True)),
        chunk(text("Let me add. ", thoughtSignature="c2ln")),
        chunk(
            {**call("add", args={"a": 1, "b": 2}, id="i"), "thoughtSignature": "c+/v"},
            call("add", args={"a": 3, "b": 4}),
        ),
        chunk(text(""), reason="STOP", usageMetadata={"promptTokenCount": 5, "candidatesTokenCount": 6}),
    )
)
LAST = Answer(
    (
        chunk(text("More.", thought=True)),
        chunk(text("3 and 7.")),
        chunk(text("", thoughtSignature="ZW5k"), reason="STOP"),
    )
)


def test_the_second_request_holds_signatures_ids_and_results() -> None:
    async def main(server: Server) -> Chat:
        chat = chat_with(server).with_tools([add])
        async with chat.complete_stream() as stream:
            thinking = [await read(stream.thinking), await read(stream.thinking)]
            content = await read(stream.content)
        assert [phase[-1] for phase in thinking] == ["I think.", "More."]
        assert content[-1] == "Let me add. 3 and 7."
        return await stream.chat

    with serve(FIRST, LAST) as server:
        final = run(main(server))
        _, calls, *_, last = final.messages
        assert isinstance(calls, ToolCallMessage)
        assert [(c.id, c.name) for c in calls.calls] == [("i", "add"), ("call_1_1", "add")]
        assert isinstance(last, AssistantMessage)
        assert last.content == "3 and 7."
        signed: JsonObject = {"thoughtSignature": "c+/v"}
        sent: list[JsonValue] = [
            {"role": "user", "parts": [{"text": "q"}]},
            {
                "role": "model",
                "parts": [
                    {"text": "Let me add. ", "thoughtSignature": "c2ln"},
                    {"functionCall": {"id": "i", "name": "add", "args": {"a": 1, "b": 2}}, **signed},
                    {"functionCall": {"name": "add", "args": {"a": 3, "b": 4}}},
                ],
            },
            {
                "role": "user",
                "parts": [
                    {"functionResponse": {"id": "i", "name": "add", "response": {"result": "3"}}},
                    {"functionResponse": {"name": "add", "response": {"result": "7"}}},
                ],
            },
        ]
        assert server.requests[1].body["contents"] == sent
        assert server.requests[1].body["tools"] == server.requests[0].body["tools"]

        # What was said last goes back too, with the signature of a part that has no words, and so through JSON.
        again = Chat.from_json(final.to_json(), model=final.model).add_message(UserMessage("Thanks."))
        again.complete()
        contents = server.requests[2].body["contents"]
        assert isinstance(contents, list)
        assert contents[3:] == [
            {"role": "model", "parts": [{"text": "3 and 7."}, {"text": "", "thoughtSignature": "ZW5k"}]},
            {"role": "user", "parts": [{"text": "Thanks."}]},
        ]


@dataclass
class Place:
    name: str


@pytest.mark.parametrize("streams", [True, False])
def test_a_form_of_the_answer(streams: bool) -> None:
    whole = document(text('{"name":"Paris"}'), reason="STOP")
    body = sse(whole) if streams else dump_json(whole).encode()
    with serve(Answer((body,))) as server:
        final = chat_with(server, streams=streams).with_output(Place).complete()
        assert final.parsed == Place("Paris")
        assert "responseJsonSchema" in str(server.requests[0].body["generationConfig"])


def test_a_form_of_the_answer_beside_tools_of_an_older_model() -> None:
    answer = chunk(call("final_answer", args={"name": "Paris"}), reason="STOP")
    with serve(Answer((chunk(call("add", args={"a": 1, "b": 2}), reason="STOP"),)), Answer((answer,))) as server:
        final = chat_with(server, "gemini-2.5-flash").with_tools([add]).with_output(Place).complete()
        assert final.parsed == Place("Paris")
        assert len(server.requests) == 2


def test_a_paused_answer_goes_on_and_is_one_message() -> None:
    pause = chunk(text("One "), reason="CONTINUATION", more={"continuationToken": "dG9r"})
    with serve(Answer((pause,)), Answer((chunk(text("two."), reason="STOP"),))) as server:
        final = chat_with(server).complete()
        assert final.latest_message.content == "One two."
        first, second = (request.body for request in server.requests)
        assert second == {**first, "continuationToken": "dG9r"}


def test_tokens_are_counted() -> None:
    with serve(Answer((b'{"totalTokens": 31}',), headers=(("content-type", "application/json"),))) as server:
        chat = Chat([SystemMessage("S"), UserMessage("q")], model=chat_with(server).model)
        assert run(chat.count_tokens()) == 31
        assert server.requests[0].path.endswith(":countTokens")
        assert list(server.requests[0].body) == ["generateContentRequest"]


def test_an_error_in_the_midst_keeps_what_was_said() -> None:
    error = b'\r\n{\n  "error": {"code": 400, "message": "too long", "status": "INVALID_ARGUMENT"}\n}\n'

    async def main(server: Server) -> StreamingError:
        with pytest.raises(StreamingError) as caught:
            async with chat_with(server).complete_stream() as stream:
                assert await read(stream.content_delta) == ["a"]
        return caught.value

    with serve(Answer((chunk(text("a")), error))) as server:
        failed = run(main(server))
        assert "too long" in failed.message


def test_leaving_a_stream_closes_its_connection() -> None:
    async def main(server: Server) -> None:
        async with chat_with(server).complete_stream() as stream:
            async for _ in stream.content:
                break
        assert await asyncio.to_thread(server.requests[0].done.wait, 2)

    with serve(Answer((chunk(text("a")), WaitForClose()))) as server:
        run(main(server))
        assert server.requests[0].closed_at is not None
