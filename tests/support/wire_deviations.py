"""The recorded cases where punk does otherwise than the sidecar says, and why."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

DEVIATIONS: Final[Mapping[str, str]] = {}
"""`protocol/case` to the reason; the tests of the wire say what is expected instead."""
