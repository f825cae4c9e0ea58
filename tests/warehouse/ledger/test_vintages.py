"""Vintages end to end: what was known when, what a release revised, press evidence, warnings, and repair by rebuild."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.conftest import TODAY, a_copy, majors, table5
from treasury_watch.transforms.errors import LayoutError
from treasury_watch.transforms.layouts.tic import slt_table3
from treasury_watch.warehouse.archive.archived_files import ArchiveDamaged
from treasury_watch.warehouse.home.folders import Home
from treasury_watch.warehouse.installation import Warehouse
from treasury_watch.warehouse.ledger.dating import FutureRelease
from treasury_watch.warehouse.ledger.incoming.incoming_files import IncomingFile
from treasury_watch.warehouse.publication.publishing import OPERATIONS
from treasury_watch.warehouse.tables.findings_as_known import findings_of

MAY_18, JUNE_18 = date(2026, 5, 18), date(2026, 6, 18)
RETRIEVED = datetime(2026, 7, 1, 12, tzinfo=UTC)
MAY = table5(["2026-03", "2026-02", "2026-01"], majors([1191.0, 1239.3, 1225.0]))
JUNE = table5(["2026-04", "2026-03", "2026-02"], majors([1209.9, 1191.6, 1239.1]))
PRESS = "holder_id,month,measure,value_usd_bn,released,citation\n"
CHINA = PRESS + "china_mainland,2024-04,total_position,770.7,2024-06-18,A newspaper of 18 June 2024\n"


@pytest.fixture
def warehouse(tmp_path, declarations) -> Warehouse:
    return Warehouse(Home(tmp_path / "home"), declarations)


def load(warehouse: Warehouse, *bodies: bytes | str, publish: bool = True, released: date | None = None) -> list:
    """One run; returns what became of each file."""
    with warehouse.session("ingest", today=TODAY) as session:
        done = [
            session.loader.load(
                IncomingFile(
                    body if isinstance(body, bytes) else body.encode(),
                    url="file:x.txt",
                    retrieved=RETRIEVED,
                    released=released,
                )
            )
            for body in bodies
        ]
        session.loader.load_press()
        if publish:
            session.publish()
    return done


def ask(warehouse: Warehouse, query: str, *parameters: object) -> list[tuple]:
    with duckdb.connect(str(warehouse.home.database), read_only=True) as connection:
        return connection.execute(query, list(parameters)).fetchall()


def parquet(warehouse: Warehouse) -> dict[str, str]:
    return {
        str(path.relative_to(warehouse.home.root)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in warehouse.home.parquet.rglob("*.parquet")
        if path.stem not in OPERATIONS
    }


def warned(warehouse: Warehouse) -> dict[str, str]:
    """The warnings on releases of the last run."""
    rows = warehouse.state.rows(
        "SELECT expectation, observed FROM validation_results WHERE subject LIKE 'release of%' AND NOT success "
        "AND run_id = (SELECT run_id FROM runs ORDER BY rowid DESC LIMIT 1)"
    )
    return {row["expectation"]: row["observed"] for row in rows}


class Several(Warehouse):
    """A home with several vintages, what became of the files, and what the run with the older release was warned of."""

    of: dict[str, Any]
    warned: dict[str, str]


@pytest.fixture(scope="module")
def several_made(tmp_path_factory, declarations) -> Several:
    """A home with three vintages, loaded out of order, and press figures of two files. Only to be read or copied."""
    made = Several(Home(tmp_path_factory.mktemp("several") / "home"), declarations)
    _, _, header = load(made, JUNE, CHINA, PRESS, publish=False)
    with pytest.raises(LayoutError) as contradicting:
        load(made, CHINA.replace("770.7", "771.7"), publish=False)
    (older,) = load(made, MAY, publish=False)
    made.warned = warned(made)
    load(made, table5(["2026-04", "2026-03", "2026-02"], majors([1210.0, 1191.6, 1239.1])))
    made.of = {"header": header, "contradicting press": contradicting.value, "older release": older}
    return made


# ------------------------------------------------------------------------------------------------------------ revisions


@pytest.fixture(scope="module")
def two_releases(tmp_path_factory, declarations) -> Warehouse:
    """A home with the releases of May and June. Only to be read."""
    made = Warehouse(Home(tmp_path_factory.mktemp("two") / "home"), declarations)
    load(made, MAY, JUNE)
    return made


def test_a_revision_has_the_old_and_the_new_figure_and_both_releases(two_releases):
    found = ask(
        two_releases,
        "SELECT source, strftime(month, '%Y-%m'), old_usd_mn, new_usd_mn, difference_usd_mn, first_released, released "
        "FROM revisions WHERE holder = 'Japan' ORDER BY month",
    )
    assert found == [
        ("slt_table5", "2026-02", 1_239_300, 1_239_100, -200, MAY_18, JUNE_18),
        ("slt_table5", "2026-03", 1_191_000, 1_191_600, 600, MAY_18, JUNE_18),
    ]


def test_the_largest_revisions_rank_countries_and_leave_totals_out(two_releases):
    found = ask(
        two_releases,
        "SELECT place, holder, strftime(month, '%Y-%m'), difference_usd_mn, round(revised_pct, 4) FROM largest_revisions",
    )
    assert found == [(1, "Japan", "2026-03", 600, 0.0504), (2, "Japan", "2026-02", -200, -0.0161)]
    assert ("all_other",) in ask(two_releases, "SELECT DISTINCT holder_id FROM revisions")


def test_the_largest_revisions_are_those_of_the_newest_release_that_revised_any(several_made):
    assert ask(several_made, "SELECT strftime(month, '%Y-%m'), released FROM largest_revisions") == [("2026-04", TODAY)]
    assert len(ask(several_made, "FROM revisions WHERE holder = 'Japan'")) == 3


def test_one_release_of_table_3_revises_no_finding(loaded_sample):
    with duckdb.connect(str(loaded_sample / "treasury.duckdb"), read_only=True) as connection:
        assert connection.execute("SELECT count(*) FROM revised_findings").fetchall() == [(0,)]


@pytest.mark.slow
def test_a_second_release_of_table_3_that_turns_a_finding_around_is_said_in_one_row(sample):
    """Japan's fall of April 2024 was published as 40.9 billion; the simulated release leaves none of it."""
    (entry,) = sample.archive.entries("slt_table3")
    lines = sample.archive.body(entry).decode().splitlines(keepends=True)
    april = next(n for n, line in enumerate(lines) if line.startswith("Japan\t42609\t2024-04\t1126094\t"))
    lines[april] = lines[april].replace("\t1126094\t", "\t1166094\t")
    load(sample, "".join(lines), released=date(2026, 6, 30))
    found = ask(
        sample, "SELECT what, old_usd_mn, released FROM revised_findings WHERE rule = 'fall' AND holder = 'Japan' "
        "AND start_month = '2024-04-01' AND end_month = '2024-04-01'",
    )  # fmt: skip
    assert found == [("no longer flagged", -40_921, date(2026, 6, 30))]
    assert slt_table3.recognise(sample.archive.body(entry))


