"""Every vintage in its place: the day of a release, later states of it, and files that only their retrieval dates."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from tests.conftest import PROJECT, RETRIEVED, majors, table5
from tests.warehouse.ledger.loading_data import APRIL, JUNE, JUNE_17, JUNE_18, LATER, MAY, MAY_18, Loading
from treasury_watch.transforms.release_dates.release_calendar import Listed
from treasury_watch.warehouse.archive.announced_releases import announced_releases
from treasury_watch.warehouse.declarations import Declarations
from treasury_watch.warehouse.ledger.dating import TooEarlyRelease


def test_an_older_release_slotted_in_is_known_as_of_its_day_and_not_now(loading):
    loading.load(JUNE)
    loading.load(MAY)
    assert loading.japan("2026-03") == [(1191000.0, MAY_18, JUNE_18, "release"), (1191600.0, JUNE_18, None, "release")]
    assert loading.ledger.newest("slt_table5") == JUNE_18


def of_march(japan: float) -> bytes:
    """Another state of the release of May 2026 (newest month March)."""
    return table5(["2026-03", "2026-02", "2026-01"], majors([japan, 1239.3, 1225.0]))


def test_a_later_state_of_the_newest_release_is_dated_by_the_day_it_was_seen(loading):
    loading.load(JUNE)
    again = table5(["2026-04", "2026-03", "2026-02"], majors([1210.0, 1191.6, 1239.3]))
    loaded = loading.load(again, LATER)
    seen = LATER.date()
    assert (loaded.outcome, loaded.released, loaded.released_basis) == ("vintage", seen, "retrieval")
    assert loading.japan("2026-04") == [(1209900.0, JUNE_18, seen, "release"), (1210000.0, seen, None, "snapshot")]
    assert loading.load(again, LATER).outcome == "known"


@pytest.mark.parametrize("order", [(0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0)])
def test_a_later_state_of_an_older_release_stands_to_the_eve_of_the_next_whenever_it_is_loaded(loading, order):
    files = [(MAY, RETRIEVED), (of_march(1190.0), LATER), (JUNE, RETRIEVED)]
    for number in order:
        loading.load(*files[number])
    assert loading.japan("2026-03") == [
        (1191000.0, MAY_18, JUNE_17, "release"),
        (1190000.0, JUNE_17, JUNE_18, "snapshot"),
        (1191600.0, JUNE_18, None, "release"),
    ]
    assert loading.ledger.connection.execute("SELECT released_basis FROM vintages ORDER BY released").fetchall() == [
        ("calendar",), ("next_release",), ("calendar",),
    ]  # fmt: skip


def test_a_later_state_is_dated_by_the_folder_it_lay_in_where_that_names_a_day(loading):
    loading.load(MAY, container="2026-05-18")
    loaded = loading.load(of_march(1190.0), container="2026-05-22")
    assert (loaded.released, loaded.released_basis) == (date(2026, 5, 22), "container")
    loading.load(of_march(1189.0), container="tic 2026-05-20")  # loaded later, seen earlier
    assert [row[:3] for row in loading.japan("2026-03")] == [
        (1191000.0, MAY_18, date(2026, 5, 20)),
        (1189000.0, date(2026, 5, 20), date(2026, 5, 22)),
        (1190000.0, date(2026, 5, 22), None),
    ]


def test_a_copy_of_an_earlier_state_under_other_bytes_changes_nothing(loading):
    loading.load(MAY, container="2026-05-18")
    loading.load(of_march(1190.0), container="2026-05-22")
    before = loading.content()
    assert loading.load(MAY + b"\r\nA new note.", LATER).outcome == "same_figures"
    assert loading.content() == before


def test_the_user_can_date_a_state_of_an_older_release(loading):
    loading.load(MAY)
    loading.load(JUNE)
    loaded = loading.load(of_march(1190.0), LATER, released=date(2026, 5, 20))
    assert (loaded.outcome, loaded.released_basis) == ("vintage", "user")
    assert [row[:3] for row in loading.japan("2026-03")] == [
        (1191000.0, MAY_18, date(2026, 5, 20)),
        (1190000.0, date(2026, 5, 20), JUNE_18),
        (1191600.0, JUNE_18, None),
    ]
    loaded = loading.load(of_march(1189.0), LATER, released=date(2026, 6, 30))  # later than the next release
    assert (loaded.released, loaded.released_basis) == (JUNE_18, "next_release")
    assert loading.japan("2026-03")[-1][:3] == (1191600.0, JUNE_18, None)


def test_two_months_released_on_one_day_stand_in_their_order_whichever_is_loaded_first(loading):
    august = table5(["2025-08", "2025-07", "2025-06"], majors([1180.0, 1152.0, 1147.0]))
    september = table5(["2025-09", "2025-08", "2025-07"], majors([1189.0, 1181.0, 1152.5]))
    day, december_18 = date(2025, 11, 18), date(2025, 12, 18)
    october = table5(["2025-10", "2025-09", "2025-08"], majors([1200.0, 1189.5, 1181.5]))
    for body in (october, september, august):
        loading.load(body)
    assert [row[:3] for row in loading.japan("2025-08")] == [
        (1181000.0, day, december_18),
        (1181500.0, december_18, None),
    ]
    assert [row[:3] for row in loading.japan("2025-06")] == [(1147000.0, day, None)]
    assert [row[:3] for row in loading.japan("2025-07")] == [(1152500.0, day, None)]


def test_a_month_that_the_calendar_lacks_is_dated_by_its_retrieval_with_a_warning(loading):
    """An estimate is no fact: it neither refuses a file that is here nor dates it."""
    body = table5(["2026-11", "2026-10", "2026-09"], majors([1143.1, 1209.9, 1191.6]))
    loaded = loading.load(body, datetime(2027, 1, 14, 22, tzinfo=UTC))  # the estimate is the 19th
    assert (loaded.outcome, loaded.released, loaded.released_basis) == ("vintage", date(2027, 1, 14), "retrieval")
    (warned,) = [result for result in loading.results if result.expectation == "the day of the release is known"]
    assert (warned.success, warned.blocking, warned.subject) == (False, False, "release of slt_table5")
    assert warned.observed == "2026-11 is not in the release calendar: dated 2027-01-14, the day it was retrieved"


def test_a_file_that_was_dated_by_its_retrieval_gets_its_day_once_that_is_published(loading):
    body = table5(["2026-11", "2026-10", "2026-09"], majors([1143.1, 1209.9, 1191.6]))
    loading.load(body, datetime(2027, 2, 1, tzinfo=UTC))
    loading.loader.declarations = Declarations(PROJECT / "config")
    loading.loader.declarations.announced = [Listed(date(2027, 1, 19), date(2026, 11, 1))]
    loading.loader.replay("slt_table5")
    assert loading.japan("2026-11") == [(1143100.0, date(2027, 1, 19), None, "release")]
    assert (loading.note().released, loading.note().released_basis) == (date(2027, 1, 19), "calendar")


def dates_page(january: str) -> bytes:
    rows = f"<tr><td>2027</td></tr><tr><td>Jan</td><td>{january}</td></tr><tr><td>Feb</td><td>18</td></tr>"
    return f"<html><h1>Release Dates of TIC Data</h1><table>{rows}</table></html>".encode()


class TestAPageOfReleaseDates:
    @pytest.fixture
    def home(self, loading: Loading) -> Loading:
        loading.loader.declarations = Declarations(PROJECT / "config")
        return loading

    def days(self, home: Loading) -> list[str]:
        return [str(entry.released) for entry in home.loader.declarations.calendar if entry.month >= date(2026, 10, 1)]

    def test_its_coming_days_go_into_the_calendar_and_the_newest_word_stands(self, home):
        loaded = home.load(dates_page("19"))
        assert (loaded.source, loaded.outcome, loaded.changed) == ("release_dates", "announced", 2)
        assert self.days(home) == ["2026-12-15", "2027-01-19", "2027-02-18"]
        home.load(dates_page("21"), LATER)
        assert self.days(home) == ["2026-12-15", "2027-01-21", "2027-02-18"]
        home.load(dates_page("19"), datetime(2027, 1, 20, tzinfo=UTC))  # on what was released no page has the last word
        assert self.days(home) == ["2026-12-15", "2027-01-21", "2027-02-18"]

    def test_it_is_kept_where_it_says_something_new_and_a_rebuild_reads_it_again(self, home):
        home.load(dates_page("19"))
        assert home.load(dates_page("19") + b"<!-- another request -->", LATER).outcome == "known"
        assert len(home.archive.entries("release_dates")) == 1
        assert announced_releases(home.archive) == home.loader.declarations.announced
        home.loader.replay_all()
        assert home.content()["vintages"] == []

    def test_what_cannot_be_read_of_it_is_a_warning(self, home):
        loaded = home.load(dates_page("soon"), source="release_dates")
        assert (loaded.outcome, self.days(home)) == ("announced", ["2026-12-15", "2027-02-18"])
        home.load(b"503 Service Unavailable", source="release_dates")
        (row, page) = home.results
        assert (row.blocking, row.subject, row.observed) == (
            False, "release_dates", "2027-01: expected a day such as 15 or Nov 18, found 'soon'",
        )  # fmt: skip
        assert not page.success


def test_a_day_before_the_end_of_the_newest_month_is_refused(loading):
    with pytest.raises(
        TooEarlyRelease, match="slt_table5: released 2026-04-30 by the user, but the file states 2026-04"
    ):
        loading.load(JUNE, released=date(2026, 4, 30))
    assert loading.content()["vintages"] == []


def test_an_older_download_of_a_daily_series_never_replaces_a_newer_one(loading):
    newer = b"observation_date,DEXJPUS\n2024-04-26,158.33\n2024-04-29,156.42\n"
    older = b"observation_date,DEXJPUS\n2024-04-25,155.60\n2024-04-26,158.00\n"
    loading.load(newer)
    loading.load(older, LATER)
    known = "SELECT per_usd FROM fx WHERE superseded IS NULL ORDER BY date"
    assert loading.ledger.connection.execute(known).fetchall() == [(155.6,), (158.33,), (156.42,)]


def test_a_sample_followed_by_the_complete_file_of_its_release_is_no_conflict(loading):
    sample = table5(["2026-04", "2026-03"], majors([1209.9, 1191.6]))
    loading.load(sample)
    loaded = loading.load(JUNE, LATER)
    assert (loaded.outcome, loaded.released, loaded.released_basis, loaded.changed) == (
        "vintage",
        JUNE_18,
        "calendar",
        10,
    )
    assert loading.japan("2026-02") == [(1239300.0, JUNE_18, None, "release")]


def test_a_complete_file_followed_by_its_sample_changes_nothing(loading):
    loading.load(JUNE)
    before = loading.content()
    assert loading.load(table5(["2026-04", "2026-03"], majors([1209.9, 1191.6])), LATER).outcome == "same_figures"
    assert loading.content() == before


def test_the_user_can_date_a_file_anew(loading, new_loading):
    loading.load(APRIL)
    loading.load(JUNE)
    loaded = loading.load(JUNE, released=date(2026, 6, 20))
    assert (loaded.released, loaded.released_basis) == (date(2026, 6, 20), "user")
    straight = new_loading()
    straight.load(APRIL)
    straight.load(JUNE, released=date(2026, 6, 20))
    assert loading.content() == straight.content()
