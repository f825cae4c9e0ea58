"""`mcp`: a client over standard input and output gets read-only tools, and the meaning of what they answer."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from typing import Any

import pytest

from tests.flows import findings_data
from treasury_watch.flows.commands.mcp_server.terms import instructions
from treasury_watch.warehouse.declarations import Declarations

mcp = pytest.importorskip("mcp", reason="the extra mcp is not installed")


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What one client is answered by one server, on Japan's spring of 2024."""
    home = tmp_path_factory.mktemp("home")
    with findings_data.published() as connection:
        connection.execute(f"ATTACH '{home / 'treasury.duckdb'}' AS published")
        connection.execute("COPY FROM DATABASE memory TO published")
    with_home = {**os.environ, "TREASURY_WATCH_HOME": str(home)}
    command = ["-m", "treasury_watch.flows.commands.main", "mcp"]
    asked = {
        "rows": ("query", {"sql": "SELECT month, position_usd_mn FROM holder_months ORDER BY month LIMIT 1"}),
        "writing": ("query", {"sql": "DROP TABLE holder_months"}),
        "file": ("query", {"sql": "FROM read_csv('/etc/passwd')"}),
        "many": ("query", {"sql": "FROM range(1001)"}),
        "finding": ("finding", {"holder": "jpn", "month": "2024-04"}),
        "quiet": ("finding", {"holder": "Japan", "month": "2020-01"}),
        "unknown": ("finding", {"holder": "Jpaan", "month": "2024-04"}),
        "month": ("as_of", {"holder": "Japan", "month": "April", "day": "2024-07-18"}),
    }

    async def ask() -> dict[str, Any]:
        server = mcp.StdioServerParameters(command=sys.executable, args=command, env=with_home)
        async with mcp.Client(server) as client:
            found: dict[str, Any] = {"tools": (await client.list_tools()).tools, "instructions": client.instructions}
            for name, (tool, given) in asked.items():
                answer = await client.call_tool(tool, given)
                text = answer.content[0].text
                found[name] = text if answer.is_error else json.loads(text)
        return found

    return asyncio.run(asyncio.wait_for(ask(), 120))


def test_the_tools_say_that_they_only_read(answers: dict[str, Any]) -> None:
    assert {tool.name for tool in answers["tools"]} == {"query", "finding", "as_of", "trace", "nowcast"}
    assert all(tool.annotations.read_only_hint and tool.description for tool in answers["tools"])
    assert answers["instructions"] == instructions(Declarations())


def test_a_query_gives_rows_with_the_meaning_of_their_columns(answers: dict[str, Any]) -> None:
    assert answers["rows"]["columns"] == ["month", "position_usd_mn"]
    assert answers["rows"]["rows"] == [["2024-03-01", 1167015]]
    assert answers["rows"]["terms"]["position_usd_mn"].endswith("(USD millions)")


def test_a_query_is_within_the_limits_of_the_command(answers: dict[str, Any]) -> None:
    assert "read-only mode" in answers["writing"]
    assert "disabled by configuration" in answers["file"]
    assert len(answers["many"]["rows"]) == 1000
    assert "more" in answers["many"]


def test_a_finding_has_its_verdict_amounts_and_explanation(answers: dict[str, Any]) -> None:
    (month,) = answers["finding"]["flagged_month"]
    assert (month["verdict"], month["change_usd_mn"]) == ("repriced", -40921)
    assert [run["start_month"] for run in answers["finding"]["episodes"]] == ["2024-04-01"]
    assert answers["finding"]["terms"]["verdict"]
    assert answers["quiet"]["found"] == "nothing is flagged of January 2020"


def test_what_cannot_be_answered_says_why_and_what_next(answers: dict[str, Any]) -> None:
    assert "did you mean Japan" in answers["unknown"]
    assert "expected a month such as 2024-04, found 'April'" in answers["month"]
