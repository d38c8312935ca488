"""A server that answers in its own words, as the text of a program: no well-written one can be made to say these.

Its arguments: the listing of its tools, as JSON text, and the cursor with which each page ends. A call of its tool
prints the argument `line`, in which ID stands for the id of the call and XX for a byte that is no UTF-8.
"""

RAW = """
import json, sys
tools, cursor = sys.argv[1:]
for line in sys.stdin:
    asked = json.loads(line)
    if "id" not in asked:
        continue
    said = '{"jsonrpc": "2.0", "id": ID, "error": {"code": -32601, "message": "no such method"}}'
    match asked["method"]:
        case "initialize":
            about = {"name": "raw", "version": "1"}
            version = asked["params"]["protocolVersion"]
            result = json.dumps({"protocolVersion": version, "capabilities": {"tools": {}}, "serverInfo": about})
            said = '{"jsonrpc": "2.0", "id": ID, "result": ' + result + '}'
        case "tools/list":
            page = '{"tools": ' + tools + ', "nextCursor": ' + cursor + '}'
            said = '{"jsonrpc": "2.0", "id": ID, "result": ' + page + '}'
        case "tools/call":
            said = asked["params"]["arguments"]["line"]
    said = said.replace("ID", json.dumps(asked["id"]))
    sys.stdout.buffer.write(said.encode().replace(b"XX", b"\\xff") + b"\\n")
    sys.stdout.flush()
"""
