"""Runs aimock, a server of others that speaks the vendors' wires, in a process of its own, and tells what it heard."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, TypeAlias, final

from pydantic import TypeAdapter

from punk.core.json import JsonObject
from tests.support.optional import RECORDINGS, need
from tests.support.paths import ROOT

VERSION: Final = "1.43.0"

# Read here, for no test sees the variables of punk that it has not set.
INSTALLED: Final = os.environ.get("PUNK_AIMOCK")
SHARED: Final = RECORDINGS.parent / "aimock"
OWN: Final = ROOT / "tests" / "integration"

Outcome: TypeAlias = Literal["open", "whole", "broken"]
"""How an answer ended: not yet, to its end, or before it because one side closed the connection."""


@final
@dataclass(frozen=True, slots=True)
class Asked:
    """A request as it came over the wire, and what became of its answer."""

    path: str
    headers: dict[str, str]
    body: str
    answer: Outcome

    @property
    def json(self) -> JsonObject:
        """The body."""
        body = json.loads(self.body)
        assert isinstance(body, dict)
        return body


_ASKED: Final = TypeAdapter(list[Asked])


@final
class Aimock:
    """The running server, as one test sees it: only the requests that were made since."""

    def __init__(self, base: str) -> None:
        self.base = base
        self._since = 0
        self._since = len(self.asked())

    def asked(self) -> list[Asked]:
        """The requests of this test so far, oldest first."""
        with _OPENER.open(f"{self.base}/-/asked?since={self._since}", timeout=10) as answer:
            return _ASKED.validate_json(answer.read())

    def settled(self, *, deadline: float = 10.0) -> list[Asked]:
        """The requests, once none of their answers is open. Raises TimeoutError after `deadline` seconds."""
        until = time.monotonic() + deadline
        found = self.asked()
        while any(asked.answer == "open" for asked in found):
            if time.monotonic() > until:
                raise TimeoutError(f"an answer is still open: {found}")
            time.sleep(0.01)
            found = self.asked()
        return found


# Past any proxy of the environment.
_OPENER: Final = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@contextmanager
def running_aimock(output: Path, *, deadline: float = 60.0) -> Iterator[str]:
    """The base URL of an aimock of our own, which writes what it has to say to `output`.

    Skips where node, aimock or the shared folder with its fixtures is missing; in CI that is a failure. `deadline`:
    seconds that starting may take.

    Raises:
        TimeoutError: it did not start in time.
    """
    node = shutil.which("node")
    need(node is not None, "aimock needs node on the PATH")
    need(SHARED.is_dir(), f"aimock's fixtures are not there: no folder {SHARED.relative_to(ROOT.parent)}")
    install = f"npm install --prefix FOLDER --no-save @copilotkit/aimock@{VERSION}"
    need(INSTALLED is not None, f"aimock is not there: {install}, and put FOLDER into the variable PUNK_AIMOCK")
    assert node is not None
    assert INSTALLED is not None
    package = Path(INSTALLED) / "node_modules" / "@copilotkit" / "aimock"
    found = json.loads((package / "package.json").read_text("utf-8"))["version"]
    assert found == VERSION, f"these tests are for aimock {VERSION}, not {found}"
    command = [node, "--import", str(SHARED / "preload.mjs"), "--import", str(OWN / "recorder.mjs")]
    command += [str(package / "dist" / "cli.js"), "--host", "127.0.0.1", "--port", "0", "--strict"]
    command += ["--log-level", "warn", "--journal-max", "1"]
    # The first fixture that matches answers: ours complete those that are shared.
    command += ["--fixtures", str(OWN / "fixtures" / "punk.json"), "--fixtures", str(SHARED / "fixtures.json")]
    # Of the environment it needs nothing, and many variables would change what it says.
    bare = {"PATH": os.environ["PATH"]}
    with (
        output.open("wb") as log,
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=log, stderr=log, env=bare) as process,
    ):
        try:
            yield _started(process, output, time.monotonic() + deadline)
        finally:
            process.kill()
            process.wait()


def _started(process: subprocess.Popen[bytes], output: Path, until: float) -> str:
    """The base URL of `process`, once it is healthy."""
    while time.monotonic() < until and process.poll() is None:
        bound = re.search(rb'^{"port":(\d+)}$', output.read_bytes(), re.MULTILINE)
        if bound is not None:
            base = f"http://127.0.0.1:{int(bound[1])}"
            with _OPENER.open(f"{base}/health", timeout=10) as health:
                assert health.status == 200
            return base
        time.sleep(0.02)
    raise TimeoutError(f"aimock did not start; it said: {output.read_text('utf-8')}")
