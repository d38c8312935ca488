"""Runs every case of every fault and rewrites OUTCOMES.md: `python -m tests.faults`."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.faults.recorder import TABLE, parsed, rewriting, written


def main() -> int:
    """Run everything, or what pytest's own arguments select; 0 if it holds. What was not run stays in the table as it
    was, but a run of everything forgets it. Where one case came to two outcomes, nothing is written."""
    run = rewriting()
    selected = sys.argv[1:]
    code = pytest.main([str(Path(__file__).parent), "-q", *selected])
    if run.conflicts:
        print(*run.conflicts, sep="\n")
        return 1
    TABLE.write_text(written({**(parsed(TABLE.read_text("utf-8")) if selected else {}), **run.cells}), "utf-8")
    return int(code)


if __name__ == "__main__":
    sys.exit(main())
