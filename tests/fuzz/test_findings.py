"""Replays what fuzzing has found, and the bodies that cover the most: what was mended stays so."""

from __future__ import annotations

import pytest

from tests.fuzz.corpus import FINDINGS, bodies
from tests.fuzz.targets import TARGETS

FOUND = [
    pytest.param(target, body, id=f"{target}/{name}") for target in TARGETS for name, body in bodies(FINDINGS / target)
]


@pytest.mark.parametrize(("target", "body"), FOUND)
def test_what_was_found_breaks_no_law(target: str, body: bytes) -> None:
    """Laws 12, 14 and 15, and those of the core for what the decoders make of it."""
    TARGETS[target](body)


def test_every_target_has_findings_and_no_others_do() -> None:
    assert {path.name for path in FINDINGS.iterdir()} == set(TARGETS)
    for target in TARGETS:
        assert 10 <= len(list(bodies(FINDINGS / target))) <= 40
        assert all(len(body) < 4096 for _, body in bodies(FINDINGS / target))
