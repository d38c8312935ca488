"""Executes the examples of the streaming documentation as printed, with `punk` for the root of its imports."""

from __future__ import annotations

import pytest

from tests.support.documentation import namespace
from tests.support.examples import Example, examples_in, run_example
from tests.support.optional import RECORDINGS, need
from tests.support.server import Server

SEED = RECORDINGS.parent / "SEED.md"
TEXT = SEED.read_text("utf-8").replace("patterpunk", "punk") if SEED.is_file() else ""
EXAMPLES = examples_in(TEXT, SEED.name)


def test_the_documentation_is_there() -> None:
    need(bool(EXAMPLES), f"the streaming documentation is not there: no file {SEED.name} beside the recorded streams")


@pytest.mark.parametrize("example", EXAMPLES, ids=[f"line-{example.line}" for example in EXAMPLES])
def test_example(example: Example, server: Server) -> None:
    run_example(example, namespace())
