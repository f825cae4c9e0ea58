"""A rebuild from the archive alone gives the same bytes."""

from __future__ import annotations

from datetime import date

import duckdb
import pytest

from tests.conftest import TODAY, majors, table5
from tests.warehouse.publication.published_home import (
    JULY,
    NEXT,
    content,
    last_run,
    load,
)
from treasury_watch.warehouse.archive.archived_files import ArchiveDamaged


@pytest.mark.slow
def test_a_rebuild_gives_the_bytes_of_the_incremental_load(sample):
    """Another release is slotted in first, so that the incremental ledger is not simply the archive's order."""
    load(sample, NEXT)
    load(sample, table5(["2026-03", "2026-02", "2026-01"], majors([1191.0, 1239.3, 1225.0])))
    before = content(sample.home.root, operations=False)
    sample.rebuild(today=JULY.date())
    assert content(sample.home.root, operations=False) == before
    assert last_run(sample)["outcome"] == "published"
    with sample.session("run", today=JULY.date()) as session:
        assert session.is_published()


@pytest.mark.slow
def test_two_rebuilds_give_the_same_bytes(sample):
    contents = []
    for _ in range(2):
        sample.rebuild(today=TODAY)
        contents.append(content(sample.home.root, operations=False))
    assert contents[0] == contents[1]


def test_a_rebuild_stopped_by_damage_keeps_ledger_and_publication(sample):
    before = content(sample.home.root)
    (entry,) = sample.archive.entries("slt_table3")
    sample.archive.path(entry).write_bytes(b"rot")
    with pytest.raises(ArchiveDamaged, match=entry.sha256):
        sample.rebuild(today=TODAY)
    assert content(sample.home.root) == before
    assert last_run(sample)["outcome"] == "failed"
    with sample.session("run", today=TODAY) as session:
        assert session.is_published()
        assert session.ledger.newest("slt_table3") == date(2026, 6, 18)


def test_a_rebuild_makes_a_ledger_of_another_version_anew(small):
    with duckdb.connect(str(small.home.ledger)) as connection:
        connection.execute("UPDATE meta SET schema_version = 99")
    small.rebuild(today=TODAY)
    with small.session("run", today=TODAY) as session:
        assert session.ledger.newest("slt_table5") == date(2026, 6, 18)
