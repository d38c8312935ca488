"""What tools are made with, and what they may say and be asked."""

from punk.core.tool_events import ToolProgressed
from punk.tools.approval import Approve, Denied, Verdict
from punk.tools.context import ToolContext
from punk.tools.tool import AsTool, Tool

__all__ = ["Approve", "AsTool", "Denied", "Tool", "ToolContext", "ToolProgressed", "Verdict"]
