"""Loads a GGUF file into llama.cpp, reachable by this process alone, and asks what its chat template can do."""

import http.client
import json
import os
import secrets
import socket
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, final
from urllib.parse import urlsplit

from punk.errors import ConfigurationError
from punk.providers.local.weights import RUNTIME_MISSING

if TYPE_CHECKING:
    from xllamacpp import CommonParams, Server

# The kernel's limit on the length of a socket's path is 108 bytes on Linux, 104 on macOS, with the closing NUL.
_LONGEST_SOCKET_PATH = 100
_PROPS_TIMEOUT_S = 30.0


@final
@dataclass(frozen=True, slots=True)
class EngineSettings:
    """What an engine is loaded with: the GGUF file and how many tokens prompt and answer may have together."""

    path: Path
    context_tokens: int = 4096


@final
@dataclass(frozen=True, slots=True)
class LoadedModel:
    """A model in memory. Never let go of it: destroying a server that has served nothing can deadlock."""

    server: "Server"
    supports_tools: bool

    def settle(self) -> None:
        """Waits until nothing is evaluated any more: a stopped request returns before the batch in hand has ended.

        Raises ValueError or RuntimeError.
        """
        # The only slot is free again when it answers somebody else.
        self.server.handle_completions({"prompt": "a", "n_predict": 0}, lambda _: False)


def load_model(settings: EngineSettings) -> LoadedModel:
    """Loads the file: about half a second for 100 MB, with the GIL held, so that even other threads stand still.

    Raises ConfigurationError.
    """
    try:
        from xllamacpp import Server
    except ImportError as error:
        raise ConfigurationError(_import_message(error)) from error
    key = secrets.token_hex(32)
    with tempfile.TemporaryDirectory(prefix="punk-", ignore_cleanup_errors=True) as folder:
        # llama.cpp always opens a listener. A socket file can be removed once it has told the template's abilities;
        # where there is none, a loopback port that asks for a key nobody else has must do.
        socket_path = os.path.join(folder, "x.sock")
        hostname = socket_path if _fits_socket(socket_path) else "127.0.0.1"
        try:
            server = Server(_parameters(settings, hostname, key))
        except RuntimeError as error:
            raise ConfigurationError(f"The runtime could not load {settings.path}: is it a GGUF file?") from error
        return LoadedModel(server, _supports_tools(server.listening_address, key))


def _parameters(settings: EngineSettings, hostname: str, key: str) -> "CommonParams":
    from xllamacpp import CommonParams

    parameters = CommonParams()
    parameters.model.path = str(settings.path)
    # Chunks carry the model's name: without an alias that is the file's path on this machine.
    parameters.model_alias = {settings.path.stem}
    parameters.hostnames = [hostname]
    parameters.port = 0
    parameters.api_keys = [key]
    parameters.ui = False
    parameters.endpoint_slots = False
    parameters.n_threads_http = 1
    # A thread a core collapses to a hundredth of the speed as soon as anything else runs on the machine.
    threads = max(1, (os.cpu_count() or 1) // 2)
    parameters.cpuparams.n_threads = threads
    parameters.cpuparams_batch.n_threads = threads
    parameters.n_ctx = settings.context_tokens
    parameters.n_parallel = 1
    # A prompt is left only between two batches, so their size is how long a cancel waits.
    parameters.n_batch = 128
    parameters.n_ubatch = 128
    parameters.cache_ram_mib = 0
    parameters.warmup = False
    parameters.verbosity = -1
    return parameters


def _fits_socket(path: str) -> bool:
    return hasattr(socket, "AF_UNIX") and len(os.fsencode(path)) <= _LONGEST_SOCKET_PATH


def _supports_tools(address: str, key: str) -> bool:
    """Whether the chat template writes tools into the prompt: llama.cpp renders it to find out, /props tells."""
    try:
        connection = _connect(address)
        try:
            connection.request("GET", "/props", headers={"Authorization": f"Bearer {key}"})
            props: object = json.loads(connection.getresponse().read())
        finally:
            connection.close()
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise ConfigurationError(f"The runtime did not tell what the model can do: {error!r}") from error
    match props:
        case {"chat_template_caps": {"supports_tools": bool(answer)}}:
            return answer
        case _:
            raise ConfigurationError("The runtime did not tell what the model can do: unknown form of /props")


def _connect(address: str) -> http.client.HTTPConnection:
    url = urlsplit(address)
    if url.scheme == "unix":
        return _UnixConnection(url.path)
    return http.client.HTTPConnection(url.hostname or "127.0.0.1", url.port, timeout=_PROPS_TIMEOUT_S)


@final
class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=_PROPS_TIMEOUT_S)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(_PROPS_TIMEOUT_S)
        self.sock.connect(self._path)


def _import_message(error: ImportError) -> str:
    if isinstance(error, ModuleNotFoundError) and error.name == "xllamacpp":
        return RUNTIME_MISSING
    if "libgomp" in str(error):
        return "The embedded local model needs the system library libgomp.so.1. Run: apt-get install libgomp1"
    return f"The embedded local model's runtime cannot be imported: {error}"
