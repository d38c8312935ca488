"""Owns one loaded model a process: a daemon thread that answers requests one at a time, first come first served."""

import atexit
import os
import threading
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol, assert_never, final

from punk.errors import ConfigurationError
from punk.providers.local.handover import Inbox
from punk.providers.local.runtime import EngineSettings, LoadedModel, load_model

# At exit a prompt in evaluation can only be left between two batches: a second for the small model, more for others.
_EXIT_PATIENCE_S = 30.0


class Job(Protocol):
    """One request, as the engine sees it."""

    def run(self, model: LoadedModel) -> None:
        """Answers the request on the worker thread; raises nothing; returns soon after `stop`."""

    def stop(self) -> None:
        """Asks a running job to end, from any thread."""


@final
class _Settle:
    """The last job of a process: done when the runtime evaluates nothing any more."""

    def run(self, model: LoadedModel) -> None:
        with suppress(ValueError, RuntimeError):
            model.settle()

    def stop(self) -> None:
        pass


@final
@dataclass(frozen=True, slots=True)
class Loading:
    """The worker thread is reading the model."""


@final
@dataclass(frozen=True, slots=True)
class Ready:
    """The model can answer."""

    supports_tools: bool


@final
@dataclass(frozen=True, slots=True)
class Unusable:
    """The model could not be loaded; `message` says why."""

    message: str


@final
class Engine:
    """A model, loaded or being loaded, with its queue. Get one from `engine_for`."""

    def __init__(self, settings: EngineSettings) -> None:
        self._settings = settings
        self._changed = threading.Condition()
        self._status: Loading | Ready | Unusable = Loading()
        self._waiting_for_load: list[Inbox[Ready | Unusable]] = []
        self._queue: deque[Job] = deque()
        self._running: Job | None = None
        # Daemon: neither a long load nor a long prompt may hold up the interpreter's exit.
        threading.Thread(target=self._work, name="punk-local-model", daemon=True).start()

    @property
    def usable(self) -> bool:
        """False once loading has failed: the next request then tries with a new engine."""
        with self._changed:
            return not isinstance(self._status, Unusable)

    async def ready(self) -> Ready:
        """Waits until the model is loaded. Raises ConfigurationError when it cannot be."""
        inbox: Inbox[Ready | Unusable] = Inbox()
        with self._changed:
            match self._status:
                case Loading():
                    self._waiting_for_load.append(inbox)
                case Ready() | Unusable() as known:
                    inbox.post(known)
                case never:
                    assert_never(never)
        match await inbox.take():
            case Ready() as ready:
                return ready
            case Unusable(message):
                raise ConfigurationError(message)
            case never:
                assert_never(never)

    def submit(self, job: Job) -> None:
        """Puts a request at the end of the queue."""
        with self._changed:
            self._queue.append(job)
            self._changed.notify_all()

    def withdraw(self, job: Job) -> bool:
        """Takes a request out of the queue. False: it is not in it (any more), so it runs or has run."""
        with self._changed:
            if job not in self._queue:
                return False
            self._queue.remove(job)
            return True

    def come_to_rest(self, patience: float) -> None:
        """Drops what is queued, stops what runs, and waits until nothing is evaluated, at most `patience` seconds."""
        with self._changed:
            self._queue.clear()
            if self._running is not None:
                self._running.stop()
            self._queue.append(_Settle())
            self._changed.notify_all()
            self._changed.wait_for(self._at_rest, timeout=patience)

    def _at_rest(self) -> bool:
        return isinstance(self._status, Unusable) or (self._running is None and not self._queue)

    def _work(self) -> None:
        try:
            # This frame is the model's only owner, and a daemon thread's frame outlives the interpreter: so the
            # server is never destroyed.
            model = load_model(self._settings)
        except ConfigurationError as error:
            self._loaded(Unusable(error.message))
            return
        except Exception as error:
            self._loaded(Unusable(f"The embedded model could not be loaded: {error!r}"))
            return
        self._loaded(Ready(model.supports_tools))
        while True:
            job = self._next_job()
            job.run(model)
            with self._changed:
                self._running = None
                self._changed.notify_all()

    def _loaded(self, status: Ready | Unusable) -> None:
        with self._changed:
            self._status = status
            waiting, self._waiting_for_load = self._waiting_for_load, []
            self._changed.notify_all()
        for inbox in waiting:
            inbox.post(status)

    def _next_job(self) -> Job:
        with self._changed:
            self._changed.wait_for(lambda: self._queue)
            self._running = self._queue.popleft()
            return self._running


_engines: dict[tuple[int, EngineSettings], Engine] = {}
_engines_lock = threading.Lock()


def engine_for(settings: EngineSettings) -> Engine:
    """This process's engine for these settings, started if need be; returns at once."""
    # A fork inherits the table but not the worker threads, hence the process id. (A forked child can generate, but
    # llama.cpp's own static destructors hang if it leaves by sys.exit; multiprocessing's children do not.)
    key = (os.getpid(), settings)
    with _engines_lock:
        engine = _engines.get(key)
        if engine is None or not engine.usable:
            engine = _engines[key] = Engine(settings)
        return engine


def _rest_before_exit() -> None:
    # A worker that came back from native code into a finalizing interpreter would bring the process down, and so
    # would the runtime's static destructors under a thread that still evaluates.
    with _engines_lock:
        mine = [engine for (process, _), engine in _engines.items() if process == os.getpid()]
    for engine in mine:
        engine.come_to_rest(_EXIT_PATIENCE_S)


atexit.register(_rest_before_exit)
