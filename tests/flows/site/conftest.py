"""Charts are drawn here: these tests are about what a page shows."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.undrawn_charts import draw


@pytest.fixture(scope="module", autouse=True)
def drawn_charts() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        draw(patch)
        yield
