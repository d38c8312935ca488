"""Skips what a user's machine may lack, and fails where it must be there: in CI nothing is skipped unnoticed."""

from __future__ import annotations

import os

import pytest

# Where the recorded streams of the vendors lie, beside the repository; they are not ours to ship.
from tests.support.paths import ROOT

RECORDINGS = ROOT.parent / "shared" / "wire"


def need(present: bool, reason: str) -> None:
    """Go on when `present`; otherwise skip the test, or the module at its collection, and in CI fail it."""
    if present:
        return
    if os.environ.get("CI"):
        pytest.fail(f"in CI this must be there: {reason}")
    pytest.skip(reason, allow_module_level=True)


def need_recordings() -> None:
    """Go on when the recorded streams are there."""
    need(RECORDINGS.is_dir(), f"the recorded streams are not there: no folder {RECORDINGS.relative_to(ROOT.parent)}")
