"""Tests that our runner of coroutines notices what they leave behind."""

from __future__ import annotations

import asyncio
import threading

import pytest

from tests.support import aio
from tests.support.aio import run


async def forever() -> None:
    await asyncio.Event().wait()


def test_it_returns_the_result() -> None:
    async def answer() -> int:
        return 42

    assert run(answer()) == 42


def test_a_deadline_holds() -> None:
    with pytest.raises(TimeoutError):
        run(forever(), deadline=0.01)


def test_a_task_left_behind_is_an_error() -> None:
    kept: set[asyncio.Task[None]] = set()

    async def leave() -> None:
        kept.add(asyncio.create_task(forever()))

    with pytest.raises(AssertionError, match="tasks left behind"):
        run(leave())


def test_a_thread_left_behind_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aio, "GRACE", 0.05)
    stop = threading.Event()

    async def leave() -> None:
        threading.Thread(target=stop.wait, name="stray", daemon=True).start()

    try:
        with pytest.raises(AssertionError, match="stray"):
            run(leave())
    finally:
        stop.set()


def test_a_thread_that_is_about_to_end_is_none() -> None:
    async def leave() -> None:
        threading.Timer(0.02, lambda: None).start()

    run(leave())
