"""Runs tests against a copy of the package with one thing changed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias, final

from tests.support.paths import ROOT

Verdict: TypeAlias = Literal["killed", "timeout", "survived"]

# The tests of the mutants would run mutants of their own.
LEFT_OUT = ("--deselect", "tests/core/test_mutants.py")


# Whether a mutant is killed is all that is asked: no need to make the example that kills it small.
UNSHRUNK = """
from hypothesis import Phase
settings.register_profile("mutants", settings.get_profile("quick"), phases=[Phase.explicit, Phase.generate])
settings.load_profile("mutants")
"""


@final
@dataclass(frozen=True, slots=True)
class Workspace:
    """A copy of the package and its tests that may be spoilt."""

    root: Path

    def verdict(self, path: str, source: str, tests: Sequence[str], seconds: float) -> Verdict:
        """What `tests` say once the file at `path` holds `source`; the file is put back."""
        file = self.root / path
        original = file.read_text(encoding="utf-8")
        file.write_text(source, encoding="utf-8")
        try:
            return self._run(tests, seconds)
        finally:
            file.write_text(original, encoding="utf-8")

    def check(self, tests: Sequence[str], seconds: float) -> None:
        """Raises `RuntimeError` if `tests` fail as it is: then they would kill every mutant, and prove nothing."""
        if self._run(tests, seconds) != "survived":
            raise RuntimeError(f"{' '.join(tests)} fail without any mutant")

    def _run(self, tests: Sequence[str], seconds: float) -> Verdict:
        command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *LEFT_OUT, *tests]
        # Compiled files of one mutant must not be taken for the next one's.
        environment = os.environ | {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": str(self.root)}
        try:
            done = subprocess.run(
                command, cwd=self.root, env=environment, capture_output=True, check=False, timeout=seconds
            )
        except subprocess.TimeoutExpired:
            return "timeout"
        if done.returncode not in (0, 1, 2):
            raise RuntimeError(f"pytest exited with {done.returncode}: {done.stdout.decode()}{done.stderr.decode()}")
        return "survived" if done.returncode == 0 else "killed"


@contextmanager
def workspace() -> Iterator[Workspace]:
    """A fresh copy, gone afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        ignored = shutil.ignore_patterns("__pycache__")
        for name in ("punk", "tests"):
            shutil.copytree(ROOT / name, root / name, ignore=ignored)
        shutil.copy(ROOT / "pyproject.toml", root)
        with (root / "tests" / "conftest.py").open("a", encoding="utf-8") as conftest:
            conftest.write(UNSHRUNK)
        yield Workspace(root)
