"""Holds what the tests of this folder share: the loaded model, and an engine that follows a script."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest

from punk.providers.local import engine
from punk.providers.local.engine import engine_for
from punk.providers.local.runtime import EngineSettings, LoadedModel
from punk.providers.local.transport import supports_tools
from tests.providers.local.scripted import Script
from tests.support.local_server import local_weights

if TYPE_CHECKING:
    from xllamacpp import Server


@pytest.fixture(scope="session")
def model() -> EngineSettings:
    """The installed model, loaded: its engine's thread then is older than any test."""
    settings = EngineSettings(local_weights())
    assert asyncio.run(supports_tools(settings)) is False
    return settings


@pytest.fixture
def script() -> Script:
    return Script()


@pytest.fixture
def settings(script: Script, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> EngineSettings:
    """Settings whose engine, already running, is the script."""
    model = LoadedModel(cast("Server", script), supports_tools=False)
    monkeypatch.setattr(engine, "load_model", lambda _settings: model)
    settings = EngineSettings(tmp_path / "scripted.gguf")
    engine_for(settings)
    return settings
