"""Readers of a stream: each sees every piece once, whatever the others do."""

from __future__ import annotations

import asyncio

import pytest

from punk.core.events import TurnFailed
from punk.core.failures import ConnectionLost
from punk.core.messages import AssistantMessage, UserMessage
from punk.core.state import Completed, Failed, RunningTools
from punk.errors import StreamingError, ToolExecutionAbortError
from punk.llm.incomplete import StreamIncompleteError
from punk.testing import Fault, Gate, ScriptItem
from tests.llm.script import CALLS, START, STOP, answer, ask, call, read, text, thinking
from tests.support.aio import run


def test_content_grows_and_deltas_add_up() -> None:
    async def main() -> None:
        chat, _ = ask(answer("Hel", "lo", "!"))
        async with chat.complete_stream() as stream:
            assert await read(stream.content) == ["Hel", "Hello", "Hello!"]
            assert await read(stream.content_delta) == ["Hel", "lo", "!"]
            assert await read(stream.content) == []
        final = await stream.chat
        assert final.messages[0] == UserMessage("q")
        assert final.latest_message.content == "Hello!"
        assert isinstance(stream.state, Completed)

    run(main())


def test_two_tasks_each_see_everything() -> None:
    async def main() -> None:
        chat, _ = ask(answer(*"abcdefghij"))
        async with chat.complete_stream() as stream, asyncio.TaskGroup() as group:
            readers = [group.create_task(_collect(stream)) for _ in range(5)]
        assert [reader.result() for reader in readers] == [list("abcdefghij")] * 5

    async def _collect(stream: object) -> list[str]:
        from punk.llm.streaming import ChatStream

        assert isinstance(stream, ChatStream)
        return await read(stream.content_delta)

    run(main())


def test_one_iterator_given_to_two_loops_shows_everything_to_each() -> None:
    async def main() -> None:
        chat, _ = ask(answer(*"abcdefghij"))
        async with chat.complete_stream() as stream:
            shared = stream.content_delta
            async with asyncio.TaskGroup() as group:
                readers = [group.create_task(read(shared)) for _ in range(3)]
        assert [reader.result() for reader in readers] == [list("abcdefghij")] * 3

    run(main())


def test_one_iterator_asked_by_several_tasks_gives_each_piece_once() -> None:
    async def main() -> None:
        chat, _ = ask(answer(*"abcd"))
        async with chat.complete_stream() as stream:
            shared = stream.content_delta

            async def ask_one() -> str:
                return await anext(shared)

            async with asyncio.TaskGroup() as group:
                readers = [group.create_task(ask_one()) for _ in range(4)]
        assert sorted(reader.result() for reader in readers) == list("abcd")

    run(main())


def test_the_same_task_goes_on_where_it_stopped() -> None:
    async def main() -> None:
        chat, _ = ask(answer("a", "b", "c", "d"))
        async with chat.complete_stream() as stream:
            async for content in stream.content:
                if content == "ab":
                    break
            assert await anext(stream.content) == "abc"
            assert await read(stream.content) == ["abcd"]

    run(main())


def test_a_reader_that_times_out_loses_nothing() -> None:
    async def main() -> None:
        gate = Gate()
        chat, _ = ask([START, gate, *text("late"), STOP])
        async with chat.complete_stream() as stream:
            content = stream.content
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(anext(content), 0.01)
            gate.release()
            assert await anext(content) == "late"
            assert (await stream.chat).latest_message.content == "late"

    run(main())


def test_nothing_is_asked_before_somebody_reads() -> None:
    async def main() -> None:
        chat, model = ask(answer("a"))
        async with chat.complete_stream():
            await asyncio.sleep(0.01)
            assert model.requests == ()
        assert model.opened == 0

    run(main())


