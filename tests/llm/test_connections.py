"""Streams over real connections and the vendors' own clients: what the server is sent, and when it sees the close."""

from __future__ import annotations

import asyncio
import time
from contextlib import AbstractAsyncContextManager, AsyncExitStack

import pytest

from punk.core.failures import ConnectFailed, HttpStatus
from punk.core.messages import ToolCallMessage, UserMessage
from punk.errors import ConfigurationError, StreamingError, StreamingNotSupported
from punk.llm.chat import Chat
from punk.llm.incomplete import StreamIncompleteError
from punk.llm.models.anthropic import AnthropicModel
from punk.llm.models.base import Model
from punk.llm.models.openai import OpenAiCompatibleModel, OpenAiModel
from punk.llm.retry import RetryPolicy
from tests.llm.script import CALLS, START, STOP, call, read, text, thinking
from tests.providers.wires import WIRES, Wire
from tests.support.aio import run
from tests.support.server import Answer, Pause, Server, WaitForClose, serve


@pytest.fixture(params=WIRES, ids=str)
def wire(request: pytest.FixtureRequest) -> Wire:
    made: Wire = request.param
    return made


def named(name: str) -> Wire:
    """The wire of that name."""
    return next(wire for wire in WIRES if wire.name == name)


def ask(wire: Wire, server: Server) -> Chat:
    """A question to the server."""
    return Chat([UserMessage("q")], model=wire.model(server.base))


def opening(wire: Wire) -> bytes:
    """The first part of an answer: a delta, and no end."""
    return wire.write([START, *text("Hel")])


def seconds_to_close(server: Server, since: float) -> float:
    """How long after `since` the server saw its client go."""
    assert server.requests[-1].done.wait(5)
    closed_at = server.requests[-1].closed_at
    assert closed_at is not None
    return closed_at - since


def test_an_answer_comes_through(wire: Wire) -> None:
    async def main() -> None:
        with serve(Answer([wire.write([START, *text("Hel", "lo"), STOP])])) as server:
            async with ask(wire, server).complete_stream() as stream:
                assert (await read(stream.content))[-1] == "Hello"
            assert (await stream.chat).latest_message.content == "Hello"

    run(main())


def test_a_connection_serves_all_rounds(wire: Wire) -> None:
    def tool(n: int) -> int:
        return n + 1

    async def main() -> None:
        first = wire.write(
            [START, *thinking("hm"), *text("let me", block=1), *call("tool", '{"n": 1}', block=2), CALLS]
        )
        with serve(Answer([first]), Answer([wire.write([START, *text("two"), STOP])])) as server:
            async with ask(wire, server).with_tools([tool]).complete_stream() as stream:
                await stream.chat
            final = await stream.chat
            assert isinstance(final.messages[1], ToolCallMessage)
            assert final.messages[2].content == "2"
            assert [request.done.wait(5) for request in server.requests] == [True, True]
            assert server.connections == 1

    run(main())


@pytest.mark.parametrize("leave", ["break", "exception", "cancel", "cancelled task", "cancelled before headers"])
def test_the_server_sees_the_close_at_once(wire: Wire, leave: str) -> None:
    async def main() -> None:
        quiet = Answer([opening(wire), WaitForClose()])
        if leave == "cancelled before headers":
            quiet = Answer([], before_headers=[WaitForClose()])
        with serve(quiet) as server:
            left_at = 0.0

            async def body() -> None:
                nonlocal left_at
                async with ask(wire, server).complete_stream() as stream:
                    async for content in stream.content:
                        assert content == "Hel"
                        left_at = time.monotonic()
                        match leave:
                            case "break":
                                break
                            case "exception":
                                raise KeyError
                            case "cancel":
                                stream.cancel()
                                await asyncio.sleep(0)
                            case _:
                                pass
                with pytest.raises(StreamIncompleteError):
                    await stream.chat

            task = asyncio.create_task(body())
            if leave.startswith("cancelled"):
                while not (server.requests if leave.endswith("headers") else left_at):
                    await asyncio.sleep(0.01)
                left_at = time.monotonic()
                task.cancel()
            await asyncio.wait({task}, timeout=5)
            # A timing of its own would be noise: what is asserted is that no timeout had to pass.
            assert seconds_to_close(server, left_at) < 2
            assert task.cancelled() or isinstance(task.exception(), KeyError | None)

    run(main())


