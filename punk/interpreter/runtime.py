"""The one loop that touches the world: it performs effects for a state machine, driven by the demand of its readers.

One task, owned by the runtime, does all I/O. It turns the world's answers into events and puts them into readers'
hands; readers fold them, one at a time, and only when they need more. So nothing is requested, folded or run that no
reader has reached, and at most one network chunk is read ahead of them.
"""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from math import inf
from typing import Final, Literal, TypeAlias, TypeVar, assert_never, final, get_args

from punk.core.effects import Abandon, Effect, RequestTurn, RunTools, StartBackoff
from punk.core.events import CancelRequested, Event, TimerFired, TurnFailed
from punk.core.failures import Failure, Unsupported
from punk.core.readers import Broken, End, Piece, Wait
from punk.core.request import Request
from punk.core.state import RunningTools, StreamState, TerminalState, Waiting, history
from punk.core.step import begin, step
from punk.core.tool_events import ToolEvent
from punk.interpreter.cursor import Cursor
from punk.interpreter.ending import let_end
from punk.interpreter.routes import Routes
from punk.interpreter.signals import Bell, Crowd
from punk.interpreter.stock import Stock
from punk.interpreter.telling import tell_end, tell_request, tell_wait
from punk.interpreter.tool_round import ToolRules, run_tools
from punk.interpreter.turn import is_refused_stream
from punk.providers.base import Provider

V = TypeVar("V")
C = TypeVar("C")
_inside: Final[contextvars.ContextVar[tuple[Runtime, ...]]] = contextvars.ContextVar("punk_inside_tools_of", default=())

# A tuple, for a union would be built anew for each event.
TERMINAL: Final = get_args(TerminalState)

Mode: TypeAlias = Literal["stream", "fold"]
"""Whether somebody watches the answer grow, or only its end counts and may come in one piece."""


