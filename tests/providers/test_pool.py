"""One client a loop: shared while the loop runs, closed with it, and made without holding the loop up."""

from __future__ import annotations

import asyncio
import subprocess
import sys

import pytest

from punk.core.failures import Unsupported
from punk.providers.base import ByteStream, TransportError
from punk.providers.pool import ClientPool, HomeLoop
from tests.support.paths import ROOT


class Client:
    """Counts how often it was closed."""

    def __init__(self) -> None:
        self.closed = 0

    async def close(self) -> None:
        """Close."""
        self.closed += 1


def test_a_loop_has_one_client_and_closes_it_at_its_end() -> None:
    pool = ClientPool("json", Client, Client.close)

    async def main() -> Client:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(pool.get()) for _ in range(3)]
        [client] = {task.result() for task in tasks}
        assert client.closed == 0
        return client

    first, second = asyncio.run(main()), asyncio.run(main())
    assert first is not second
    assert first.closed == second.closed == 1


def test_a_client_can_be_closed_before_and_is_made_again() -> None:
    pool = ClientPool("json", Client, Client.close)

    async def main() -> None:
        await pool.close()
        first = await pool.get()
        await pool.close()
        assert first.closed == 1
        assert await pool.get() is not first

    asyncio.run(main())


class Answer:
    """An answer under way."""

    secrets = ("s",)

    async def read(self) -> bytes | None:
        """Nothing more."""
        return None

    async def close(self) -> None:
        """Close."""


async def opened(client: Client) -> ByteStream:
    return Answer()


async def broken(client: Client) -> ByteStream:
    raise TransportError(Unsupported("no"))


def test_a_client_that_is_to_be_closed_waits_for_the_answers_under_way() -> None:
    pool = ClientPool("json", Client, Client.close)

    async def main() -> None:
        one, two = await pool.opened(opened), await pool.opened(opened)
        client = await pool.get()
        assert (await one.read(), one.secrets) == (None, ("s",))
        await pool.close()
        assert await pool.get() is not client
        await one.close()
        await one.close()
        assert client.closed == 0
        await two.close()
        assert client.closed == 1

    asyncio.run(main())


def test_a_request_that_fails_holds_nothing() -> None:
    pool = ClientPool("json", Client, Client.close)

    async def main() -> None:
        client = await pool.get()
        with pytest.raises(TransportError):
            await pool.opened(broken)
        await pool.close()
        assert client.closed == 1

    asyncio.run(main())


def test_the_last_block_closes_the_client() -> None:
    pool = ClientPool("json", Client, Client.close)

    async def main() -> None:
        pool.enter()
        pool.enter()
        client = await pool.get()
        await pool.leave()
        assert client.closed == 0
        assert await pool.get() is client
        await pool.leave()
        assert client.closed == 1

    asyncio.run(main())
    asyncio.run(main())


def test_a_client_is_replaced_when_what_it_read_has_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    pool = ClientPool("json", Client, Client.close, ("MY_",))

    async def main() -> None:
        first = await pool.get()
        monkeypatch.setenv("OTHER", "x")
        assert await pool.get() is first
        stream = await pool.opened(opened)
        monkeypatch.setenv("MY_KEY", "x")
        second = await pool.get()
        assert second is not first
        assert first.closed == 0
        await stream.close()
        assert (first.closed, second.closed) == (1, 0)

    asyncio.run(main())


def test_a_given_client_stays_in_its_loop() -> None:
    home = HomeLoop()

    async def main() -> None:
        home.check()
        home.check()

    asyncio.run(main())
    with pytest.raises(TransportError, match="another event loop"):
        asyncio.run(main())


def test_a_loop_that_was_closed_without_a_word_is_forgotten() -> None:
    pool = ClientPool("json", Client, Client.close)
    loop = asyncio.new_event_loop()
    loop.run_until_complete(pool.get())
    loop.close()
    asyncio.run(_get(pool))
    assert all(not known.is_closed() for known in pool._clients)


async def _get(pool: ClientPool[Client]) -> None:
    await pool.get()


def test_the_sdk_is_imported_in_a_thread() -> None:
    program = """
import asyncio, sys
from punk.providers.pool import ClientPool

class Client:
    async def close(self): pass

async def main():
    ticks = 0

    async def tick():
        nonlocal ticks
        while True:
            await asyncio.sleep(0.001)
            ticks += 1

    ticking = asyncio.create_task(tick())
    await ClientPool("openai", Client, Client.close).get()
    ticking.cancel()
    print("openai" in sys.modules, ticks > 3)

asyncio.run(main())
"""
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.stdout, done.returncode) == ("True True\n", 0), done.stderr
