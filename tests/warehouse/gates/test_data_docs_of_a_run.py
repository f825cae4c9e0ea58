"""On request a run leaves what it checked as pages that need no internet."""

import re

import pytest

from tests.conftest import RETRIEVED, SAMPLE, TODAY
from treasury_watch.transforms.errors import LayoutError
from treasury_watch.warehouse.home.folders import Home
from treasury_watch.warehouse.installation import Warehouse
from treasury_watch.warehouse.ledger.incoming_files import IncomingFile

TABLE5 = (SAMPLE / "tic" / "slt_table5.txt").read_bytes()


@pytest.mark.slow
def test_a_run_with_data_docs_leaves_pages_without_outside_addresses(tmp_path, declarations):
    warehouse = Warehouse(Home(tmp_path), declarations, data_docs=True)
    with warehouse.session("ingest", today=TODAY) as session:
        session.loader.load(IncomingFile(TABLE5, url="sample:t5", retrieved=RETRIEVED))
    pages = list((tmp_path / "data_docs").rglob("*.html"))
    assert pages
    for page in pages:
        assert not re.search(r'(?:src|href)="https?://', page.read_text(encoding="utf-8")), page.name
    assert any("slt_table5" in page.read_text(encoding="utf-8") for page in pages)


def test_without_the_setting_there_are_no_pages(tmp_path, declarations):
    warehouse = Warehouse(Home(tmp_path), declarations)
    with pytest.raises(LayoutError), warehouse.session("ingest", today=TODAY) as session:
        session.loader.load(IncomingFile(b"Table 5: cut", url="x", retrieved=RETRIEVED, source="slt_table5"))
    assert not (tmp_path / "data_docs").exists()
