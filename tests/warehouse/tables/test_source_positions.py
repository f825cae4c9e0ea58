"""What each source stated, side by side, from the day it was known until the day it was replaced."""

from __future__ import annotations

from datetime import date, timedelta

import hypothesis.strategies as st
from hypothesis import HealthCheck, given, settings

from tests.warehouse.literal_database import JUNE, MAY, first

JULY = date(2026, 7, 16)
PARTS = ("total_position", "long_term_position", "short_term_position")
COLUMNS = "known_from, known_until, total_usd_mn, long_term_usd_mn, short_term_usd_mn"
DAYS = [date(2026, 1, 1) + timedelta(days=n) for n in range(6)]


def rows(published, columns: str = COLUMNS) -> list[tuple]:
    published.fill()
    return published.connection.execute(f"SELECT {columns} FROM source_positions ORDER BY ALL").fetchall()


def test_total_bonds_and_bills_of_one_release_are_one_row_until_any_of_them_is_replaced(published):
    published.says(
        "slt_table3",
        MAY,
        ("japan", "2026-03", "total_position", 30, "XIII", JUNE),
        ("japan", "2026-03", "long_term_position", 20),
        ("japan", "2026-03", "short_term_position", 10, "XIII", JUNE),
    )
    published.says(
        "slt_table3", JUNE, ("japan", "2026-03", "total_position", 31), ("japan", "2026-03", "short_term_position", 11)
    )
    assert rows(published) == [(MAY, JUNE, 30, 20, 10), (JUNE, None, 31, 20, 11)]
    released = rows(published, "known_from, total_released, long_term_released, short_term_released")
    assert released == [(MAY, MAY, MAY, MAY), (JUNE, JUNE, MAY, JUNE)]


def test_a_figure_that_is_not_available_differs_from_one_that_is_not_stated(published):
    published.says("slt_table3", MAY, ("poland", "2026-03", "total_position", None))
    assert rows(published, "total_usd_mn, total_released, long_term_released") == [(None, MAY, None)]


def test_a_figure_that_was_withdrawn_ends_and_may_come_back(published):
    published.says("slt_table5", MAY, ("belgium", "2026-03", "total_position", 460, "XIII", JUNE))
    published.says("slt_table5", JULY, ("belgium", "2026-03", "total_position", 470))
    assert [row[:3] for row in rows(published)] == [(MAY, JUNE, 460), (JULY, None, 470)]


def test_a_correction_starts_a_row_only_while_the_wrong_figure_stands(published):
    published.says(
        "mfhhis01",
        MAY,
        ("japan", "2024-12", "total_position", 378800),
        ("japan", "2024-11", "total_position", 378800, "XIII", JUNE),
    )
    published.says("mfhhis01", JUNE, ("japan", "2024-11", "total_position", 380000))
    for month in ("2024-11", "2024-12"):
        published.add(
            "corrections", source="mfhhis01", holder_id="japan", month=first(month), measure="total_position",
            expected_usd_mn=378800, corrected_usd_mn=380256, since=JULY,
        )  # fmt: skip
    assert rows(published, "month, known_from, known_until, total_usd_mn") == [
        (first("2024-11"), MAY, JUNE, 378800),
        (first("2024-11"), JUNE, None, 380000),
        (first("2024-12"), MAY, JULY, 378800),
        (first("2024-12"), JULY, None, 380256),
    ]


def test_of_one_vintage_precedence_goes_before_the_survey_basis_and_the_newest_basis_first(published):
    published.says(
        "slt_table3",
        MAY,
        ("japan", "2011-06", "total_position", 1, "XI"), ("japan", "2011-06", "total_position", 2, "XII"),
    )  # fmt: skip
    published.says("slt_table5", MAY, ("japan", "2011-06", "total_position", 3, "XIII"))
    published.fill()
    found = published.connection.execute("SELECT source, series FROM source_positions ORDER BY preference").fetchall()
    assert found == [("slt_table3", "XII"), ("slt_table3", "XI"), ("slt_table5", "XIII")]


# For two holders and each part, what the source said on which of six days; None is n.a.
histories = st.dictionaries(
    st.tuples(st.sampled_from(["japan", "belgium"]), st.sampled_from(PARTS)),
    st.dictionaries(st.sampled_from(DAYS), st.sampled_from([None, 1.0, 2.0, "withdrawn"]), min_size=1),
    min_size=1,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(history=histories)
def test_on_every_day_the_rows_are_what_stood_that_day(published, history):
    published.connection.execute("DELETE FROM observations; DELETE FROM releases")
    for (holder, part), said in history.items():
        days = sorted(said)
        for day, until in zip(days, [*days[1:], None], strict=True):
            if said[day] != "withdrawn":
                published.says("slt_table3", day, (holder, "2026-03", part, said[day], "XIII", until))
    published.fill()
    for today in DAYS:
        expected: dict[str, dict[str, float | None]] = {}
        for (holder, part), said in history.items():
            last = max((day for day in said if day <= today), default=None)
            if last is not None and said[last] != "withdrawn":
                expected.setdefault(holder, {})[part] = said[last]
        found = published.connection.execute(
            "SELECT holder_id, total_usd_mn, long_term_usd_mn, short_term_usd_mn, total_released IS NOT NULL, "
            "long_term_released IS NOT NULL, short_term_released IS NOT NULL FROM source_positions "
            "WHERE known_from <= $1 AND (known_until IS NULL OR known_until > $1)",
            [today],
        ).fetchall()
        assert len(found) == len(expected)
        for holder, *figures in found:
            values, stated = figures[:3], figures[3:]
            said_then = expected[holder]
            assert stated == [part in said_then for part in PARTS]
            assert values == [said_then.get(part) for part in PARTS]
