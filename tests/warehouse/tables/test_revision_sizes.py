"""First prints, and how far they have moved: only releases count, by their age in releases, and too few say nothing."""

from __future__ import annotations

from datetime import date

import pytest

from tests.warehouse.literal_database import first
from treasury_watch.transforms.months import shifted

FEBRUARY, MARCH, APRIL, MAY = date(2026, 2, 18), date(2026, 3, 18), date(2026, 4, 15), date(2026, 5, 18)


def first_prints(published, day=MAY):
    query = (
        "SELECT holder_id, strftime(month, '%Y-%m'), first_print_usd_mn, first_printed, latest_print_usd_mn, latest_printed, "
        "moved_usd_mn FROM first_prints_as_of(?) ORDER BY holder_id, month"
    )
    return published.connection.execute(query, [day]).fetchall()


def sizes(published, figure, age, day=date(2030, 1, 1), least=1):
    query = (
        "SELECT holder_id, median_usd_mn, p10_usd_mn, p80_usd_mn, p90_usd_mn, figures FROM revision_sizes_as_of(?, ?) "
        "WHERE figure = ? AND age_months = ? ORDER BY holder_id"
    )
    return published.connection.execute(query, [day, least, figure, age]).fetchall()


def two_releases(published, **how):
    """December is printed first in February, November is not; March revises both."""
    published.says(
        "slt_table3", FEBRUARY,
        ("japan", "2025-11", "total_position", 1_000_000, "XIII", MARCH),
        ("japan", "2025-12", "total_position", 1_010_000, "XIII", MARCH), **how,
    )  # fmt: skip
    published.says(
        "slt_table3", MARCH,
        ("japan", "2025-11", "total_position", 1_001_000),
        ("japan", "2025-12", "total_position", 1_007_000),
        ("japan", "2026-01", "total_position", 1_020_000),
    )  # fmt: skip


def test_a_month_is_first_printed_as_the_newest_of_its_release(published):
    two_releases(published)
    assert first_prints(published) == [
        ("japan", "2025-12", 1_010_000, FEBRUARY, 1_007_000, MARCH, -3_000),
        ("japan", "2026-01", 1_020_000, MARCH, 1_020_000, MARCH, 0),
    ]


def test_as_of_a_day_before_the_revision_nothing_has_moved(published):
    two_releases(published)
    assert first_prints(published, date(2026, 3, 17)) == [
        ("japan", "2025-12", 1_010_000, FEBRUARY, 1_010_000, FEBRUARY, 0)
    ]
    assert sizes(published, "position", 1, date(2026, 3, 17)) == []


@pytest.mark.parametrize("how", [{"evidence": "press"}, {"evidence": "snapshot"}, {"dated_by": "retrieval"}])
def test_what_is_no_dated_release_is_no_first_print(published, how):
    two_releases(published, **how)
    assert [row[1] for row in first_prints(published)] == ["2026-01"]


def test_the_history_prints_its_newest_month_long_after_the_statistics_did(published):
    published.says("mfhhis01", MAY, ("japan", "2025-12", "total_position", 1_007_000))
    assert first_prints(published, date(2026, 6, 1)) == []


def test_the_position_and_the_change_are_each_measured_on_the_day_of_their_print(published):
    two_releases(published)
    # the position went from 1,010,000 to 1,007,000, the change from +10,000 to +6,000
    assert sizes(published, "position", 1) == [("japan", 3_000, 3_000, 3_000, 3_000, 1)]
    assert sizes(published, "change", 1) == [("japan", 4_000, 4_000, 4_000, 4_000, 1)]
    assert sizes(published, "position", 3) == []


def test_eight_in_ten_moved_by_no_more_than_is_said_and_too_few_say_nothing(published):
    moved = [100, -200, 300, -400, 500, 600, 700, -800, 900, 1000]
    months = [shifted(first("2023-01"), by) for by in range(len(moved) + 1)]
    for at, month in enumerate(months):
        released, replaced = (shifted(month, by).replace(day=15) for by in (2, 3))
        printed = [("japan", f"{month:%Y-%m}", "total_position", 1_000_000, "XIII", replaced)]
        if at:
            before = months[at - 1]
            printed.append(("japan", f"{before:%Y-%m}", "total_position", 1_000_000 + moved[at - 1]))
        published.says("slt_table3", released, *printed)
    (row,) = sizes(published, "position", 1)
    assert row == ("japan", 550, 100, 800, 900, 10)
    assert sum(abs(one) <= row[3] for one in moved) >= 8
    assert sizes(published, "position", 1, least=11) == []


def test_all_other_is_left_out_for_its_members_change(published):
    for released, value, superseded in ((FEBRUARY, 500, MARCH), (MARCH, 900, None)):
        rows = [("all_other", "2025-12", "total_position", value, "XIII", superseded)]
        rows += [("all_other", "2026-01", "total_position", 1000)] if released == MARCH else []
        published.says("slt_table3", released, *rows)
    assert len(first_prints(published)) == 2
    assert sizes(published, "position", 1) == []
