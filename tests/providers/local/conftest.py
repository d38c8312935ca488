"""Holds the loaded model that the tests of this folder share."""

from __future__ import annotations

import asyncio

import pytest

from punk.providers.local.runtime import EngineSettings
from punk.providers.local.transport import supports_tools
from tests.support.local_server import local_weights


@pytest.fixture(scope="session")
def model() -> EngineSettings:
    """The installed model, loaded: its engine's thread then is older than any test."""
    settings = EngineSettings(local_weights())
    assert asyncio.run(supports_tools(settings)) is False
    return settings
