"""What a user's strictly typed code sees: checked by mypy (`assert_type`), and run once so that it stays true."""

from __future__ import annotations

from dataclasses import dataclass
from typing import assert_never, assert_type

from pydantic import TypeAdapter

from punk.core.events import LogEntry
from punk.core.failures import Failure
from punk.core.readers import Sequenced
from punk.core.state import (
    AwaitingApproval,
    Cancelled,
    Completed,
    Failed,
    RunningTools,
    Streaming,
    StreamState,
    Waiting,
)
from punk.errors import PunkError
from punk.llm.chat import Chat
from punk.llm.mcp import MCPServerConfig, MCPServers
from punk.llm.messages import (
    AssistantMessage,
    FinishReason,
    Message,
    SystemMessage,
    ThinkingPart,
    ToolCall,
    ToolCallMessage,
    ToolResultMessage,
    Usage,
    UserMessage,
)
from punk.llm.streaming import ChatStream, StreamIncompleteError, StreamingError, ToolExecutionAbortError
from punk.llm.timeouts import Timeouts
from punk.llm.tools import AsTool, Denied, Tool, ToolContext
from tests.llm.script import CALLS, START, STOP, ask, call, text, thinking
from tests.support.aio import run


def tool(n: int) -> int:
    """Increase a number."""
    return n + 1


def describe(message: Message) -> str:
    assert_type(message.content, str)
    assert_type(message.thinking_blocks, tuple[ThinkingPart, ...])
    match message:
        case SystemMessage() | UserMessage():
            return message.content
        case AssistantMessage():
            assert_type(message.finish_reason, FinishReason | None)
            assert_type(message.raw_finish_reason, str | None)
            assert_type(message.usage, Usage | None)
            assert_type(message.unrun_calls, tuple[ToolCall, ...])
            assert_type(message.refusal, str | None)
            return message.content
        case ToolCallMessage():
            assert_type(message.calls, tuple[ToolCall, ...])
            return ", ".join(asked.name for asked in message.calls)
        case ToolResultMessage():
            assert_type(message.is_error, bool)
            return message.content
        case _:
            assert_never(message)


@dataclass
class Weather:
    """How the weather is."""

    city: str


@dataclass
class Storm:
    """How strong the storm is."""

    force: int


def length(chat: Chat) -> int:
    return len(chat.messages)


def test_the_type_of_a_structured_answer_is_known() -> None:
    plain = Chat()
    assert_type(plain, Chat[object])
    assert_type(plain.parsed, object)
    chat = plain.with_output(Weather)
    assert_type(chat, Chat[Weather])
    assert_type(chat.complete_stream(), ChatStream[Weather])
    answered = chat.with_tools([tool]).add_message(AssistantMessage('{"city":"Paris"}'))
    assert_type(answered.parsed, Weather)
    assert answered.parsed == Weather("Paris")
    either: TypeAdapter[Weather | Storm] = TypeAdapter(Weather | Storm)
    assert_type(plain.with_output(either), Chat[Weather | Storm])
    assert_type(plain.with_output(list[int]), Chat[list[int]])
    assert_type(chat.with_output(None), Chat[None])
    # A plain `Chat` in an annotation takes every chat.
    assert length(chat) == length(plain) == 0


def name_of(state: StreamState) -> str:
    match state:
        case Streaming():
            return "streaming"
        case RunningTools():
            return "running tools"
        case Waiting():
            return "waiting"
        case Completed():
            return "completed"
        case AwaitingApproval(calls=calls):
            assert_type(calls, tuple[ToolCall, ...])
            return "awaiting approval"
        case Cancelled():
            return "cancelled"
        case Failed(failure=failure):
            assert_type(failure, Failure)
            return failure.message
        case _:
            assert_never(state)


def decide(asked: ToolCall) -> bool | Denied:
    return asked.name == "pay" or Denied("no")


async def decide_later(asked: ToolCall) -> bool:
    return True


def report(context: ToolContext) -> None:
    context.report("begun", progress=1, total=2)


async def tools(chat: Chat[Weather]) -> None:
    guarded = chat.with_tools([report, Tool(report, name="again", requires_approval=True)])
    assert_type(guarded, Chat[Weather])
    assert_type(guarded.unanswered_calls, tuple[ToolCall, ...])
    assert_type(guarded.approve("1").deny("2", "no"), Chat[Weather])
    assert_type(guarded.with_mcp_servers([MCPServerConfig("x", command="x")]), Chat[Weather])
    async with MCPServers([]) as servers:
        assert_type(guarded.with_mcp_servers(servers), Chat[Weather])
    guarded.complete_stream(approve=decide)
    guarded.complete_stream(approve=decide_later)
    assert_type(guarded.tools, tuple[AsTool, ...])


async def use(chat: Chat) -> Chat:
    stream = chat.complete_stream(execute_tools=True, max_rounds=4, max_concurrent_tools=2, timeouts=Timeouts(tool=1.5))
    assert_type(stream, ChatStream)
    async with stream as entered:
        assert_type(entered, ChatStream)
        async for thought in entered.thinking:
            assert_type(thought, str)
        async for delta in entered.thinking_delta:
            assert_type(delta, str)
        async for content in entered.content:
            assert_type(content, str)
        async for piece in entered.content_delta:
            assert_type(piece, str)
        async for event in entered.events:
            assert_type(event, Sequenced)
            assert_type(event.number, int)
            assert_type(event.event, LogEntry)
        assert_type(entered.state, StreamState)
        assert_type(entered.partial_chat, Chat)
        entered.cancel()
    assert name_of(stream.state) == "completed"
    return assert_type(await stream.chat, Chat)


def test_a_users_file() -> None:
    first = [START, *thinking("hm"), *text("a", block=1), *call("tool", '{"n": 1}', block=2), CALLS]
    chat, model = ask(first, [START, *text("b"), STOP])
    final = run(use(chat.with_tools([tool])))
    assert_type(final.messages, tuple[Message, ...])
    assert_type(final.latest_message, Message)
    assert_type(final.usage, Usage)
    assert_type(final.to_json(), str)
    assert_type(Chat.from_json(final.to_json(), model=model), Chat)
    assert [describe(message) for message in final.messages] == ["q", "tool", "2", "b"]


def test_errors_are_typed() -> None:
    def handle(error: PunkError) -> str:
        assert_type(error.message, str)
        if isinstance(error, StreamingError):
            assert_type(error.failure, Failure | None)
            assert_type(error.partial, StreamState | None)
            assert_type(error.retryable, bool)
            assert_type(error.retry_after, float | None)
            assert_type(error.status, int | None)
            assert_type(error.provider, str | None)
        if isinstance(error, StreamIncompleteError):
            assert_type(error.partial, StreamState)
            assert_type(error.partial_chat, Chat)
        return error.message

    assert handle(ToolExecutionAbortError("stop")) == "stop"
    assert handle(StreamingError("")) == "StreamingError"
    assert handle(StreamingError(message="cut")) == str(StreamingError("cut")) == "cut"
