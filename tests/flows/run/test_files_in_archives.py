"""Archives that a user names or a server sends: what is in them is loaded, each with where it lay."""

from __future__ import annotations

import gzip
from datetime import UTC, date, datetime
from pathlib import Path

from tests.transforms.layouts import test_ecb
from tests.transforms.tic import as_html, table3, table5, zipped
from treasury_watch.flows.fetch.http import Fetched
from treasury_watch.flows.run.backfill import refuse_unreadable, what_it_is
from treasury_watch.flows.run.steps import files_on_disk, incoming
from treasury_watch.flows.run.summary.outcome import Outcome
from treasury_watch.transforms.errors import LayoutError
from treasury_watch.warehouse.ledger.incoming.backfill_files import Found, ParsedFile

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)
URL = "https://example.org/Documents/slt_table5.txt"


def answer(body: bytes, source: str = "slt_table5") -> Fetched:
    return Fetched(source, URL, "new", body, '"tag"', None, NOW, "text/plain")


def test_a_zip_on_disk_gives_its_tables_each_with_its_address_and_the_users_day(tmp_path: Path):
    path = tmp_path / "ticrel_20260618.zip"
    path.write_bytes(zipped(slt_table3__txt=table3(), readme__txt=b"Dear reader", slt_table5__html=as_html(table5())))
    files = list(files_on_disk([path], date(2026, 6, 18), Outcome()))
    assert [(file.source, file.url, file.container, file.released) for file in files] == [
        ("slt_table3", f"{path.as_uri()}#slt_table3.txt", "ticrel_20260618.zip", date(2026, 6, 18)),
        ("slt_table5", f"{path.as_uri()}#slt_table5.html", "ticrel_20260618.zip", date(2026, 6, 18)),
    ]
    assert files[0].body == table3()


def test_a_broken_archive_keeps_no_other_file_from_being_loaded(tmp_path: Path):
    for name, body in (("a.zip", zipped(x__txt=table5())[:-9]), ("b.gz", gzip.compress(table5())), ("c.txt", table5())):
        (tmp_path / name).write_bytes(body)
    broken, opened, plain = files_on_disk(sorted(tmp_path.iterdir()), None, Outcome())
    assert "a.zip, zip archive: expected a whole zip archive" in str(broken.unreadable)
    assert (opened.body, opened.container, opened.source) == (table5(), "b.gz", "slt_table5")
    assert (plain.body, plain.container, plain.source, plain.unreadable) == (table5(), None, None, None)


def test_a_server_that_answers_a_packed_file_gives_the_file():
    for body in (gzip.compress(table5()), zipped(slt_table5__txt=table5(), slt_table3__txt=table3())):
        (file,) = incoming(answer(body))
        assert (file.source, file.url, file.body, file.etag) == ("slt_table5", URL, table5(), '"tag"')
        assert file.container == "slt_table5.txt"


def test_an_archive_that_its_layout_reads_whole_is_loaded_as_it_was_served():
    (file,) = incoming(answer(test_ecb.zipped(), "ecb"))
    assert (file.body, file.container) == (test_ecb.zipped(), None)


def test_a_server_that_answers_an_archive_of_other_tables_is_refused_by_what_it_sent():
    (file,) = incoming(answer(zipped(slt_table3__txt=table3())))
    expected = r"slt_table5, slt_table5.txt: expected a file of slt_table5 in it, found slt_table3.txt (slt_table3)"
    assert expected in str(file.unreadable)


def test_in_a_backfill_what_cannot_be_opened_counts_as_refused_and_the_rest_is_named_by_what_it_is(tmp_path: Path):
    archive = Found(tmp_path / "a.zip", "file:///a.zip", NOW)
    outcome = Outcome()
    broken = ParsedFile(archive, "", unreadable=LayoutError("a.zip", "zip archive", "a whole one", "half of one"))
    other = ParsedFile(archive.within("slt_table1.txt"), "", kind="Table 1: long-term securities")
    refuse_unreadable([broken, other], outcome)
    assert [refused.line.split(";")[0] for refused in outcome.refused] == [
        f"{tmp_path / 'a.zip'}: a.zip, zip archive: expected a whole one, found half of one"
    ]
    assert what_it_is(other) == f"Table 1: long-term securities: {tmp_path / 'a.zip'}: slt_table1.txt"
    assert what_it_is(ParsedFile(archive, "")) == f"of no known layout: {tmp_path / 'a.zip'}"
