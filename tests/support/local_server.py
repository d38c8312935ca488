"""Serves the embedded model's weights over HTTP, as a real server for the chat-completions and Messages wires."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import assert_never

import pytest

from punk.providers.local.weights import WeightsFound, WeightsMissing, find_weights
from tests.support.paths import ROOT


def local_weights() -> Path:
    """The installed weights. Without them the test is skipped; with the variable CI set, it fails."""
    match find_weights(None, {}):
        case WeightsFound(path):
            return path
        case WeightsMissing(message):
            if os.environ.get("CI"):
                pytest.fail(f"CI must have the local model. {message}")
            pytest.skip(message.splitlines()[0])
        case never:
            assert_never(never)


@contextmanager
def local_server(*, deadline: float = 60.0) -> Iterator[str]:
    """The base URL (without `/v1`) of llama.cpp's own server in a process of its own; any API key will do.

    `deadline`: seconds that starting may take, and then stopping. Raises TimeoutError.
    """
    command = [sys.executable, "-m", "tests.support.local_server", str(local_weights())]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        overdue = threading.Timer(deadline, process.kill)
        overdue.start()
        try:
            url = process.stdout.readline().strip()
            overdue.cancel()
            if not url:
                raise TimeoutError(f"the local server did not start within {deadline} s")
            yield url
            process.stdin.close()
            process.wait(timeout=deadline)
        finally:
            overdue.cancel()
            process.kill()
            overdue.join()


def _serve(weights: str) -> None:
    from xllamacpp import CommonParams, Server

    parameters = CommonParams()
    parameters.model.path = weights
    parameters.model_alias = {"local"}
    parameters.hostnames = ["127.0.0.1"]
    parameters.port = 0
    parameters.ui = False
    parameters.n_ctx = 4096
    parameters.n_parallel = 1
    parameters.n_batch = 128
    parameters.n_ubatch = 128
    parameters.cache_ram_mib = 0
    parameters.cpuparams.n_threads = 1
    parameters.cpuparams_batch.n_threads = 1
    parameters.warmup = False
    parameters.verbosity = -1
    server = Server(parameters)
    print(server.listening_address, flush=True)
    # The end of our input is the end of the test, even one that was killed.
    sys.stdin.read()
    # Destroying a server that has served nothing can deadlock.
    os._exit(0)


if __name__ == "__main__":
    _serve(sys.argv[1])
