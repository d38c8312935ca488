"""Loading: what is said when the runtime or the file is not what it should be, and that no port is opened."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from punk.errors import ConfigurationError
from punk.providers.local.runtime import EngineSettings, load_model
from tests.support.local_server import local_weights
from tests.support.paths import ROOT

# In a process of its own, which ends without destroying the server (that can deadlock).
LOAD = """
import os, sys
from pathlib import Path
from punk.providers.local import runtime
runtime._LONGEST_SOCKET_PATH = int(sys.argv[2])
model = runtime.load_model(runtime.EngineSettings(Path(sys.argv[1]), context_tokens=256))
address = model.server.listening_address
print(address.partition(":")[0], os.path.exists(address.removeprefix("unix://")), model.supports_tools, flush=True)
os._exit(0)
"""


def load(longest: int) -> str:
    command = [sys.executable, "-c", LOAD, str(local_weights()), str(longest)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=True)
    assert done.stderr == ""
    return done.stdout.strip()


def test_no_port_is_opened_and_no_socket_file_stays() -> None:
    assert load(100) == "unix False False"


def test_where_a_socket_path_is_too_long_a_loopback_port_answers() -> None:
    assert load(0) == "http False False"


def test_a_file_that_is_no_model_is_named(tmp_path: Path) -> None:
    local_weights()
    file = tmp_path / "nonsense.gguf"
    file.write_bytes(b"nonsense")
    with pytest.raises(ConfigurationError, match=r"nonsense\.gguf.*GGUF"):
        load_model(EngineSettings(file))


def test_a_missing_runtime_names_the_extra(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "xllamacpp", None)
    with pytest.raises(ConfigurationError, match=r'pip install "punk-llm\[local\]"'):
        load_model(EngineSettings(tmp_path / "m.gguf"))


@pytest.mark.parametrize(
    ("error", "said"),
    [
        ("libgomp.so.1: cannot open shared object file", "apt-get install libgomp1"),
        ("undefined symbol: foo", "cannot be imported: undefined symbol: foo"),
    ],
)
def test_a_broken_runtime_says_what_is_broken(
    error: str, said: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "xllamacpp.py").write_text(f"raise ImportError({error!r})")
    monkeypatch.delitem(sys.modules, "xllamacpp", raising=False)
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(ConfigurationError, match=said):
        load_model(EngineSettings(tmp_path / "m.gguf"))
