"""What tests of streaming code need: a scripted model here, hypothesis strategies and laws in the modules beside it."""

from punk.testing.scripted import Fault, Gate, Pause, ScriptedModel, ScriptItem

__all__ = ["Fault", "Gate", "Pause", "ScriptItem", "ScriptedModel"]
