"""Holds what the tests of documents share: the provider that their examples reach."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.answering import answer
from tests.support.server import Server, serve


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """The provider that `Chat()` and the models of the examples reach."""
    with serve(answer) as server:
        monkeypatch.setenv("ANTHROPIC_API_KEY", "key-of-the-tests")
        monkeypatch.setenv("ANTHROPIC_BASE_URL", server.base)
        yield server
