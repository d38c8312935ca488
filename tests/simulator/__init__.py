"""Lives whole worlds of punk on virtual time, each drawn from one integer: see `tests.simulator.__main__`."""

from __future__ import annotations

from tests.simulator.replay import replay

__all__ = ["replay"]