@pytest.mark.parametrize("ending", ["clean", "cut", "reset"])
def test_an_answer_that_stops_early_is_an_error_with_the_partial(wire: Wire, ending: str) -> None:
    async def main() -> None:
        # A reset also throws away what the client has not read yet: it is given the time to.
        pieces = [opening(wire), Pause(0.05)]
        with serve(Answer(pieces, ending=ending)) as server:  # type: ignore[arg-type]  # one of the literals
            stream = ask(wire, server).complete_stream()
            with pytest.raises(StreamingError) as caught:
                async with stream:
                    await read(stream.content)
            assert caught.value.message
            assert caught.value.retryable
            assert stream.partial_chat.latest_message.content == "Hel"
            with pytest.raises(StreamingError):
                await stream.chat

    run(main())


def test_nobody_listens(wire: Wire) -> None:
    async def main() -> None:
        with serve() as server:
            pass
        with pytest.raises(StreamingError) as caught:
            await ask(wire, server).complete_async()
        assert isinstance(caught.value.failure, ConnectFailed)
        assert caught.value.__cause__ is not None

    run(main())


def test_a_status_error_says_what_the_provider_said(wire: Wire) -> None:
    async def main() -> None:
        error = b'{"type": "error", "error": {"type": "rate_limit_error", "message": "slow down"}}'
        answer = Answer([error], status=429, headers=(("content-type", "application/json"), ("retry-after", "7")))
        with serve(answer) as server:
            with pytest.raises(StreamingError) as caught:
                await ask(wire, server).complete_async(retry=RetryPolicy(attempts=1))
            assert caught.value.failure == HttpStatus(429, "slow down", "rate_limit_error", 7.0)
            assert (caught.value.status, caught.value.retry_after, caught.value.retryable) == (429, 7.0, True)
            assert len(server.requests) == 1

    run(main())


def test_a_model_that_cannot_stream_says_so_and_completes_all_the_same() -> None:
    async def main() -> None:
        refused = Answer(
            [b'{"error": {"type": "invalid_request_error", "message": "This model does not support streaming"}}'],
            status=400,
            headers=(("content-type", "application/json"),),
        )
        whole = Answer(
            [b'{"id": "r", "choices": [{"index": 0, "message": {"content": "Hello"}, "finish_reason": "stop"}]}'],
            headers=(("content-type", "application/json"),),
        )
        with serve(refused, refused, whole) as server:
            chat = Chat([UserMessage("q")], model=OpenAiCompatibleModel("m", base_url=server.base + "/v1"))
            with pytest.raises(StreamingNotSupported):
                async with chat.complete_stream() as stream:
                    await read(stream.content)
            # Called inside the running loop, as the documentation does.
            assert chat.complete().latest_message.content == "Hello"
            assert [request.body.get("stream", False) for request in server.requests] == [True, True, False]

    run(main())


def test_a_model_marked_as_not_streaming_is_asked_for_the_whole_answer() -> None:
    async def main() -> None:
        whole = Answer(
            [
                b'{"type": "message", "id": "r", "role": "assistant", "model": "m", "content": [{"type": "text",'
                b' "text": "Hello"}], "stop_reason": "end_turn", "usage": {"input_tokens": 1, "output_tokens": 1}}'
            ],
            headers=(("content-type", "application/json"),),
        )
        with serve(whole) as server:
            model = AnthropicModel("claude-sonnet-4-5", api_key="k", base_url=server.base, streams=False)
            chat = Chat([UserMessage("q")], model=model)
            with pytest.raises(StreamingNotSupported):
                async with chat.complete_stream():
                    raise AssertionError("entered")
            assert server.requests == []
            assert (await chat.complete_async()).latest_message.content == "Hello"
            assert server.requests[0].body.get("stream", False) is False

    run(main())


def test_a_missing_key_is_told_on_entering() -> None:
    async def main() -> None:
        with pytest.raises(ConfigurationError, match="ANTHROPIC_API_KEY"):
            stream = Chat([UserMessage("q")], model=AnthropicModel("claude-sonnet-4-5")).complete_stream()
            async with stream:
                raise AssertionError("entered")
        # Why it was not entered is told again, not that it was not.
        with pytest.raises(ConfigurationError, match="ANTHROPIC_API_KEY"):
            await stream.chat
        with pytest.raises(StreamingError, match="entered before"):
            await stream.__aenter__()

    run(main())


@pytest.mark.parametrize("name", ["anthropic", "compatible-chat", "openai-responses"])
def test_a_client_that_was_given_is_used_and_left_open(name: str) -> None:
    import anthropic as sdk_anthropic
    import openai as sdk_openai

    async def main() -> None:
        wire = named(name)
        with serve(Answer([wire.write([START, *text("a"), STOP])])) as server:
            client: sdk_anthropic.AsyncAnthropic | sdk_openai.AsyncOpenAI
            model: Model
            if name == "anthropic":
                client = sdk_anthropic.AsyncAnthropic(api_key="k", base_url=server.base)
                model = AnthropicModel("claude-sonnet-4-5", client=client)
            else:
                client = sdk_openai.AsyncOpenAI(api_key="k", base_url=server.base + "/v1")
                model = OpenAiCompatibleModel("m", base_url=server.base + "/v1", client=client)
                if name == "openai-responses":
                    model = OpenAiModel("m", client=client)
            chat = Chat([UserMessage("q")], model=model)
            assert (await chat.complete_async()).latest_message.content == "a"
            with pytest.raises(ConfigurationError, match="complete_async"):
                chat.complete()
            assert not client.is_closed()
            await client.close()

    run(main())