# ----------------------------------------------------------------------------------------------------- evidence, as-of


def test_japan_in_2024_as_known_in_july_in_august_and_now(loaded_sample, declarations):
    def fall(day: date) -> tuple:
        with duckdb.connect(str(loaded_sample / "treasury.duckdb"), read_only=True) as connection:
            months = connection.execute(
                "SELECT change_usd_mn, evidence FROM holder_months_as_of(?) WHERE holder = 'Japan' "
                "AND month BETWEEN '2024-04-01' AND '2024-06-01' ORDER BY month", [day],
            ).fetchall()  # fmt: skip
            _, runs = findings_of(connection, declarations.rules, day)
        runs = runs[(runs["holder"] == "Japan") & (runs["rule"] == "fall") & (runs["start_month"] == "2024-04-01")]
        (run,) = runs.to_dict("records")
        return [m[0] for m in months], {m[1] for m in months}, run["months"], run["change_usd_mn"]

    assert fall(date(2024, 7, 18)) == ([-37_500, -22_000], {"press"}, 2, -59_500)
    assert fall(date(2024, 8, 15)) == ([-37_500, -22_000, -10_600], {"press"}, 3, -70_100)
    assert fall(TODAY) == ([-40_921, -20_141, -14_535], {"release"}, 3, -75_597)


