"""Holds what the integration suite shares: one aimock for all of it, and each of its tests over every route."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.routes import ROUTES, Route
from tests.support.aimock import Aimock, running_aimock


@pytest.fixture(scope="session")
def aimock_output(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where aimock writes what it has to say."""
    return tmp_path_factory.mktemp("aimock") / "output.txt"


@pytest.fixture(scope="session")
def aimock_base(aimock_output: Path) -> Iterator[str]:
    """The URL of the aimock that all tests share."""
    with running_aimock(aimock_output) as base:
        yield base


@pytest.fixture
def aimock(aimock_base: str, aimock_output: Path) -> Iterator[Aimock]:
    """The server as this test sees it. What it said meanwhile is shown with a failure."""
    said = len(aimock_output.read_bytes())
    yield Aimock(aimock_base)
    print(aimock_output.read_bytes()[said:].decode())


@pytest.fixture(params=ROUTES, ids=lambda route: route.name)
def route(request: pytest.FixtureRequest) -> Route:
    """One way to a model."""
    found = request.param
    assert isinstance(found, Route)
    return found
