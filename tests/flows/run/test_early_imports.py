"""What is imported while Prefect's temporary server starts."""

from __future__ import annotations

import threading

import pytest
from prefect.settings import PREFECT_API_URL, temporary_settings

from treasury_watch.flows.prefect_support import early_imports
from treasury_watch.warehouse.gates import expectations


def test_where_a_server_is_named_nothing_is_imported_early(monkeypatch):
    monkeypatch.setattr(early_imports, "_import", lambda: pytest.fail("imported"))
    with temporary_settings({PREFECT_API_URL: "http://127.0.0.1:4200/api"}), early_imports.early_imports():
        assert not [thread for thread in threading.enumerate() if thread.name.startswith("imports")]


def test_the_block_does_not_wait_for_the_imports_but_ends_after_them(monkeypatch):
    let_go, done = threading.Event(), []
    monkeypatch.setattr(early_imports, "_import", lambda: done.append(let_go.wait(10)))
    with temporary_settings(restore_defaults={PREFECT_API_URL}), early_imports.early_imports():
        assert done == []
        let_go.set()
    assert done == [True]


def test_an_import_that_fails_is_left_for_the_run_to_tell(monkeypatch):
    asked = []

    def failing():
        asked.append(True)
        raise ImportError("no such library")

    monkeypatch.setattr(expectations, "load", failing)
    with temporary_settings(restore_defaults={PREFECT_API_URL}), early_imports.early_imports():
        pass
    assert asked == [True]
