"""What tests of streaming code need: a scripted model here, hypothesis strategies and laws in the modules beside it."""

from punk.testing.script import Fault, Gate, Pause, ScriptItem
from punk.testing.scripted import ScriptedModel

__all__ = ["Fault", "Gate", "Pause", "ScriptItem", "ScriptedModel"]
