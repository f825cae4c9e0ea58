"""Readers of Parquet who follow the pointer see the tables of one publication, whatever is published meanwhile."""

from __future__ import annotations

import io
import json
import os
import threading
import time
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import requests

from treasury_watch.warehouse.declarations import Column, Table
from treasury_watch.warehouse.home.folders import Home
from treasury_watch.warehouse.publication import parquet_folders
from treasury_watch.warehouse.publication.parquet_folders import KEPT, KEPT_SECONDS, current, set_current
from treasury_watch.warehouse.tables.declared_tables import place_parquet, write_parquet

TABLES = [
    Table(name, "A table", ("n",), (Column("n", "integer", "A number"),)) for name in ("first", "second", "third")
]


def publish(home: Home, number: int) -> str:
    """Put the number into every table, as a publication does."""
    staged = home.root / "staged"
    for table in TABLES:
        write_parquet(pa.table({"n": pa.array([number], pa.int64())}), table, staged)
    for table in TABLES:
        place_parquet(staged, table, home.parquet)
    return set_current(home)


def stated(folder: Path) -> set[int]:
    """The numbers that the tables of a folder state."""
    return {pq.read_table(folder / f"{table.name}.parquet").column("n")[0].as_py() for table in TABLES}


@pytest.fixture
def home(tmp_path) -> Home:
    return Home(tmp_path / "home").prepared()


def test_of_many_reads_during_publications_none_by_the_pointer_is_torn_and_some_without_it_are(home):
    publish(home, 0)
    torn, reads, ended = {"paths": 0, "pointer": 0}, {"paths": 0, "pointer": 0}, threading.Event()
    failed: list[BaseException] = []

    def read() -> None:
        try:
            while not ended.is_set():
                torn["paths"] += len(stated(home.parquet)) > 1
                reads["paths"] += 1
                torn["pointer"] += len(stated(home.root / json.loads(home.pointer.read_bytes())["parquet"])) > 1
                reads["pointer"] += 1
        except BaseException as problem:
            failed.append(problem)

    reader = threading.Thread(target=read)
    reader.start()
    number, until = 0, time.monotonic() + 20
    while (number < 40 or not torn["paths"]) and time.monotonic() < until:
        number += 1
        publish(home, number)
    ended.set()
    reader.join()
    assert failed == []
    assert reads["pointer"] > 20
    assert torn["paths"] > 0  # else nothing was tried
    assert torn["pointer"] == 0


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


def test_a_reader_over_http_who_follows_the_pointer_gets_the_tables_of_one_publication(home):
    publish(home, 0)
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(home.root)))
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    base = f"http://127.0.0.1:{server.server_port}"
    seen: list[set[int]] = []
    ended = threading.Event()

    def publications() -> None:
        number = 0
        while not ended.is_set():
            number += 1
            publish(home, number)

    writer = threading.Thread(target=publications)
    writer.start()
    try:
        with requests.Session() as asked:
            asked.trust_env = False

            def got(path: str) -> bytes:
                answer = asked.get(f"{base}/{path}", timeout=10)
                answer.raise_for_status()  # a folder that went away would be 404
                return answer.content

            until = time.monotonic() + 20
            while (len(seen) < 30 or len(set.union(*seen)) < 3) and time.monotonic() < until:
                folder = json.loads(got("current.json"))["parquet"]
                tables = [pq.read_table(io.BytesIO(got(f"{folder}/{table.name}.parquet"))) for table in TABLES]
                seen.append({table.column("n")[0].as_py() for table in tables})
    finally:
        ended.set()
        writer.join()
        server.shutdown()
        server.server_close()
    assert len(set.union(*seen)) >= 3  # else nothing was published meanwhile
    assert max(map(len, seen)) == 1


def test_old_publications_go_by_number_and_age_and_share_what_did_not_change(home):
    names = [publish(home, number) for number in range(5)]
    assert {path.name for path in home.publications.iterdir()} == set(names)  # all too young
    assert current(home) == names[-1]
    long_ago = time.time() - KEPT_SECONDS - 1
    for name in names[:-1]:
        os.utime(home.publications / name, (long_ago, long_ago + names.index(name) / 10))
    kept = set_current(home)
    left = {path.name for path in home.publications.iterdir()}
    assert left == {kept, names[-1], names[-2]}
    assert len(left) == KEPT
    first = TABLES[0].name + ".parquet"
    assert (home.publications / kept / "parquet" / first).samefile(home.parquet / first)


def test_a_crash_before_the_pointer_leaves_the_publication_before_and_nothing_behind(home, monkeypatch):
    before = publish(home, 1)
    monkeypatch.setattr(parquet_folders, "write_whole", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        publish(home, 2)
    assert current(home) == before
    assert stated(home.publications / before / "parquet") == {1}
    (home.publications / ".left").mkdir()
    monkeypatch.undo()
    after = publish(home, 3)
    assert current(home) == after
    assert not list(home.publications.glob(".*"))


def test_where_more_users_are_let_in_no_older_tables_with_recipients_stay(tmp_path):
    alone = Home(tmp_path / "home").prepared()
    old = publish(alone, 1)
    shared = Home(alone.root, share="everyone")
    new = publish(shared, 2)
    assert [path.name for path in shared.publications.iterdir()] == [new]
    assert new != old
    assert shared.pointer.stat().st_mode & 0o777 == 0o644
    assert (shared.publications / new / "parquet" / "first.parquet").stat().st_mode & 0o004
