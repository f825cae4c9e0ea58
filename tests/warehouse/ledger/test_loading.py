"""Loading: one file at a time or not at all, every vintage in its place, refusals noted."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from tests.conftest import PROJECT, RETRIEVED, TODAY, majors, table5
from tests.transforms.tic import TABLE3_ROWS, as_csv, as_html, table3
from treasury_watch.transforms.errors import LayoutError, UnknownHolderError
from treasury_watch.transforms.kinds import KINDS
from treasury_watch.transforms.layouts.parsing import figures_of
from treasury_watch.transforms.release_calendar import Listed
from treasury_watch.warehouse.archive.announced_releases import announced_releases
from treasury_watch.warehouse.archive.archived_files import Archive, ArchiveDamaged
from treasury_watch.warehouse.declarations import Declarations
from treasury_watch.warehouse.gates.expectations import Gates
from treasury_watch.warehouse.gates.results import ValidationBlocked
from treasury_watch.warehouse.ledger.dating import FutureRelease, TooEarlyRelease
from treasury_watch.warehouse.ledger.incoming_files import IncomingFile, Loaded
from treasury_watch.warehouse.ledger.loading import Loader
from treasury_watch.warehouse.ledger.vintages import Ledger

OFFICIAL = PROJECT / ".." / "shared" / "official"
APRIL_15, MAY_18, JUNE_17, JUNE_18 = date(2026, 4, 15), date(2026, 5, 18), date(2026, 6, 17), date(2026, 6, 18)
LATER = datetime(2026, 7, 2, tzinfo=UTC)

APRIL = table5(["2026-02", "2026-01", "2025-12"], majors([1239.0, 1225.0, 1185.0]))
MAY = table5(["2026-03", "2026-02", "2026-01"], majors([1191.0, 1239.3, 1225.0]))
JUNE = table5(["2026-04", "2026-03", "2026-02"], majors([1209.9, 1191.6, 1239.3]))


class Loading:
    """A loader over an archive and a ledger of its own."""

    def __init__(self, root: Path, declarations: Declarations, gates: Gates):
        self.archive = Archive(root / "raw")
        self.ledger = Ledger(":memory:")
        self.results: list = []
        self.loader = Loader(declarations, self.archive, self.ledger, gates, self.results.extend)

    def load(self, body: bytes, retrieved: datetime = RETRIEVED, **options) -> Loaded:
        return self.loader.load(IncomingFile(body, url="file:any.txt", retrieved=retrieved, **options))

    def content(self) -> dict[str, list[tuple]]:
        tables = ["vintages", *(kind.name for kind in KINDS.values())]
        return {t: self.ledger.connection.execute(f"SELECT * FROM {t} ORDER BY ALL").fetchall() for t in tables}

    def japan(self, month: str) -> list[tuple]:
        return self.ledger.connection.execute(
            "SELECT value_usd_mn, released, superseded, evidence FROM observations "
            "WHERE holder_id = 'japan' AND month = CAST(? AS DATE) ORDER BY released",
            [f"{month}-01"],
        ).fetchall()

    def note(self, source: str = "slt_table5"):
        (entry,) = self.archive.entries(source)
        return entry


@pytest.fixture
def new_loading(tmp_path, declarations, shared_gates) -> Iterator:
    made: list[Loading] = []

    def make() -> Loading:
        made.append(Loading(tmp_path / str(len(made)), declarations, shared_gates))
        return made[-1]

    yield make
    for loading in made:
        loading.ledger.connection.close()


@pytest.fixture
def loading(new_loading) -> Loading:
    return new_loading()


def test_a_file_is_recognised_dated_and_added(loading):
    loaded = loading.load(JUNE)
    assert (loaded.source, loaded.outcome, loaded.released, loaded.released_basis) == (
        "slt_table5", "vintage", JUNE_18, "calendar",
    )  # fmt: skip
    assert (loaded.figures, loaded.changed, loaded.last) == (30, 30, date(2026, 4, 1))
    assert loading.japan("2026-04") == [(1209900.0, JUNE_18, None, "release")]
    assert loading.note().released == JUNE_18
    assert loaded.line() == "slt_table5: 30 new or changed figures of 30, released 2026-06-18 (by the calendar)"


def test_figures_parsed_elsewhere_are_loaded_as_they_are(loading, declarations):
    elsewhere = figures_of(JUNE, declarations.source("slt_table5"), declarations.holder_labels)
    doubled = replace(elsewhere, table=elsewhere.table.assign(value_usd_mn=elsewhere.table["value_usd_mn"] + 100))
    loading.load(JUNE, source="slt_table5", figures=doubled)
    assert loading.japan("2026-04") == [(1210000.0, JUNE_18, None, "release")]


def test_the_same_release_twice_changes_nothing(loading):
    loading.load(JUNE)
    before = loading.content()
    assert loading.load(JUNE).outcome == "known"
    assert loading.content() == before
    assert len(loading.archive.entries()) == 1


def test_other_bytes_with_the_same_figures_change_nothing(loading):
    loading.load(JUNE)
    before = loading.content()
    for _ in range(2):
        assert loading.load(JUNE + b"\r\nA new note.", LATER).outcome == "same_figures"
    assert loading.content() == before
    assert len(loading.archive.entries()) == 2


def test_other_bytes_with_the_figures_of_an_older_release_change_nothing(loading):
    """They agree with what was known on their day, not with what is known now."""
    loading.load(MAY)
    loading.load(JUNE)
    before = loading.content()
    assert loading.load(MAY + b"\r\nA new note.", LATER).outcome == "same_figures"
    assert loading.content() == before


def test_a_revision_closes_the_old_figure_and_keeps_it(loading):
    loading.load(MAY)
    loaded = loading.load(JUNE)
    # March of Japan, with it of All Other, and ten holders' new month.
    assert loaded.changed == 12
    assert loading.japan("2026-03") == [(1191000.0, MAY_18, JUNE_18, "release"), (1191600.0, JUNE_18, None, "release")]
    assert loading.japan("2026-02") == [(1239300.0, MAY_18, None, "release")]


def test_any_order_of_loading_gives_the_ledger_of_loading_in_order(new_loading):
    contents = []
    for order in ([APRIL, MAY, JUNE], [JUNE, MAY, APRIL], [MAY, JUNE, APRIL]):
        loading = new_loading()
        for body in order:
            loading.load(body)
        contents.append(loading.content())
    assert len(contents[0]["vintages"]) == 3
    assert len(contents[0]["observations"]) > 15
    assert all(content == contents[0] for content in contents[1:])


def test_replaying_the_archive_gives_the_same_ledger(loading):
    for body in (JUNE, APRIL, MAY):
        loading.load(body)
    loading.load(JUNE + b"\r\nA new note.", retrieved=datetime(2026, 7, 2, tzinfo=UTC))
    before = loading.content()
    loading.loader.replay("slt_table5")
    assert loading.content() == before


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


def test_a_crash_amid_dating_anew_is_made_good_by_the_next_attempt(loading, monkeypatch):
    loading.load(JUNE)

    def crash(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(loading.ledger, "add", crash)
        with pytest.raises(KeyboardInterrupt):
            loading.load(JUNE, released=date(2026, 6, 20))
    assert [row[:3] for row in loading.japan("2026-04")] == [(1209900.0, JUNE_18, None)]
    loading.load(JUNE, released=date(2026, 6, 20))
    assert [row[:3] for row in loading.japan("2026-04")] == [(1209900.0, date(2026, 6, 20), None)]


def test_a_crash_between_the_archive_and_the_ledger_is_made_good_by_the_next_attempt(loading, monkeypatch):
    def crash(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(loading.ledger, "add", crash)
        with pytest.raises(KeyboardInterrupt):
            loading.load(JUNE)
    assert loading.japan("2026-04") == []
    assert loading.load(JUNE).outcome == "vintage"
    assert loading.japan("2026-04") == [(1209900.0, JUNE_18, None, "release")]


def test_a_file_dated_in_the_future_is_refused_until_that_day(loading):
    body = table5(["2026-05", "2026-04", "2026-03"], majors([1143.1, 1209.9, 1191.6]))
    with pytest.raises(FutureRelease, match="released 2026-07-14 by the calendar, but retrieved 2026-07-01"):
        loading.load(body)
    assert loading.content()["vintages"] == []
    assert "retrieved 2026-07-01" in str(loading.note().refused)
    assert loading.load(body, retrieved=datetime(2026, 7, 14, 21, tzinfo=UTC)).outcome == "vintage"
    assert loading.note().refused is None


def test_an_unknown_holder_is_refused_and_loads_once_it_is_declared(loading, tmp_path, shared_gates):
    loading.load(MAY)
    before = loading.content()
    body = table5(["2026-04", "2026-03", "2026-02"], majors([1209.9, 1191.6, 1239.3], Atlantis=[50.0, 50.0, 50.0]))
    with pytest.raises(UnknownHolderError, match=r"slt_table5, line 12.*'Atlantis'.*holder_labels\.csv"):
        loading.load(body)
    assert loading.content() == before
    assert ["Atlantis" in str(entry.refused) for entry in loading.archive.entries()] == [True, False]
    shutil.copytree(PROJECT / "config", tmp_path / "config")
    with (tmp_path / "config" / "holder_labels.csv").open("a", encoding="utf-8") as labels:
        labels.write("slt_table5,Atlantis,,cyprus,,\n")
    mended = Loader(Declarations(tmp_path / "config"), loading.archive, loading.ledger, shared_gates, lambda _: None)
    assert mended.load(IncomingFile(body, url="file:any.txt", retrieved=RETRIEVED)).outcome == "vintage"
    assert [entry.refused for entry in loading.archive.entries()] == [None, None]


def test_figures_in_another_unit_are_stopped_at_the_first_gate(loading):
    loading.load(MAY)
    before = loading.content()
    body = re.sub(rb"\d+\.\d", lambda found: b"%.1f" % (1000 * float(found[0])), JUNE)
    with pytest.raises(ValidationBlocked, match="magnitude of slt_table5, 'the unit is the declared one'"):
        loading.load(body)
    assert loading.content() == before
    assert any(result.blocks for result in loading.results)
    assert "the unit is the declared one" in str(loading.archive.entries()[0].refused)


def test_a_file_that_is_no_known_layout_is_refused_without_a_trace(loading):
    with pytest.raises(LayoutError, match="unknown file"):
        loading.load(b"date;value\n2026-01-01;1\n")
    assert loading.archive.entries() == []


def test_a_file_fetched_for_one_source_but_of_another_layout_is_refused_under_that_source(loading):
    with pytest.raises(LayoutError):
        loading.load(JUNE, source="slt_table3")
    assert loading.note("slt_table3").refused
    assert loading.content()["vintages"] == []


def test_damage_in_the_archive_leaves_the_ledger_as_before(loading):
    loading.load(JUNE)
    before = loading.content()
    path = loading.archive.path(loading.note())
    path.write_bytes(b"rot")
    with pytest.raises(ArchiveDamaged, match=path.name):
        loading.load(MAY)
    assert loading.content() == before
    loading.load(JUNE)  # the same bytes mend the archive
    assert loading.load(MAY).outcome == "vintage"
    assert len(loading.japan("2026-03")) == 2


def test_a_daily_series_is_a_snapshot_of_its_download(loading):
    body = b"observation_date,DEXJPUS\n2024-04-26,158.33\n2024-04-29,156.42\n2024-04-30,.\n"
    first = loading.load(body)
    assert (first.source, first.released, first.changed) == ("fred:DEXJPUS", TODAY, 2)
    later = loading.load(body + b"2024-05-01,157.78\n", retrieved=datetime(2026, 7, 2, tzinfo=UTC))
    assert (later.released, later.changed) == (date(2026, 7, 2), 1)


YEN = b"observation_date,DEXJPUS\n2026-06-25,158.1\n2026-06-26,158.3\n2026-06-29,156.4\n2026-06-30,157.0\n"
AVERAGES = b"observation_date,DEXJPUS\n2026-03-01,151.8\n2026-04-01,153.9\n2026-05-01,155.9\n2026-06-01,157.9\n"
EURO = b"Date,USD,CHF,\n2026-06-30,1.25,1.0,\n2026-06-29,1.25,1.01,\n2026-06-26,1.25,1.0,\n"
FRANC = b"observation_date,DEXSZUS\n2026-06-26,%s\n2026-06-29,%s\n2026-06-30,%s\n"


def test_monthly_averages_under_the_name_of_a_daily_series_are_refused_and_the_days_stay(loading):
    loading.load(YEN)
    before = loading.content()
    with pytest.raises(ValidationBlocked, match=r"rhythm of fred:DEXJPUS.*declared daily, found monthly"):
        loading.load(AVERAGES)
    assert loading.content() == before


def test_a_series_filled_up_over_a_weekend_is_refused_with_its_first_day(loading):
    with pytest.raises(ValidationBlocked, match=r"rests at the weekend.*first_weekend_day 2026-06-27"):
        loading.load(YEN.replace(b"2026-06-29", b"2026-06-27,158.3\n2026-06-28,158.3\n2026-06-29"))


def test_a_rate_upside_down_against_the_second_source_is_refused_and_one_wrong_day_is_told(loading):
    loading.load(EURO)
    with pytest.raises(
        ValidationBlocked, match=r"second_source of fred:DEXSZUS.*CHF: compared_with ecb.*upside_down True"
    ):
        loading.load(FRANC % (b"1.25", b"1.24", b"1.25"))
    assert loading.load(FRANC % (b"0.80", b"8.08", b"0.80")).outcome == "vintage"
    told = [found for found in loading.results if found.expectation == "every rate is within 20% of the second source"]
    assert "first_apart 2026-06-29" in told[-1].observed


def test_a_zero_where_billions_stood_is_told_by_name_and_many_are_refused(loading):
    loading.load(MAY)
    gone = majors([0.0, 1191.6, 1239.3])
    loading.load(table5(["2026-04", "2026-03", "2026-02"], gone))
    told = [found for found in loading.results if found.expectation == "no zero stands where billions stood"]
    assert "japan 2026-04 total_position" in told[-1].observed
    many = {name: [0.0, *values[1:]] for name, values in gone.items()}
    with pytest.raises(ValidationBlocked, match="no more than three holders of billions fall to zero"):
        loading.load(table5(["2026-04", "2026-03", "2026-02"], many))


def test_a_file_that_adds_up_in_itself_is_not_told_of_beside_an_older_one_of_other_holders(loading):
    """In September 2026 one of the 20 named made way for another: the first one's old figures stay beside All Other."""
    loading.load(table5(["2026-03", "2026-02"], majors([1191.6, 1239.3], Israel=[120.0, 121.0])))
    loading.load(table5(["2026-04", "2026-03"], majors([1209.9, 1191.6], Bermuda=[122.0, 119.0])))
    told = [found for found in loading.results if found.expectation == "every month of the file adds up"]
    assert [found.success for found in told] == [True, True]
    loading.load(
        table5(["2026-05", "2026-04"], majors([1143.1, 1209.9], Bermuda=[122.0, 122.0]), off=5.0),
        retrieved=datetime(2026, 7, 15, tzinfo=UTC),
    )
    told = [found for found in loading.results if found.expectation == "every month of the file adds up"]
    assert "slt_table5 XIII 2026-05: difference_usd_mn -5,000" in told[-1].observed