def test_each_as_of_answer_says_which_tier_it_stands_on(several_made):
    for macro in ("positions_as_of", "holder_months_as_of"):
        query = f"SELECT evidence FROM {macro}(?) WHERE holder = 'Japan' AND month = ?"
        assert ask(several_made, query, date(2024, 7, 18), date(2024, 5, 1)) == [("press",)]
        assert ask(several_made, query, JUNE_18, date(2026, 4, 1)) == [("release",)]
        assert ask(several_made, query, TODAY, date(2026, 4, 1)) == [("snapshot",)]
        assert ask(several_made, query, TODAY, date(2026, 3, 1)) == [("release",)]
        # No tier overwrote another: the press figure still stands where nothing else does.
        assert ask(several_made, query, TODAY, date(2024, 5, 1)) == [("press",)]


# --------------------------------------------------------------------------------------------------------------- press


def test_a_file_of_press_figures_is_a_vintage_of_its_own(warehouse):
    (done,) = load(warehouse, CHINA, publish=False)
    assert (done.source, done.outcome, done.figures, done.changed) == ("press", "vintage", 1, 1)


def test_press_figures_of_config_and_of_a_file_stand_side_by_side_with_their_citations(several_made):
    found = ask(
        several_made,
        "SELECT value_usd_mn, citation FROM press_figures WHERE holder_id = 'china_mainland' ORDER BY month",
    )
    assert found == [(770_700, "A newspaper of 18 June 2024"), (768_300, "Press on the TIC release of 18 July 2024")]
    assert ask(several_made, "SELECT count(*) FROM observations WHERE evidence = 'press'") == [(6,)]
    assert ask(several_made, "SELECT count(DISTINCT sha256) FROM observations WHERE evidence = 'press'") == [(2,)]


def test_the_same_press_file_again_is_known_and_not_read(warehouse, monkeypatch):
    load(warehouse, CHINA, JUNE, publish=False)

    def unread(*_: object) -> None:
        raise AssertionError("nothing is new")

    monkeypatch.setattr("treasury_watch.warehouse.ledger.press_loading.press_frame", unread)
    assert load(warehouse, CHINA, publish=False)[0].outcome == "known"


def test_a_press_file_that_contradicts_another_is_refused_and_the_rest_stands(several_made):
    assert re.search(
        r"another file of these figures says.*china_mainland 2024-04", str(several_made.of["contradicting press"])
    )
    assert sorted(bool(entry.refused) for entry in several_made.archive.entries("press")) == [False, False, True]
    assert ask(several_made, "SELECT value_usd_mn FROM press_figures WHERE month = '2024-04-01' ORDER BY 1") == [
        (770_700,), (1_150_300,),
    ]  # fmt: skip


def test_a_press_file_of_nothing_but_its_header_is_fine(several_made):
    done = several_made.of["header"]
    assert (done.figures, done.changed, done.last) == (0, 0, None)
    assert ask(several_made, "SELECT count(*) FROM press_figures") == [(6,)]  # five of them the program's own


def test_a_press_figure_of_tomorrow_is_refused(warehouse):
    with pytest.raises(FutureRelease, match="press: a figure released 2026-07-02, but retrieved 2026-07-01"):
        load(warehouse, CHINA.replace("2024-06-18", "2026-07-02"), publish=False)
    assert warehouse.archive.entries("press") == []


# ------------------------------------------------------------------------------------------------------------ warnings


