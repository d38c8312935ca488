"""How often a request is made again: `RetryPolicy` for a model, a chat or one call."""

from __future__ import annotations

from punk.core.retry import RetryPolicy

__all__ = ["RetryPolicy"]
