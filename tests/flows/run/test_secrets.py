"""A mirror's password in a base address opens the mirror, and is kept nowhere."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from tests.conftest import SAMPLE
from tests.flows.conftest import BASES
from tests.flows.loopback import Loopback, Reply, Seen
from treasury_watch.flows.run import steps
from treasury_watch.flows.settings.settings import Settings
from treasury_watch.transforms.addresses import without_credentials
from treasury_watch.transforms.layouts.pages.release_archive import read_index
from treasury_watch.warehouse.archive.archived_files import CHECKSUM, Archive, checksum_of, content_of
from treasury_watch.warehouse.archive.release_zips import ReleaseZips, ZipNote
from treasury_watch.warehouse.declarations import Declarations
from treasury_watch.warehouse.home.state import State

USER, SECRET = "mirror-user", "s3cr3t-of-the-mirror"
LOGIN = base64.b64encode(f"{USER}:{SECRET}".encode()).decode()
NOW = datetime(2026, 6, 20, tzinfo=UTC)
OPEN, CLOSED = "http://mirror.example/tic/a.txt", f"http://{USER}:{SECRET}@mirror.example/tic/a.txt"


def with_secret(home: Path) -> list[str]:
    """The files of a home in which the secret stands, plainly or as it is sent."""
    found = []
    for path in home.rglob("*"):
        if path.is_file() and any(word.encode() in path.read_bytes() for word in (SECRET, USER, LOGIN)):
            found.append(path.relative_to(home).as_posix())
    return found


def published_text(database: Path) -> str:
    """Every text of the tables that say where figures came from; in the files it may be compressed."""
    with duckdb.connect(str(database), read_only=True) as connection:
        names = ("sources", "releases", "runs", "validation_results", "alerts", "events")
        return "\n".join(str(connection.sql(f"FROM {name}").fetchall()) for name in names)


@pytest.fixture
def guarded(monkeypatch: pytest.MonkeyPatch) -> None:
    """The server answers only to the login."""
    unguarded = Loopback.answer

    def answer(self: Loopback, seen: Seen) -> Reply:
        known = seen.headers.get("authorization") == f"Basic {LOGIN}"
        return unguarded(self, seen) if known else Reply(401, {"WWW-Authenticate": "Basic"}, b"")

    monkeypatch.setattr(Loopback, "answer", answer)


def test_a_run_against_a_mirror_with_a_login_keeps_its_password_in_no_file(publishers, loaded, guarded, monkeypatch):
    for name, path in BASES.items():
        monkeypatch.setenv(
            f"TREASURY_WATCH_BASE_{name}", publishers.server.url(path).replace("://", f"://{USER}:{SECRET}@")
        )
    changed = (SAMPLE / "tic" / "slt_table5.txt").read_bytes().replace(b"1209.9", b"1209.8")
    publishers.serve("slt_table5", changed)
    publishers.answer("fred:DEXJPUS", Reply(404))
    settings = Settings()
    outcome = steps.run(settings, settings.warehouse(), steps.PLAIN, sample=False, command="run")
    assert [item.source for item in outcome.loaded] == [
        "slt_table5"
    ]  # all others: not modified, by the validators of before
    assert outcome.problems
    assert SECRET not in str(outcome.problems)
    assert with_secret(loaded.home.root) == []
    assert not [word for word in (SECRET, USER) if word in published_text(loaded.home.database)]
    assert publishers.server.url(publishers.path("slt_table5")) in published_text(loaded.home.database)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (CLOSED, OPEN),
        ("https://u:p@[::1]:8080/a?id=7&apikey=s#x", "https://[::1]:8080/a?id=7&apikey=***#x"),
        ("https://m.example/a?access-token=s&monkey=1", "https://m.example/a?access-token=***&monkey=1"),
        ("file:///home/a@b/c.txt#d", "file:///home/a@b/c.txt#d"),
        ("sample:tic/slt_table5.txt", "sample:tic/slt_table5.txt"),
        ("http://u:p@[broken", "an address that cannot be read"),
    ],
)
def test_an_address_is_kept_without_what_opens_it(given, kept):
    assert without_credentials(given) == kept


def test_every_declared_address_is_kept_as_it_stands(declarations: Declarations):
    assert [s.id for s in declarations.sources.values() if without_credentials(s.url) != s.url] == []


def test_a_link_of_the_release_archive_is_remembered_without_the_mirrors_password():
    page = b'<p><a href="/files/ticrel_20220222.zip">02-22-2022</a> December 2021</p>'
    [link], _ = read_index(page, CLOSED)
    assert SECRET in link.url
    assert SECRET not in link.row


class TestWhatAnEarlierVersionKept:
    def test_a_note_of_the_archive_is_read_and_written_again_without_it(self, tmp_path):
        archive = Archive(tmp_path / "raw")
        entry, _ = archive.put("slt_table5", b"figures", url=OPEN, retrieved=NOW)
        content = content_of(replace(entry, url=CLOSED))
        note = archive.note_path("slt_table5", entry.sha256)
        note.write_text(json.dumps({**content, CHECKSUM: checksum_of(content)}), encoding="utf-8")
        assert archive.entries() == [entry]
        assert archive.clean() == [entry]
        assert with_secret(tmp_path) == []
        assert archive.clean() == []

    def test_a_note_on_a_zip_is_written_again_without_it(self, tmp_path):
        zips = ReleaseZips(tmp_path)
        zips.keep("ticrel_1.zip", b"PK", ZipNote(OPEN, "", 2, NOW, None, None, f"{CLOSED} 02-22-2022 December 2021"))
        assert with_secret(tmp_path)
        assert zips.clean()
        assert with_secret(tmp_path) == []
        assert zips.note("ticrel_1.zip").row == f"{OPEN} 02-22-2022 December 2021"
        assert not zips.clean()

    def test_validators_stay_and_the_password_leaves_the_file_with_its_free_pages(self, tmp_path):
        state = State(tmp_path / "state.sqlite")
        state.change("INSERT INTO validators VALUES ('slt_table5', ?, '1', NULL, NULL, NULL)", (CLOSED,))
        assert state.clean_addresses()
        state.compact()
        assert with_secret(tmp_path) == []
        assert state.validators("slt_table5", CLOSED) == state.validators("slt_table5", OPEN) == ("1", None, None)
