"""Months as they stand in sentences."""

from datetime import date

from treasury_watch.transforms.wording import months_covered


def test_months_that_a_change_covers_are_counted_where_the_first_could_be_taken_for_its_end() -> None:
    assert months_covered(date(2024, 4, 1), date(2024, 4, 1)) == "in April 2024"
    assert months_covered(date(2024, 4, 1), date(2024, 5, 1)) == "in April and May 2024"
    assert months_covered(date(2025, 12, 1), date(2026, 1, 1)) == "in December 2025 and January 2026"
    assert months_covered(date(2025, 3, 1), date(2025, 11, 1)) == "in the 9 months from March to November 2025"
