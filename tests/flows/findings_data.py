"""A small published database in memory, with Japan's spring of 2024, and findings made by hand."""

from dataclasses import replace
from datetime import date
from functools import cache
from typing import Any

import duckdb

from treasury_watch.transforms.findings.explain.subjects import Told
from treasury_watch.transforms.findings.finding import Episode, Finding
from treasury_watch.transforms.findings.rules.declared import episode_rule, month_rule
from treasury_watch.warehouse.declarations import Declarations, Table
from treasury_watch.warehouse.tables.declared_tables import SQL
from treasury_watch.warehouse.tables.published_findings import published_findings

# change, net purchases, of which bonds and notes, of which bills, valuation, other (USD millions)
PARTS = ["change_usd_mn", "net_purchases_usd_mn", "net_long_term_usd_mn", "net_short_term_usd_mn"]
PARTS += ["valuation_usd_mn", "other_usd_mn"]
APRIL = [-40921.0, -11830.0, 246.0, -12076.0, -29824.0, 733.0]
MAY = [-20141.0, -23870.0, 171.0, -24041.0, 7252.0, -3523.0]
JUNE = [-14535.0, -24639.0, -36608.0, 11969.0, 13367.0, -3263.0]
FALL = [-75597.0, -60339.0, -36191.0, -24148.0, -9205.0, -6053.0]
POSITIONS = {3: 1167015.0, 4: 1126094.0, 5: 1105953.0, 6: 1091418.0}


def published(**changes: Any) -> duckdb.DuckDBPyConnection:
    """The tables that the mails read. `changes` go into every row of holder_months."""
    connection = duckdb.connect()
    names = ["holders", "holder_months", "sell_offs", "rule_hits", "episodes", "releases"]
    for name in names:
        columns = declared()[name].columns
        connection.execute(f"CREATE TABLE {name} ({', '.join(f'{c.name} {SQL[c.type]}' for c in columns)})")
    insert(connection, "holders", holder_id="japan", holder="Japan", currency="JPY", kind="country")
    for month, parts in ((3, [None] * 6), (4, APRIL), (5, MAY), (6, JUNE)):
        values = {
            "holder_id": "japan",
            "holder": "Japan",
            "month": date(2024, month, 1),
            "position_usd_mn": POSITIONS[month],
            **dict(zip(PARTS, parts, strict=True)),
            "series_break": False,
            "custodial_centre": False,
            "source": "slt_table3",
            "evidence": "release",
            "basis": "slt",
        }
        insert(connection, "holder_months", **{**values, **changes})
    japan = {"holder_id": "japan", "holder": "Japan"}
    common = {**japan, "basis": "slt"}
    insert(
        connection,
        "rule_hits",
        **japan,
        month=date(2024, 4, 1),
        place=1,
        rule="fall",
        of="change_usd_mn",
        amount_usd_mn=APRIL[0],
        severity="warning",
        verdict="repriced",
        score=-1.974,
        share_pct=3.506,
    )
    insert(
        connection,
        "sell_offs",
        **common,
        month=date(2024, 4, 1),
        rules=["fall"],
        severity="warning",
        verdict="repriced",
        score=-1.974,
        share_pct=3.506,
        explanation="Japan's holdings fell by $40.9bn in April 2024. Mostly repriced, not sold.",
        currency="JPY",
        fx_per_usd_average=153.89,
        fx_change_month_pct=2.7176,
        fx_change_quarter_pct=5.2055,
        interventions_usd_mn=-37767.2,
        context="JPY weakened 2.6% against the dollar in April 2024. Official interventions sold $37.8bn in April 2024.",
        **dict(zip(PARTS, APRIL, strict=True)),
    )
    insert(
        connection,
        "episodes",
        **common,
        rule="fall",
        start_month=date(2024, 4, 1),
        end_month=date(2024, 6, 1),
        months=3,
        severity="critical",
        verdict="sold",
        share_pct=6.478,
        explanation="Japan's holdings fell by $75.6bn from April 2024 to June 2024. Mostly sold.",
        currency="JPY",
        fx_per_usd_average=157.86,
        context="JPY weakened 1.3% against the dollar in June 2024.",
        **dict(zip(PARTS, FALL, strict=True)),
    )
    for source, day in (
        ("slt_table3", date(2026, 5, 18)),
        ("slt_table3", date(2026, 6, 18)),
        ("press", date(2024, 6, 18)),
    ):
        span = {"first_month": date(2020, 1, 1), "last_month": date(2026, 4, 1)}
        insert(connection, "releases", source=source, released=day, released_basis="calendar", **span)
    return connection


@cache
def declared() -> dict[str, Table]:
    """The declared tables."""
    return Declarations().tables


def rules() -> dict[str, Any]:
    """The declared rules."""
    return Declarations().rules


def insert(connection: duckdb.DuckDBPyConnection, table: str, **values: Any) -> None:
    """One row."""
    marks = ", ".join("?" for _ in values)
    connection.execute(f"INSERT INTO {table} ({', '.join(values)}) VALUES ({marks})", list(values.values()))


@cache
def month_and_episode() -> tuple[Finding, Finding]:
    """Japan's April 2024 and its fall from April to June 2024."""
    by_key = {found.key: found for found in published_findings(published(), rules())}
    return by_key["month:japan:2024-04"], by_key["episode:fall:japan:2024-04:2024-06"]


def told(finding: Finding) -> Told:
    """What of the finding is put into words."""
    newest = finding.newest if isinstance(finding, Episode) else None
    months = (finding.month, finding.end_month)
    return Told(finding.row, finding.declared, *months, isinstance(finding, Episode), newest)


def worded(finding: Finding) -> Finding:
    """The finding with the words that follow from what it holds now."""
    return replace(finding, **told(finding).words())


def named(finding: Finding, holder: str) -> Finding:
    """The same finding of a holder with another name."""
    row = {**finding.row, "holder": holder, "explanation": f"{holder}'s holdings fell."}
    return worded(replace(finding, holder=holder, row=row))


def looking_at(finding: Finding, rule: str) -> Finding:
    """The same month or episode, as another rule flags it."""
    declared_rule = (episode_rule if isinstance(finding, Episode) else month_rule)(rules(), rule)
    row = finding.row if isinstance(finding, Episode) else {**finding.row, "rules": [rule]}
    return worded(replace(finding, rule=rule, declared=declared_rule, row=row))


def ending(finding: Finding, end: date) -> Finding:
    """The same episode, longer or shorter."""
    key = f"{finding.thread}:{end:%Y-%m}"
    return worded(replace(finding, key=key, end_month=end, row={**finding.row, "end_month": end}))
