"""Archived files parsed by other processes, in the order in which they are wanted."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta

import pytest

from treasury_watch.transforms.errors import LayoutError
from treasury_watch.warehouse.archive import parse_pool
from treasury_watch.warehouse.archive.archived_files import Archive, ArchiveDamaged
from treasury_watch.warehouse.archive.parse_pool import parsed_in_order
from treasury_watch.warehouse.declarations import Declarations

DECLARATIONS = Declarations()
NOON = datetime(2026, 6, 19, 12, tzinfo=UTC)


def archived(folder, count):
    """An archive with `count` files of a yield on one day, each with another rate, in the order of retrieval."""
    archive = Archive(folder)
    for number in range(count):
        body = f"observation_date,DGS10\n2026-06-01,{4 + number / 100:.2f}\n".encode()
        archive.put("fred:DGS10", body, url="test:", retrieved=NOON + timedelta(minutes=number))
    return archive


def parsing(archive, entries):
    return parsed_in_order(entries, archive, DECLARATIONS.source, DECLARATIONS.holder_labels)


def rates(archive, entries):
    with parsing(archive, entries) as found:
        return [parsed.table["value"].iloc[0] for _, parsed in found]


@pytest.fixture
def always_worthwhile(monkeypatch):
    monkeypatch.setattr(parse_pool, "WORTHWHILE_BYTES", 1)


@pytest.mark.slow
def test_files_come_in_the_given_order_however_many_wait(tmp_path, always_worthwhile, monkeypatch):
    monkeypatch.setattr(parse_pool, "FILES_PER_PROCESS", 2)
    archive = archived(tmp_path, 20)
    assert rates(archive, archive.entries()) == [round(4 + number / 100, 2) for number in range(20)]


@pytest.mark.slow
def test_other_processes_are_at_work_when_the_block_begins(tmp_path, always_worthwhile):
    archive, before = archived(tmp_path, 2), set(multiprocessing.active_children())
    with parsing(archive, archive.entries()):
        assert set(multiprocessing.active_children()) > before


def test_little_is_parsed_here(tmp_path, monkeypatch):
    monkeypatch.setattr(parse_pool, "ProcessPoolExecutor", lambda *_, **__: pytest.fail("processes were started"))
    archive = archived(tmp_path, 2)
    assert rates(archive, archive.entries()) == [4.0, 4.01]


@pytest.mark.slow
def test_a_file_that_cannot_be_read_in_another_process_is_refused_here(tmp_path, always_worthwhile):
    archive = archived(tmp_path, 3)
    archive.put("slt_table5", archive.body(archive.entries()[0]), url="test:", retrieved=NOON)
    entries = archive.entries("slt_table5") + archive.entries("fred:DGS10")
    with pytest.raises(LayoutError, match="slt_table5"):
        rates(archive, entries)


@pytest.mark.slow
def test_a_damaged_file_is_named_while_others_are_being_parsed(tmp_path, always_worthwhile):
    archive = archived(tmp_path, 4)
    damaged = archive.entries()[2]
    archive.path(damaged).write_bytes(b"observation_date,DGS10\n2026-06-01,9.99\n")
    with pytest.raises(ArchiveDamaged, match=damaged.sha256[:12]):
        rates(archive, archive.entries())


PARENT = """
import multiprocessing, os, time
from concurrent.futures import ProcessPoolExecutor
from treasury_watch.warehouse.archive.parse_pool import _prepare

if __name__ == "__main__":
    pool = ProcessPoolExecutor(1, multiprocessing.get_context("spawn"), initializer=_prepare)
    print(pool.submit(os.getpid).result(), flush=True)
    time.sleep(600)
"""


@pytest.mark.slow
def test_a_process_that_parses_ends_when_the_one_that_started_it_is_killed(tmp_path):
    script = tmp_path / "parent.py"
    script.write_text(PARENT)
    with subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True) as parent:
        child = int(parent.stdout.readline())
        os.kill(child, 0)  # it runs
        parent.kill()
    for _ in range(100):
        time.sleep(0.1)
        try:
            os.kill(child, 0)
        except ProcessLookupError:
            return
    pytest.fail("it is still there ten seconds later")
