"""Keeps what this machine knows of Google out of the tests."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def _no_google(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in os.environ:
        if name.startswith(("GOOGLE_", "GEMINI_", "CLOUDSDK_", "GCLOUD_")):
            monkeypatch.delenv(name)
    # No credentials of a user's, and no question to a machine of Google's about itself.
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path))
    monkeypatch.setenv("NO_GCE_CHECK", "true")
