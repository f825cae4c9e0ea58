"""Archived files parsed by other processes, a few ahead of the one that is wanted."""

from __future__ import annotations

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


def rates(archive, entries, meanwhile=None):
    found = parsed_in_order(entries, archive, DECLARATIONS.source, DECLARATIONS.holder_labels, meanwhile)
    return [parsed.table["value"].iloc[0] for _, parsed in found]


@pytest.fixture
def always_worthwhile(monkeypatch):
    monkeypatch.setattr(parse_pool, "WORTHWHILE", 1)


@pytest.mark.slow
def test_files_come_in_the_given_order_and_what_is_to_be_done_meanwhile_is_done_once(tmp_path, always_worthwhile):
    archive, called = archived(tmp_path, 20), []
    expected = [round(4 + number / 100, 2) for number in range(20)]
    assert rates(archive, archive.entries(), lambda: called.append("meanwhile")) == expected
    assert called == ["meanwhile"]


def test_little_is_parsed_here_and_nothing_is_done_meanwhile(tmp_path):
    archive, called = archived(tmp_path, 2), []
    assert rates(archive, archive.entries(), lambda: called.append("meanwhile")) == [4.0, 4.01]
    assert called == []


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
