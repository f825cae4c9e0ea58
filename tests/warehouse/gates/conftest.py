"""Beside the gates Great Expectations is asked of everything."""

from collections.abc import Iterator

import pytest

from treasury_watch.warehouse.gates.expectations import Gates


@pytest.fixture(autouse=True, scope="package")
def asked_of_all() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Gates, "only_doubtful", False)
        yield