def test_a_slow_reader_slows_the_producer() -> None:
    reads = 0

    async def main() -> None:
        nonlocal reads
        gates = [Gate() for _ in range(6)]
        script: list[ScriptItem] = [START]
        for gate in gates:
            gate.release()
            script += [gate, *text("x")]
        chat, _ = ask([*script, STOP])
        async with chat.complete_stream() as stream:
            await anext(stream.content)
            await asyncio.sleep(0.01)
            reached = [gate for gate in gates if gate._reached.is_set()]
            assert len(reached) <= 3  # the piece that was read, one in hand, one chunk ahead

    run(main())


def test_break_keeps_the_partial_and_closes() -> None:
    async def main() -> None:
        chat, model = ask(answer("a", "b", "c"))
        async with chat.complete_stream() as stream:
            async for content in stream.content:
                if content == "ab":
                    break
        assert model.opened == model.closed == 1
        with pytest.raises(StreamIncompleteError) as caught:
            await stream.chat
        assert caught.value.message
        partial = stream.partial_chat.latest_message
        assert isinstance(partial, AssistantMessage)
        assert partial.content == "ab"
        assert partial.usage is not None
        assert partial.usage.lower_bound
        assert await read(stream.content_delta) == ["a", "b"]

    run(main())


def test_break_never_lets_a_tool_run_that_no_reader_has_reached() -> None:
    ran = []

    def tool() -> str:
        ran.append(1)
        return "x"

    async def main() -> None:
        chat, _ = ask([START, *text("a"), *call("tool", block=1), CALLS], answer("b"), batch=10)
        async with chat.with_tools([tool]).complete_stream() as stream:
            async for _ in stream.content:
                await asyncio.sleep(0.01)
                break
        assert ran == []

    run(main())


def test_an_exception_of_the_body_leaves_as_itself() -> None:
    async def main() -> None:
        chat, model = ask(answer("a", "b"))
        error = ValueError("mine")
        with pytest.raises(ValueError) as caught:
            async with chat.complete_stream() as stream:
                await anext(stream.content)
                raise error
        assert caught.value is error
        assert model.opened == model.closed == 1
        with pytest.raises(StreamIncompleteError):
            await stream.chat

    run(main())


def test_an_exception_of_the_body_leaves_as_itself_though_the_stream_has_failed_unseen() -> None:
    class MineError(Exception):
        pass

    async def main() -> None:
        chat, _ = ask([START, *text("a"), Fault(ConnectionLost("gone"))])
        with pytest.raises(MineError):
            async with chat.complete_stream() as stream:
                async for entry in stream.events:
                    if isinstance(entry.event, TurnFailed):
                        raise MineError
        assert isinstance(stream.state, Failed)

    run(main())


def test_cancellation_leaves_unchanged() -> None:
    async def main() -> None:
        chat, model = ask([START, Gate()])

        async def body() -> None:
            async with chat.complete_stream() as stream:
                await anext(stream.content)

        task = asyncio.create_task(body())
        await asyncio.sleep(0.01)
        task.cancel("stop it")
        with pytest.raises(asyncio.CancelledError) as caught:
            await task
        assert caught.value.args == ("stop it",)
        assert model.opened == model.closed == 1

    run(main())


def test_the_callers_timeout_is_the_callers() -> None:
    async def main() -> None:
        chat, model = ask([START, Gate()])
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01), chat.complete_stream() as stream:
                await anext(stream.content)
        assert model.opened == model.closed == 1

    run(main())


def test_a_failure_comes_after_the_pieces_to_every_reader() -> None:
    async def main() -> None:
        lost = ConnectionLost("gone")
        chat, _ = ask([START, *text("a", "b"), Fault(lost)])
        async with chat.complete_stream() as stream:
            seen: list[str] = []
            with pytest.raises(StreamingError) as caught:
                async for delta in stream.content_delta:
                    seen.append(delta)
            assert seen == ["a", "b"]
            assert caught.value.failure == lost
            assert caught.value.retryable
            assert caught.value.provider == "scripted"
            assert isinstance(caught.value.partial, Failed)
            seen.clear()
            with pytest.raises(StreamingError, match="gone"):
                async for content in stream.content:
                    seen.append(content)
            assert seen == ["a", "ab"]
            with pytest.raises(StreamingError, match="gone"):
                await stream.chat
        with pytest.raises(StreamingError, match="gone"):
            await stream.chat
        assert stream.partial_chat.latest_message.content == "ab"

    run(main())


