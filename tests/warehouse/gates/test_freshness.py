"""Freshness: one rule for the gate, the operator, the page and the status."""

from __future__ import annotations

from datetime import date, timedelta

import duckdb
import pytest

from tests.flows.findings_data import declared, insert
from treasury_watch.flows.alerts.mails.operator_mail import source_notices
from treasury_watch.transforms.release_dates.release_calendar import release_of
from treasury_watch.warehouse.declarations import Declarations
from treasury_watch.warehouse.gates.before_publication import _freshness
from treasury_watch.warehouse.gates.freshness import Freshness, freshness, late_month, newest_figures, stale_sources
from treasury_watch.warehouse.tables.declared_tables import SQL

DECLARED = Declarations()
APRIL, MAY = date(2026, 4, 1), date(2026, 5, 1)
RELEASE_OF_MAY = release_of(MAY, DECLARED.calendar)
A_DAY = timedelta(days=1)


def of(source: str, last: date, today: date) -> Freshness:
    (found,) = freshness({source: last}, DECLARED, today)
    return found


def database(*kept: str) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    for name in ("releases", *kept):
        columns = ", ".join(f"{column.name} {SQL[column.type]}" for column in declared()[name].columns)
        connection.execute(f"CREATE TABLE {name} ({columns})")
    return connection


def test_a_month_is_late_once_the_day_of_its_release_is_over():
    assert not of("slt_table3", APRIL, RELEASE_OF_MAY).stale
    late = of("slt_table3", APRIL, RELEASE_OF_MAY + A_DAY)
    assert (late.stale, late.due, late.days_late) == (True, RELEASE_OF_MAY, 1)
    assert (late.next_month, late.months_missing) == (MAY, 1)


def test_the_month_that_counts_as_late_is_expected_from_the_day_after_its_release():
    assert late_month(RELEASE_OF_MAY, DECLARED.calendar) == APRIL
    assert late_month(RELEASE_OF_MAY + A_DAY, DECLARED.calendar) == MAY


def test_gate_and_operator_agree_on_the_day_of_a_release_and_after_it():
    """The operator's list, without days of grace, had a month as 0 days late on the very day, before its hour."""
    tables = database("fx_daily", "market_series")
    insert(tables, "releases", source="slt_table3", released=date(2026, 6, 18), last_month=APRIL)
    for today, stale in ((RELEASE_OF_MAY, False), (RELEASE_OF_MAY + A_DAY, True)):
        frame = _freshness(tables, DECLARED, today)
        assert frame.columns.tolist() == ["source", "last_date", "due_date", "days_late", "stale"]
        assert frame["stale"].tolist() == [stale]
        assert bool(source_notices(stale_sources(tables, DECLARED, today), APRIL)) is stale


def test_a_daily_series_may_be_as_old_as_declared_and_not_a_day_older():
    last = date(2026, 6, 1)
    assert not of("ecb", last, last + 7 * A_DAY).stale
    late = of("ecb", last, last + 8 * A_DAY)
    assert (late.due, late.days_late, late.next_month) == (last + 7 * A_DAY, 1, None)


def test_a_monthly_series_that_is_no_statistic_goes_by_its_age_not_by_the_calendar():
    assert of("fred:CPIAUCSL", date(2026, 4, 1), date(2026, 6, 30)).due == date(2026, 6, 30)


def test_the_weekly_custody_is_stale_when_a_wednesday_is_missing():
    wednesday = date(2026, 6, 24)
    assert not of(
        "fred:WMTSECL1", wednesday, wednesday + 9 * A_DAY
    ).stale  # the next is out on day 8, or 9 with a holiday
    assert of("fred:WMTSECL1", wednesday, wednesday + 13 * A_DAY).stale


@pytest.mark.parametrize("source", ["mfh", "slt3d_globl", "mof", "press"])
def test_what_has_ended_or_comes_when_it_comes_is_never_stale(source):
    assert freshness({source: date(2023, 1, 1)}, DECLARED, date(2026, 6, 30)) == []


def test_the_newest_figure_of_a_dated_series_is_its_day_and_of_the_statistics_their_month():
    tables = database("fx_daily", "interventions")
    insert(tables, "releases", source="slt_table3", released=date(2026, 6, 18), last_month=APRIL)
    insert(tables, "releases", source="mof", released=date(2026, 6, 18), last_month=APRIL)
    insert(tables, "interventions", source="mof", country="Japan", date=date(2026, 4, 29), pair="USD/JPY")
    assert newest_figures(tables) == {"slt_table3": APRIL, "mof": date(2026, 4, 29)}
