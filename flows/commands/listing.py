"""What `sell-offs` and `status` print."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator
from datetime import date
from itertools import groupby
from typing import Any

import duckdb
import pandas as pd

from treasury_watch.transforms.errors import TreasuryWatchError
from treasury_watch.transforms.findings.detection import OFFICIAL
from treasury_watch.transforms.findings.explain.sentences import stated
from treasury_watch.warehouse.home.folders import Busy
from treasury_watch.warehouse.home.published_database import open_published
from treasury_watch.warehouse.installation import Warehouse
from treasury_watch.warehouse.ledger.release_dates import expected_month, next_release
from treasury_watch.warehouse.store.exchange import Store
from treasury_watch.warehouse.tables.findings_as_known import findings_of

AMOUNTS = {
    "change_usd_mn": "change",
    "net_purchases_usd_mn": "net purchases",
    "valuation_usd_mn": "valuation",
    "other_usd_mn": "other",
}


def findings(
    connection: duckdb.DuckDBPyConnection,
    rules: dict[str, Any],
    holder: str | None,
    since: date | None,
    as_of: date | None,
) -> Iterator[str]:
    """Flagged months, then episodes, oldest first, each with its figures (USD mn) and its explanation."""
    if holder is not None:
        known = [
            row[0]
            for row in connection.execute(
                "SELECT holder FROM holders WHERE kind = 'country' OR holder_id = ?", [OFFICIAL]
            ).fetchall()
        ]
        named = {name.lower(): name for name in known}.get(holder.lower())
        if named is None:
            import difflib

            close = difflib.get_close_matches(holder, known, n=3, cutoff=0.4)
            raise TreasuryWatchError(f"no holder {holder!r}" + (f"; did you mean {', '.join(close)}?" if close else ""))
        holder = named
    if as_of is None:
        flagged, runs = (connection.execute(f"FROM {name}").df() for name in ("sell_offs", "episodes"))
    else:
        flagged, runs = findings_of(connection, rules, as_of)
    flagged, runs = (
        _chosen(table, column, holder, since) for table, column in ((flagged, "month"), (runs, "end_month"))
    )
    when = f", as known on {as_of}" if as_of else ""
    months = len(flagged[["holder", "month"]].drop_duplicates())
    yield f"Flagged months{when} (USD mn): {len(flagged)} findings in {months} months of a holder"
    for (_, month), rows in groupby(records(flagged), key=lambda row: (row["holder"], row["month"])):
        group = list(rows)
        yield from _shown(group, f"{month:%Y-%m}", [_score(row) for row in group])
    yield ""
    yield f"Episodes{when} (USD mn): {len(runs)}"
    for (_, start, end), rows in groupby(
        records(runs), key=lambda row: (row["holder"], row["start_month"], row["end_month"])
    ):
        group = list(rows)
        yield from _shown(group, f"{start:%Y-%m} to {end:%Y-%m}", [f"{row['months']} months" for row in group])


def _score(row: dict[str, Any]) -> str:
    return f"score {row['score']:.1f}" if pd.notna(row["score"]) else "no score"


def records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows as dictionaries."""
    return [{str(name): value for name, value in row.items()} for row in table.to_dict("records")]


def _chosen(table: pd.DataFrame, column: str, holder: str | None, since: date | None) -> pd.DataFrame:
    if holder is not None:
        table = table[table["holder"] == holder]
    if since is not None:
        table = table[table[column] >= pd.Timestamp(since)]
    return table.sort_values([column, "holder"], kind="stable")


def _shown(rows: list[dict[str, Any]], period: str, measures: list[str]) -> Iterator[str]:
    """One holder's findings for one period: what they say once for all that say the same, under their headings."""
    told: dict[str, list[str]] = {}
    for row, measure in zip(rows, measures, strict=True):
        heading = f"  {row['holder']}  {period}  {row['rule']}  {row['severity']}  {_reading(row)}  ({measure})"
        told.setdefault(row["explanation"], []).append(heading)
    by_text = {row["explanation"]: row for row in rows}
    for text, headings in told.items():
        yield from headings
        yield from _body(by_text[text])


def _body(row: dict[str, Any]) -> Iterator[str]:
    yield "    " + ", ".join(f"{name} {_amount(row[column])}" for column, name in AMOUNTS.items())
    for text in (row["explanation"], row["read_together"], row["context"]):
        if stated(text):
            yield _wrapped(text)
    for caveat in stated(row["caveats"]).splitlines():
        yield _wrapped(caveat, "    ! ", "      ")


def _wrapped(text: str, first: str = "    ", rest: str = "    ") -> str:
    return textwrap.fill(text, 110, initial_indent=first, subsequent_indent=rest)


def _reading(row: dict[str, Any]) -> str:
    """The verdict, and what was sold where something was."""
    sold = stated(row["instrument"])
    told = row["verdict"] in ("sold", "mixed") and sold in ("bonds", "bills", "both")
    return f"{row['verdict']} ({sold})" if told else row["verdict"]


def _amount(value: float) -> str:
    return "n.a." if pd.isna(value) else f"{value:+,.0f}"


