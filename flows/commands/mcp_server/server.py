"""The server: names, descriptions and limits of the tools, over standard input and output."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import wraps
from typing import Any

from treasury_watch.flows.commands.mcp_server.terms import instructions
from treasury_watch.flows.settings.settings import Settings
from treasury_watch.transforms.errors import TreasuryWatchError
from treasury_watch.warehouse.declarations import VERSION

DESCRIPTIONS = {
    "query": "Read-only SQL (DuckDB) on the published tables. Gives columns, rows, and what the columns mean.",
    "finding": "What is flagged of a holder's month (YYYY-MM), explained: sold, repriced or moved, with its caveats. With "
    "as_of (YYYY-MM-DD) as known at the end of that day.",
    "as_of": "A holder's month (YYYY-MM) as known at the end of a day (YYYY-MM-DD): position, change and its parts.",
    "trace": "A figure back to its release, archived file and line, with every other print of it. Measures: position, change, "
    "net_purchases, valuation, other, long_term, short_term.",
    "nowcast": "What is estimated of a month before its release, with an interval, and how such estimates did. Without a month "
    "(YYYY-MM) those that are open.",
}


def serve(settings: Settings) -> None:
    """Answer until the client goes away. Raises TreasuryWatchError where the extra is not installed."""
    made(settings).run("stdio")


def made(settings: Settings) -> Any:
    """The server with its tools. Raises TreasuryWatchError where the extra is not installed."""
    try:
        from mcp.server import MCPServer
        from mcp.server.mcpserver.exceptions import ToolError
        from mcp.types import ToolAnnotations
    except ImportError as problem:
        raise TreasuryWatchError(
            f"mcp: expected the package mcp 2.3 or later, found none ({problem}); install it with "
            f"{sys.executable} -m pip install 'mcp>=2.3'"
        ) from problem
    from treasury_watch.flows.commands.mcp_server.tools import Tools

    def told(answer: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
        """The tool with the project's own errors as answers that the model reads."""

        @wraps(answer)
        def asked(*given: Any, **named: Any) -> dict[str, Any]:
            try:
                return answer(*given, **named)
            except TreasuryWatchError as problem:
                raise ToolError(str(problem)) from problem

        return asked

    tools = Tools(settings)
    server = MCPServer(
        "treasury-watch", version=VERSION, instructions=instructions(settings.declarations), log_level="ERROR"
    )
    reads = ToolAnnotations(read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=False)
    for name, description in DESCRIPTIONS.items():
        server.tool(name, description=description, annotations=reads)(told(getattr(tools, name)))
    return server
