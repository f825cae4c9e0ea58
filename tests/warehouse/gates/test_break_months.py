"""The second gate on changes into a month with a new survey basis."""

from datetime import date

import pytest

from tests.transforms.tic import DECLARATIONS
from tests.warehouse.literal_database import JUNE
from treasury_watch.warehouse.gates.before_publication import SecondGate
from treasury_watch.warehouse.gates.expectations import Gates

NAME = "no change crosses a series break that was published on one basis only"


@pytest.mark.parametrize(("basis_before", "holds"), [("XIII", True), ("XI", False)])
def test_a_change_into_a_break_month_needs_both_months_on_one_basis(published, basis_before, holds):
    for month, series in ((date(2010, 11, 1), basis_before), (date(2010, 12, 1), "XIII")):
        published.add(
            "source_positions", source="cslt", holder_id="japan", month=month, series=series, total_released=JUNE
        )
    published.add(
        "holder_months", holder_id="japan", month=date(2010, 12, 1), series="XIII", series_break=True, change_usd_mn=5
    )
    results = SecondGate(published.connection, DECLARATIONS, Gates(DECLARATIONS), date(2026, 7, 1)).on_months()
    assert [result.success for result in results if result.expectation == NAME] == [holds]
