"""Streams one answer of the embedded model as the payloads of a chat-completions stream."""

from collections.abc import Mapping
from typing import assert_never, final

from punk.errors import ConfigurationError
from punk.providers.local.engine import Engine, engine_for
from punk.providers.local.generation import Ended, Failed, Generation, Piece
from punk.providers.local.runtime import EngineSettings


@final
class LocalGenerationError(Exception):
    """The runtime gave up on one request, or the stream was closed; `message` says which and is never empty."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


@final
class LocalStream:
    """One answer being made. Read it from one task at a time; close it on the loop that opened it."""

    def __init__(self, engine: Engine, generation: Generation) -> None:
        self._engine = engine
        self._generation = generation
        self._last: Ended | Failed | None = None

    async def read(self) -> bytes | None:
        """The next payload: the UTF-8 JSON of one chunk, or `[DONE]` after a complete answer. None: there is no more.

        A cancelled read loses nothing. Raises LocalGenerationError when the runtime gave up, or after `close`.
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
                raise LocalGenerationError(message)
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
