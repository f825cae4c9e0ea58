"""What `status` prints: freshness, the last run, the next release, what waits to be sent."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from treasury_watch.transforms.kinds import KINDS
from treasury_watch.transforms.model import MAIN_SOURCE
from treasury_watch.transforms.release_dates.release_calendar import last_release, next_release
from treasury_watch.transforms.wording import counted
from treasury_watch.warehouse.archive import home_kinds
from treasury_watch.warehouse.archive.archived_files import quarantined
from treasury_watch.warehouse.archive.manifest import RESTORE
from treasury_watch.warehouse.gates.freshness import freshness, late_month, newest_figures, not_among
from treasury_watch.warehouse.home.folders import Busy
from treasury_watch.warehouse.home.published_database import open_published, where_the_sample_is
from treasury_watch.warehouse.installation import Warehouse

if TYPE_CHECKING:
    from treasury_watch.warehouse.store.exchange import Store  # which needs a second to import

NOT_AS_DECLARED = (
    "DECLARED OTHERWISE: config/, or the program, changed since these tables were published; the next run, or "
    "`treasury-watch rebuild`, publishes by it"
)


def lines(facts: dict[str, Any], *, as_json: bool, width: int) -> Iterator[str]:
    """Freshness of each source, the last runs, the next release, what waits to be sent, as text or JSON.

    `facts` as `status_facts` gives them; text is wrapped at `width` characters.
    """
    if as_json:
        yield json.dumps(facts, indent=1, default=str)
        return
    for line in _text(facts):
        indent = " " * (len(line) - len(line.lstrip()) + 2)
        yield textwrap.fill(line, width, subsequent_indent=indent, drop_whitespace=True, break_on_hyphens=False)


def _text(facts: dict[str, Any]) -> Iterator[str]:
    yield f"home: {facts['home']}"
    if facts["sample"]:
        yield f"SAMPLE: {facts['sample']}"
    for words in facts["unknown"]:
        yield f"NOT KNOWN: {words}"
    last = facts["last_run"]
    if last:
        yield f"last run: {last['started'][:19]} {last['command']}: {last['outcome']}, {last['summary']}"
    else:
        yield f"last run: none yet; `treasury-watch run --sample` shows what one does{facts['sample_elsewhere']}"
    if facts["store"]:
        kept = facts["store"]
        yield f"store: {kept['address']}, " + (
            f"BEHIND: {kept['behind']}" if kept["behind"] else f"in step since {kept['at'][:19] or 'no run yet'}"
        )
    for words in facts["overdue"]:
        yield f"WATCHDOG: {words}; see that `treasury-watch serve`, or cron, is at work"
    yield f"next release: {facts['next_release']['day']} 16:00 New York, covers {facts['next_release']['covers']:%Y-%m}"
    waiting = facts["alerts"]
    yield "alerts: " + (", ".join(f"{count} {state}" for state, count in waiting.items()) or "none")
    yield f"newest month published should be {facts['expected_month']:%Y-%m}"
    if facts["declarations_changed"]:
        yield NOT_AS_DECLARED
    for name in facts["damaged"]:
        yield f"DAMAGED: {name} is not as it was published; `treasury-watch rebuild` makes it again"
    if facts["lost"]:
        yield f"LOST: {len(facts['lost'])} archived files are missing ({', '.join(facts['lost'][:3])}); {RESTORE}"
    for item in facts["quarantine"]:
        yield f"QUARANTINE: {item['source']} {item['sha256'][:12]}, retrieved {item['retrieved']:%Y-%m-%d}: {item['refused']}"
    if facts["quarantine"]:
        yield (
            "  nothing of these files is published; load a mended file (`treasury-watch run` or `ingest`), or close one with "
            "`treasury-watch withdraw SHA256 --reason TEXT`"
        )
    yield "sources:"
    unloaded = facts["never_loaded"]
    if facts["sample"] and unloaded:
        yield f"  {counted(len(unloaded), 'source')} never loaded: the sample has few"
        unloaded = []
    for name in unloaded:
        main = ": THE MAIN TABLE; `treasury-watch run`, or `ingest` its file" if name == MAIN_SOURCE else ""
        yield f"  {name:<14} NEVER LOADED{main}"
    for item in facts["sources"]:
        mark = "STALE" if item["stale"] else "ok"
        yield f"  {item['source']:<14} {mark:<6} last {item['last']}  released {item['released']}  by the {item['released_basis']}"
    differing = [row for row in facts["reconciliation"] if row["disagreeing"]]
    if facts["reconciliation"]:
        total = sum(row["disagreeing"] for row in differing)
        known = sum(row["known"] for row in differing)
        differ = counted(total, "figure differs", "figures differ")
        yield f"sources compared: {differ} beyond rounding, {counted(known, 'known error')} among them"
        for row in differing:
            yield f"  {row['comparison']:<28} {row['disagreeing']:>6} of {row['compared']:>6}  ({row['known']} known)"
    if facts["failed_checks"]:
        yield "checks that did not hold in the last run:"
        for check in facts["failed_checks"]:
            weight = "blocking" if check["blocking"] else "warning"
            yield f"  {weight}: {check['subject']}, {check['expectation']}: {check['observed']}"
            if check["why"]:
                yield f"    {check['why']}"


def due(facts: dict[str, Any], now: datetime) -> list[str]:
    """What is due and missing, a line each, from `status_facts`: stale sources, damage, a run that failed, none that was due."""
    found = [f"{name} is not as it was published" for name in facts["damaged"]]
    found += [f"{name} is missing from the archive" for name in facts["lost"]]
    found += [
        f"{item['source']} is stale: its newest figure is of {item['last']}"
        for item in facts["sources"]
        if item["stale"]
    ]
    if MAIN_SOURCE in facts["never_loaded"]:
        found.append(f"{MAIN_SOURCE}, the main table, was never loaded")
    last = facts["last_run"]
    if last is None:
        return [*found, "nothing was ever run"]
    if last["outcome"] in ("failed", "blocked"):
        found.append(f"the last run ({last['started'][:16]}) {last['outcome']}: {last['summary']}")
    since = (now - datetime.fromisoformat(last["started"])).total_seconds() / 3600
    released = facts["last_release"]
    if released and last["started"][:10] < f"{released}" and now.date() > released:
        found.append(f"no run since the release of {released}: the last was {counted(round(since / 24), 'day')} ago")
    return [*found, *facts["overdue"]]


def status_facts(
    warehouse: Warehouse, today: date, store: Store | None = None, overdue: Sequence[str] = ()
) -> dict[str, Any]:
    """What `status` says, as plain data. On the store: what the last exchange with it left, without asking it. `overdue`
    are the lines on scheduled runs that did not happen.
    """
    database = warehouse.home.database
    with (
        ThreadPoolExecutor(1) as beside,
        open_published(database) if database.exists() else nullcontext(),  # opened once for all that asks it
    ):
        damaged = beside.submit(_damaged, warehouse)  # reads every published file
        facts = _facts(warehouse, today, store, overdue)
        return {**facts, "damaged": damaged.result()}


def _facts(warehouse: Warehouse, today: date, store: Store | None, overdue: Sequence[str]) -> dict[str, Any]:
    calendar = warehouse.declarations.calendar
    state = warehouse.state
    newest = _newest(warehouse)
    day, covers = next_release(today, calendar)
    runs = state.rows("SELECT * FROM runs ORDER BY started DESC LIMIT 1")
    checked = state.rows("SELECT run_id FROM validation_results ORDER BY checked DESC LIMIT 1")
    failed = state.rows(
        "SELECT subject, expectation, blocking, observed, why FROM validation_results "
        "WHERE run_id = ? AND NOT success ORDER BY blocking DESC, subject",
        (checked[0]["run_id"] if checked else None,),
    )
    waiting = state.rows("SELECT state, count(*) AS n FROM alerts GROUP BY state ORDER BY state")
    return {
        "home": str(warehouse.home.root),
        "sample": _sample(warehouse),
        "sample_elsewhere": where_the_sample_is(warehouse.home.database),
        "unknown": list(warehouse.unknown),
        "last_run": runs[0] if runs else None,
        "overdue": list(overdue),
        "store": _exchange(store) if store else None,
        "next_release": {"day": day, "covers": covers},
        "last_release": last_release(today, calendar),
        "expected_month": late_month(today, calendar),
        "alerts": {row["state"]: row["n"] for row in waiting},
        "declarations_changed": warehouse.declarations_changed(),
        "lost": [str(path.relative_to(warehouse.home.raw)) for path in warehouse.manifest.lost()],
        "quarantine": [
            {name: getattr(entry, name) for name in ("source", "sha256", "url", "retrieved", "refused")}
            for entry in quarantined(warehouse.archive.entries())
        ],
        "never_loaded": [source.id for source in not_among(newest, warehouse.declarations)] if newest else [],
        "sources": _freshness(warehouse, newest, today),
        "reconciliation": _reconciled(warehouse),
        "failed_checks": failed,
    }


def _sample(warehouse: Warehouse) -> str:
    """What is to be said of the embedded sample in this home; empty where nothing of it was loaded."""
    if warehouse.is_sample:
        return home_kinds.NOTHING_SENT
    if not warehouse.home.database.exists():
        return ""
    with open_published(warehouse.home.database) as connection:
        return home_kinds.published_words(connection)


def _newest(warehouse: Warehouse) -> dict[str, date]:
    """The newest figure of each source; none before the first publication."""
    if not warehouse.home.database.exists():
        return {}
    with open_published(warehouse.home.database) as connection:
        return newest_figures(connection)


def _exchange(store: Store) -> dict[str, str]:
    known = store.last_exchange()
    return {"address": store.objects.shown, "at": known.get("at", ""), "behind": known.get("behind", "")}


def _damaged(warehouse: Warehouse) -> list[str]:
    """Published files that are not as they were published; none while a run is at work, which replaces them."""
    damaged = warehouse.damaged()
    if damaged and not warehouse.unknown:
        try:
            with warehouse.home.writing():
                damaged = warehouse.damaged()
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


def _freshness(warehouse: Warehouse, newest: dict[str, date], today: date) -> list[dict[str, Any]]:
    if not newest:
        return []
    with open_published(warehouse.home.database) as connection:
        releases = connection.execute(
            "SELECT source, max(released), arg_max(released_basis, released) FROM releases "
            "WHERE last_month IS NOT NULL GROUP BY source ORDER BY source"
        ).fetchall()
    stale = {item.source.id for item in freshness(newest, warehouse.declarations, today) if item.stale}
    return [
        {
            "source": name,
            "last": f"{newest[name]:%Y-%m}" if _by_month(warehouse, name) else str(newest[name]),
            "released": released,
            "released_basis": basis,
            "stale": name in stale,
        }
        for name, released, basis in releases
    ]


def _by_month(warehouse: Warehouse, source: str) -> bool:
    return KINDS[warehouse.declarations.source(source).holds].dated_by == "month"
