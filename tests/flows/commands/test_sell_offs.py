"""What `sell-offs` lists: falls and sales, and gains of custodial centres only where they are asked for."""

from __future__ import annotations

from datetime import date

import pytest

from tests.flows.findings_data import insert, published
from treasury_watch.flows.commands.sell_offs import lines
from treasury_watch.warehouse.declarations import Declarations


@pytest.mark.parametrize(("asked", "listed"), [(False, False), (True, True)])
def test_gains_of_a_custodian_are_listed_where_they_are_asked_for_and_never_as_sell_offs(asked, listed):
    connection = published()
    insert(
        connection, "episodes", holder_id="belgium", holder="Belgium", rule="inflow", severity="notice",
        start_month=date(2024, 4, 1), end_month=date(2024, 6, 1), months=3, verdict="unexplained",
        inflow_usd_mn=60_000.0, change_usd_mn=61_000.0, explanation="Belgium gained $60.0bn.",
    )  # fmt: skip
    text = "\n".join(lines(connection, Declarations().rules, None, None, None, asked))
    assert ("Belgium  2024-04 to 2024-06  inflow" in text) is listed
    assert "Japan  2024-04 to 2024-06  fall" in text