def test_an_abort_that_nobody_saw_is_raised_on_leaving() -> None:
    async def main() -> None:
        started, gate = asyncio.Event(), asyncio.Event()

        async def tool() -> str:
            started.set()
            await gate.wait()
            raise ToolExecutionAbortError("no")

        chat, _ = ask([START, *call("tool"), CALLS])
        with pytest.raises(ToolExecutionAbortError, match="no"):
            async with chat.with_tools([tool]).complete_stream() as stream:
                waiting = asyncio.create_task(read(stream.content))
                await started.wait()
                waiting.cancel()
                await asyncio.wait({waiting})
                gate.set()
                while isinstance(stream.state, RunningTools):
                    await asyncio.sleep(0)

    run(main())


def test_cancel_ends_other_readers_after_their_pieces() -> None:
    async def main() -> None:
        chat, model = ask([START, *text("a", "b"), Gate()])
        async with chat.complete_stream() as stream:
            assert await anext(stream.content_delta) == "a"
            other = asyncio.create_task(read(stream.content_delta))
            await asyncio.sleep(0.01)
            stream.cancel()
            stream.cancel()
            assert await other == ["a", "b"]
            assert await read(stream.content_delta) == ["b"]
            with pytest.raises(StreamIncompleteError):
                await stream.chat
        assert model.opened == model.closed == 1

    run(main())


def test_cancel_works_from_another_thread() -> None:
    async def main() -> None:
        chat, model = ask([START, *text("a"), Gate()])
        async with chat.complete_stream() as stream:
            await anext(stream.content)
            stopping = asyncio.get_running_loop().run_in_executor(None, stream.cancel)
            assert await read(stream.content) == []
            await stopping
        assert model.opened == model.closed == 1
        await asyncio.to_thread(stream.cancel)
        await asyncio.get_running_loop().shutdown_default_executor()

    run(main())


def test_cancelled_while_leaving_still_closes() -> None:
    async def main() -> None:
        chat, model = ask([START, *text("a"), Gate()])

        async def body() -> None:
            async with chat.complete_stream() as stream:
                await anext(stream.content)
                task = asyncio.current_task()
                assert task is not None
                task.cancel()

        with pytest.raises(asyncio.CancelledError):
            await asyncio.create_task(body())
        assert model.opened == model.closed == 1

    run(main())


def test_awaiting_the_chat_drives_the_stream() -> None:
    async def main() -> None:
        chat, _ = ask(answer("a", "b"))
        async with chat.complete_stream() as stream:
            async with asyncio.TaskGroup() as group:
                chats = [group.create_task(stream.final()) for _ in range(2)]
            assert chats[0].result() == chats[1].result() == await stream.chat
            assert await read(stream.content) == ["a", "ab"]

    run(main())


def test_a_stream_is_used_inside_its_block_and_once() -> None:
    async def main() -> None:
        chat, _ = ask(answer("a"), answer("b"))
        stream = chat.complete_stream()
        with pytest.raises(StreamingError, match="not entered"):
            await anext(stream.content)
        with pytest.raises(StreamingError, match="not entered"):
            await stream.chat
        with pytest.raises(StreamingError, match="not entered"):
            stream.cancel()
        async with stream:
            await stream.chat
            with pytest.raises(StreamingError, match="entered before"):
                async with stream:
                    pass
        with pytest.raises(StreamingError, match="entered before"):
            async with stream:
                pass

    run(main())


