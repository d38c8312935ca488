"""Tests that importing the package loads no library that only some of its users need."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.support.paths import ROOT

LAZY = (
    *("anthropic", "openai", "boto3", "botocore", "google.genai", "xllamacpp", "mcp"),
    *("httpx", "httpx2", "aiohttp", "rich", "click", "platformdirs", "hypothesis"),
)
PROBE = """
import sys
import {module}
print(*(name for name in {lazy!r} if name in sys.modules))
"""


def loaded_by(module: str) -> list[str]:
    """Which of the lazy libraries a fresh interpreter holds after importing `module`."""
    probe = PROBE.format(module=module, lazy=LAZY)
    command = [sys.executable, "-W", "error", "-c", probe]
    return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True, timeout=60).stdout.split()


@pytest.mark.parametrize("module", ["punk", "punk.llm.chat"])
def test_no_library_is_loaded_before_it_is_needed(module: str) -> None:
    assert loaded_by(module) == []


def test_the_probe_sees_what_is_loaded() -> None:
    assert loaded_by("click") == ["click"]
