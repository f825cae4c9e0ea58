"""The top of the page: the month in one sentence, how new it is, and the charts of what is held."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import duckdb

from treasury_watch.flows.site.charts.documents import BLUE, INK, ORANGE
from treasury_watch.flows.site.charts.holdings import (
    SOURCE,
    RangedChart,
    amounts_line,
    comparable,
    headline,
    history,
    ranged,
)
from treasury_watch.flows.site.charts.line_chart import NARROW, WIDE, Line
from treasury_watch.transforms.amounts import billions, percent, went
from treasury_watch.transforms.findings.explain.sentences import everyone
from treasury_watch.transforms.months import months_between, shifted
from treasury_watch.transforms.wording import month_name, possessive, spoken
from treasury_watch.warehouse.declarations import Declarations
from treasury_watch.warehouse.gates.freshness import late_month
from treasury_watch.warehouse.home.published_database import rows_of

TOTAL, OFFICIAL = "grand_total", "foreign_official"
WITH_CHINA = "china_belgium_hong_kong"
QUARTER = 3
LONG_AGO = 24  # months from which "the least since" is worth saying
MANY_PLACES = 40  # fewer are told with their number: Table 5 names twenty, Table 3 some seventy

Row = dict[str, Any]


def content(
    connection: duckdb.DuckDBPyConnection, newest: date, first: date, today: date, declarations: Declarations
) -> Row:
    """What the template `opening.html.j2` reads; `first` is the first month whose vintages are named."""
    total, official = history(connection, TOTAL, newest), history(connection, OFFICIAL, newest)
    stated = _stated(connection, newest)
    flow_month = max((row["month"] for row in _newest_with_flows(connection, newest)), default=None)
    charts = [
        totals_chart(total, official),
        share_chart(total, official),
        china_chart(connection, newest),
        japan_chart(connection, newest),
    ]
    return {
        **_vintages(connection, newest, first, today, declarations),
        "total": stated.get(TOTAL),
        "headline": _headline(stated.get(TOTAL), newest),
        "facts": _facts(connection, stated, newest),
        "flows_until": flow_month,
        "flows_missing": months_after(flow_month, newest) if flow_month and flow_month < newest else "",
        "most_moved": " ".join(filter(None, [_most_moved(connection, newest), _by_sector(total, official)])),
        "lead_chart": charts[0],
        "more_charts": [chart for chart in charts[1:] if chart],
    }


def _headline(total: Row | None, newest: date) -> str:
    """The month in one sentence: the first of what is told of all foreigners together."""
    if total is None or total["change_usd_mn"] is None:
        return f"Foreign holdings of U.S. Treasury securities, {month_name(newest)}"
    told = everyone(total, f"in {month_name(newest)}")
    sentence, _, _ = told.partition(". ")
    return sentence.removesuffix(".").replace("residents together", "residents", 1)


def _stated(connection: duckdb.DuckDBPyConnection, newest: date) -> dict[str, Row]:
    """The rows of the totals in the newest month, where the statistics state them."""
    rows = rows_of(
        connection,
        "SELECT * FROM aggregate_months WHERE month = ? AND holder_id IN (?, ?) AND position_usd_mn IS NOT NULL",
        newest, TOTAL, OFFICIAL,
    )  # fmt: skip
    return {row["holder_id"]: row for row in rows}


def _facts(connection: duckdb.DuckDBPyConnection, stated: Mapping[str, Row], newest: date) -> list[Row]:
    """The figures that stand beside the chart: those that are known, each with its holder, month and column."""
    wanted = [
        (TOTAL, "position_usd_mn", "All foreign holdings", False),
        (OFFICIAL, "position_usd_mn", "of which official", False),
        (TOTAL, "change_usd_mn", "Change on the month", True),
        (OFFICIAL, "change_usd_mn", "of which official, on the month", True),
    ]
    flows = [
        (TOTAL, "net_purchases_usd_mn", "Net purchases", True),
        (OFFICIAL, "net_purchases_usd_mn", "of which by officials", True),
        (TOTAL, "valuation_usd_mn", "Valuation change", True),
    ]
    facts = [_fact(stated.get(holder), column, label, signed) for holder, column, label, signed in wanted]
    known = {row["holder_id"]: row for row in _newest_with_flows(connection, newest)}
    for holder, column, label, signed in flows:
        row = known.get(holder)
        when = f", {row['month']:%b %Y}" if row and row["month"] != newest else ""
        facts.append(_fact(row, column, f"{label}{when}", signed))
    return [fact for fact in facts if fact]


def _fact(row: Row | None, column: str, label: str, signed: bool) -> Row:
    if row is None or row[column] is None:
        return {}
    return {"label": label, "row": row, "column": column, "signed": signed}


def _newest_with_flows(connection: duckdb.DuckDBPyConnection, newest: date) -> list[Row]:
    """The totals' rows in the newest month for which the total's net purchases are known, up to a year back."""
    return rows_of(
        connection,
        "SELECT * FROM aggregate_months WHERE holder_id IN (?, ?) AND month = (SELECT max(month) FROM aggregate_months "
        "WHERE holder_id = ? AND net_purchases_usd_mn IS NOT NULL AND month BETWEEN ? AND ?)",
        TOTAL, OFFICIAL, TOTAL, shifted(newest, -12), newest,
    )  # fmt: skip


def _most_moved(connection: duckdb.DuckDBPyConnection, newest: date) -> str:
    """Where holdings fell and rose most in the month; empty where no change is known."""
    rows = rows_of(
        connection,
        "SELECT holder, change_usd_mn FROM holder_months WHERE month = ? AND change_usd_mn IS NOT NULL "
        "ORDER BY change_usd_mn, holder",
        newest,
    )
    told = []
    places = f"Of the {len(rows)} places whose change is known" if len(rows) < MANY_PLACES else "By place"
    if rows and rows[0]["change_usd_mn"] < 0:
        told.append(
            f"fell most in {spoken(rows[0]['holder'])} ({billions(abs(rows[0]['change_usd_mn']), signed=False)})"
        )
    if rows and rows[-1]["change_usd_mn"] > 0:
        told.append(f"rose most in {spoken(rows[-1]['holder'])} ({billions(rows[-1]['change_usd_mn'], signed=False)})")
    return f"{places}, holdings {' and '.join(told)}." if told else ""


def _by_sector(total: Sequence[Row], official: Sequence[Row]) -> str:
    """What officials' holdings and all others' did over QUARTER months; empty where they do not compare or are not known."""
    whole, held = ({row["month"]: row["position_usd_mn"] for row in comparable(rows)} for rows in (total, official))
    last = max(whole, default=None)
    before = shifted(last, -QUARTER) if last else None
    if last is None or not {last, before} <= whole.keys() & held.keys():
        return ""
    officials = held[last] - held[before]
    others = whole[last] - whole[before] - officials
    return f"Over the three months to {month_name(last)} officials' holdings {went(officials)} and all others' {went(others)}."


def totals_chart(total: Sequence[Row], official: Sequence[Row]) -> RangedChart | None:
    """All foreign holdings, with the part of officials and that of all others: the total less what officials hold."""
    held = {row["month"]: row for row in official}
    others = [
        {**row, "position_usd_mn": row["position_usd_mn"] - held[row["month"]]["position_usd_mn"]}
        for row in total
        if row["month"] in held
    ]
    lines = [
        amounts_line("All foreign holders", INK, total, ("All foreign",)),
        amounts_line("Other holders", ORANGE, others, ("Others",)),
        amounts_line("Official institutions", BLUE, official, ("Official",)),
    ]
    told = _who_leads(others, held) or (f"Foreigners hold {_held(total)} of Treasuries" if total else "")
    return ranged(
        "total", told, [line for line in lines if line.values], sizes=(WIDE, NARROW),
        source=f"{SOURCE} Others: all less official, international organizations among them; what officials keep with private "
        "custodians may be booked there. A line is interrupted where a new survey basis starts.",
    )  # fmt: skip


def _held(rows: Sequence[Row]) -> str:
    return billions(rows[-1]["position_usd_mn"], signed=False)


def _who_leads(others: Sequence[Row], official: Mapping[date, Row]) -> str:
    """Since when officials or all others hold the larger part, as far back as figures compare."""
    others = comparable(others)
    if not others:
        return ""
    ahead = [row["position_usd_mn"] > official[row["month"]]["position_usd_mn"] for row in others]
    turned = next((place for place in range(len(ahead) - 1, -1, -1) if ahead[place] != ahead[-1]), None)
    since = f" since {month_name(others[turned + 1]['month'])}" if turned is not None else ""
    if ahead[-1]:
        return f"Foreign holders other than officials have held more Treasuries than officials{since}"
    return f"Foreign officials have held more Treasuries than all other foreign holders{since}"


def share_chart(total: Sequence[Row], official: Sequence[Row]) -> RangedChart | None:
    """The part of all foreign holdings that official institutions hold, in percent."""
    whole = {row["month"]: row["position_usd_mn"] for row in total}
    shares = {
        row["month"]: 100 * row["position_usd_mn"] / whole[row["month"]] for row in official if whole.get(row["month"])
    }
    if not shares:
        return None
    last = max(shares)
    peak = max((row["month"] for row in comparable(total) if row["month"] in shares), key=lambda month: shares[month])
    told = f"Foreign official institutions hold {percent(shares[last])} of foreigners' Treasuries"
    if peak != last:
        told += f", down from {percent(shares[peak])} in {month_name(peak)}"
    line = Line(
        "Official share", BLUE, {month: (share, percent(share)) for month, share in shares.items()},
        breaks=frozenset(row["month"] for row in total if row["series_break"]),
    )  # fmt: skip
    return ranged("official-share", told, [line], units="Official institutions, % of foreign holdings")


def china_chart(connection: duckdb.DuckDBPyConnection, newest: date) -> RangedChart | None:
    """China alone, and together with the two centres that keep securities for Chinese owners too."""
    alone = history(connection, "china_mainland", newest)
    together = rows_of(
        connection,
        "SELECT month, position_usd_mn, coalesce(series_break, false) AS series_break FROM paired_months "
        "WHERE pair = ? AND month <= ? AND position_usd_mn IS NOT NULL ORDER BY month",
        WITH_CHINA, newest,
    )  # fmt: skip
    if not alone:
        return None
    told = _least_since(alone) or headline(alone[-1]["holder"], alone)
    if together:
        told += f"; with Belgium and Hong Kong, {_held(together)}"
    lines = [
        amounts_line("China with Belgium and Hong Kong", ORANGE, together, ("With Belgium,", "Hong Kong")),
        amounts_line("China alone", BLUE, alone, ("China alone",)),
    ]
    return ranged(
        "china", told, [line for line in lines if line.values],
        source=f"{SOURCE} Belgium and Hong Kong also keep securities for other holders.",
    )  # fmt: skip


def _least_since(rows: Sequence[Row]) -> str:
    """`X holds $1bn, the least since May 2013`, as far back as figures compare; empty where less was held not long ago."""
    last, rows = rows[-1], comparable(rows)
    lower = [row["month"] for row in rows[:-1] if row["position_usd_mn"] <= last["position_usd_mn"]]
    if len(rows) <= LONG_AGO or (lower and months_between(lower[-1], last["month"]) < LONG_AGO):
        return ""
    since = month_name(lower[-1]) if lower else f"comparable figures began in {month_name(rows[0]['month'])}"
    return f"{possessive(last['holder'])} holdings of {_held(rows)} are the least since {since}"


def japan_chart(connection: duckdb.DuckDBPyConnection, newest: date) -> RangedChart | None:
    """The largest holder for most of the years since 2000."""
    rows = history(connection, "japan", newest)
    if not rows:
        return None
    return ranged("japan", headline("Japan", rows), [amounts_line("Japan", BLUE, rows, ())])


def _vintages(
    connection: duckdb.DuckDBPyConnection, newest: date, first: date, today: date, declarations: Declarations
) -> Row:
    """The releases behind the months shown, the newest month's release and age, and what the calendar expects."""
    vintages = rows_of(
        connection,
        "SELECT releases.source, any_value(coalesce(sources.title, releases.source)) AS title, "
        "max(released) AS released, max(last_month) AS last_month, arg_max(released_basis, released) AS released_basis "
        "FROM releases LEFT JOIN sources USING (source) "
        "WHERE last_month IS NOT NULL AND releases.source IN (SELECT DISTINCT source FROM positions WHERE month >= ?) "
        "GROUP BY releases.source ORDER BY released DESC, releases.source",
        first,
    )
    covering = [row["released"] for row in vintages if row["last_month"] and row["last_month"] >= newest]
    released = max(covering, default=None)
    expected = late_month(today, declarations.calendar)
    return {
        "vintages": vintages,
        "released": released,
        "age_days": (today - released).days if released else None,
        "expected": expected,
        "months_behind": months_between(newest, expected),
        "missing": months_after(newest, expected),
    }


def months_after(newest: date, expected: date) -> str:
    """The months after the newest, to the expected one: `August 2026`, `August and September 2026`, `June to September 2026`."""
    first, count = shifted(newest, 1), months_between(newest, expected)
    if count < 2:
        return month_name(expected)
    start = f"{first:%B}" if first.year == expected.year else month_name(first)
    return f"{start} {'and' if count == 2 else 'to'} {month_name(expected)}"
