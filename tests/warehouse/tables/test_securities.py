"""Other U.S. securities by holder and month: which source stands, what a change is taken on, what was known when."""

from __future__ import annotations

from datetime import date

import pytest

from tests.warehouse.literal_database import CURRENT, JUNE, MAY, VIEWS, first
from treasury_watch.warehouse.gates.before_publication import table3_against_table1

AMOUNTS = "position_usd_mn, change_usd_mn, net_purchases_usd_mn, valuation_usd_mn, other_usd_mn"
COLUMNS = f"strftime(month, '%Y-%m'), {AMOUNTS}, basis, source"


def others(published, day: date = CURRENT, columns: str = COLUMNS) -> list[tuple]:
    return published.connection.execute(f"SELECT {columns} FROM other_securities_as_of(?)", [day]).fetchall()


def of_month(
    holder: str, month: str, security: str, position: float | None, net: float | None, valuation: float | None
):
    amounts = {"position": position, "net": net, "valuation": valuation}
    return [(holder, month, f"{security}_{name}", amount) for name, amount in amounts.items()]


def test_table_1_goes_before_the_continuous_slt_and_a_change_is_of_one_source(published):
    published.says_of_securities(
        "slt_table1", JUNE,
        *of_month("japan", "2020-01", "equity", 500_000, None, None),
        *of_month("japan", "2023-02", "equity", 760_000, None, None),
        *of_month("japan", "2023-03", "equity", 789_000, 700, 33_000),
    )  # fmt: skip
    published.says_of_securities(
        "cslt", JUNE,
        *of_month("japan", "2019-12", "equity", 495_000, 100, 50),
        *of_month("japan", "2020-01", "equity", 500_100, 1_000, 4_000),
        *of_month("japan", "2023-03", "equity", 789_500, 999, 32_000),
    )  # fmt: skip
    assert others(published) == [
        ("2019-12", 495_000, None, 100, 50, None, "cslt", "cslt"),
        ("2020-01", 500_000, 5_100, 1_000, 4_000, 100, "cslt", "slt_table1"),
        ("2023-02", 760_000, None, None, None, None, None, "slt_table1"),
        ("2023-03", 789_000, 29_000, 700, 33_000, -4_700, "slt", "slt_table1"),
    ]


def test_a_day_knows_what_was_released_by_then_and_nothing_later(published):
    published.says_of_securities("slt_table1", MAY, ("japan", "2026-03", "equity_net", 7_000, JUNE))
    published.says_of_securities("slt_table1", JUNE, ("japan", "2026-03", "equity_net", 7_557))
    nets = "net_purchases_usd_mn, released"
    assert others(published, date(2026, 5, 17), nets) == []
    assert others(published, date(2026, 6, 17), nets) == [(7_000, MAY)]
    assert others(published, JUNE, nets) == [(7_557, JUNE)]


@pytest.fixture
def both_tables(published):
    """Japan's bonds and notes in Table 3 and otherwise in Table 1; Cuba's in Table 1 alone; both end with the same month."""
    published.says(
        "slt_table3", JUNE,
        ("japan", "2026-04", "total_position", 1_209_889), ("japan", "2026-04", "long_term_position", 1_056_542),
        ("japan", "2026-04", "long_term_net", 14_705),
    )  # fmt: skip
    published.add("holders", holder_id="cuba", holder="Cuba", kind="country", custodial_centre=False)
    published.says_of_securities(
        "slt_table1", JUNE,
        *of_month("japan", "2026-04", "treasury", 1_000_000, 14_705, None),
        *of_month("japan", "2026-04", "equity", 1_351_359, 6_720, 126_149),
        *of_month("cuba", "2026-03", "treasury", 2, 0, 0), *of_month("cuba", "2026-04", "treasury", 5, 2, 1),
    )  # fmt: skip
    published.fill()
    connection = published.connection
    connection.execute("INSERT INTO positions BY NAME FROM positions_as_of(?)", [CURRENT])
    connection.execute("INSERT INTO holder_months BY NAME FROM holder_months_as_of(?)", [CURRENT])
    return published


def test_bonds_and_notes_are_table_3s_whatever_table_1_says_and_table_1s_where_there_are_none(both_tables):
    made = (VIEWS / "securities_months.sql").read_text(encoding="utf-8")
    columns = "holder_id, security, position_usd_mn, net_purchases_usd_mn, other_usd_mn, source, released"
    rows = both_tables.connection.execute(
        f"SELECT {columns} FROM ({made}) WHERE month = ? ORDER BY 1, 2", [CURRENT, first("2026-04")]
    ).fetchall()
    assert rows == [
        ("cuba", "treasury", 5, 2, 0, "slt_table1", JUNE),
        ("japan", "equity", 1_351_359, 6_720, None, "slt_table1", JUNE),
        ("japan", "treasury", 1_056_542, 14_705, None, "slt_table3", JUNE),
    ]


def test_the_second_gate_sees_a_cell_in_which_the_two_tables_differ(both_tables):
    found = table3_against_table1(both_tables.connection)
    assert found[["holder_id", "measure", "difference_usd_mn", "same_release"]].to_dict("records") == [
        {"holder_id": "japan", "measure": "long_term_net", "difference_usd_mn": 0, "same_release": True},
        {"holder_id": "japan", "measure": "long_term_position", "difference_usd_mn": 56_542, "same_release": True},
    ]