@final
class Runtime:
    """A run of `request` against `providers`, one for each route, in the event loop and context in which it is made.

    Its owner makes and closes it; readers call `next`. `cause` is the foreign exception behind the state's failure.
    """

    def __init__(
        self, request: Request, providers: Sequence[Provider], tools: ToolRules, mode: Mode, begun: float
    ) -> None:
        self._routes = Routes(providers)
        self._tools = tools
        self._mode: Mode = mode
        self._loop = asyncio.get_running_loop()
        self._thread = threading.get_ident()
        self._context = contextvars.copy_context()
        self._context.run(_inside.set, (*_inside.get(), self))
        self._stock = Stock()
        self._readers = Crowd(self._loop)
        self._bell = Bell(self._loop)
        self.cause: BaseException | None = None
        self.crash: BaseException | None = None
        self.state, effects = begin(request)
        self._effects: deque[Effect] = deque(effects)
        total = request.routes[0].clocks.total
        self._total = self._loop.call_at(begun + total, self._run_out) if total != inf and effects else None
        self._pump = self._loop.create_task(self._run(), name="punk-stream")

    async def refused(self) -> Failure | None:
        """Why the first request cannot be made at all, to one of the models, None if it can; nothing is sent to find
        out."""
        if not self._effects:
            return None
        if isinstance(first := self._effects[0], RequestTurn):
            return await self._routes.refused(first, keep=True)
        # Tools come first: what is asked after them is not known yet, but what cannot be asked at all is.
        request = self.state.run.request
        asked = RequestTurn(1, history(self.state), request.tools, request.output)
        return await self._routes.refused(asked, keep=False)

    @property
    def family(self) -> str:
        """The name of the wire of the model that is asked."""
        return self._routes.family(self.state.run.model)

    # What readers do.

    async def next(
        self, read: Callable[[StreamState, C], Piece[V, C] | Wait[C] | End[C] | Broken], at: Cursor[C]
    ) -> Piece[V, C] | End[C] | Broken:
        """What `read` finds at `at`, once it is there; `at` has moved behind it. A cancelled wait loses nothing."""
        while True:
            found = read(self.state, at.position)
            if isinstance(found, Broken):
                return found
            at.position = found.cursor
            if not isinstance(found, Wait):
                return found
            if self._stock.in_hand:
                self._take()
            else:
                waiter = self._readers.join()
                self._bell.ring()
                await waiter

    def _take(self) -> None:
        event = self._stock.in_hand.popleft()
        if self._stock.move_up():
            self._bell.ring()
        self._fold(event)
        self._abandon()

    @property
    def misplaced(self) -> str | None:
        """Why the caller cannot read from where it is, None if it can."""
        if self in _inside.get():
            return "a tool cannot read the stream that waits for it"
        if self._thread != threading.get_ident() and not isinstance(self.state, TERMINAL):
            return "this stream belongs to another event loop"
        return None

    def cancel(self) -> None:
        """End the run, keeping what has arrived. From any thread; nothing happens once it has ended."""
        if here := threading.get_ident() == self._thread:
            self._cancel()
        with suppress(RuntimeError):  # the loop is closed, and with it the run
            # From a signal handler, too: a loop that sleeps has to be woken.
            self._loop.call_soon_threadsafe(bool if here else self._cancel)

    async def close(self) -> None:
        """Cancel the run if it is live, and wait until its task has let go of everything, even if the caller is
        cancelled meanwhile."""
        self._cancel()
        await let_end(self._pump)

    def _fold(self, event: Event) -> None:
        self.state, effects = step(self.state, event)
        is_over = isinstance(self.state, TERMINAL)
        if not effects and not is_over:
            return
        self._effects.extend(effects)
        if is_over:
            for late in self._stock:
                self.state, _ = step(self.state, late)
            self._stock.clear()
            self._readers.wake()
            if self._total is not None:
                self._total.cancel()
        self._bell.ring()

    def _run_out(self) -> None:
        """The clock of the whole run ran out: what has come until now is taken, the rest is let go."""
        while self._stock.in_hand:
            self._take()
        if not isinstance(self.state, TERMINAL):
            # Of a run that waits, the cause is why.
            self.cause = self.cause if isinstance(self.state, Waiting) else None
            self._fold(TimerFired("total"))
            self._abandon()

    def _cancel(self) -> None:
        if not isinstance(self.state, TERMINAL):
            self._stock.clear()
            self._fold(CancelRequested())
            self._abandon()

    def _abandon(self) -> None:
        """Stop the pump if the run asks for that. What the pump folds itself is no concern of this: it knows."""
        if self._effects and isinstance(self._effects[-1], Abandon):
            self._pump.cancel()

    # What the pump does.

    async def _run(self) -> None:
        try:
            while self._effects:
                effect = self._effects.popleft()
                match effect:
                    case RequestTurn():
                        await self._bell.until(self._readers.is_waiting)
                        tell_request(effect, self.family, self.state)
                        await self._request(effect)
                        await self._bell.until(lambda: bool(self._effects) or isinstance(self.state, TERMINAL))
                    case RunTools():
                        await self._bell.until(self._readers.is_waiting)
                        await run_tools(effect, self._tools, self._context, self._report)
                    case StartBackoff(seconds=seconds):
                        tell_wait(self.state)
                        await asyncio.sleep(seconds)
                        self._fold(TimerFired("backoff"))
                        self._readers.wake()
                    case Abandon():
                        return
                    case _:
                        assert_never(effect)
        except asyncio.CancelledError:
            if not isinstance(self.state, TERMINAL):
                self._cancel()  # the loop itself is going down
            raise
        except BaseException as error:
            self.crash = error
            self._cancel()
            if isinstance(error, KeyboardInterrupt | SystemExit):
                raise
        finally:
            tell_end(self.state)
            self._readers.wake()

    def _offer(self, events: Sequence[Event]) -> None:
        self._stock.put(events)
        if not self._stock.full:
            self._readers.wake()

    async def _request(self, effect: RequestTurn) -> None:
        turn = self._routes.turn(effect)
        if isinstance(turn, Unsupported):
            self._offer((TurnFailed(turn),))
            return
        try:
            while not turn.over:
                if self._stock.full:
                    await self._bell.until(lambda: not self._stock.full)
                events = await turn.read()
                if isinstance(self.state, TERMINAL):
                    return  # something below has swallowed the cancel
                if self._mode == "fold" and is_refused_stream(events) and self._routes.expect_whole(effect.model):
                    await self._request(effect)
                    return
                self.cause = turn.cause
                self._offer(events)
                if not events:
                    await asyncio.sleep(0)  # whoever says nothing, at once and for ever, does not stop the loop
            await turn.drain()
        finally:
            await turn.close()

    def _report(self, event: ToolEvent, cause: BaseException | None = None) -> bool:
        if not isinstance(self.state, RunningTools):
            return False
        self.cause = cause
        self._fold(event)
        self._readers.wake()
        return isinstance(self.state, RunningTools)