def test_a_given_client_belongs_to_one_loop_and_a_closed_one_is_told() -> None:
    import openai as sdk

    with serve(Answer([named("openai-responses").write([START, *text("a"), STOP])])) as server:
        client = sdk.AsyncOpenAI(api_key="k", base_url=server.base)
        chat = Chat([UserMessage("q")], OpenAiModel("m", client=client))

        async def main() -> None:
            await chat.complete_async()
            await client.close()
            with pytest.raises(ConfigurationError, match="is closed"):
                await chat.complete_async()

        run(main())
        with pytest.raises(ConfigurationError, match="another event loop"):
            chat.complete()
        assert len(server.requests) == 1


def test_leaving_one_model_does_not_break_the_answer_of_another(wire: Wire) -> None:
    """They share their connections; what is under way is nobody else's to close."""

    async def main() -> None:
        whole, begun = wire.write([START, *text("Hel", "lo"), STOP]), opening(wire)
        assert whole.startswith(begun)
        with serve(Answer([begun, Pause(0.2), whole[len(begun) :]]), Answer([whole])) as server:
            slow = asyncio.create_task(ask(wire, server).complete_async())
            while not server.requests:
                await asyncio.sleep(0.01)
            async with AsyncExitStack() as stack:
                model = wire.model(server.base)
                assert isinstance(model, AbstractAsyncContextManager)
                await stack.enter_async_context(model)
                await Chat([UserMessage("q")], model).complete_async()
            assert not slow.done()
            assert (await slow).latest_message.content == "Hello"

    run(main())


def test_a_key_that_was_corrected_is_used_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> None:
        with serve(Answer([named("openai-responses").write([START, *text("a"), STOP])])) as server:
            monkeypatch.setenv("OPENAI_BASE_URL", server.base)
            for key in ("wrong-key", "right-key"):
                monkeypatch.setenv("OPENAI_API_KEY", key)
                await Chat([UserMessage("q")], OpenAiModel("m")).complete_async()
                assert server.requests[-1].headers["authorization"] == f"Bearer {key}"

    run(main())


def test_a_cancel_from_inside_the_clients_own_code_ends_the_stream() -> None:
    import anthropic as sdk
    import httpx2

    async def main() -> None:
        async def hook(_: httpx2.Response) -> None:
            stream.cancel()

        with serve(Answer([opening(named("anthropic")), WaitForClose()])) as server:
            http = httpx2.AsyncClient(event_hooks={"response": [hook]})
            client = sdk.AsyncAnthropic(api_key="k", base_url=server.base, http_client=http)
            stream = Chat([UserMessage("q")], model=AnthropicModel("claude-x", client=client)).complete_stream()
            async with asyncio.timeout(5), stream:
                assert await read(stream.content) == []
            await client.close()
            assert server.requests[-1].done.wait(5)

    run(main())


@pytest.mark.parametrize("first", [b"", b'event: message_start\ndata: {"type": "message_start", "message": {}}\n\n'])
def test_a_key_that_the_stream_repeats_is_blotted_out(first: bytes) -> None:
    async def main() -> None:
        error = b'event: error\ndata: {"type": "error", "error": {"type": "x", "message": "bad key sk-secret-key"}}\n\n'
        with serve(Answer([first + error])) as server:
            model = AnthropicModel("claude-sonnet-4-5", api_key="sk-secret-key", base_url=server.base)
            with pytest.raises(StreamingError, match=r"bad key \*\*\*"):
                await Chat([UserMessage("q")], model=model).complete_async()

    run(main())


def test_a_key_in_a_whole_answer_is_blotted_out_and_long_words_are_cut() -> None:
    async def main() -> None:
        error = b'{"type": "error", "error": {"type": "x", "message": "bad key sk-secret-key %s"}}' % (b"x" * 9999)
        with serve(Answer([error], headers=(("content-type", "application/json"),))) as server:
            for streams in (True, False):
                model = AnthropicModel("m", api_key="sk-secret-key", base_url=server.base, streams=streams)
                with pytest.raises(StreamingError, match=r"bad key \*\*\* x+…$") as caught:
                    await Chat([UserMessage("q")], model=model).complete_async()
                assert len(caught.value.message) < 600

    run(main())
