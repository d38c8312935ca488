"""A server that repeats the key in its refusal: no text of the error holds it, its traceback neither."""

from __future__ import annotations

import traceback
from typing import Final

import pytest

from punk.errors import StreamingError
from punk.llm.chat import Chat
from tests.faults.judge import Bank, ask, echo
from tests.faults.scripts import Script
from tests.faults.server import Exchange
from tests.faults.wires import KEY, WIRES, Wire
from tests.faults.world import World

# Amazon's key signs, and is not sent: what is sent is the signature.
SECRETS: Final = (KEY, "Signature=")


def _refused(wire: Wire, world: World) -> StreamingError:
    def careless(exchange: Exchange) -> Script:
        return wire.refusal(401, f"Wrong key: {echo(exchange)}.")

    async def asked(chat: Chat) -> StreamingError:
        with pytest.raises(StreamingError) as refused:
            await chat.complete_async()
        return refused.value

    world.server.play(careless)
    return world.run(asked(ask(world.model(wire), Bank())))


@pytest.mark.parametrize("wire", WIRES, ids=str)
def test_no_secret_is_in_the_error(wire: Wire, world: World) -> None:
    error = _refused(wire, world)
    told = f"{error} {error!r} {error.failure!r} {error.message}"
    assert "Wrong key" in told
    assert not [secret for secret in SECRETS if secret in told]


@pytest.mark.parametrize("wire", WIRES, ids=str)
def test_no_secret_is_in_the_traceback(wire: Wire, world: World) -> None:
    told = "".join(traceback.format_exception(_refused(wire, world)))
    assert not [secret for secret in SECRETS if secret in told]
