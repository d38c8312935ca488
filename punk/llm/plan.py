"""What a run is made from: the conversation, the tools, the form of the answer, the caller's options (internal)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import getrandbits
from typing import Generic, final

from typing_extensions import TypeVar

from punk.core.effects import RequestTurn
from punk.core.log import Log
from punk.core.messages import Message
from punk.core.request import Request, Route
from punk.core.retry import RetryPolicy
from punk.core.state import StreamState, history
from punk.core.step import begin
from punk.core.timeouts import Clocks
from punk.errors import ConfigurationError
from punk.interpreter.mcp.servers import MCPSource, StreamServers
from punk.interpreter.tool_round import ToolRules
from punk.llm.options import Options
from punk.providers.base import Provider
from punk.providers.encoding import ANSWER_TOOL
from punk.tools.output import OutputForm
from punk.tools.toolbox import Toolbox

T_co = TypeVar("T_co", covariant=True, default=object)


@final
@dataclass(frozen=True, slots=True)
class Plan(Generic[T_co]):
    """A run of `messages` with the tools of `toolbox` and those of `servers`, for an answer of `form`. Raises
    `ConfigurationError` for a tool of the user's that has the name of punk's own."""

    messages: Log[Message]
    toolbox: Toolbox
    servers: MCPSource
    form: OutputForm[T_co] | None
    options: Options

    def __post_init__(self) -> None:
        if self.form is not None and ANSWER_TOOL in self.toolbox.by_name:
            raise ConfigurationError(f"beside with_output, {ANSWER_TOOL} is punk's own tool: rename yours")

    async def tools(self) -> tuple[Toolbox, StreamServers]:
        """All tools, and the servers that some of them need until they are closed."""
        servers = StreamServers(self.servers)
        taken = {*self.toolbox.by_name, *([] if self.form is None else [ANSWER_TOOL])}
        return self.toolbox.with_remote(await servers.open(taken)), servers

    async def first_turn(self, provider: Provider) -> tuple[StreamState, RequestTurn]:
        """The run before anything has happened, and what it would ask of the model of `provider` for the whole
        conversation."""
        toolbox, servers = await self.tools()
        await servers.close()
        request = self.request(toolbox, [provider])
        state, _ = begin(request)
        clocks = request.routes[0].clocks
        return state, RequestTurn(1, history(state), request.tools, request.output, clocks=clocks)

    def request(self, toolbox: Toolbox, providers: Sequence[Provider]) -> Request:
        """What is asked of the models of `providers`, which are offered the tools of `toolbox`."""
        options = self.options
        return Request(
            self.messages,
            toolbox.specs,
            options.max_rounds,
            options.execute_tools,
            None if self.form is None else self.form.spec,
            options.max_tool_calls,
            options.max_total_tokens,
            "deferred" if options.approve is None else "asked",
            tuple(map(self._route, providers)),
            getrandbits(32),
        )

    def rules(self, toolbox: Toolbox, request: Request) -> ToolRules:
        """How the tools of `toolbox` are run for `request`."""
        options = self.options
        return ToolRules(toolbox, options.max_concurrent_tools, request.routes[0].clocks.tool, options.approve)

    def clocks(self, provider: Provider) -> Clocks:
        """The clocks by which the model of `provider` is asked."""
        return Clocks.of(self.options.timeouts.over(provider.timeouts))

    def _route(self, provider: Provider) -> Route:
        return Route(self.clocks(provider), self.options.retry or provider.retry or RetryPolicy())
