"""A real MCP server for tests, written with the official package: run as a program, over stdio or streamable HTTP.

    python mcp_server.py stdio
    python mcp_server.py http PORT    (prints its port first; 0 is any)

What happens to its slow tool it writes to the file that the variable NOTES names.
"""

from __future__ import annotations

import asyncio
import base64
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

from mcp.server.mcpserver import Context, MCPServer
from mcp_types import (
    AudioContent,
    BlobResourceContents,
    CallToolResult,
    ContentBlock,
    EmbeddedResource,
    ImageContent,
    ResourceLink,
    TextContent,
    TextResourceContents,
    ToolAnnotations,
)

server = MCPServer("tested", log_level="CRITICAL")
PNG = b"\x89PNG\r\n\x1a\n"


def note(what: str) -> None:
    """Add a line to the notes."""
    if "NOTES" in os.environ:
        with Path(os.environ["NOTES"]).open("a", encoding="utf-8") as notes:
            notes.write(f"{what}\n")


@server.tool(structured_output=False, annotations=ToolAnnotations(read_only_hint=True))
def echo(text: str) -> str:
    """Say it again."""
    return f"echo: {text}"


@server.tool(structured_output=False)
def variable(name: str) -> str:
    """A variable of the environment."""
    return os.environ.get(name, "(unset)")


@server.tool(structured_output=False)
def header(name: str, context: Context) -> str:
    """A header of this request."""
    request = context.request_context.request
    return "(none)" if request is None else request.headers.get(name, "(unset)")


@server.tool(structured_output=False)
async def steps(context: Context) -> str:
    """Go in two steps."""
    await context.report_progress(1, 2, "half way")
    await context.report_progress(2, 2, None)
    return "arrived"


@server.tool(structured_output=False)
def fail() -> CallToolResult:
    """Fail."""
    return CallToolResult(content=[TextContent(text="no such luck")], is_error=True)


@server.tool(structured_output=False)
def gallery() -> list[ContentBlock]:
    """Everything that a result can hold."""
    data = base64.b64encode(PNG).decode()
    return [
        ImageContent(data=data, mime_type="image/png"),
        AudioContent(data=data, mime_type="audio/wav"),
        EmbeddedResource(resource=TextResourceContents(uri="note://a", text="a note")),
        EmbeddedResource(resource=BlobResourceContents(uri="file:///x/plan%201.pdf", blob=data)),
        ResourceLink(uri="file:///x/y.txt", name="y"),
        ImageContent(data="no base64!", mime_type="image/png"),
    ]


@server.tool(structured_output=False)
async def slow() -> str:
    """Never come back."""
    note("began")
    try:
        await asyncio.sleep(60)
    except asyncio.CancelledError:
        note("cancelled")
        raise
    return "slept"


@server.tool(structured_output=False)
def child() -> str:
    """Start a child that stays."""
    return str(subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]).pid)


@server.tool(structured_output=False)
def pid() -> str:
    """The process of this server."""
    return str(os.getpid())


@server.tool(structured_output=False)
def die() -> str:
    """Exit in the middle of a call."""
    print("out of memory, key-12345", file=sys.stderr, flush=True)
    os._exit(7)


@server.tool(structured_output=False)
def hang() -> str:
    """Stop the whole process: it reads nothing, and obeys no signal but the last."""
    note("hanging")
    os.kill(os.getpid(), signal.SIGSTOP)
    return "continued"


@server.tool(name="dotted.näme", structured_output=False)
def dotted() -> str:
    """A name that no model may be offered."""
    return "dotted"


def main(transport: str, *port: str) -> None:
    """Serve until killed."""
    if transport == "stdio":
        server.run("stdio")
        return
    import uvicorn

    listening = socket.create_server(("127.0.0.1", int(port[0])))
    print(listening.getsockname()[1], flush=True)
    app = server.streamable_http_app()
    uvicorn.Server(uvicorn.Config(app, log_level="critical")).run(sockets=[listening])


if __name__ == "__main__":
    main(*sys.argv[1:])
