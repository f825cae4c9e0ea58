"""The store: a reader finds a whole publication whenever it looks, any machine can go on, and nothing is overwritten."""

from __future__ import annotations

import hashlib
import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import duckdb
import pyarrow.dataset as ds
import pytest

from tests.conftest import PROJECT
from tests.warehouse.conftest import FIRST, JULY, JUNE, NEXT, load, s3_address
from treasury_watch.warehouse.archive.archived_files import Entry
from treasury_watch.warehouse.installation import Warehouse
from treasury_watch.warehouse.store.exchange import POINTER, Store, _chosen
from treasury_watch.warehouse.store.objects import Objects, StoreMoved


def ran(warehouse: Warehouse, run_id: str) -> None:
    """A run that found nothing new, but brought the operations tables up to date."""
    warehouse.state.start_run(run_id, "run")
    warehouse.state.finish_run(run_id, "unchanged", "nothing new")
    warehouse.publisher().refresh_operations()


def pointer(store: Store) -> dict:
    return json.loads(store.objects.find(POINTER) or b"{}")


def tables(home: Path) -> dict[str, str]:
    files = [home / "treasury.duckdb", *(home / "parquet").rglob("*.parquet")]
    return {str(path.relative_to(home)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def made_by(warehouse: Warehouse) -> Callable[[], dict[str, int]]:
    """In place of a rebuild, where its tables are not looked at."""

    def rebuild() -> dict[str, int]:
        warehouse.home.ledger.touch()
        return {}

    return rebuild


def crashes_once(warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The first rebuild ends the process, the next ones end well. The list grows by one at each."""
    made: list[int] = []

    def rebuild(**_: object) -> dict[str, int]:
        made.append(len(made))
        if len(made) == 1:
            raise CutShort
        return made_by(warehouse)()

    monkeypatch.setattr(warehouse, "rebuild", rebuild)
    return made


def japan(warehouse: Warehouse) -> list[tuple]:
    with duckdb.connect(str(warehouse.home.database), read_only=True) as connection:
        query = (
            "SELECT month::TEXT, released::TEXT, value_usd_mn FROM observations WHERE holder_id = 'japan' ORDER BY ALL"
        )
        return connection.execute(query).fetchall()


# ------------------------------------------------------------------------------------------------------- what is put


def test_what_is_put_is_pulled_byte_for_byte(address, machine):
    writer = machine("writer")
    Store(address, writer, 3).put()
    reader = machine("reader", None)
    rows = Store(address, reader, 3).pull()
    assert tables(reader.home.root) == tables(writer.home.root)
    with duckdb.connect(str(reader.home.database), read_only=True) as connection:
        for name in ("holders", "observations", "runs"):
            assert connection.execute(f"SELECT count(*) FROM {name}").fetchall() == [(rows[name],)]
    assert not (reader.home.root / ".store").exists()


def test_the_pointer_names_every_file_with_its_checksum(folder, machine, tmp_path):
    writer = machine("writer")
    store = Store(folder, writer, 3)
    store.put()
    said = pointer(store)
    assert said["run_id"] == writer.state.rows("SELECT run_id FROM runs")[0]["run_id"]
    assert (said["schema_version"], said["rows"]["observations"]) == (1, 35)
    for kind, identity, files in (
        ("publications", said["run_id"], said["files"]),
        ("homes", said["home"]["id"], said["home"]["files"]),
    ):
        root = tmp_path / "store" / kind / identity
        there = {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}
        assert set(there) == set(files)
        for name, body in there.items():
            assert files[name] == {"sha256": hashlib.sha256(body).hexdigest(), "bytes": len(body)}


def test_duckdb_reads_the_tables_where_they_are(folder, machine, tmp_path):
    Store(folder, machine("writer"), 3).put()
    root = tmp_path / "store"
    with duckdb.connect() as connection:
        connection.execute(f"SET VARIABLE run = (SELECT run_id FROM read_json('{root}/current.json'))")
        found = connection.execute(
            f"SELECT position_usd_mn FROM read_parquet('{root}/publications/' || getvariable('run') || "
            "'/parquet/holder_months.parquet') WHERE holder = 'Japan' AND month = DATE '2026-04-01'"
        ).fetchall()
    assert found == [(1209900.0,)]


def test_duckdb_reads_the_tables_of_a_bucket_through_arrow(s3, machine, tmp_path):
    store = Store(s3_address(s3, prefix=tmp_path.name), machine("writer"), 3)
    store.put()
    files, base = store.objects._connected
    months = ds.dataset(
        f"{base}/publications/{pointer(store)['run_id']}/parquet/holder_months.parquet", filesystem=files
    )
    with duckdb.connect() as connection:
        connection.register("months", months)
        found = connection.execute(
            "SELECT position_usd_mn FROM months WHERE holder = 'Japan' AND month = DATE '2026-04-01'"
        ).fetchall()
    assert found == [(1209900.0,)]


def test_a_run_that_changed_no_table_puts_none(address, machine):
    warehouse = machine("writer")
    store = Store(address, warehouse, 3)
    store.put()
    before = pointer(store)
    warehouse.state.start_run("later", "run")
    warehouse.state.finish_run("later", "unchanged", "nothing new")
    store.put()
    after = pointer(store)
    assert (after["run_id"], after["files"], after["published"]) == (
        before["run_id"], before["files"], before["published"],
    )  # fmt: skip
    assert after["home"]["id"] == "later"
    assert store.objects.folders("publications") == [before["run_id"]]


@pytest.mark.slow
def test_what_is_older_than_the_kept_publications_is_removed_and_the_archive_stays(address, machine):
    warehouse = machine("writer")
    store = Store(address, warehouse, 2)
    store.put()
    archived = store.objects.sizes("raw")
    for name in ("second", "third", "fourth"):
        ran(warehouse, name)
        store.put()
    for kind in ("publications", "homes"):
        assert sorted(store.objects.folders(kind)) == ["fourth", "third"]
    assert pointer(store)["kept"]["publications"] == ["fourth", "third"]
    assert store.objects.sizes("raw") == archived
    assert len(archived) == 1


def test_two_publications_of_one_run_lie_side_by_side(folder, machine):
    warehouse = machine("writer")
    store = Store(folder, warehouse, 3)
    store.put()
    run = pointer(store)["run_id"]
    warehouse.publisher().refresh_operations()  # as sending alerts does, without a run
    (warehouse.home.parquet / "positions.parquet").touch()
    warehouse.state.change("UPDATE runs SET summary = 'sent again'")
    warehouse.publisher().refresh_operations()
    store.put()
    assert pointer(store)["run_id"] == f"{run}-2"
    assert sorted(store.objects.folders("publications")) == [run, f"{run}-2"]


# ------------------------------------------------------------------------------------------------ when it is cut short


class CutShort(BaseException):
    """The machine is gone."""


class Failing(Objects):
    """Objects of a machine that is gone before it has put its n-th one."""

    def __init__(self, url: str, before: int):
        super().__init__(url)
        self.left = before

    def put(self, key: str, source: bytes | Path) -> None:
        self.left -= 1
        if self.left <= 0:
            raise CutShort
        super().put(key, source)


@pytest.mark.slow
def test_a_put_cut_short_anywhere_leaves_the_old_publication_and_the_next_completes(address, machine):
    warehouse = machine("writer")
    store = Store(address, warehouse, 3)
    store.put()
    first, before = pointer(store), tables(warehouse.home.root)
    ran(warehouse, "second")
    warehouse.archive.put("mof", b"more", url="file:more.csv", retrieved=JULY)
    steps = len(first["files"]) + 2 + 1  # the tables, the home, the pointer; before them, in the first two, the body
    for step in (1, 2, 20, steps - 2, steps - 1, steps):
        cut = Store(address, warehouse, 3)
        cut.__dict__["objects"] = Failing(address, step)
        with pytest.raises(CutShort):
            cut.put()
        assert pointer(store) == first
        reader = machine(f"reader {step}", None)
        Store(address, reader, 3).pull()
        assert tables(reader.home.root) == before
    store.put()
    assert pointer(store)["run_id"] == "second"
    assert len(store.objects.sizes("raw")) == 2
    assert len(store.objects.folders("publications")) == 2


@pytest.mark.slow
def test_a_killed_process_leaves_the_old_publication_and_its_successor_completes(folder, machine):
    warehouse = machine("writer")
    store = Store(folder, warehouse, 3)
    store.put()
    first = pointer(store)
    ran(warehouse, "second")
    dying = (
        "import os, signal, sys\nfrom pathlib import Path\n"
        "from treasury_watch.warehouse.home.folders import Home\n"
        "from treasury_watch.warehouse.store.objects import Objects\n"
        "from treasury_watch.warehouse.store.exchange import Store\n"
        "from treasury_watch.warehouse.installation import Warehouse\n"
        "put = Objects.put\n"
        "def last(self, key, source):\n"
        "    if key == 'current.json':\n"
        "        os.kill(os.getpid(), signal.SIGKILL)\n"
        "    put(self, key, source)\n"
        "Objects.put = last\n"
        "Store(sys.argv[1], Warehouse(Home(Path(sys.argv[2]))), 3).put()\n"
    )
    done = subprocess.run([sys.executable, "-c", dying, folder, str(warehouse.home.root)], cwd=PROJECT, timeout=120)
    assert done.returncode == -signal.SIGKILL
    assert sorted(store.objects.folders("publications")) == sorted([first["run_id"], "second"])
    assert pointer(store) == first
    assert (warehouse.home.root / ".store").exists()
    store.put()
    assert pointer(store)["run_id"] == "second"
    assert not (warehouse.home.root / ".store").exists()


def test_half_an_archived_file_in_the_store_is_put_again(folder, machine, tmp_path):
    warehouse = machine("writer")
    store = Store(folder, warehouse, 3)
    store.put()
    [body] = (tmp_path / "store" / "raw").rglob("*.txt")
    body.write_bytes(FIRST[:100])
    store.put()
    assert body.read_bytes() == FIRST


# ------------------------------------------------------------------------------------------------------ two machines


def test_a_pointer_that_another_machine_moved_is_not_overwritten(address, machine):
    one = machine("one")
    Store(address, one, 3).put()
    other = machine("other", one.home.root)
    ran(other, "others")
    Store(address, other, 3).put()
    ran(one, "ours")
    store = Store(address, one, 3)
    with pytest.raises(StoreMoved, match=r"moved by run others of another machine .*Run again"):
        store.put()
    assert pointer(store)["run_id"] == "others"
    assert "ours" not in store.objects.folders("publications")


def test_a_pointer_moved_while_a_machine_was_putting_is_not_overwritten(folder, machine):
    one = machine("one")
    Store(folder, one, 3).put()
    other = machine("other", one.home.root)
    ran(other, "others")
    ran(one, "ours")

    class Overtaken(Objects):
        def put(self, key: str, source: bytes | Path) -> None:
            if key.startswith("homes/ours"):
                Store(folder, other, 3).put() if not other.state.remembered("overtook") else None
                other.state.remember("overtook", "yes")
            super().put(key, source)

    slow = Store(folder, one, 3)
    slow.__dict__["objects"] = Overtaken(folder)
    with pytest.raises(StoreMoved):
        slow.put()
    assert pointer(slow)["run_id"] == "others"


def test_a_home_that_lost_archived_files_does_not_shrink_the_store_but_takes_them_again(folder, machine, monkeypatch):
    warehouse = machine("writer")
    store = Store(folder, warehouse, 3)
    store.put()
    before = pointer(store)
    shutil.rmtree(warehouse.home.raw)
    with pytest.raises(StoreMoved, match=r"at least its 1 archived files in this home, found 0"):
        store.put()
    assert pointer(store) == before
    monkeypatch.setattr(warehouse, "rebuild", made_by(warehouse))
    assert store.take()
    assert [warehouse.archive.body(entry) for entry in warehouse.archive.entries()] == [FIRST]


@pytest.mark.slow
def test_an_empty_machine_goes_on_where_the_first_ended_and_the_first_where_that_ended(address, machine, declarations):
    one, two = machine("one"), machine("two", None)
    one.state.change(
        "INSERT INTO alerts (alert_id, finding, recipient, state) VALUES ('a', 'fall:japan', 'desk@localhost', 'sent')"
    )
    one.state.keep_validators("slt_table5", "http://localhost/5", '"tag"', None, "sum")
    Store(address, one, 3).put()
    assert Store(address, two, 3).take()
    assert japan(two) == japan(one)
    assert two.state.rows("SELECT state FROM alerts") == [{"state": "sent"}]
    assert two.state.validators("slt_table5", "http://localhost/5")[:2] == ('"tag"', None)
    assert [entry.url for entry in two.archive.entries()] == ["file:first.txt"]

    load(two, NEXT, JULY)
    Store(address, two, 3).put()
    assert Store(address, one, 3).take()
    assert japan(one) == japan(two)
    assert ("2026-05-01", 1143100.0) in [(month, value) for month, _, value in japan(one)]
    commands = [row["command"] for row in one.state.rows("SELECT command FROM runs ORDER BY started")]
    assert commands == ["run", "rebuild", "ingest", "rebuild"]
    ran(one, "on")
    Store(address, one, 3).put()
    assert not Store(address, one, 3).take()


@pytest.mark.slow
def test_two_machines_that_both_went_on_are_brought_together(folder, machine):
    one = machine("one")
    Store(folder, one, 3).put()
    two = machine("two", one.home.root)
    load(two, NEXT, JULY)
    Store(folder, two, 3).put()
    entry, _ = one.archive.put("mof", b"only here", url="file:here.csv", retrieved=JULY)
    one.archive.note(entry, refused="no such layout")
    ran(one, "only here")
    store = Store(folder, one, 3)
    with pytest.raises(StoreMoved):
        store.put()
    assert store.take()
    store.put()
    assert japan(one) == japan(two)
    assert len(store.objects.sizes("raw")) == 3
    assert {"run_id": "only here"} in one.state.rows("SELECT run_id FROM runs")


def test_taking_again_after_a_crash_before_the_tables_were_made_makes_them(folder, machine, monkeypatch):
    Store(folder, machine("one"), 3).put()
    two = machine("two", None)
    made = crashes_once(two, monkeypatch)
    store = Store(folder, two, 3)
    with pytest.raises(CutShort):
        store.take()
    assert store.take()
    assert made == [0, 1]
    assert not store.take()


def test_a_home_restored_without_its_ledger_makes_its_tables_anew(folder, machine, monkeypatch):
    warehouse = machine("one")
    store = Store(folder, warehouse, 3)
    store.put()
    assert not store.take()
    warehouse.home.ledger.unlink()
    monkeypatch.setattr(warehouse, "rebuild", made_by(warehouse))
    assert store.take()
    assert warehouse.home.ledger.exists()


def test_what_the_other_machine_notes_of_the_store_is_not_taken_for_this_ones(folder, machine, monkeypatch):
    one = machine("one")
    Store(folder, one, 3).put()
    two = machine("two", one.home.root)
    entry, _ = one.archive.put("mof", b"more", url="file:more.csv", retrieved=JULY)
    one.archive.note(entry, refused="no such layout")
    Store(folder, one, 3).put()
    Store(folder, one, 3).put()  # its state now says that it knows the archive as it is in the store
    made = crashes_once(two, monkeypatch)
    with pytest.raises(CutShort):
        Store(folder, two, 3).take()
    assert Store(folder, two, 3).take()
    assert made == [0, 1]


def test_a_file_that_one_machine_refused_and_the_other_loaded_counts_as_loaded(folder, machine, monkeypatch):
    one = machine("one")
    two = machine("two", one.home.root)
    [entry] = one.archive.entries()
    one.archive.note(entry, refused="a bug since mended", released=None)
    Store(folder, one, 3).put()
    monkeypatch.setattr(two, "rebuild", made_by(two))
    Store(folder, two, 3).take()
    assert [(e.refused, e.released) for e in two.archive.entries()] == [(None, entry.released)]
    Store(folder, two, 3).put()
    monkeypatch.setattr(one, "rebuild", made_by(one))
    Store(folder, one, 3).take()
    assert [(e.refused, e.released) for e in one.archive.entries()] == [(None, entry.released)]


def test_of_two_machines_the_later_word_on_a_withdrawal_holds():
    entry = Entry("slt_table5", "0" * 64, 1, "file:a", JUNE, released=JUNE.date())
    withdrawn = replace(entry, withdrawn="by mistake", withdrawal_decided=JUNE)
    undone = replace(entry, withdrawal_decided=JULY)
    assert _chosen(withdrawn, entry) == withdrawn
    assert _chosen(entry, withdrawn) == withdrawn
    assert _chosen(withdrawn, undone) == _chosen(undone, withdrawn) == undone
