"""What `sell-offs` lists: falls and sales, and gains of custodial centres only where they are asked for."""

from __future__ import annotations

from datetime import date

import duckdb
import pytest

from tests.flows.findings_data import insert, published
from treasury_watch.flows.commands.answers.sell_offs import flagged_months, lines, outside
from treasury_watch.warehouse.declarations import Declarations


@pytest.mark.parametrize(("asked", "listed"), [(False, False), (True, True)])
def test_gains_of_a_custodian_are_listed_where_they_are_asked_for_and_never_as_sell_offs(asked, listed):
    connection = published()
    insert(
        connection, "episodes", holder_id="belgium", holder="Belgium", rule="inflow", severity="notice",
        start_month=date(2024, 4, 1), end_month=date(2024, 6, 1), months=3, verdict="unexplained",
        inflow_usd_mn=60_000.0, change_usd_mn=61_000.0, explanation="Belgium gained $60.0bn.",
    )  # fmt: skip
    text = "\n".join(lines(connection, Declarations().rules, None, None, None, asked))
    assert ("Belgium  2024-04 to 2024-06  inflow" in text) is listed
    assert "Japan  2024-04 to 2024-06  fall" in text


def test_findings_are_chosen_by_severity_and_verdict_and_written_as_rows_with_days():
    connection, rules = published(), Declarations().rules
    every = flagged_months(connection, rules, None, None, None)
    severity, verdict = every.loc[0, "severity"], every.loc[0, "verdict"]
    assert set(every["severity"]) == {"warning"}
    assert len(flagged_months(connection, rules, None, None, None, severity="notice")) == len(every)
    assert len(flagged_months(connection, rules, None, None, None, severity="critical")) == 0
    assert set(flagged_months(connection, rules, None, None, None, severity=severity, verdict=verdict)["verdict"]) == {
        verdict
    }
    assert all(type(month) is date for month in every["month"])
    assert "Flagged months (USD mn): 0" in list(lines(connection, rules, None, None, None, severity="critical"))


def test_lines_are_as_wide_as_the_terminal():
    connection, rules = published(), Declarations().rules
    told = [line for line in lines(connection, rules, None, None, None, width=60) if line.startswith("    ")]
    prose = [line for item in told for line in item.splitlines() if ", net purchases " not in line]
    assert (
        max(map(len, prose)) <= 60 < max(map(len, "\n".join(lines(connection, rules, None, None, None)).splitlines()))
    )


def test_a_day_to_come_and_one_before_the_first_figure_are_told():
    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE releases AS SELECT DATE '2024-06-18' AS released")
        assert outside(connection, date(2999, 1, 1)) == (
            "2999-01-01 is still to come: this is what is known today, from releases to 2024-06-18."
        )
        assert outside(connection, date(2024, 6, 17)) == (
            "No figure was known on 2024-06-17: the first that is loaded was released on 2024-06-18."
        )
        assert outside(connection, date(2024, 6, 18)) is None
