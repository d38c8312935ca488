"""Tools: what the model is told of a Python callable, how its arguments are checked, and what it is told back."""

from punk.tools.call import AsyncCall, BoundCall, Returned, Suspended, SyncCall, bind
from punk.tools.result import render_result
from punk.tools.schema import FunctionTool
from punk.tools.toolbox import Tool, Toolbox

__all__ = [
    "AsyncCall",
    "BoundCall",
    "FunctionTool",
    "Returned",
    "Suspended",
    "SyncCall",
    "Tool",
    "Toolbox",
    "bind",
    "render_result",
]
