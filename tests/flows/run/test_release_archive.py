"""Zips of releases into the ledger: what matters is loaded and noted, what does not is passed over, a refusal stops nothing."""

import io
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.benchmarks.release_archive.server import ReleaseArchiveServer
from tests.conftest import PROJECT, majors, table5
from treasury_watch.flows.commands.main import main
from treasury_watch.flows.run.release_archive.loading import Loading
from treasury_watch.flows.run.summary.outcome import Outcome
from treasury_watch.warehouse.archive.release_zips import ReleaseZips, ZipNote
from treasury_watch.warehouse.declarations import Declarations
from treasury_watch.warehouse.home.folders import Home
from treasury_watch.warehouse.installation import Warehouse
from treasury_watch.warehouse.ledger.incoming.backfill_files import scratch
from treasury_watch.warehouse.ledger.incoming.release_files import ReadZip, ZipToRead, read_zip

DECLARATIONS = Declarations(PROJECT / "config")
TABLES = DECLARATIONS.release_archive.members
FIRST = table5(["2024-02", "2024-01", "2023-12"], majors([1039.0, 1025.0, 1085.0]))
NEXT = table5(["2024-03", "2024-02", "2024-01"], majors([1091.0, 1039.3, 1025.0]))
LAST = table5(["2024-04", "2024-03", "2024-02"], majors([1009.9, 1091.6, 1039.3]))
FETCHED = datetime(2026, 7, 1, 12, tzinfo=UTC)