def test_an_older_file_served_as_new_is_a_warning_with_both_days_and_replaces_nothing(several_made):
    done = several_made.of["older release"]
    assert (done.outcome, done.released) == ("vintage", MAY_18)
    (observed,) = (
        text for name, text in several_made.warned.items() if name == "the file is not older than what is known"
    )
    assert "2026-05-18" in observed
    assert "newest_release 2026-06-18" in observed
    query = "SELECT total_usd_mn FROM positions_as_of(?) WHERE holder = 'Japan' AND month = '2026-03-01'"
    assert ask(several_made, query, TODAY) == [(1_191_600,)]
    assert ask(several_made, query, JUNE_18) == [(1_191_600,)]
    assert ask(several_made, query, MAY_18) == [(1_191_000,)]


def of_table3(sample: Warehouse, change: Callable[[list[str]], list[str]]) -> None:
    """Load a changed Table 3 of a later day."""
    (entry,) = sample.archive.entries("slt_table3")
    lines = sample.archive.body(entry).decode().splitlines(keepends=True)
    load(sample, "".join(change(lines)), publish=False, released=date(2026, 6, 30))


def test_a_release_that_drops_a_country_is_a_warning_with_its_name_and_loses_nothing(sample):
    of_table3(sample, lambda lines: [line for line in lines if not line.startswith("Poland\t")])
    assert "dropped_holders poland" in warned(sample)["no holder is dropped"]
    with sample.session("run", today=TODAY) as session:
        known = session.ledger.connection.execute(
            "SELECT count(*) FROM observations WHERE source = 'slt_table3' AND holder_id = 'poland' AND superseded IS NULL"
        ).fetchall()
    assert known[0][0] > 100


def test_a_release_that_changes_most_of_the_distant_past_is_a_warning_with_the_share(sample):
    def doubled(lines: list[str]) -> list[str]:
        changed = []
        for line in lines:
            cells = line.split("\t")
            if len(cells) > 9 and cells[2][:4] in {"2022", "2023"} and cells[0] != "Grand Total":
                cells[3:5] = [cell if cell == "n.a." else str(int(cell) + 1) for cell in cells[3:5]]
            changed.append("\t".join(cells))
        return changed

    of_table3(sample, doubled)
    observed = warned(sample)["at most a fifth of the figures older than two years changed"]
    assert "old_changed_pct" in observed
    assert "old_compared" in observed


# -------------------------------------------------------------------------------------------------------------- rebuild


@pytest.fixture
def several(several_made, tmp_path, declarations) -> Warehouse:
    """A copy of the home with several vintages."""
    return a_copy(several_made.home.root, tmp_path, declarations)


@pytest.mark.parametrize("damage", ["deleted", "garbled"])
def test_a_rebuild_of_several_vintages_and_press_files_repairs_derived_files_to_the_same_bytes(several, damage):
    before = parquet(several)
    assert len(before) > 20
    for place in ("treasury.duckdb", "ledger.duckdb", "parquet/positions.parquet"):
        path = several.home.root / place
        path.unlink()
        if damage == "garbled":
            path.write_bytes(b"rot" * 1000)
    several.rebuild(today=TODAY)
    assert parquet(several) == before
    query = "SELECT total_usd_mn FROM positions_as_of(?) WHERE holder = 'Japan' AND month = '2026-03-01'"
    assert ask(several, query, MAY_18) == [(1_191_000,)]
    with several.session("run", today=TODAY) as session:
        assert session.is_published()
        assert session.ledger.newest("slt_table5") == TODAY


@pytest.mark.parametrize("source", ["slt_table5", "press"])
def test_a_damaged_file_of_the_archive_is_named(several, source):
    entry = next(entry for entry in several.archive.entries(source) if not entry.refused)
    path: Path = several.archive.path(entry)
    path.write_bytes(path.read_bytes() + b" ")
    with pytest.raises(ArchiveDamaged, match=rf"{path.name}: expected checksum {entry.sha256[:12]}"):
        several.rebuild(today=TODAY)
