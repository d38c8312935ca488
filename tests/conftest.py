"""Holds what every test shares: the hypothesis profiles and an environment without the developer's keys."""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, settings

# "quick" draws the same examples for everyone, so that a failure on one machine is a failure on all;
# `--hypothesis-profile=slow` is the one that explores.
settings.register_profile(
    "quick",
    max_examples=60,
    stateful_step_count=30,
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile(
    "slow",
    max_examples=2000,
    stateful_step_count=100,
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("quick")

# How the variables begin that choose a model, hold a key or send requests elsewhere.
PERSONAL = ("ANTHROPIC_", "OPENAI_", "AZURE_", "AWS_", "GOOGLE_", "GEMINI_", "PUNK_")


@pytest.fixture(autouse=True)
def neutral_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """A test sees no key and no chosen model but those it sets, and reaches its own servers past any proxy."""
    for name in list(os.environ):
        if name.startswith(PERSONAL):
            monkeypatch.delenv(name)
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, ",".join(filter(None, (os.environ.get(name), "127.0.0.1", "localhost"))))