def status(warehouse: Warehouse, today: date, *, as_json: bool, store: Store | None = None) -> Iterator[str]:
    """Freshness of each source, the last runs, the next release, what waits to be sent, as text or JSON.

    On the store: what the last exchange with it left, without asking it.
    """
    facts = status_facts(warehouse, today, store)
    if as_json:
        yield json.dumps(facts, indent=1, default=str)
        return
    yield f"home: {facts['home']}"
    last = facts["last_run"]
    if last:
        yield f"last run: {last['started'][:19]} {last['command']}: {last['outcome']}, {last['summary']}"
    else:
        yield "last run: none yet; `treasury-watch run --sample` shows what one does"
    if facts["store"]:
        kept = facts["store"]
        yield f"store: {kept['address']}, " + (
            f"BEHIND: {kept['behind']}" if kept["behind"] else f"in step since {kept['at'][:19] or 'no run yet'}"
        )
    yield f"next release: {facts['next_release']['day']} 16:00 New York, covers {facts['next_release']['covers']:%Y-%m}"
    waiting = facts["alerts"]
    yield "alerts: " + (", ".join(f"{count} {state}" for state, count in waiting.items()) or "none")
    yield f"newest month published should be {facts['expected_month']:%Y-%m}"
    for name in facts["damaged"]:
        yield f"DAMAGED: {name} is not as it was published; `treasury-watch rebuild` makes it again"
    yield "sources:"
    for item in facts["sources"]:
        mark = "STALE" if item["stale"] else "ok"
        yield f"  {item['source']:<14} {mark:<6} last {item['last']}  released {item['released']}  by the {item['released_basis']}"
    differing = [row for row in facts["reconciliation"] if row["disagreeing"]]
    if facts["reconciliation"]:
        total = sum(row["disagreeing"] for row in differing)
        known = sum(row["known"] for row in differing)
        yield f"sources compared: {total} figures differ beyond rounding, {known} of them known errors"
        for row in differing:
            yield f"  {row['comparison']:<28} {row['disagreeing']:>6} of {row['compared']:>6}  ({row['known']} known)"
    if facts["failed_checks"]:
        yield "checks that did not hold in the last run:"
        for check in facts["failed_checks"]:
            weight = "blocking" if check["blocking"] else "warning"
            yield f"  {weight}: {check['subject']}, {check['expectation']}: {check['observed']}"
            if check["why"]:
                yield f"    {check['why']}"


def status_facts(warehouse: Warehouse, today: date, store: Store | None = None) -> dict[str, Any]:
    """What `status` says, as plain data."""
    calendar = warehouse.declarations.calendar
    state = warehouse.state
    day, covers = next_release(today, calendar)
    runs = state.rows("SELECT * FROM runs ORDER BY started DESC LIMIT 1")
    checked = state.rows("SELECT run_id FROM validation_results ORDER BY checked DESC LIMIT 1")
    failed = state.rows(
        "SELECT subject, expectation, blocking, observed, why FROM validation_results "
        "WHERE run_id = ? AND NOT success ORDER BY blocking DESC, subject",
        (checked[0]["run_id"] if checked else None,),
    )
    waiting = state.rows("SELECT state, count(*) AS n FROM alerts GROUP BY state ORDER BY state")
    expected = expected_month(today, calendar)
    return {
        "home": str(warehouse.home.root),
        "last_run": runs[0] if runs else None,
        "store": _exchange(store) if store else None,
        "next_release": {"day": day, "covers": covers},
        "expected_month": expected,
        "alerts": {row["state"]: row["n"] for row in waiting},
        "damaged": _damaged(warehouse, today),
        "sources": _freshness(warehouse, today, expected),
        "reconciliation": _reconciled(warehouse),
        "failed_checks": failed,
    }


def _exchange(store: Store) -> dict[str, str]:
    known = store.known()
    return {"address": store.objects.shown, "at": known.get("at", ""), "behind": known.get("behind", "")}


def _damaged(warehouse: Warehouse, today: date) -> list[str]:
    """Published files that are not as they were published; none while a run is at work, which replaces them."""
    damaged = warehouse.publisher(today).damaged()
    if damaged:
        try:
            with warehouse.home.writing():
                damaged = warehouse.publisher(today).damaged()
        except Busy:
            return []
    return damaged


def _reconciled(warehouse: Warehouse) -> list[dict[str, Any]]:
    if not warehouse.home.database.exists():
        return []
    with open_published(warehouse.home.database) as connection:
        query = "SELECT comparison, compared, disagreeing, known FROM reconciliation_counts ORDER BY comparison"
        names = ["comparison", "compared", "disagreeing", "known"]
        return [dict(zip(names, row, strict=True)) for row in connection.execute(query).fetchall()]


def _freshness(warehouse: Warehouse, today: date, expected: date) -> list[dict[str, Any]]:
    if not warehouse.home.database.exists():
        return []
    with open_published(warehouse.home.database) as connection:
        newest = connection.execute(
            "SELECT source, max(released), arg_max(released_basis, released), max(last_month) FROM releases GROUP BY source"
        ).fetchall()
        days = dict(connection.execute("SELECT source, max(date) FROM fx_daily GROUP BY source").fetchall())
        days |= dict(connection.execute("SELECT source, max(date) FROM market_series GROUP BY source").fetchall())
    found = []
    for name, released, basis, last_month in sorted(newest):
        source = warehouse.declarations.source(name)
        last = days.get(name, last_month)
        monthly = source.holds == "observations" and source.rhythm == "monthly"
        late = (
            last < expected
            if monthly
            else bool(source.stale_after_days) and (today - last).days > (source.stale_after_days or 0)
        )
        found.append(
            {
                "source": name,
                "last": f"{last:%Y-%m}" if source.holds == "observations" else str(last),
                "released": released,
                "released_basis": basis,
                "stale": bool(late) and not source.frozen_on,
            }
        )
    return found