def test_thinking_is_read_one_phase_a_loop() -> None:
    def tool() -> str:
        return "x"

    async def main() -> None:
        first = [START, *thinking("pre", "-tool"), *text("on", block=1), *call("tool", block=2), CALLS]
        second = [START, *thinking("post"), *text("done", block=1), STOP]
        chat, _ = ask(first, second)
        async with chat.with_tools([tool]).complete_stream() as stream:
            assert await read(stream.thinking) == ["pre", "pre-tool"]
            assert await read(stream.thinking) == ["post"]
            assert await read(stream.content) == ["on", "ondone"]
            assert await read(stream.thinking) == []
            assert await read(stream.thinking_delta) == ["pre", "-tool"]
            assert await read(stream.thinking_delta) == ["post"]

    run(main())


def test_thinking_that_nobody_reads_is_kept() -> None:
    async def main() -> None:
        chat, _ = ask([START, *thinking("hm"), *text("a", block=1), STOP])
        async with chat.complete_stream() as stream:
            assert await read(stream.content) == ["a"]
            assert await read(stream.thinking) == ["hm"]
        blocks = (await stream.chat).latest_message.thinking_blocks
        assert [(block.text, block.signature) for block in blocks] == [("hm", "sig")]

    run(main())


def test_events_are_numbered_and_every_iterator_starts_at_the_beginning() -> None:
    async def main() -> None:
        chat, _ = ask(answer("a", "b"))
        async with chat.complete_stream() as stream:
            assert await anext(stream.content) == "a"
            events = await read(stream.events)
            assert [event.number for event in events] == list(range(len(events)))
            assert await read(stream.events) == events
            assert events[-1].event == STOP

    run(main())


def test_one_events_iterator_given_to_two_loops_shows_everything_to_each() -> None:
    async def main() -> None:
        chat, _ = ask(answer(*"abcd"))
        async with chat.complete_stream() as stream:
            shared = stream.events
            async with asyncio.TaskGroup() as group:
                readers = [group.create_task(read(shared)) for _ in range(2)]
            assert await anext(shared) == readers[0].result()[0]
        assert readers[0].result() == readers[1].result()
        assert len(readers[0].result()) == 7

    run(main())


def test_cancel_works_while_no_loop_runs() -> None:
    chat, model = ask([START, *text("a"), Gate()])
    loop = asyncio.new_event_loop()
    stream = chat.complete_stream()
    loop.run_until_complete(stream.__aenter__())
    assert loop.run_until_complete(asyncio.wait_for(anext(stream.content), 5)) == "a"
    stream.cancel()
    loop.run_until_complete(asyncio.wait_for(stream.__aexit__(None, None, None), 5))
    loop.run_until_complete(loop.shutdown_asyncgens())
    loop.close()
    assert model.opened == model.closed == 1


def test_a_live_stream_is_read_in_its_own_loop() -> None:
    async def main() -> None:
        chat, _ = ask([START, *text("a"), Gate()])
        async with chat.complete_stream() as stream:
            await anext(stream.content)
            with pytest.raises(StreamingError, match="another event loop"):
                await asyncio.to_thread(asyncio.run, read(stream.content))

    run(main())


def test_an_ended_stream_is_read_in_any_loop() -> None:
    async def main() -> None:
        chat, _ = ask(answer("Hel", "lo"))
        async with chat.complete_stream() as stream:
            await stream.chat

        async def elsewhere() -> tuple[str, list[str]]:
            return (await stream.chat).latest_message.content, await read(stream.content_delta)

        assert await asyncio.to_thread(asyncio.run, elsewhere()) == ("Hello", ["Hel", "lo"])

    asyncio.run(main())  # `to_thread` keeps a thread


def test_an_incomplete_stream_says_how_far_it_came() -> None:
    async def main() -> None:
        chat, _ = ask(answer("Hel", "lo"))
        async with chat.complete_stream() as stream:
            async for _ in stream.content:
                break
        with pytest.raises(StreamIncompleteError) as caught:
            await stream.chat
        assert caught.value.partial is stream.state
        assert caught.value.partial_chat == stream.partial_chat

    run(main())
