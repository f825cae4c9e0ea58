"""The queries that messages give to reproduce their figures: run as they stand, they give these figures."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

import duckdb
import pytest

from tests.flows.alerts.composed_mails import text_of
from tests.flows.alerts.test_outbox import DESK, settings
from tests.warehouse.literal_database import JUNE, LiteralDatabase
from treasury_watch.flows.alerts.mails.finding_mail import compose
from treasury_watch.transforms.findings.detection import OFFICIAL
from treasury_watch.transforms.findings.finding import Episode, Finding, FlaggedMonth
from treasury_watch.transforms.findings.rules.declared import episode_rule, month_rule
from treasury_watch.transforms.findings.rules.flagged_months import AMOUNTS
from treasury_watch.warehouse.declarations import Declarations
from treasury_watch.warehouse.tables.findings_as_known import CURRENT

RULES = Declarations().rules
MARCH, APRIL = date(2026, 3, 1), date(2026, 4, 1)


@pytest.fixture(scope="module")
def database() -> duckdb.DuckDBPyConnection:
    """Three months of a country and of the official total, in one release."""
    literal = LiteralDatabase(Declarations())
    for holder in ("japan", OFFICIAL):
        flows = {"total_net": -50_000, "long_term_net": -30_000, "short_term_net": -20_000, "long_term_valuation": -500}
        literal.says(
            "slt_table3", JUNE,
            *[(holder, f"2026-0{month}", "total_position", 1_000_000 - 60_000 * month) for month in (2, 3, 4)],
            *[(holder, f"2026-0{month}", measure, value) for month in (3, 4) for measure, value in flows.items()],
        )  # fmt: skip
    literal.fill()
    for table, kind in (("holder_months", "= 'country'"), ("aggregate_months", "<> 'country'")):
        names = ", ".join(literal.declared_names(table))
        literal.connection.execute(
            f"INSERT INTO {table} SELECT {names} FROM months_as_of(?) WHERE kind {kind}", [CURRENT]
        )
    return literal.connection


def finding(holder: str, row: dict[str, Any], *, episode: bool) -> Finding:
    told = {"severity": "warning", "verdict": "sold", "explanation": "It sold.", "score": -3.0, "share_pct": 5.0}
    common: dict[str, Any] = {
        "holder_id": holder, "holder": holder, "severity": "warning", "title": "Sold", "headline": "Sold", "period": "",
    }  # fmt: skip
    row = {**row, **told, "basis": "slt", "months": 2, "rules": ["fall"]}
    if episode:
        rule = episode_rule(RULES, "fall")
        key = f"episode:fall:{holder}:2026-03:2026-04"
        return Episode(key=key, rule="fall", declared=rule, month=MARCH, end_month=APRIL, row=row, **common)
    rule = month_rule(RULES, "fall")
    return FlaggedMonth(
        key=f"month:{holder}:2026-04", rule="fall", declared=rule, month=APRIL, end_month=APRIL, row=row, **common
    )


@pytest.mark.parametrize("episode", [False, True], ids=["month", "episode"])
@pytest.mark.parametrize("holder", ["japan", OFFICIAL])
def test_the_query_of_a_message_gives_its_figures_also_as_known_when_it_was_written(database, holder, episode):
    table = "aggregate_months" if holder == OFFICIAL else "holder_months"
    months = database.execute(f"FROM {table} WHERE holder_id = ? ORDER BY month", [holder]).df()
    within = months[months["month"] >= "2026-03-01"] if episode else months[months["month"] == "2026-04-01"]
    row: dict[str, Any] = {name: float(within[name].sum()) for name in AMOUNTS}
    message = compose(
        finding(holder, row, episode=episode), months, database.execute("FROM releases").df(), settings(), DESK
    )
    text = text_of(message)
    query = text[text.index("SELECT ") :].partition(";")[0]
    as_known = " ".join(text.split())
    [(taken, place)] = re.findall(r"FROM (\w+_as_of\(DATE '[0-9-]+'\)) in place of FROM (\w+)\.", as_known)
    for sql in (query, query.replace(f"FROM {place}", f"FROM {taken}")):
        [found] = database.execute(sql).df().to_dict("records")
        assert {name: found[name] for name in AMOUNTS} == row
