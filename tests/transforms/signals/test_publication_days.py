"""By the end of which day a figure was public: holidays, months, and never before it could be known."""

from __future__ import annotations

import pandas as pd
import pytest

from treasury_watch.transforms.errors import ConfigurationError
from treasury_watch.transforms.signals.publication_days import public_days
from treasury_watch.transforms.signals.vintages import known_days
from treasury_watch.warehouse.declarations import Declarations

DECLARATIONS = Declarations()
RULES = DECLARATIONS.publication_rules
NEXT_DAY = RULES["us_next_business_day"]


def public(rule: str, day: str) -> str:
    return f"{public_days(pd.Series(pd.to_datetime([day])), RULES[rule]).iloc[0]:%Y-%m-%d}"


@pytest.mark.parametrize(
    ("rule", "day", "expected"),
    [
        ("us_thursday_after", "2026-06-24", "2026-06-25"),
        ("us_thursday_after", "2025-11-26", "2025-11-28"),  # Thanksgiving is on the Thursday
        ("us_thursday_after", "2026-09-09", "2026-09-11"),  # Labor Day was on the Monday: perhaps a day later
        ("us_next_business_day", "2026-07-31", "2026-08-03"),
        ("us_next_business_day", "2026-07-02", "2026-07-06"),
        ("us_monday_after", "2026-07-20", "2026-07-27"),  # a Monday's rate comes with the week's
        ("us_monday_after", "2026-07-24", "2026-07-27"),
        ("us_monday_after", "2026-09-04", "2026-09-08"),
        ("us_day_of_auction", "2026-07-27", "2026-07-27"),
        ("us_month_5th_business_day", "2026-08-01", "2026-09-08"),
        ("japan_reserves", "2026-08-01", "2026-09-07"),  # as it was
        ("japan_reserves", "2026-05-01", "2026-06-08"),
        ("japan_reserves", "2025-04-01", "2025-05-09"),  # the holidays of May
        ("japan_month", "2026-07-01", "2026-08-10"),  # as it was
        ("japan_month", "2026-04-01", "2026-05-13"),
        ("japan_week", "2026-08-02", "2026-08-14"),  # as it was: a holiday on the Tuesday
        ("japan_week", "2026-08-09", "2026-08-20"),
        ("japan_week", "2026-04-26", "2026-05-12"),
    ],
)
def test_a_figure_is_public_when_its_publisher_has_worked_so_long(rule, day, expected):
    assert public(rule, day) == expected


@pytest.mark.parametrize("rule", [name for name in RULES if name not in ("us_day_of_auction", "us_next_business_day")])
def test_no_rule_dates_a_figure_before_its_period_is_over(rule):
    days = pd.Series(
        pd.date_range("2005-01-01", "2030-12-31", freq="MS" if "month" in rule or "reserves" in rule else "D")
    )
    ends = days + pd.offsets.MonthEnd(0) if "month" in rule or "reserves" in rule else days
    assert (public_days(days, RULES[rule]) > ends).all()


def test_every_rule_is_used_and_every_signal_has_one():
    used = {source.known_from for source in DECLARATIONS.sources.values()}
    assert used - {""} == set(RULES)
    assert all(source.known_from for source in DECLARATIONS.sources.values() if source.holds == "signal_series")


WRONG = (
    {"rule": "soon"},
    {"rule": "weekday_after", "country": "US", "weekday": "sunday"},
    {"rule": "business_days_after", "country": "Atlantis", "number": 1},
    {"rule": "same_day", "country": "US"},
)


@pytest.mark.parametrize("rule", WRONG)
def test_a_wrong_rule_is_refused(rule):
    with pytest.raises(ConfigurationError, match="publication rule"):
        public_days(pd.Series(pd.to_datetime(["2026-07-01"])), rule)


def known(*prints: tuple[str, str, str | None], basis: str = "retrieval") -> list[tuple[str, str]]:
    """(known_from, basis) of prints of one series: (date, released, before)."""
    frame = pd.DataFrame(prints, columns=["date", "released", "before"]).assign(series_id="A", released_basis=basis)
    for column in ("date", "released", "before"):
        frame[column] = pd.to_datetime(frame[column])
    found = known_days(frame, NEXT_DAY)
    return [(f"{row.known_from:%Y-%m-%d}", row.known_from_basis) for row in found.itertuples()]


class TestKnownFrom:
    def test_history_loaded_at_once_is_known_by_the_rule(self):
        assert known(("2026-06-01", "2026-07-01", None), ("2026-06-30", "2026-07-01", None)) == [
            ("2026-06-02", "rule"), ("2026-07-01", "rule"),
        ]  # fmt: skip

    def test_a_file_that_was_there_before_the_rule_allows_dates_its_figure(self):
        assert known(("2026-07-01", "2026-07-01", None)) == [("2026-07-01", "retrieved")]

    def test_a_figure_that_a_later_file_changes_is_known_from_that_file(self):
        assert known(("2026-06-01", "2026-07-01", None), ("2026-06-01", "2026-07-10", "2026-07-01")) == [
            ("2026-06-02", "rule"), ("2026-07-10", "retrieved"),
        ]  # fmt: skip

    def test_a_figure_that_a_later_file_adds_is_known_by_the_rule_unless_the_file_before_should_have_had_it(self):
        assert known(("2026-07-06", "2026-07-10", "2026-07-01"), ("2026-06-01", "2026-07-10", "2026-07-01")) == [
            ("2026-07-07", "rule"), ("2026-07-10", "retrieved"),
        ]  # fmt: skip

    def test_the_day_that_a_file_prints_goes_before_the_rule_for_its_newest_period(self):
        assert known(("2026-06-01", "2026-07-01", None), ("2026-06-23", "2026-07-01", None), basis="file") == [
            ("2026-06-02", "rule"), ("2026-07-01", "published"),
        ]  # fmt: skip
