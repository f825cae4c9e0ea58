"""A loader in an empty home, for the tests of the ledger."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.warehouse.ledger.loading_data import Loading


@pytest.fixture
def new_loading(tmp_path, declarations, shared_gates) -> Iterator:
    made: list[Loading] = []

    def make() -> Loading:
        made.append(Loading(tmp_path / str(len(made)), declarations, shared_gates))
        return made[-1]

    yield make
    for loading in made:
        loading.ledger.connection.close()


@pytest.fixture
def loading(new_loading) -> Loading:
    return new_loading()
