"""A chat: an immutable conversation with the model, the tools and the form of answer it goes on with."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from copy import copy
from typing import Generic, Unpack, cast, final, overload

from returns.methods import unwrap_or_failure
from typing_extensions import TypeVar

from punk.core.codec import messages_from_json, messages_to_json
from punk.core.log import Log
from punk.core.messages import AssistantMessage, Message, ToolCallMessage
from punk.core.parts import ToolCall
from punk.core.usage import Usage
from punk.errors import ConfigurationError
from punk.interpreter.counting import Counted, NotCounted, count_tokens
from punk.interpreter.mcp.config import MCPServerConfig
from punk.interpreter.mcp.servers import MCPServers, checked
from punk.interpreter.runtime import Mode
from punk.llm.answer import read_answer
from punk.llm.approvals import approved, denied, unanswered_calls
from punk.llm.blocking import run_to_end
from punk.llm.messages import checked_message
from punk.llm.models.base import Model, check_model
from punk.llm.models.defaults import resolve
from punk.llm.options import Options, RunOptions, over
from punk.llm.plan import Plan
from punk.llm.stream_errors import error_for
from punk.llm.streaming import ChatStream
from punk.tools.output import OutputForm, OutputType
from punk.tools.tool import AsTool
from punk.tools.toolbox import Toolbox, checked_tools

__all__ = ["Chat"]

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True, default=object)


@final
class Chat(Generic[T_co]):
    """Messages, a model, tools and a form of answer. Nothing changes a chat: every method that adds something returns
    a new one.

    `model` None stands for the one that `PUNK_MODEL`, the keys in the environment or the embedded model decide on,
    once it is needed. `tools` are annotated callables, or `punk.llm.tools.Tool`s made of them. `output` is made by
    `with_output`. Raises `ConfigurationError` for what is none of these.
    """

    __slots__ = ("_messages", "_model", "_options", "_output", "_servers", "_toolbox", "_tools")

    def __init__(
        self,
        messages: Iterable[Message] = (),
        model: Model | None = None,
        tools: Sequence[AsTool] = (),
        *,
        mcp_servers: Sequence[MCPServerConfig] | MCPServers = (),
        output: OutputForm[T_co] | None = None,
    ) -> None:
        self._messages: Log[Message] = messages if isinstance(messages, Log) else Log(map(checked_message, messages))
        self._model = None if model is None else check_model(model)
        self._tools = checked_tools(tools)
        self._toolbox: Toolbox | None = None  # made when it is first asked for: to describe a tool takes milliseconds
        self._servers = mcp_servers if isinstance(mcp_servers, MCPServers) else checked(mcp_servers)
        self._output = output
        self._options = RunOptions()

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
    def tools(self) -> tuple[AsTool, ...]:
        """The tools on offer, without those of MCP servers."""
        return self._tools

    @property
    def parsed(self) -> T_co:
        """The answer, as the type that `with_output` asked for; None where it asked for nothing.

        Read anew each time. Raises `InvalidOutputError` if the last message is no answer of that type.
        """
        form = self._output
        if form is None:
            return cast("T_co", None)
        return read_answer(self._messages, form)

    @property
    def usage(self) -> Usage:
        """The tokens of all answers in this chat together."""
        told = (m.usage for m in self._messages if isinstance(m, AssistantMessage | ToolCallMessage))
        return sum((usage for usage in told if usage is not None), Usage())

    def add_message(self, message: Message) -> Chat[T_co]:
        """This chat with `message` at its end."""
        return self.with_messages(self._messages.append(checked_message(message)))

    def add_messages(self, messages: Iterable[Message]) -> Chat[T_co]:
        """This chat with `messages` at its end."""
        return self.with_messages(self._messages.extend(map(checked_message, messages)))

    def with_messages(self, messages: Iterable[Message]) -> Chat[T_co]:
        """This chat's model, tools and form of answer with `messages` instead of its own."""
        chat = copy(self)
        chat._messages = messages if isinstance(messages, Log) else Log(map(checked_message, messages))
        return chat

    def with_tools(self, tools: Sequence[AsTool]) -> Chat[T_co]:
        """This chat with `tools` instead of the ones it had."""
        chat = copy(self)
        chat._tools, chat._toolbox = checked_tools(tools), None
        return chat

    def with_mcp_servers(self, servers: Sequence[MCPServerConfig] | MCPServers) -> Chat[T_co]:
        """This chat with the tools of `servers` beside its own, instead of the servers it had.

        Each stream starts the servers that it is given the configuration of, and ends them; `MCPServers` keeps them for
        several. One that cannot start is a `ConfigurationError` on entering.
        """
        chat = copy(self)
        chat._servers = servers if isinstance(servers, MCPServers) else checked(servers)
        return chat

    def with_model(self, model: Model | None) -> Chat[T_co]:
        """This chat with another model."""
        chat = copy(self)
        chat._model = None if model is None else check_model(model)
        return chat

    def with_options(self, **options: Unpack[RunOptions]) -> Chat[T_co]:
        """This chat with what its runs are to be bounded by, waited for, or approved with, where a call says nothing
        else: `RunOptions` says what can be chosen. Those that are not named stay as they were. Raises
        `ConfigurationError` for what they cannot be."""
        chat = copy(self)
        chat._options = over(options, self._options)
        Options(**chat._options)
        return chat

    @overload
    def with_output(self, output: OutputType[T]) -> Chat[T]: ...
    @overload
    def with_output(self, output: None) -> Chat[None]: ...
    def with_output(self, output: OutputType[T] | None) -> Chat[T] | Chat[None]:
        """This chat with answers of the type `output`: `final_chat.parsed` is one.

        Any type that pydantic reads: a model, a dataclass, `list[int]`; a union or another form that is no class as
        `TypeAdapter(A | B)`. None asks for free text again. The provider is told the JSON schema, natively where it
        takes one, else as a tool that takes the answer. It binds the text of the last round: rounds that call the
        chat's own tools go on as ever. Raises `ConfigurationError` for a type without a JSON schema.
        """
        form = None if output is None else OutputForm.of(output)
        chat = Chat(self._messages, self._model, self._tools, mcp_servers=self._servers, output=form)
        chat._options, chat._toolbox = self._options, self._toolbox
        return cast("Chat[T] | Chat[None]", chat)

    @property
    def unanswered_calls(self) -> tuple[ToolCall, ...]:
        """The calls that this chat ends in and that have no result: a stream of it runs them first, if it runs any."""
        return unanswered_calls(self.messages)

    def approve(self, call_id: str) -> Chat[T_co]:
        """This chat with the unanswered call `call_id` allowed to run. Raises `ConfigurationError` if there is none."""
        return self.with_messages(approved(self.messages, call_id))

    def deny(self, call_id: str, reason: str = "") -> Chat[T_co]:
        """This chat with the unanswered call `call_id` answered: it does not run, and the model is told the `reason`.
        Raises `ConfigurationError` if there is none."""
        return self.with_messages(denied(self.messages, call_id, reason))

    def complete_stream(self, **options: Unpack[RunOptions]) -> ChatStream[T_co]:
        """The answer as a stream: `async with chat.complete_stream() as stream`. Tools that the model calls are run.
        `RunOptions` says what can be chosen; raises `ConfigurationError` for what that cannot be."""
        return self._stream(options, "stream")

    async def complete_async(self, **options: Unpack[RunOptions]) -> Chat[T_co]:
        """The final chat of the same run, with no need to watch it. Works for a model that cannot stream, too."""
        async with self._stream(options, "fold") as stream:
            return await stream.chat

    def complete(self, **options: Unpack[RunOptions]) -> Chat[T_co]:
        """As `complete_async`, for code that is not async.

        Inside a running event loop it blocks that loop until the answer is there: the run goes on in a thread, with a
        loop and clients of its own. A model with a client of its own belongs to one loop and is refused there.
        """
        said = Options(**over(options, self._options))
        models = (self._model, *said.fallback)
        return run_to_end(lambda by: self.complete_async(**(options | {"approve": by})), models, said.approve)

    async def count_tokens(self) -> int:
        """How many tokens a request with this chat would have, as its provider counts them.

        MCP servers are started for it. Raises `ConfigurationError` where the provider does not count, `StreamingError`
        where it cannot be asked.
        """
        provider = resolve(self._model).provider()
        state, turn = await self._plan(Options(**self._options)).first_turn(provider)
        match await count_tokens(provider, turn):
            case Counted(tokens):
                return tokens
            case NotCounted(failure, cause):
                raise error_for(failure, state, provider.family, cause)

    def to_json(self) -> str:
        """The messages as versioned JSON text. Model, tools and keys are not in it."""
        return messages_to_json(self._messages)

    @classmethod
    def from_json(cls, text: str, *, model: Model | None = None, tools: Sequence[AsTool] = ()) -> Chat:
        """The chat that `to_json` wrote. Raises `ConfigurationError` if `text` is something else."""
        match unwrap_or_failure(messages_from_json(text)):
            case str(fault):
                raise ConfigurationError(fault)
            case messages:
                return Chat(messages, model, tools)

    def _plan(self, options: Options) -> Plan[T_co]:
        self._toolbox = self._toolbox or Toolbox.of(self._tools)
        return Plan(self._messages, self._toolbox, self._servers, self._output, options)

    def _stream(self, options: RunOptions, mode: Mode) -> ChatStream[T_co]:
        return ChatStream(self, self._plan(Options(**over(options, self._options))), mode)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Chat):
            return NotImplemented
        return all(getattr(self, name) == getattr(other, name) for name in self.__slots__ if name != "_toolbox")

    def __hash__(self) -> int:
        return hash((self._messages, self._tools))

    def __repr__(self) -> str:
        return f"Chat(messages={list(self._messages)!r}, model={self._model!r}, tools={list(self._tools)!r})"