def test_press_figures_are_loaded_once_each_under_its_own_day(loading):
    assert loading.loader.load_press()["press"] == 5
    assert loading.loader.load_press() == {}
    assert loading.japan("2024-04") == [(1150300.0, date(2024, 6, 18), None, "press")]
    assert loading.japan("2024-05") == [(1128300.0, date(2024, 7, 18), None, "press")]


def test_a_crash_amid_the_press_figures_leaves_none_of_them(loading, monkeypatch):
    add, calls = loading.ledger.add, []

    def crash_at_the_second(*arguments):
        calls.append(arguments)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return add(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(loading.ledger, "add", crash_at_the_second)
        with pytest.raises(KeyboardInterrupt):
            loading.loader.load_press()
    assert loading.content()["vintages"] == []
    assert loading.loader.load_press()["press"] == 5


def test_press_figures_taken_out_of_the_file_leave_the_ledger(loading, tmp_path, shared_gates):
    loading.loader.load_press()
    shutil.copytree(PROJECT / "config", tmp_path / "config")
    path = tmp_path / "config" / "press_figures.csv"
    path.write_text("".join(path.read_text(encoding="utf-8").splitlines(keepends=True)[:3]), encoding="utf-8")
    shorter = Loader(Declarations(tmp_path / "config"), loading.archive, loading.ledger, shared_gates, lambda _: None)
    shorter.load_press()
    assert len(loading.content()["observations"]) == 2


PRESS_RELEASES = (
    b"released,press_release,page_day,month,net_long_term_private_usd_bn,net_long_term_official_usd_bn,"
    b"net_short_term_usd_bn,net_short_term_private_usd_bn,net_short_term_official_usd_bn\n"
)


def test_a_press_release_of_a_later_year_is_taken_in_beside_those_that_come_with_the_program(loading):
    loading.loader.load_press()
    later = PRESS_RELEASES + b"2026-06-18,SB0999,,2026-04,1.5,-70.1,,,\n2026-06-18,SB0999,,2026-03,2.0,3.0,,,\n"
    loaded = loading.load(later)
    assert (loaded.source, loaded.outcome, loaded.released, loaded.figures) == (
        "tic_press_releases", "vintage", JUNE_18, 4,
    )  # fmt: skip
    stated = "SELECT value_usd_mn, released FROM official_flows WHERE measure = 'net_long_term_official' AND month = ?"
    ask = loading.ledger.connection.execute
    assert ask(stated, [date(2026, 4, 1)]).fetchall() == [(-70100.0, JUNE_18)]
    assert ask(stated + " ORDER BY 2", [date(2017, 1, 1)]).fetchall() == [
        (-44900.0, date(2017, 3, 15)), (-44900.0, date(2017, 4, 17)), (-44900.0, date(2017, 5, 15)),
        (-44900.0, date(2017, 6, 15)),
    ]  # fmt: skip


def test_two_files_that_print_one_press_release_otherwise_are_refused_with_both_places(loading):
    loading.loader.load_press()
    other = PRESS_RELEASES + b"2026-01-15,SB0365,,2025-11,52.4,99.9,0.4,1.0,-0.6\n"
    with pytest.raises(LayoutError, match=r"tic_press_releases, .*what another file .*SB0365 net_long_term_official"):
        loading.load(other)


@pytest.mark.official
@pytest.mark.skipif(not OFFICIAL.is_dir(), reason="the official files are not beside the project")
def test_the_stale_table_never_becomes_the_latest(loading):
    loading.load(JUNE)
    loaded = loading.load((OFFICIAL / "tic" / "mfh.txt").read_bytes())
    assert (loaded.source, loaded.released, loaded.last) == ("mfh", date(2023, 3, 15), date(2023, 1, 1))
    assert loading.japan("2026-04") == [(1209900.0, JUNE_18, None, "release")]


def test_the_same_figures_in_html_or_in_another_encoding_are_no_new_vintage(loading):
    loading.load(JUNE)
    before = loading.content()
    for days, body in enumerate((as_html(JUNE), as_csv(JUNE), ("\ufeff" + JUNE.decode()).encode("utf-16-le")), start=1):
        assert loading.load(body, RETRIEVED + timedelta(days)).outcome == "same_figures"
    assert loading.content() == before
    assert {loading.archive.body(entry)[:4] for entry in loading.archive.entries()} == {
        b"Tabl",
        b"<tab",
        b"\xff\xfeT\0",
    }


def test_a_holder_under_a_new_name_is_loaded_by_its_code_and_the_checks_show_both_names(loading):
    renamed = table3([["Nippon" if cell == "Japan" else cell for cell in row] for row in TABLE3_ROWS])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loading.loader.first_gate.gates, "check", lambda *_, **__: [])
        loading.load(renamed, source="slt_table3")
    assert loading.japan("2023-03")
    (found,) = [(one.subject, one.success, one.blocking, one.observed) for one in loading.results]
    assert found == (
        "contents of slt_table3", False, False,
        "'Nippon' with code 42609 is declared as 'Japan': loaded as japan by its code",
    )  # fmt: skip


def test_what_could_not_be_opened_is_refused_with_the_reason_and_not_archived(loading):
    with pytest.raises(LayoutError, match=r"a\.zip, zip archive: expected a whole zip archive"):
        loading.load(b"PK", unreadable=LayoutError("a.zip", "zip archive", "a whole zip archive", "half of one"))
    assert loading.archive.entries() == []
