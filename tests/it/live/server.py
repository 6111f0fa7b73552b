"""A foreign MCP server: one tool that reads, one that does not say so. What a file says is added to the first one's description."""

import sys
from pathlib import Path

from mcp.server.mcpserver import MCPServer
from mcp.types import ToolAnnotations

more = Path(sys.argv[1]).read_text()
server = MCPServer("foreign")


@server.tool(description="Searches the logs of a service." + more, annotations=ToolAnnotations(read_only_hint=True))
def search(service: str) -> str:
    return "\n".join(f"2026-01-15T14:0{minute}:00Z ERROR {service}: cannot reach orders-db: connection refused" for minute in range(3))


@server.tool(description="Restarts a service.")
def restart(service: str) -> str:
    return f"{service} was restarted"


server.run()
