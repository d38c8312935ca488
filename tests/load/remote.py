"""Starts the server of loads, and asks what it has seen."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from typing import Final, TypedDict, final

from punk.llm.chat import Chat
from punk.llm.messages import UserMessage
from tests.providers.wires import Wire
from tests.support.paths import ROOT

PATIENCE: Final = 20.0


class Seen(TypedDict):
    """How many requests came, and when (`time.monotonic`) the clients of answers left, by their tags."""

    asked: int
    left: dict[str, float]


@final
class Remote:
    """A running server of one wire, with some ports: clients of each have a pool of their own."""

    def __init__(self, wire: Wire, ports: list[int]) -> None:
        self._ports = ports
        self._models = [wire.model(f"http://127.0.0.1:{port}") for port in ports]
        self._asked = 0

    def tag(self) -> str:
        """A name that no other answer has."""
        self._asked += 1
        return f"t{self._asked}"

    def chat(self, verb: str, tag: str, rate: int = 1, count: int = 1) -> Chat:
        """A question that is answered as told; the pools take turns."""
        model = self._models[self._asked % len(self._models)]
        return Chat([UserMessage(f"[{verb} {tag} {rate} {count}]")], model)

    def seen(self) -> Seen:
        """What it has seen by now. Blocks."""
        connection = HTTPConnection("127.0.0.1", self._ports[0], timeout=PATIENCE)
        connection.request("GET", "/")
        seen: Seen = json.loads(connection.getresponse().read())
        connection.close()
        return seen

    def until(self, condition: Callable[[Seen], bool]) -> Seen:
        """What it has seen once `condition` holds of it. Blocks."""
        patience = time.monotonic() + PATIENCE
        while not condition(seen := self.seen()):
            assert time.monotonic() < patience, "the server never saw it"
            time.sleep(0.01)
        return seen


@contextmanager
def remote(wire: Wire, pools: int = 1) -> Iterator[Remote]:
    """A server of `wire` with as many ports as there are to be pools."""
    command = [sys.executable, "-m", "tests.load.server", wire.name, str(pools)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield Remote(wire, json.loads(process.stdout.readline()))
        finally:
            process.stdin.close()
