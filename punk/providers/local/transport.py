"""Streams one answer of the embedded model as the payloads of a chat-completions stream."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import assert_never, final

from punk.core.failures import ProviderError, Unsupported
from punk.errors import ConfigurationError
from punk.providers.base import Body, TransportError
from punk.providers.local.engine import Engine, engine_for
from punk.providers.local.generation import Ended, Failed, Generation, Piece
from punk.providers.local.runtime import EngineSettings


@final
class LocalStream:
    """One answer being made. Read it from one task at a time; close it on the loop that opened it."""

    def __init__(self, engine: Engine, generation: Generation) -> None:
        self._engine = engine
        self._generation = generation
        self._last: Ended | Failed | None = None

    @property
    def secrets(self) -> tuple[str, ...]:
        """There are none."""
        return ()

    async def read(self) -> bytes | None:
        """The next payload: the UTF-8 JSON of one chunk, or `[DONE]` after a complete answer. None: there is no more.

        A cancelled read loses nothing. Raises TransportError when the runtime gave up, or after `close`.
        """
        delivery = self._last or await self._generation.take()
        match delivery:
            case Piece(payload):
                return payload
            case Ended():
                self._last = delivery
                return None
            case Failed(message):
                self._last = delivery
                raise TransportError(ProviderError(message))
            case never:
                assert_never(never)

    async def close(self) -> None:
        """Stops the answer and waits until the worker thread has left it. Idempotent.

        A queued request leaves at once, a running one at its next token; a prompt only between two batches.
        """
        self._generation.stop()
        if self._engine.withdraw(self._generation):
            self._generation.discard()
        await self._generation.rest()


@final
@dataclass(frozen=True, slots=True)
class LocalTransport:
    """Talks to the engine that is loaded with `settings`."""

    settings: EngineSettings

    async def prepare(self, body: Body) -> None:
        """Refuse tools that the model's template would silently drop. The model is loaded to find that out."""
        if body.json.get("tools") and not await supports_tools(self.settings):
            raise TransportError(Unsupported(_tools_refused(self.settings)))

    async def open(self, body: Body) -> LocalStream:
        """Queue the request; its answer begins when it is its turn. Raises `TransportError`."""
        try:
            return await open_stream(self.settings, body.json)
        except ConfigurationError as error:
            raise TransportError(Unsupported(error.message)) from error


async def open_stream(settings: EngineSettings, body: Mapping[str, object]) -> LocalStream:
    """Queues one chat-completions request, loading the model first if need be; returns before it has run.

    Raises ConfigurationError: no runtime, no such file, or tools for a model whose template would silently drop them.
    """
    engine = engine_for(settings)
    ready = await engine.ready()
    if body.get("tools") and not ready.supports_tools:
        raise ConfigurationError(_tools_refused(settings))
    generation = Generation(body)
    engine.submit(generation)
    return LocalStream(engine, generation)


async def supports_tools(settings: EngineSettings) -> bool:
    """Whether the model's chat template can take tools; loads the model to find out. Raises ConfigurationError."""
    return (await engine_for(settings).ready()).supports_tools


def _tools_refused(settings: EngineSettings) -> str:
    return (
        f"The local model {settings.path.stem} cannot use tools: its chat template has no place for them. "
        "Use a GGUF file whose template has (PUNK_LOCAL_MODEL), another model (PUNK_MODEL, or a provider's key), "
        "or a chat without tools."
    )
