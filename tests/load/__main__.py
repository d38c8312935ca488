"""Measures punk under load, by hand: `python -m tests.load [--pools N] [--only SCENARIO] [WIRE …]`; exits with 1 where
a bound is passed."""

from __future__ import annotations

import argparse
import sys

from tests.load.bounds import SHORT, WHOLE
from tests.load.remote import remote
from tests.load.scenarios import SCENARIOS
from tests.providers.wires import WIRES


def main() -> int:
    """Put the load on, and print a table."""
    names = [wire.name for wire in WIRES]
    parser = argparse.ArgumentParser(prog="python -m tests.load", description="Measures punk under load.")
    parser.add_argument("wires", nargs="*", metavar="WIRE", help=f"of {', '.join(names)}; all without one")
    parser.add_argument("--only", choices=SCENARIOS, help="this scenario alone")
    parser.add_argument("--pools", type=int, default=1, help="pools that the streams are spread over")
    parser.add_argument("--short", action="store_true", help="as the test does it")
    asked = parser.parse_args()
    unknown = set(asked.wires) - set(names)
    if unknown:
        parser.error(f"no such wire: {', '.join(sorted(unknown))}")
    broken = 0
    for wire in WIRES:
        if asked.wires and wire.name not in asked.wires:
            continue
        with remote(wire, asked.pools) as server:
            for name, scenario in SCENARIOS.items():
                if asked.only in (None, name):
                    print(f"\n{wire} / {name}", flush=True)
                    for figure in scenario(server, SHORT if asked.short else WHOLE):
                        print(f"  {figure}", flush=True)
                        broken += not figure.holds
    print(f"\n{broken} bounds broken" if broken else "\nevery bound holds")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
