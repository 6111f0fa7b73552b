"""An unmodified MCP client: lists the tools, calls two, and prints what it got as JSON."""

import asyncio
import json
import sys

from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamable_http_client


async def talk(read, write):
    async with ClientSession(read, write) as session:
        greeted = await session.initialize()
        listed = await session.list_tools()
        calls = []
        for name, arguments in json.loads(sys.argv[1]):
            try:
                result = await session.call_tool(name, arguments)
                text = "".join(getattr(block, "text", "") for block in result.content)
                calls.append({"error": bool(result.is_error), "text": text, "structured": result.structured_content})
            except Exception as failure:  # noqa: BLE001 - what the protocol refuses is part of what is looked at
                calls.append({"error": True, "text": str(failure), "structured": None})
        tools = [
            {"name": tool.name, "description": tool.description, "schema": tool.input_schema, "read_only": tool.annotations.read_only_hint if tool.annotations else None}
            for tool in listed.tools
        ]
        print(json.dumps({"server": greeted.server_info.name, "protocol": greeted.protocol_version, "tools": tools, "calls": calls}))


async def main():
    where = sys.argv[2]
    if where == "stdio":
        async with stdio_client(StdioServerParameters(command=sys.argv[3], args=sys.argv[4:])) as (read, write):
            await talk(read, write)
    else:
        import httpx2 as httpx

        async with httpx.AsyncClient(headers={"Authorization": f"Bearer {sys.argv[3]}"}) as http:
            async with streamable_http_client(where, http_client=http) as streams:
                await talk(streams[0], streams[1])


asyncio.run(main())
