"""A rebuild from the archive alone gives the same bytes."""

from __future__ import annotations

from datetime import date

import duckdb
import pytest

from tests.conftest import TODAY, majors, table5
from tests.warehouse.publication.published_home import (
    JULY,
    content,
    last_run,
    load,
)
from treasury_watch.warehouse.archive.archived_files import ArchiveDamaged


@pytest.mark.slow
def test_a_rebuild_gives_the_bytes_of_the_incremental_load_also_where_the_ledger_is_of_another_version(followed):
    """Another release is slotted in first, so that the incremental ledger is not simply the archive's order."""
    load(followed, table5(["2026-03", "2026-02", "2026-01"], majors([1191.0, 1239.3, 1225.0])))
    before = content(followed.home.root, operations=False)
    with duckdb.connect(str(followed.home.ledger)) as connection:
        connection.execute("UPDATE meta SET schema_version = 99")
    followed.rebuild(today=JULY.date())
    assert content(followed.home.root, operations=False) == before
    assert last_run(followed)["outcome"] == "published"
    with followed.session("run", today=JULY.date()) as session:
        assert session.is_published()
        assert session.ledger.newest("slt_table5") == date(2026, 7, 14)


@pytest.mark.slow
def test_a_rebuild_of_files_of_every_kind_gives_the_bytes_they_were_published_with(sample):
    before = content(sample.home.root, operations=False)
    sample.rebuild(today=TODAY)
    assert content(sample.home.root, operations=False) == before


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
