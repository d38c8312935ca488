"""A server of the protocol's earlier days, as the text of a program: it ends at what it does not know."""

EARLIER = """
import json, sys
for line in sys.stdin:
    asked = json.loads(line)
    match asked["method"]:
        case "initialize":
            about = {"name": "earlier", "version": "1"}
            result = {"protocolVersion": "2025-06-18", "capabilities": {"tools": {}}, "serverInfo": about}
        case "notifications/initialized":
            continue
        case "tools/list":
            result = {"tools": [{"name": "old", "inputSchema": {"type": "object"}}]}
        case _:
            sys.exit("expected initialize")
    print(json.dumps({"jsonrpc": "2.0", "id": asked["id"], "result": result}), flush=True)
"""
