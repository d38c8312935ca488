"""A chat: an immutable conversation with the model and the tools it goes on with."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Final, final, get_args

from returns.methods import unwrap_or_failure

from punk.core.codec import messages_from_json, messages_to_json
from punk.core.log import Log
from punk.core.messages import AssistantMessage, Message, ToolCallMessage
from punk.core.request import MAX_ROUNDS, Request
from punk.core.usage import Usage
from punk.errors import ConfigurationError
from punk.interpreter.runtime import Mode
from punk.interpreter.tool_round import ToolLimits
from punk.llm.blocking import run_to_end
from punk.llm.models.base import Model
from punk.llm.streaming import ChatStream
from punk.tools.toolbox import Toolbox

__all__ = ["Chat"]

_MESSAGES: Final[tuple[type, ...]] = get_args(Message)


@final
class Chat:
    """Messages, a model and tools. Nothing changes a chat: every method that adds something returns a new one.

    `model` None stands for the one that `PUNK_MODEL`, the keys in the environment or the embedded model decide on,
    once it is needed. `tools` are annotated callables. Raises `ConfigurationError` for what is none of these.
    """

    __slots__ = ("_messages", "_model", "_tools")

    def __init__(
        self,
        messages: Iterable[Message] = (),
        model: Model | None = None,
        tools: Sequence[Callable[..., object]] = (),
    ) -> None:
        self._messages: Log[Message] = messages if isinstance(messages, Log) else Log(map(_checked, messages))
        if model is not None and not hasattr(model, "provider"):
            raise ConfigurationError(f"a model is an object such as AnthropicModel(...), not {model!r:.40}")
        if callable(tools) or not all(callable(tool) for tool in tools):
            raise ConfigurationError(f"tools are a list of functions, not {tools!r:.60}")
        self._model = model
        self._tools = tuple(tools)

    @property
    def messages(self) -> tuple[Message, ...]:
        """The conversation, oldest first."""
        return tuple(self._messages)

    @property
    def latest_message(self) -> Message:
        """The last message. Raises `ConfigurationError` for a chat without one."""
        if not self._messages:
            raise ConfigurationError("this chat has no message yet")
        return self._messages[len(self._messages) - 1]

    @property
    def model(self) -> Model | None:
        """The model, None if it is still to be picked."""
        return self._model

    @property
    def tools(self) -> tuple[Callable[..., object], ...]:
        """The tools on offer."""
        return self._tools

    @property
    def usage(self) -> Usage:
        """The tokens of all answers in this chat together."""
        told = (m.usage for m in self._messages if isinstance(m, AssistantMessage | ToolCallMessage))
        return sum((usage for usage in told if usage is not None), Usage())

    def add_message(self, message: Message) -> Chat:
        """This chat with `message` at its end."""
        return Chat(self._messages.append(_checked(message)), self._model, self._tools)

    def add_messages(self, messages: Iterable[Message]) -> Chat:
        """This chat with `messages` at its end."""
        return Chat(self._messages.extend(map(_checked, messages)), self._model, self._tools)

    def with_messages(self, messages: Iterable[Message]) -> Chat:
        """This chat's model and tools with `messages` instead of its own."""
        return Chat(messages, self._model, self._tools)

    def with_tools(self, tools: Sequence[Callable[..., object]]) -> Chat:
        """This chat with `tools` instead of the ones it had."""
        return Chat(self._messages, self._model, tools)

    def with_model(self, model: Model | None) -> Chat:
        """This chat with another model."""
        return Chat(self._messages, model, self._tools)

    def complete_stream(
        self,
        *,
        execute_tools: bool = True,
        max_rounds: int = MAX_ROUNDS,
        max_concurrent_tools: int | None = None,
        tool_timeout: float | None = None,
    ) -> ChatStream:
        """The answer as a stream: `async with chat.complete_stream() as stream`.

        Tools the model calls are run and answered, `max_rounds` requests at most, `max_concurrent_tools` at once, each
        for `tool_timeout` seconds; None is no bound. With `execute_tools=False` the final chat ends in the calls.
        Raises `ConfigurationError` for a bound that is not positive.
        """
        return self._stream(execute_tools, max_rounds, max_concurrent_tools, tool_timeout, "stream")

    async def complete_async(
        self,
        *,
        execute_tools: bool = True,
        max_rounds: int = MAX_ROUNDS,
        max_concurrent_tools: int | None = None,
        tool_timeout: float | None = None,
    ) -> Chat:
        """The final chat of the same run, with no need to watch it. Works for a model that cannot stream, too."""
        stream = self._stream(execute_tools, max_rounds, max_concurrent_tools, tool_timeout, "fold")
        async with stream:
            return await stream.chat

    def complete(
        self,
        *,
        execute_tools: bool = True,
        max_rounds: int = MAX_ROUNDS,
        max_concurrent_tools: int | None = None,
        tool_timeout: float | None = None,
    ) -> Chat:
        """As `complete_async`, for code that is not async.

        Inside a running event loop it blocks that loop until the answer is there: the run goes on in a thread, with a
        loop and clients of its own. A model with a client of its own belongs to one loop and is refused there.
        """
        return run_to_end(
            lambda: self.complete_async(
                execute_tools=execute_tools,
                max_rounds=max_rounds,
                max_concurrent_tools=max_concurrent_tools,
                tool_timeout=tool_timeout,
            ),
            self._model,
        )

    def to_json(self) -> str:
        """The messages as versioned JSON text. Model, tools and keys are not in it."""
        return messages_to_json(self._messages)

    @classmethod
    def from_json(cls, text: str, *, model: Model | None = None, tools: Sequence[Callable[..., object]] = ()) -> Chat:
        """The chat that `to_json` wrote. Raises `ConfigurationError` if `text` is something else."""
        match unwrap_or_failure(messages_from_json(text)):
            case str(fault):
                raise ConfigurationError(fault)
            case messages:
                return cls(messages, model, tools)

    def _stream(
        self,
        execute_tools: bool,
        max_rounds: int,
        max_concurrent_tools: int | None,
        tool_timeout: float | None,
        mode: Mode,
    ) -> ChatStream:
        for name, bound in (
            ("max_rounds", max_rounds),
            ("max_concurrent_tools", max_concurrent_tools),
            ("tool_timeout", tool_timeout),
        ):
            if bound is not None and bound <= 0:
                raise ConfigurationError(f"{name} is above 0, not {bound}")
        toolbox = Toolbox.of(self._tools)
        request = Request(self._messages, toolbox.specs, max_rounds, execute_tools)
        return ChatStream(self, request, toolbox, ToolLimits(max_concurrent_tools, tool_timeout), mode)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Chat):
            return NotImplemented
        return (self._messages, self._model, self._tools) == (other._messages, other._model, other._tools)

    def __hash__(self) -> int:
        return hash((self._messages, self._tools))

    def __repr__(self) -> str:
        return f"Chat(messages={list(self._messages)!r}, model={self._model!r}, tools={list(self._tools)!r})"


def _checked(message: Message) -> Message:
    """`message`, if it is one: a text in its place would be found out much later, far from here."""
    if not isinstance(message, _MESSAGES):
        raise ConfigurationError(f"a chat is made of messages such as UserMessage(...), not of {message!r:.40}")
    return message
