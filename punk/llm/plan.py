"""What a run is made from: the conversation, the tools, the form of the answer, the caller's options (internal)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, final

from typing_extensions import TypeVar

from punk.core.effects import RequestTurn
from punk.core.log import Log
from punk.core.messages import Message
from punk.core.request import Request
from punk.core.state import StreamState, history
from punk.core.step import begin
from punk.errors import ConfigurationError
from punk.interpreter.mcp.servers import MCPSource, StreamServers
from punk.interpreter.tool_round import ToolRules
from punk.llm.options import Options
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

    async def first_turn(self) -> tuple[StreamState, RequestTurn]:
        """The run before anything has happened, and what it would ask of the model for the whole conversation."""
        toolbox, servers = await self.tools()
        await servers.close()
        request = self.request(toolbox)
        state, _ = begin(request)
        return state, RequestTurn(1, history(state), request.tools, request.output)

    def request(self, toolbox: Toolbox) -> Request:
        """What is asked of the model, which is offered the tools of `toolbox`."""
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
        )

    def rules(self, toolbox: Toolbox) -> ToolRules:
        """How the tools of `toolbox` are run."""
        options = self.options
        return ToolRules(toolbox, options.max_concurrent_tools, options.tool_timeout, options.approve)