def zipped(**members: bytes) -> bytes:
    """A zip; `__` stands for the dot of a name."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for name, body in members.items():
            archive.writestr(name.replace("__", "."), body)
    return target.getvalue()


class Room:
    """A home with its zips, in which releases are read and loaded without a network."""

    def __init__(self, folder: Path):
        self.warehouse = Warehouse(Home(folder), DECLARATIONS)
        self.zips = ReleaseZips(self.warehouse.home.release_archive)
        self.outcome = Outcome()

    def keep(self, name: str, body: bytes) -> None:
        note = ZipNote(f"https://example.org/{name}", "", len(body), FETCHED, None, None, "the row")
        self.zips.keep(name, body, note)

    def read(self, name: str, into: Path) -> ReadZip:
        zipped = ZipToRead(self.zips.path(name), f"https://example.org/{name}", FETCHED)
        return read_zip(zipped, TABLES, into, DECLARATIONS)

    def load(self, *names: str) -> Loading:
        with self.warehouse.session("test") as session, scratch(self.warehouse.home) as into:
            loading = Loading(session, self.zips, self.outcome)
            for name in names:
                loading.take(self.read(name, into))
                assert [path for path in into.iterdir() if path.name.startswith(name)] == []
        return loading


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> tuple[Room, Loading]:
    """Three releases: the second holds a table that cannot be read, the third is no zip."""
    room = Room(tmp_path_factory.mktemp("home"))
    room.keep("ticrel_20240417.zip", zipped(slt_table5__txt=FIRST, slt_table5__html=b"<table>", npr_history__csv=b"x"))
    room.keep("ticrel_20240515.zip", zipped(slt_table5__txt=NEXT, mfhhis01__txt=b"nothing that is known"))
    room.keep("ticrel_20240618.zip", b"PK\x03\x04 cut")
    return room, room.load("ticrel_20240417.zip", "ticrel_20240515.zip", "ticrel_20240618.zip")


def test_members_are_loaded_with_the_address_of_their_zip(loaded):
    room, _ = loaded
    entries = room.warehouse.archive.entries("slt_table5")
    assert {entry.url for entry in entries} == {
        "https://example.org/ticrel_20240417.zip#slt_table5.txt",
        "https://example.org/ticrel_20240515.zip#slt_table5.txt",
    }
    assert {room.warehouse.archive.body(entry) for entry in entries} == {FIRST, NEXT}


def test_a_zip_taken_in_whole_leaves_a_note_and_no_zip(loaded):
    room, loading = loaded
    note = room.zips.note("ticrel_20240417.zip")
    assert note is not None
    assert note.taken
    assert not room.zips.path("ticrel_20240417.zip").exists()
    assert [(member["name"], member["outcome"]) for member in note.members or ()] == [("slt_table5.txt", "vintage")]
    assert note.passed_over == 2
    assert (loading.releases, loading.members, loading.passed_over) == (3, 3, 2)


def test_a_zip_of_which_a_member_could_not_be_published_is_asked_for_again(tmp_path):
    room = Room(tmp_path)
    room.keep("ticrel_20240417.zip", zipped(slt_table5__txt=FIRST))
    room.load("ticrel_20240417.zip")
    [entry] = room.warehouse.archive.entries("slt_table5")
    room.zips.set_aside("ticrel_20240417.zip", entry.sha256)
    note = room.zips.note("ticrel_20240417.zip")
    assert note is not None
    assert not note.taken
    assert not room.zips.is_kept("ticrel_20240417.zip")


def test_a_refused_member_is_named_with_its_zip_which_is_kept_for_the_next_time(loaded):
    room, _ = loaded
    note = room.zips.note("ticrel_20240515.zip")
    assert note is not None
    assert not note.taken
    assert room.zips.path("ticrel_20240515.zip").exists()
    [refused] = room.outcome.refused
    assert refused.place == "https://example.org/ticrel_20240515.zip#mfhhis01.txt"
    assert [item.outcome for item in room.outcome.loaded] == ["vintage", "vintage"]


def test_a_damaged_zip_is_named_and_stops_nothing(loaded):
    room, loading = loaded
    assert list(loading.problems) == ["ticrel_20240618.zip"]
    assert "ticrel_20240618.zip, zip archive: expected a whole zip archive" in loading.problems["ticrel_20240618.zip"]
    note = room.zips.note("ticrel_20240618.zip")
    assert note is not None
    assert not note.taken


def test_what_a_killed_run_had_loaded_is_known_to_the_next(tmp_path):
    room = Room(tmp_path)
    room.keep("ticrel_20240417.zip", zipped(slt_table5__txt=FIRST))
    room.load("ticrel_20240417.zip")
    room.keep("ticrel_20240417.zip", zipped(slt_table5__txt=FIRST))  # as if killed before the zip was noted
    room.load("ticrel_20240417.zip")
    assert [item.outcome for item in room.outcome.loaded] == ["vintage", "known"]


@pytest.mark.long
def test_the_command_loads_what_there_is_and_lists_what_is_missing(tmp_path, monkeypatch):
    folder = tmp_path / "archive"
    folder.mkdir()
    bodies = {"ticrel_20240417.zip": FIRST, "ticrel_20240515.zip": NEXT, "ticrel_20240618.zip": LAST}
    for name, body in bodies.items():
        (folder / name).write_bytes(zipped(slt_table5__txt=body, slt_table2__txt=b"of no use"))
    rows = zip(bodies, ["February", "March", "April"], strict=True)
    linked = "https://www.treasury.gov/resource-center/data-chart-center/tic/Documents/"
    links = (
        f'<a href="{linked}{n}">{n[11:13]}/{n[13:15]}/{n[7:11]}</a> TIC Data for {month} 2024<br>' for n, month in rows
    )
    (folder / "index.html").write_text("<html>" + "\n".join(links))
    with ReleaseArchiveServer(folder) as server:
        for name, value in {
            **server.environment(), "TREASURY_WATCH_HOME": str(tmp_path / "home"),
            "TREASURY_WATCH_RELEASES_PAUSE_SECONDS": "0", "TREASURY_WATCH_HTTP_RETRIES": "0",
        }.items():  # fmt: skip
            monkeypatch.setenv(name, value)
        server.behaviour.fails["ticrel_20240515.zip"] = 1
        command = ["backfill", "--release-archive", "--workers", "1"]
        first = CliRunner().invoke(main, command)
        assert first.exit_code == 1
        assert (
            "2 releases fetched, 0 known before, 0 unchanged; 2 members of 2 releases read, 2 of no use" in first.output
        )
        assert "ticrel_20240515.zip: ticrel_20240515.zip, http" in first.output
        server.behaviour.asked.clear()
        second = CliRunner().invoke(main, command)
        assert second.exit_code == 0, second.output
        assert "1 release fetched, 0 known before, 2 unchanged" in second.output
        assert {status for (name, status) in server.behaviour.asked if name == "ticrel_20240417.zip"} == {301, 304}


@pytest.mark.parametrize(
    "words", [["backfill"], ["backfill", ".", "--release-archive"], ["backfill", ".", "--since", "2024-01"]]
)
def test_a_folder_and_the_release_archive_exclude_each_other(words):
    result = CliRunner().invoke(main, words)
    assert result.exit_code == 2
    assert "give either FOLDER, or --release-archive and perhaps --since" in result.output
