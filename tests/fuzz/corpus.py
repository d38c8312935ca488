"""Replays bodies through a target, and keeps those that together cover the most.

`python -m tests.fuzz.corpus replay TARGET DIR` runs every body in DIR (under `coverage run`, to see what is covered).
`python -m tests.fuzz.corpus keep TARGET DIR` copies the best ones to `tests/fuzz/findings/TARGET`; it needs coverage.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator, Set
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, TypeAlias

from tests.fuzz.targets import TARGETS

FINDINGS: Final = Path(__file__).parent / "findings"
"""Bodies that once broke something, and those that cover the most, in a folder for each target."""

Step: TypeAlias = tuple[str, int, int]
"""A file, and the two lines of it between which a body leads."""

KEPT: Final = 25
_LARGEST: Final = 4000
_DECODERS: Final = ("*/punk/wire/*", "*/punk/providers/*", "*/punk/core/*")


def bodies(folder: Path) -> Iterator[tuple[str, bytes]]:
    """The bodies in `folder` and their names, in order."""
    for path in sorted(folder.glob("*")) if folder.is_dir() else ():
        if path.is_file() and path.suffix not in (".txt", ".dict"):
            yield path.name, path.read_bytes()


def replay(target: str, folder: Path) -> int:
    """Run every body in `folder`; how many broke a law."""
    broken = 0
    for name, body in bodies(folder):
        try:
            TARGETS[target](body)
        except AssertionError as error:
            broken += 1
            print(f"{name}: {str(error)[:500]}".encode(errors="backslashreplace").decode())
    return broken


def keep(target: str, folder: Path) -> None:
    """Copy the bodies that cover the most, each beside those chosen before, to the findings of `target`."""
    reached: dict[bytes, Set[Step]] = {}
    for _, body in [*bodies(FINDINGS / target), *bodies(folder)]:
        if len(body) <= _LARGEST and body not in reached:
            reached[body] = _reached(target, body)
    place = FINDINGS / target
    place.mkdir(parents=True, exist_ok=True)
    for path in place.glob("covers-*"):
        path.unlink()
    everything = frozenset[Step]().union(*reached.values())
    kept: list[bytes] = []
    left = everything
    while len(kept) < KEPT and len(kept) < len(reached):
        best = max(reached.keys() - kept, key=lambda body: (len(reached[body] & left), -len(body), body))
        if not reached[best] & left:
            if left == everything:
                break
            # All that can be covered is: what else there is room for covers it once more.
            left = everything
            continue
        left = left - reached[best]
        kept.append(best)
        (place / f"covers-{sha256(best).hexdigest()[:12]}").write_bytes(best)
    covered = frozenset[Step]().union(*(reached[body] for body in kept))
    print(f"{target}: {len(covered)} of the {len(everything)} steps that {len(reached)} bodies reach are kept")


def _reached(target: str, body: bytes) -> Set[Step]:
    """The steps from line to line that `body` leads the decoders through; none if it breaks a law."""
    coverage: Any = importlib.import_module("coverage")
    watching = coverage.Coverage(branch=True, data_file=None, config_file=False, include=list(_DECODERS))
    watching.start()
    try:
        TARGETS[target](body)
    except AssertionError:
        return frozenset()
    finally:
        watching.stop()
    data = watching.get_data()
    return {(file, start, end) for file in data.measured_files() for start, end in data.arcs(file) or ()}


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["replay", name, where] if name in TARGETS:
            sys.exit(1 if replay(name, Path(where)) else 0)
        case ["keep", name, where] if name in TARGETS:
            keep(name, Path(where))
        case _:
            print(f"{__doc__}\nTargets: {', '.join(TARGETS)}", file=sys.stderr)
            sys.exit(2)
