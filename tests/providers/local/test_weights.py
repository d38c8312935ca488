"""Finding the weights: which place wins, and what is said when there are none."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from punk.providers.local import weights
from punk.providers.local.weights import SMOLLM2, WeightsFound, WeightsMissing, cache_folder, find_weights


@pytest.fixture(autouse=True)
def installed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(weights, "runtime_installed", lambda: True)
    monkeypatch.setattr(weights, "cache_folder", lambda: tmp_path / "cache")


def a_file(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"GGUF")
    return path


def test_a_given_path_wins_over_the_variable_and_that_over_the_cache(tmp_path: Path) -> None:
    given, named = a_file(tmp_path / "given.gguf"), a_file(tmp_path / "named.gguf")
    cached = a_file(tmp_path / "cache" / SMOLLM2.file_name)
    environ = {"PUNK_LOCAL_MODEL": str(named)}
    assert find_weights(str(given), environ) == WeightsFound(given)
    assert find_weights(None, environ) == WeightsFound(named)
    assert find_weights(None, {"PUNK_LOCAL_MODEL": ""}) == WeightsFound(cached)


def test_a_relative_path_is_made_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    a_file(tmp_path / "m.gguf")
    monkeypatch.chdir(tmp_path)
    assert find_weights("m.gguf", {}) == WeightsFound(tmp_path / "m.gguf")


@pytest.mark.parametrize(("path", "environ"), [("no.gguf", {}), (None, {"PUNK_LOCAL_MODEL": "no.gguf"})])
def test_a_named_file_that_is_not_there_is_not_replaced_by_another(
    path: str | None, environ: dict[str, str], tmp_path: Path
) -> None:
    a_file(tmp_path / "cache" / SMOLLM2.file_name)
    found = find_weights(path, environ)
    assert isinstance(found, WeightsMissing)
    assert "no.gguf" in found.message


def test_missing_weights_name_the_command_and_the_other_ways() -> None:
    found = find_weights(None, {})
    assert isinstance(found, WeightsMissing)
    for way in ("punk local install", "PUNK_LOCAL_MODEL", "PUNK_MODEL", "ANTHROPIC_API_KEY", "OPENAI_API_KEY"):
        assert way in found.message


def test_a_missing_runtime_names_the_extra_whatever_is_asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(weights, "runtime_installed", lambda: False)
    for path in (None, str(a_file(tmp_path / "given.gguf"))):
        found = find_weights(path, {})
        assert isinstance(found, WeightsMissing)
        for way in ('pip install "punk-llm[local]"', "PUNK_MODEL", "ANTHROPIC_API_KEY"):
            assert way in found.message


def test_the_runtime_is_looked_for_and_not_imported(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.undo()
    for name in ("xllamacpp", "platformdirs"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    assert weights.runtime_installed() is False
    for name in ("xllamacpp", "platformdirs"):
        (tmp_path / f"{name}.py").write_text("raise AssertionError('imported')")
    assert weights.runtime_installed() is True


def test_the_cache_is_the_users_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    assert cache_folder().name in ("punk", "Cache")
    assert cache_folder().is_absolute()
