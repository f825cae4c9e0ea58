"""Which findings a release's page tells."""

from datetime import date

import duckdb
import pytest

from tests.flows.site.page_data import fill
from treasury_watch.flows.site.pages.releases import FIRST, months_since, new_findings, summary_of, told_of


def row(end: str, severity: str = "notice", amount: float = -1.0, headline: str = "") -> dict:
    told = {"headline": headline or f"Japan sold {amount}.", "holder_id": "japan", "amount_usd_mn": amount}
    return {**told, "severity": severity, "end_month": end, "rising": False}


MAY = [date(2024, 5, 1)]


def test_what_no_earlier_release_flagged_is_new_and_so_is_what_reaches_into_the_new_month() -> None:
    flagged = {"seen": row("2024-03-01"), "goes on": row("2024-05-01"), "revised in": row("2024-02-01")}
    assert new_findings(flagged, {"seen", "goes on"}, MAY).keys() == {"goes on", "revised in"}


def test_on_the_first_day_that_a_build_saw_old_findings_are_not_called_new() -> None:
    kept = {"basis": "then", "flagged": {"old": row("2015-08-01"), "new": row("2024-05-01")}}
    assert [page for page, _ in told_of(kept, {}, MAY, first_of_record=True)] == ["new"]


def test_the_gravest_and_largest_come_first_and_what_reads_alike_stands_once() -> None:
    flagged = {
        "a": row("2024-05-01", amount=-2.0),
        "b": row("2024-05-01", amount=-9.0),
        "c": row("2024-05-01", "critical"),
        "c again": row("2024-05-01", "warning"),
    }
    kept = {"basis": "then", "flagged": flagged}
    assert [page for page, _ in told_of(kept, {}, MAY, first_of_record=False)] == ["c", "b", "a"]


def stated(month: date, **figures: object) -> dict:
    return {
        "month": month,
        "holder_id": "grand_total",
        "position_usd_mn": 9_000_000.0,
        "change_usd_mn": None,
        **figures,
    }


def test_the_months_of_releases_that_were_not_read_are_new_with_the_next_one() -> None:
    april, may, june = date(2026, 4, 1), date(2026, 5, 1), date(2026, 6, 1)
    rows = [stated(june), stated(may), stated(date(2001, 1, 1))]
    assert months_since(april, rows) == [may, june]
    assert months_since(None, rows) == [june], "of the first release on record its newest"
    assert months_since(june, rows) == []
    assert summary_of(date(2026, 8, 17), rows, [], [may, june]) == (
        "The release of 17 August 2026 was the first on record here to state May to June 2026: all foreign holdings at the end of "
        "June 2026 $9,000.0bn."
    )
    assert "to state June 2026: all foreign holdings $9,000.0bn." in summary_of(date(2026, 8, 17), rows, [], [june])


@pytest.mark.parametrize(
    ("stands", "restated", "moved"),
    [(9_350_146.0, "2026-09-16", -2_500.0), (9_352_646.0, "2026-09-16", 0.0), (9_352_646.0, "2026-06-18", None)],
)
def test_a_figure_has_moved_by_whichever_source_moved_it_if_any_restated_it(
    stands: float, restated: str, moved: float | None
) -> None:
    """All foreign holdings of April 2026: Table 3 of June, and Table 5 of September, which may state the same again."""
    total = {"holder_id": "grand_total", "month": "2026-04-01", "series": "slt"}
    printed = {
        **total, "holder": "Grand Total", "kind": "aggregate", "measure": "total_position", "source": "slt_table3",
        "first_printed": "2026-06-18", "latest_printed": "2026-06-18", "first_print_usd_mn": 9_352_646.0, "moved_usd_mn": 0.0,
    }  # fmt: skip
    observed = {
        **total,
        "measure": "total_position",
        "source": "slt_table5",
        "released": "2026-06-18",
        "value_usd_mn": 9_352_600.0,
    }
    release = {"source": "slt_table5", "released": restated, "first_month": "2025-07-01", "last_month": "2026-07-01"}
    with duckdb.connect() as connection:
        fill(connection, {
            "first_prints": [printed], "observations": [observed], "releases": [release],
            "positions": [{**total, "total_usd_mn": stands, "source": "slt_table5"}],
        })  # fmt: skip
        found = connection.execute(f"SELECT moved_usd_mn FROM ({FIRST})").fetchall()
    assert found == [(moved,)]
