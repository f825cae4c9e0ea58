"""What the gates stop and what a user withdraws leaves nothing behind and holds nothing back."""

from __future__ import annotations

import hashlib
import shutil
from datetime import UTC, date, datetime

import pytest

from tests.conftest import PROJECT, majors, table5
from tests.warehouse.publication.published_home import (
    JULY,
    NEXT,
    RATES,
    content,
    japan,
    last_run,
    load,
    opened,
)
from treasury_watch.warehouse.archive.archived_files import quarantined
from treasury_watch.warehouse.declarations import Declarations
from treasury_watch.warehouse.gates.freshness import newest_figures
from treasury_watch.warehouse.gates.results import ValidationBlocked
from treasury_watch.warehouse.installation import Warehouse
from treasury_watch.warehouse.ledger.incoming.incoming_files import IncomingFile
from treasury_watch.warehouse.ledger.withdrawal import find_archived


def test_the_first_gate_leaves_the_publication_byte_for_byte(small):
    before = content(small.home.root)
    with pytest.raises(ValidationBlocked):
        load(small, NEXT.replace(b"9000.0", b"90000.0"))
    assert content(small.home.root) == before
    assert last_run(small)["outcome"] == "blocked"


def test_a_file_that_the_second_gate_stops_is_set_aside_and_poisons_nothing(small):
    before = content(small.home.root)
    wrong = table5(["2026-05", "2026-04", "2026-03"], majors([1143.1, 1209.9, 1191.6]), off=40.0)
    with small.session("ingest", today=JULY.date()) as session:
        loaded = session.loader.load(IncomingFile(wrong, url="file:any.txt", retrieved=JULY))
        assert session.publish() is None  # what is left is published already
    assert content(small.home.root) == before
    assert list(small.home.root.glob("*next*")) == []
    [aside] = session.set_aside
    assert (aside.entry.source, aside.entry.sha256) == ("slt_table5", loaded.sha256)
    kept = small.archive.find("slt_table5", loaded.sha256)
    assert "the newest month of Table 5 adds up" in str(kept.refused)
    assert small.archive.body(kept) == wrong
    assert [entry.sha256 for entry in quarantined(small.archive.entries())] == [loaded.sha256]
    load(small, NEXT, datetime(2026, 7, 16, tzinfo=UTC))  # the mended file is the release, for the other never stood
    query = (
        "SELECT total_usd_mn, evidence, released FROM positions_as_of(?) "
        "WHERE holder_id = 'grand_total' AND month = '2026-05-01'"
    )
    assert japan(small.home.root, query) == [(9_000_000, "release", date(2026, 7, 14))]
    assert quarantined(small.archive.entries()) == []  # its address was read without fault since


def test_of_several_new_files_only_the_one_that_blocks_is_set_aside(small):
    slipped = majors([1.2, 1209.9, 1191.6])  # a thousandth: no position moves so
    bad = table5(["2026-05", "2026-04", "2026-03"], slipped)
    with small.session("ingest", today=JULY.date()) as session:  # it ended before it came to publish
        session.loader.load(IncomingFile(bad, url="file:bad.txt", retrieved=JULY))
    with small.session("ingest", today=JULY.date()) as session:
        session.loader.load(IncomingFile(RATES, url="file:rates.csv", retrieved=JULY))
        assert session.publish() is not None
    assert [aside.entry.url for aside in session.set_aside] == ["file:bad.txt"]
    assert "no position moved by a factor near 1,000" in str(session.set_aside[0].problem)
    with opened(small.home.root) as connection:
        assert connection.execute("SELECT max(date)::TEXT FROM fx_daily WHERE source = 'fred:DEXJPUS'").fetchall() == [
            ("2026-07-10",)
        ]
        assert connection.execute("SELECT max(month)::TEXT FROM positions").fetchall() == [("2026-04-01",)]
    assert last_run(small)["outcome"] == "published"


def test_a_withdrawn_file_leaves_the_tables_with_its_reason_and_stays_out_until_that_is_undone(followed):
    newest = "SELECT max(month) FROM positions_as_of(?)"
    assert japan(followed.home.root, newest) == [(date(2026, 5, 1),)]
    entry = find_archived(followed.archive, hashlib.sha256(NEXT).hexdigest()[:10])
    with followed.session("withdraw", today=JULY.date()) as session:
        assert session.withdraw(entry, "served by mistake") == []
        session.publish()
    assert japan(followed.home.root, newest) == [(date(2026, 4, 1),)]
    stated = "SELECT released, withdrawn, last_month, changed_figures FROM releases WHERE withdrawn IS NOT NULL"
    with opened(followed.home.root) as connection:
        assert connection.execute(stated).fetchall() == [(date(2026, 7, 14), "served by mistake", None, None)]
        assert newest_figures(connection)["slt_table5"] == date(2026, 4, 1)
    assert followed.archive.body(entry) == NEXT
    with followed.session("ingest", today=JULY.date()) as session:
        again = session.loader.load(IncomingFile(NEXT, url="file:any.txt", retrieved=JULY))
        assert again.outcome == "withdrawn"
        assert f"withdrawn on {datetime.now(UTC):%Y-%m-%d}: served by mistake" in again.line()
        assert f"`treasury-watch withdraw {entry.sha256[:12]} --undo`" in again.line()
        assert session.is_published()
    followed.rebuild(today=JULY.date())
    assert japan(followed.home.root, newest) == [(date(2026, 4, 1),)]
    with followed.session("withdraw", today=JULY.date()) as session:
        session.undo_withdrawal(find_archived(followed.archive, entry.sha256))
        session.publish()
    assert japan(followed.home.root, newest) == [(date(2026, 5, 1),)]


def test_where_no_new_file_is_to_blame_all_stay_and_the_publication_is_held_back(small, tmp_path):
    shutil.copytree(PROJECT / "config", tmp_path / "config")
    path = tmp_path / "config" / "validation.toml"
    text = path.read_text(encoding="utf-8")
    wanted = 'name = "there are positions"\ntype = "expect_table_row_count_to_be_between"\nkwargs = { min_value = 1 }'
    path.write_text(text.replace(wanted, wanted.replace("= 1 }", "= 999999 }")), encoding="utf-8")
    strict = Warehouse(small.home, Declarations(tmp_path / "config"))
    before = content(small.home.root)
    with pytest.raises(ValidationBlocked, match="there are positions"):
        load(strict, NEXT)
    assert content(small.home.root) == before
    assert last_run(small)["outcome"] == "blocked"
    assert quarantined(small.archive.entries()) == []
    load(small, RATES)  # as soon as the check is mended, what was loaded is published
    assert japan(small.home.root, "SELECT max(month) FROM positions_as_of(?)") == [(date(2026, 5, 1),)]
