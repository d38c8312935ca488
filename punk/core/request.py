"""What a chat asks of a model: the conversation, the tools, and the bounds of the run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias, final

from punk.core.log import Log
from punk.core.messages import Message
from punk.core.retry import RetryPolicy
from punk.core.timeouts import Clocks

MAX_ROUNDS = 32


@final
@dataclass(frozen=True, slots=True)
class ToolSpec:
    """A tool as the model sees it, and what a run has to know of it.

    `parameters` is the JSON text of a JSON schema of type object; `strict` asks the provider to hold the model to it
    word by word, where it can. Calls of a tool that `requires_approval` run only once somebody approves them; of one
    that is `idempotent`, a call that was interrupted may be made again.
    """

    name: str
    description: str
    parameters: str
    strict: bool = False
    requires_approval: bool = False
    idempotent: bool = False


@final
@dataclass(frozen=True, slots=True)
class OneTool:
    """Demands a call of the tool `name`."""

    name: str


Approvals: TypeAlias = Literal["asked", "deferred"]
"""How calls that need approval get it: somebody is asked while the run waits, or the run ends and they are left
unanswered."""


ToolChoice: TypeAlias = Literal["auto", "none", "required"] | OneTool
"""Whether the model calls tools: as it likes, never, at least one, or this one."""


@final
@dataclass(frozen=True, slots=True)
class OutputSpec:
    """The form that an answer must have. `schema` is the JSON text of a JSON schema; `name` says what it is."""

    name: str
    schema: str
    description: str = ""


@final
@dataclass(frozen=True, slots=True)
class Route:
    """How one model is asked: by which clocks, and how often; once, if nothing else is said."""

    clocks: Clocks = Clocks()
    retry: RetryPolicy = RetryPolicy(attempts=1)


@final
@dataclass(frozen=True, slots=True)
class Request:
    """A run: `messages` so far, the `tools` on offer, how many requests it may make (`max_rounds`, at least 1),
    whether calls are run (`execute_tools`) or handed over unanswered, and the form of the answer (`output`), None for
    free text.

    `max_tool_calls` bounds the calls that are run, `max_total_tokens` the tokens of all turns as their providers
    reported them: no more is asked or run once they are reached. None is no bound. `approvals` is how calls that need
    approval get it.

    `routes` are the models, in the order in which they are asked: each next one where the one before gave no answer.
    The clocks for tools and for the whole run are those of the first. `seed` makes the waits of this run differ from
    those of others.
    """

    messages: Log[Message]
    tools: tuple[ToolSpec, ...] = ()
    max_rounds: int = MAX_ROUNDS
    execute_tools: bool = True
    output: OutputSpec | None = None
    max_tool_calls: int | None = None
    max_total_tokens: int | None = None
    approvals: Approvals = "deferred"
    routes: tuple[Route, ...] = (Route(),)
    seed: int = 0
