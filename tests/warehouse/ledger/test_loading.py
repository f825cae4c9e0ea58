"""Loading: one file at a time or not at all, refusals noted."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from tests.conftest import PROJECT, RETRIEVED, TODAY, majors, table5
from tests.transforms.tic import TABLE3_ROWS, as_csv, as_html, table3
from tests.warehouse.ledger.loading_data import APRIL, JUNE, JUNE_18, LATER, MAY, MAY_18
from treasury_watch.transforms.errors import LayoutError, UnknownHolderError
from treasury_watch.transforms.layouts.parsing import figures_of
from treasury_watch.warehouse.archive.archived_files import ArchiveDamaged
from treasury_watch.warehouse.declarations import Declarations
from treasury_watch.warehouse.gates.results import ValidationBlocked
from treasury_watch.warehouse.ledger.dating import FutureRelease
from treasury_watch.warehouse.ledger.incoming.incoming_files import IncomingFile
from treasury_watch.warehouse.ledger.loading import Loader

OFFICIAL = PROJECT / ".." / "shared" / "official"


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
