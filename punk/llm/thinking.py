"""How much a model should think before it answers."""

from punk.core.thinking import Effort, ThinkingConfig

__all__ = ["Effort", "ThinkingConfig"]
