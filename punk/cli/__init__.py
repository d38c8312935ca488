"""The `punk` command's entry point, which works where the command's own libraries are missing and says so."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.util import find_spec

__all__ = ["main"]

_NEEDED = ("click", "markdown_it", "platformdirs", "rich")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command with `arguments` (without a program's name; those of the process if None).

    Returns the exit code; `punk --help` lists them.
    """
    if any(find_spec(name) is None for name in _NEEDED):
        print('punk: the command needs its extra; run: pip install "punk-llm[cli]"', file=sys.stderr)
        return 2
    try:
        from punk.cli.run import run

        return run(sys.argv[1:] if arguments is None else arguments)
    except KeyboardInterrupt:
        print("\npunk: interrupted", file=sys.stderr)
        return 130
