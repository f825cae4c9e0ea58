"""A page for each holder, group and total: its history, findings, risk, revisions, and what the figures cannot know."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from itertools import groupby
from typing import Any

import duckdb

from treasury_watch.flows.site import addresses
from treasury_watch.flows.site.charts.holder_months import Box, Drawing, drawing
from treasury_watch.flows.site.pages.rendering import Site, citation, newest_day
from treasury_watch.flows.site.sections import dollar_book
from treasury_watch.flows.site.sections.findings import told_once
from treasury_watch.transforms.amounts import billions, percent
from treasury_watch.transforms.findings.finding import Episode, Finding
from treasury_watch.transforms.months import months_between, number_of, shifted
from treasury_watch.transforms.wording import month_name, plain_name, sentence, spoken
from treasury_watch.warehouse.home.published_database import rows_of

SHOWN_MONTHS = 24  # in the table that is open; the others are folded, by year
REVISIONS = 20
# The spans that a holder's chart shows, by choice, in months; None is all of them.
SPANS = (("2y", "2 years", 24), ("10y", "10 years", 120), ("all", "All", None))
CHOSEN = "10y"
PREVIEW_LINE, PREVIEW_BARS = Box(110, 225, 1030, 200), Box(110, 450, 1030, 105)
KINDS = {"country": "Country", "aggregate": "Total", "group": "Group of countries", "memo": "Memorandum line"}
# Totals that are spoken of otherwise than by their label.
TOGETHER = {"grand_total": "All foreign holders together", "all_countries": "All countries together"}
# What is told of a holder's risk: column of risk_months, words, and how it is written.
RISK = (
    ("loss_100bp_usd_mn", "Loss of value if yields rose by one percentage point, USD bn", "usd"),
    ("implied_duration_years", "Duration implied by its published price changes, years", "years"),
    ("valuation_return_12m_pct", "Price change of its bonds and notes over twelve months, in dollars", "pct"),
    ("own_currency_return_12m_pct", "The same price change in its own currency", "pct"),
    ("yield_pickup_pct", "Ten-year Treasury yield less that of its own government’s bond, percentage points", "points"),
    ("treasuries_to_reserves_pct", "Its Treasuries as a share of its reported reserves", "pct"),
    ("sales_to_debt_pct", "Its net sales of the month as a share of marketable Treasury debt", "pct"),
)
LABEL_LAYOUTS = ("slt_table3", "slt_table5", "mfhhis01", "mfh")

NEWEST_RISK = """
FROM risk_months WHERE loss_100bp_usd_mn IS NOT NULL
QUALIFY row_number() OVER (PARTITION BY holder_id ORDER BY month DESC) = 1
"""
# The newest release of a source is the newest that covers the holder's newest month there, whether it changed a figure or not.
SOURCES = """
SELECT own.* EXCLUDE (changed), coalesce((
    SELECT max(r.released) FROM releases r
    WHERE r.source = own.source AND r.withdrawn IS NULL AND own.last_month BETWEEN r.first_month AND r.last_month
), changed) AS released FROM (
SELECT p.holder_id, p.source, any_value(coalesce(s.title, p.source)) AS title, any_value(s.publisher) AS publisher,
    any_value(s.url) AS url, min(p.month) AS first_month, max(p.month) AS last_month, count(*) AS months,
    max(p.released) AS changed, bool_or(p.evidence = 'press') AS press
FROM positions p LEFT JOIN sources s USING (source) WHERE p.total_usd_mn IS NOT NULL
GROUP BY p.holder_id, p.source
) AS own ORDER BY holder_id, last_month DESC, source
"""

Row = dict[str, Any]
Months = dict[str, list[Row]]


def months_by_holder(connection: duckdb.DuckDBPyConnection) -> Months:
    """The rows of holder_months and aggregate_months by holder_id, each holder's in order of the month."""
    rows = rows_of(
        connection,
        "SELECT * FROM (SELECT *, 'country' AS kind FROM holder_months UNION ALL BY NAME SELECT * FROM aggregate_months) "
        "ORDER BY holder_id, month",
    )
    return {holder: list(own) for holder, own in groupby(rows, key=lambda row: row["holder_id"])}


def with_pages(months: Months) -> dict[str, list[Row]]:
    """The holders that have a page: those of whom holdings are known in any month."""
    return {holder: rows for holder, rows in months.items() if any(row["position_usd_mn"] is not None for row in rows)}


