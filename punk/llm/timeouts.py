"""How long a run may wait: `Timeouts` for a model, a chat or one call."""

from __future__ import annotations

from punk.core.timeouts import Timeouts

__all__ = ["Timeouts"]
