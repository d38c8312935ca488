"""The stream of an answer: `async with chat.complete_stream() as stream`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Generator, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Generic, Self, final

from typing_extensions import TypeVar

from punk.core.json import JsonValue
from punk.core.readers import Broken, End, EndRead, Piece, Sequenced, read_end
from punk.core.state import Completed, Failed, StreamState, history
from punk.errors import (
    ConfigurationError,
    PunkError,
    StreamingError,
    StreamingNotSupported,
    ToolExecutionAbortError,
)
from punk.interpreter.cursor import Cursor
from punk.interpreter.mcp.servers import StreamServers
from punk.interpreter.runtime import Mode, Runtime
from punk.llm.cursors import Accumulated, Deltas, content_of, events_of, thinking_of
from punk.llm.entering import in_time
from punk.llm.incomplete import StreamIncompleteError, why_incomplete
from punk.llm.models.defaults import resolve
from punk.llm.partial_output import PartialOutputs
from punk.llm.plan import Plan
from punk.llm.stream_errors import error_for
from punk.providers.base import Provider
from punk.tools.toolbox import Toolbox

if TYPE_CHECKING:
    from punk.llm.chat import Chat

__all__ = [
    "ChatStream",
    "Sequenced",
    "StreamIncompleteError",
    "StreamingError",
    "StreamingNotSupported",
    "ToolExecutionAbortError",
]

C = TypeVar("C")
T_co = TypeVar("T_co", covariant=True, default=object)


@final
class ChatStream(Generic[T_co]):
    """An answer as it grows. Enter it once with `async with`; leaving the block closes the connection.

    Nothing is requested before something is read, and any number of tasks may read: each sees everything.
    """

    def __init__(self, chat: Chat[T_co], plan: Plan[T_co], mode: Mode) -> None:
        self._chat = chat
        self._plan = plan
        self._mode: Mode = mode
        self._content = content_of(self)
        self._content_delta = content_of(self)
        self._thinking = thinking_of(self)
        self._thinking_delta = thinking_of(self)
        self._partials = PartialOutputs(self, plan.form)
        self._servers = StreamServers(())
        self._runtime: Runtime | None = None
        self._refused: PunkError | None = None
        self._told = False

    async def __aenter__(self) -> Self:
        if self._runtime is not None or self._refused is not None:
            raise StreamingError("this stream was entered before; call complete_stream() for another")
        try:
            self._runtime = await self._start()
        except PunkError as error:
            self._refused = error
            raise
        return self

    async def _start(self) -> Runtime:
        models = (resolve(self._chat.model), *self._plan.options.fallback)
        providers = [model.provider() for model in models]
        for model, provider in zip(models, providers, strict=True):
            if self._mode == "stream" and not provider.streams:
                raise StreamingNotSupported(
                    f"{model.name} cannot stream; chat.complete() asks for the whole answer at once"
                )
        begun = asyncio.get_running_loop().time()
        clocks = self._plan.clocks(providers[0])
        return await in_time(begun, clocks, providers[0].family, self._opened(providers, begun))

    async def _opened(self, providers: Sequence[Provider], begun: float) -> Runtime:
        toolbox, self._servers = await self._plan.tools()
        try:
            return await self._begun(providers, toolbox, begun)
        except BaseException:
            await self._servers.close()
            raise

    async def _begun(self, providers: Sequence[Provider], toolbox: Toolbox, begun: float) -> Runtime:
        request = self._plan.request(toolbox, providers)
        runtime = Runtime(request, providers, self._plan.rules(toolbox, request), self._mode, begun)
        try:
            refused = await runtime.refused()
        except BaseException:
            await runtime.close()
            raise
        if refused is not None:
            await runtime.close()
            raise ConfigurationError(refused.message)
        return runtime

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        runtime = self._entered()
        try:
            await runtime.close()
        finally:
            await self._servers.close()
        if exc is None and not self._told:
            self._tell(runtime)

    @property
    def content(self) -> AsyncIterator[str]:
        """The text so far, once a delta, through all rounds of tools."""
        return Accumulated(self._content)

    @property
    def content_delta(self) -> AsyncIterator[str]:
        """The text as it comes, through all rounds of tools."""
        return Deltas(self._content_delta)

    @property
    def thinking(self) -> AsyncIterator[str]:
        """The thinking so far, once a delta, one phase a loop: the next loop reads the next phase."""
        return Accumulated(self._thinking)

    @property
    def thinking_delta(self) -> AsyncIterator[str]:
        """The thinking as it comes, one phase a loop: the next loop reads the next phase."""
        return Deltas(self._thinking_delta)

    @property
    def partial_output(self) -> AsyncIterator[JsonValue]:
        """The structured answer so far, as a JSON value that grows: strings and lists may be unfinished, and nothing is
        validated yet. A new value comes at most every 50 ms, or once the text has grown by a quarter; the last one is
        whole. Each round of the model begins anew. Raises `ConfigurationError` for a chat without `with_output`."""
        return self._partials

    @property
    def events(self) -> AsyncIterator[Sequenced]:
        """Everything that happens, in order, each with its number; every iterator starts from the beginning."""
        return events_of(self)

    @property
    def state(self) -> StreamState:
        """The immutable state now."""
        return self._entered().state

    @property
    def partial_chat(self) -> Chat[T_co]:
        """The chat with what has arrived; valid to be sent to any model."""
        return self._chat.with_messages(history(self._entered().state))

    @property
    def chat(self) -> Awaitable[Chat[T_co]]:
        """The final chat. Awaited inside the block, it reads the stream to its end first.

        Raises `StreamIncompleteError` if the stream was left early or its calls wait to be approved, and a failed
        stream's error again.
        """
        return _FinalChat(self)

    def cancel(self) -> None:
        """End the stream and keep what has arrived. From any thread, as often as you like."""
        self._entered().cancel()

    def reading(self) -> Runtime:
        """The run to read from: what the iterators are made of. Internal."""
        runtime = self._entered()
        misplaced = runtime.misplaced
        if misplaced is not None:
            raise StreamingError(misplaced)
        return runtime

    def ended(self, found: End[C] | Broken) -> None:
        """Raise the error of a failed stream, where a loop came to an end. Internal."""
        runtime = self._entered()
        if isinstance(found, Broken) or runtime.crash is not None:
            self._tell(runtime)

    async def final(self) -> Chat[T_co]:
        """The final chat, once it is there. Internal."""
        found = await self.reading().next(_read_end, Cursor(0))
        if not isinstance(found, Piece):
            self.ended(found)
        state = self._entered().state
        if isinstance(state, Completed):
            return self._chat.with_messages(tuple(state.run.messages))
        raise StreamIncompleteError(why_incomplete(state), partial=state, partial_chat=self.partial_chat)

    def _entered(self) -> Runtime:
        if self._refused is not None:
            raise self._refused
        if self._runtime is None:
            raise StreamingError("this stream was not entered; use: async with chat.complete_stream() as stream")
        return self._runtime

    def _tell(self, runtime: Runtime) -> None:
        """Raise what went wrong, if anything did."""
        state = runtime.state
        error: BaseException | None = None
        if runtime.crash is not None:
            error = self._crashed(runtime.crash, state, runtime.family)
        elif isinstance(state, Failed):
            error = error_for(state.failure, state, runtime.family, runtime.cause)
        if error is not None:
            self._told = True
            raise error

    def _crashed(self, crash: BaseException, state: StreamState, provider: str) -> BaseException:
        if not isinstance(crash, Exception) or isinstance(crash, PunkError):
            return crash
        error = StreamingError(f"punk itself failed: {type(crash).__name__}: {crash}", partial=state, provider=provider)
        error.__cause__ = crash
        return error


def _read_end(state: StreamState, index: int) -> Piece[None, int] | EndRead:
    return read_end(state, index)


@final
class _FinalChat(Awaitable["Chat[T_co]"]):
    """Awaits a stream's final chat, as often as one likes."""

    __slots__ = ("_stream",)

    def __init__(self, stream: ChatStream[T_co]) -> None:
        self._stream = stream

    def __await__(self) -> Generator[object, None, Chat[T_co]]:
        return self._stream.final().__await__()