def centres_of(connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """What is to be known of each custodial or fund centre, by holder_id."""
    rows = rows_of(connection, "SELECT holder_id, note FROM holders WHERE custodial_centre")
    return {row["holder_id"]: row["note"] or "" for row in rows}


def write(site: Site, months: Months, findings: Mapping[str, Finding], centres: Mapping[str, str]) -> None:
    """Every holder's page. `months` are those of `with_pages`, `findings` those that stand, by page."""
    known = {row["holder_id"]: row for row in rows_of(site.connection, "FROM holders")}
    once = {found.key for found in told_once(findings.values())}
    newest = site.newest or date.min
    books = dollar_book.dollar_books(site.connection, list(months), newest)
    risks = {row["holder_id"]: row for row in rows_of(site.connection, NEWEST_RISK)}
    sources = _by_holder(rows_of(site.connection, SOURCES))
    revised = _by_holder(
        rows_of(site.connection, "FROM revisions WHERE measure = 'total_position' ORDER BY released DESC")
    )
    sizes = _by_holder(rows_of(site.connection, "FROM revision_sizes ORDER BY figure, age_months"))
    scopes = _by_holder(rows_of(site.connection, "FROM holder_scopes ORDER BY first_month"))
    breaks = rows_of(site.connection, "FROM series_breaks ORDER BY month")
    titles = {row["source"]: row["title"] for row in rows_of(site.connection, "FROM sources")}
    names = labels_of(site.declarations.holder_labels)
    for holder, own in months.items():
        page = addresses.holder_page(holder)
        held = [row for row in own if row["position_usd_mn"] is not None]
        name, kind = own[-1]["holder"], own[-1]["kind"]
        vintage = newest_day(sources.get(holder, []))
        first_words = lead(own)
        site.write(
            page,
            "holder.html.j2",
            title=f"{plain_name(name)}: U.S. Treasury securities held",
            summary=first_words[0],
            vintage=vintage,
            preview=site.draw_preview(
                page,
                headline=f"{plain_name(name)}: {billions(held[-1]['position_usd_mn'], signed=False)} of U.S. Treasury securities",
                drawn=drawing(held[-60:], PREVIEW_LINE, PREVIEW_BARS, names=5, readings=False),
                line=PREVIEW_LINE,
                bars=PREVIEW_BARS,
            ),
            holder={"holder_id": holder, "holder": name},
            kind=KINDS.get(kind, kind),
            note=centres.get(holder),
            about=None if holder in centres else (known.get(holder, {}).get("note") or None),
            lead=first_words,
            latest=held[-1],
            traded=_newest_traded(own),
            described=described(held, name),
            spans=spans_of(own),
            chosen=CHOSEN,
            recent=own[: -SHOWN_MONTHS - 1 : -1],
            years=[(year, list(rows)) for year, rows in groupby(own[::-1], key=lambda row: row["month"].year)],
            book=books.get(holder),
            book_months=dollar_book.MONTHS,
            found=[(where, one) for where, one in findings.items() if one.holder_id == holder and one.key in once],
            is_episode=lambda one: isinstance(one, Episode),
            risk=_risk(risks.get(holder)),
            revised=largest_once(revised.get(holder, []))[:REVISIONS],
            sizes=sizes.get(holder, []),
            names=[label for label in names.get(holder, []) if label != name],
            scopes=[{**row, "title": titles.get(row["source"], row["source"])} for row in scopes.get(holder, [])],
            breaks=[row for row in breaks if held[0]["month"] <= row["month"] <= held[-1]["month"]],
            sources=sources.get(holder, []),
            cited=citation(f"{plain_name(name)}: U.S. Treasury securities held", vintage),
        )
    _index(site, months, centres)


def _by_holder(rows: Sequence[Row]) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(row["holder_id"], []).append(row)
    return found


def _newest_traded(own: Sequence[Row]) -> Row | None:
    return next((row for row in reversed(own) if row["net_purchases_usd_mn"] is not None), None)


def lead(own: Sequence[Row]) -> list[str]:
    """The newest state of a holder in two sentences: what it holds and how that moved; what it bought last, if known.

    A total or group that is published no more is told in the past.
    """
    held = [row for row in own if row["position_usd_mn"] is not None]
    latest, at = held[-1], month_name(held[-1]["month"])
    name = TOGETHER.get(latest["holder_id"]) or sentence(spoken(latest["holder"]))
    share = latest["share_of_foreign_pct"]
    part = f", {percent(share)} of all foreign holdings" if share is not None and latest["kind"] == "country" else ""
    held_words = f"{name} held {billions(latest['position_usd_mn'], signed=False)} of U.S. Treasury securities at the end of {at}"
    before = {row["month"]: row for row in held}.get(shifted(latest["month"], -12))
    broken = any(row["series_break"] for row in own if before and before["month"] < row["month"] <= latest["month"])
    moves = []
    if latest["change_usd_mn"] is not None:
        moves.append(f"{_moved(latest['change_usd_mn'])} a month before")
    if before and not broken:
        moves.append(f"{_moved(latest['position_usd_mn'] - before['position_usd_mn'])} a year before")
    sentences = [f"{held_words}{part}{'; ' if moves else ''}{' and '.join(moves)}."]
    traded = _newest_traded(own)
    if traded and months_between(traded["month"], latest["month"]) < 12:
        amount = traded["net_purchases_usd_mn"]
        did = "Net purchases" if amount >= 0 else "Net sales"
        newest = "" if traded["month"] == latest["month"] else ", the newest month for which they were read here"
        sentences.append(f"{did} were {billions(abs(amount), signed=False)} in {month_name(traded['month'])}{newest}.")
    return sentences


def _moved(usd_mn: float) -> str:
    amount = billions(abs(usd_mn), signed=False)
    return (
        f"{amount} {'more' if usd_mn > 0 else 'less'} than"
        if amount != billions(0, signed=False)
        else "about as much as"
    )


def described(held: Sequence[Row], name: str) -> str:
    """What the chart shows, in words: first, highest, lowest and newest holdings."""
    first, last = held[0], held[-1]
    high, low = max(held, key=lambda row: row["position_usd_mn"]), min(held, key=lambda row: row["position_usd_mn"])

    def at(row: Row) -> str:
        return f"{billions(row['position_usd_mn'], signed=False)} in {month_name(row['month'])}"

    return (
        f"{plain_name(name)}: holdings from {at(first)} to {at(last)}; highest {at(high)}, lowest {at(low)}. "
        "Below, what changed them month by month: purchases, prices and other changes, where they are published."
    )


def spans_of(own: Sequence[Row]) -> list[tuple[str, str, Drawing]]:
    """The holder's chart in each span: key, label, drawing. A span that would show the same as a shorter one is left out."""
    shown, longest = [], 0
    for key, label, months in SPANS:
        rows = own[-months:] if months else own
        if len(rows) > longest:
            shown.append((key, label, drawing(rows)))
            longest = len(rows)
    return shown


def largest_once(rows: Sequence[Row]) -> list[Row]:
    """Each month's largest revision, the newest release first and in it the largest first: sources repeat one another."""
    best: dict[tuple[Any, ...], Row] = {}
    for row in rows:
        key = (row["released"], row["holder_id"], row["month"])
        if row["difference_usd_mn"] is not None and (
            key not in best or abs(row["difference_usd_mn"]) > abs(best[key]["difference_usd_mn"])
        ):
            best[key] = row
    ordered = sorted(best.values(), key=lambda row: (-number_of(row["month"]), row["holder_id"]))
    ordered.sort(key=lambda row: abs(row["difference_usd_mn"]), reverse=True)
    return sorted(ordered, key=lambda row: row["released"], reverse=True)


def _risk(row: Row | None) -> Row | None:
    if row is None:
        return None
    lines = [(column, words, how, row[column]) for column, words, how in RISK if row[column] is not None]
    return {**row, "lines": lines}


def labels_of(labels: Sequence[Mapping[str, str]]) -> dict[str, list[str]]:
    """The names under which the holders' tables have printed a holder, in the order of the declared layouts."""
    found: dict[str, list[str]] = {}
    for row in labels:
        if row["layout"] in LABEL_LAYOUTS and row["label"] and row["label"] not in found.get(row["holder_id"], []):
            found.setdefault(row["holder_id"], []).append(row["label"])
    return found


def _index(site: Site, months: Months, centres: Mapping[str, str]) -> None:
    """The list of all holders, by what they hold; those no longer published apart."""
    latest = [[row for row in own if row["position_usd_mn"] is not None][-1] for own in months.values()]
    current = [row for row in latest if row["month"] == site.newest]
    countries = sorted(
        (r for r in current if r["kind"] == "country"), key=lambda r: (-r["position_usd_mn"], r["holder"])
    )
    totals = sorted((r for r in current if r["kind"] != "country"), key=lambda r: (-r["position_usd_mn"], r["holder"]))
    others = sorted(
        (r for r in latest if r["month"] != site.newest), key=lambda r: (-number_of(r["month"]), r["holder"])
    )
    site.write(
        addresses.HOLDERS,
        "holders.html.j2",
        title="Who holds U.S. Treasury securities",
        summary=f"{len(countries)} countries and {len(totals)} totals, by what they hold, each with its history, from 2000 at the "
        "earliest.",
        vintage=site.released,
        countries=countries,
        totals=totals,
        others=others,
        centres=centres,
        newest=site.newest,
        cited=citation("Who holds U.S. Treasury securities", site.released),
    )
