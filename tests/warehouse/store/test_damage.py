"""What is damaged, missing or unreachable in a store is named, and nothing good is lost."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.warehouse.conftest import BUCKET, s3_address
from tests.warehouse.store.test_exchange import made_by, pointer, ran, tables
from treasury_watch.transforms.errors import ConfigurationError, TreasuryWatchError
from treasury_watch.warehouse.store.exchange import POINTER, Store
from treasury_watch.warehouse.store.objects import StoreDamaged, StoreError

# ------------------------------------------------------------------------------------------------- damage and failures


def damaged(kind: str) -> Callable[[Path], None]:
    def flip(path: Path) -> None:
        body = bytearray(path.read_bytes())
        body[len(body) // 2] ^= 1
        path.write_bytes(body)

    return {"a flipped bit": flip, "half a file": lambda p: p.write_bytes(p.read_bytes()[:50]), "no file": Path.unlink}[
        kind
    ]


@pytest.mark.parametrize("kind", ["a flipped bit", "half a file", "no file"])
def test_a_damaged_table_is_named_and_the_reader_keeps_what_it_had(kind, folder, machine, tmp_path):
    warehouse = machine("writer")
    Store(folder, warehouse, 3).put()
    reader = Store(folder, machine("reader", None), 3)
    reader.pull()
    before = tables(tmp_path / "reader")
    ran(warehouse, "second")
    Store(folder, warehouse, 3).put()
    damaged(kind)(tmp_path / "store" / "publications" / "second" / "parquet" / "runs.parquet")
    with pytest.raises(StoreDamaged, match=r"publications/second/parquet/runs\.parquet: expected checksum") as problem:
        reader.pull()
    assert "\n" not in str(problem.value)
    assert tables(tmp_path / "reader") == before


@pytest.mark.parametrize("pattern", ["raw/*/*.txt", "homes/*/state.sqlite", "homes/*/archive.json"])
@pytest.mark.parametrize("kind", ["a flipped bit", "no file"])
def test_damage_to_what_the_next_machine_needs_is_named_and_it_keeps_nothing_wrong(
    pattern, kind, folder, machine, tmp_path
):
    Store(folder, machine("one"), 3).put()
    [path] = (tmp_path / "store").glob(pattern)
    damaged(kind)(path)
    two = machine("two", None)
    with pytest.raises(StoreDamaged, match=path.name):
        Store(folder, two, 3).take()
    assert two.archive.entries() == []
    assert list(two.home.raw.rglob("*.txt")) == []
    assert two.state.rows("SELECT * FROM runs") == []


def test_a_state_of_a_newer_version_in_the_store_is_refused_in_one_line_and_taken_by_nobody(folder, machine):
    one, two = machine("one"), machine("two", None)
    one.state.change("PRAGMA user_version = 99")
    Store(folder, one, 3).put()
    with pytest.raises(StoreDamaged, match=r"found schema version 99, newer than \d+; let all machines run the same"):
        Store(folder, two, 3).take()
    assert two.state.rows("SELECT * FROM runs") == []


def test_a_damaged_archived_file_is_mended_as_its_message_says(folder, machine, tmp_path, monkeypatch):
    one, two = machine("one"), machine("two", None)
    Store(folder, one, 3).put()
    [path] = (tmp_path / "store").glob("raw/*/*.txt")
    damaged("a flipped bit")(path)
    with pytest.raises(StoreDamaged, match="delete the object, then"):
        Store(folder, two, 3).take()
    path.unlink()
    Store(folder, one, 3).put()
    monkeypatch.setattr(two, "rebuild", made_by(two))
    assert Store(folder, two, 3).take()


def test_a_damaged_file_of_the_home_is_never_put(folder, machine):
    warehouse = machine("writer")
    [entry] = warehouse.archive.entries()
    warehouse.archive.path(entry).write_bytes(b"other")
    store = Store(folder, warehouse, 3)
    with pytest.raises(TreasuryWatchError, match="expected checksum"):
        store.put()
    assert pointer(store) == {}


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"format": 2}', b'{"format": 1}'])
def test_a_pointer_that_cannot_be_read_is_named(body, folder, machine):
    store = Store(folder, machine("one"), 3)
    store.objects.put(POINTER, body)
    with pytest.raises(StoreDamaged, match=r"current\.json: expected a pointer of format 1"):
        store.take()


def test_a_pointer_of_another_format_is_not_followed(folder, machine):
    store = Store(folder, machine("one"), 3)
    store.put()
    store.objects.put(POINTER, json.dumps({**pointer(store), "format": 2}).encode())
    with pytest.raises(StoreDamaged, match=r"expected a pointer of format 1, found format 2"):
        Store(folder, machine("reader", None), 3).pull()


def test_without_the_pointer_everything_is_put_again(folder, machine, tmp_path):
    store = Store(folder, machine("one"), 3)
    store.put()
    (tmp_path / "store" / POINTER).unlink()
    assert not store.take()
    store.put()
    reader = Store(folder, machine("reader", None), 3)
    assert reader.pull()["observations"] == 35


def test_a_pointer_cannot_name_files_outside_the_home(folder, machine, tmp_path):
    store = Store(folder, machine("one"), 3)
    store.put()
    said = pointer(store)
    said["files"]["../../outside"] = said["files"]["treasury.duckdb"]
    store.objects.put(POINTER, json.dumps(said).encode())
    with pytest.raises(StoreDamaged, match="outside"):
        Store(folder, machine("reader", None), 3).pull()
    assert not (tmp_path / "outside").exists()


def test_a_home_that_makes_its_own_tables_is_not_pulled_over(folder, machine):
    warehouse = machine("writer")
    Store(folder, warehouse, 3).put()
    before = tables(warehouse.home.root)
    with pytest.raises(TreasuryWatchError, match="name a home for reading in TREASURY_WATCH_HOME"):
        Store(folder, warehouse, 3).pull()
    assert tables(warehouse.home.root) == before


def test_an_empty_store_has_nothing_to_pull_or_take(address, machine):
    reader = Store(address, machine("reader", None), 3)
    assert not reader.take()
    with pytest.raises(StoreError, match="no publication yet"):
        reader.pull()


def test_a_missing_bucket_is_named(s3, machine):
    with pytest.raises(StoreError, match=r"bucket no-such-bucket does not exist.*; create the bucket") as problem:
        Store(s3_address(s3, "no-such-bucket"), machine("one"), 3).put()
    assert "\n" not in str(problem.value)


@pytest.mark.slow
def test_a_server_that_is_not_there_is_named(machine, s3):
    with socket.socket() as taken:  # bound, never listening
        taken.bind(("127.0.0.1", 0))
        nobody = "{}:{}".format(*taken.getsockname())
        with pytest.raises(StoreError, match=rf"s3://{BUCKET}/tic, .*{nobody}.*; check the network") as problem:
            Store(s3_address(nobody), machine("one"), 3).put()
    assert "\n" not in str(problem.value)


def test_refused_credentials_are_named_but_not_shown(machine, s3, monkeypatch):
    from moto.core import set_initial_no_auth_action_count

    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hush-hush")

    @set_initial_no_auth_action_count(0)  # from now on the server looks at the signature
    def put() -> None:
        Store(s3_address(s3), machine("one"), 3).put()

    with pytest.raises(StoreError, match=r"; check the credentials \(AWS_ACCESS_KEY_ID") as problem:
        put()
    assert "hush" not in str(problem.value)
    assert "\n" not in str(problem.value)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("nowhere://bucket/prefix", "expected an address such as s3://bucket/prefix, found nowhere://bucket/prefix"),
        ("a/folder", "expected an address such as s3://bucket/prefix"),
        ("s3://key:hush-hush@bucket/prefix", "expected an address without a secret"),
        ("s3://bucket/prefix?colour=blue", "colour"),
    ],
)
def test_an_address_that_is_none_is_a_mistake_of_the_settings(url, words, machine):
    with pytest.raises(ConfigurationError, match=r"settings\.toml, \[storage\] store") as problem:
        Store(url, machine("one", None), 3).take()
    assert words in str(problem.value)
    assert "hush" not in str(problem.value)
