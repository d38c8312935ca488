"""What a run tells the standard log: nothing that anybody sees by default, all that it does where somebody listens."""

from __future__ import annotations

import logging
import subprocess
import sys

import pytest

from punk.core.failures import ConnectionLost, HttpStatus
from punk.errors import StreamingError
from punk.llm.retry import RetryPolicy
from punk.testing import Fault, ScriptedModel
from tests.llm.script import answer, ask


def test_a_run_tells_what_it_does(caplog: pytest.LogCaptureFixture) -> None:
    chat, _ = ask([Fault(ConnectionLost("gone"))], [Fault(HttpStatus(503, "busy"))])
    retry = RetryPolicy(attempts=2, base=0.0)
    with caplog.at_level(logging.DEBUG, logger="punk"):
        chat.complete(retry=retry, fallback=[ScriptedModel([answer("a")])])
        with pytest.raises(StreamingError):
            chat.with_model(ScriptedModel([[Fault(HttpStatus(401, "no"))]])).complete()
    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
        ("DEBUG", "asking scripted for turn 1"),
        ("INFO", "asking again in 0.00 s, for the 2. time: gone"),
        ("DEBUG", "asking scripted for turn 1"),
        ("INFO", "fallback 1 (scripted) takes over: busy"),
        ("DEBUG", "asking scripted for turn 1"),
        ("DEBUG", "completed: 1 turns"),
        ("DEBUG", "asking scripted for turn 1"),
        ("DEBUG", "failed: no"),
    ]


def test_nobody_sees_it_by_default() -> None:
    code = """
from punk.core.failures import ConnectionLost
from punk.llm.retry import RetryPolicy
from punk.testing import Fault
from tests.llm.script import answer, ask
ask([Fault(ConnectionLost("gone"))], answer("a"))[0].complete(retry=RetryPolicy(base=0))
import logging
logging.getLogger("punk").warning("even this")
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert (done.stdout, done.stderr) == ("", "")
