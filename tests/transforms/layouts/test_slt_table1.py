"""Table 1: four kinds of long-term securities, in the rows of Table 3; their totals are compared and not kept."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from tests.transforms.tic import (
    DECLARATIONS,
    NOTES,
    as_csv,
    as_html,
    official,
    official_body,
    reading,
    refusal,
    source,
    tabbed,
    table3,
)
from treasury_watch.transforms.layouts import parse, recognised
from treasury_watch.transforms.layouts.parsing import figures_of

NAME = "slt_table1"
COLUMNS = ["country", "country_code", "date"] + [
    f"for_lt_{family}_{side}"
    for family in ("total", "treas", "agcy", "corp", "eqty")
    for side in ("pos", "net", "valchg")
]
ROWS = [
    line.split("|")
    for line in """\
Poland|15768|2023-03|n.a.|n.a.|n.a.|37767|-207|884|n.a.|n.a.|n.a.|410|2|1|2450|-6|31
Poland|15768|2023-02|n.a.|n.a.|n.a.|37142|1123|-761|n.a.|n.a.|n.a.|407|5|-3|2425|11|-70
Poland|15768|2023-01|n.a.|n.a.|n.a.|36689|n.a.|n.a.|n.a.|n.a.|n.a.|405|n.a.|n.a.|2484|n.a.|n.a.
Japan|42609|2023-03|2387000|-9760|61001|1021979|-16470|21569|262000|5710|4132|314021|300|2300|789000|700|33000
Japan|42609|2023-02|2336000|11000|-60000|1013830|4458|-15677|252170|1000|-4323|311000|-458|-10000|759000|6000|-30000
Japan|42609|2023-01|2385000|n.a.|n.a.|1029966|n.a.|n.a.|255034|n.a.|n.a.|320000|n.a.|n.a.|780000|n.a.|n.a.
Cyprus|10405|2023-03|10|4|0|4|1|0|3|1|0|2|1|0|1|1|0
Cyprus|10405|2023-02|10|4|0|4|1|0|3|1|0|2|1|0|1|1|0
Cyprus|10405|2023-01|10|n.a.|n.a.|4|n.a.|n.a.|3|n.a.|n.a.|2|n.a.|n.a.|1|n.a.|n.a.
Grand Total|99996|2023-03|6|6|6|1|2|3|1|1|1|1|1|1|3|2|1
Grand Total|99996|2023-02|6|6|6|1|2|3|1|1|1|1|1|1|3|2|1
Grand Total|99996|2023-01|6|n.a.|n.a.|1|n.a.|n.a.|1|n.a.|n.a.|1|n.a.|n.a.|3|n.a.|n.a.""".splitlines()
]


def table1(rows: Sequence[Sequence[str]] = ROWS, columns: Sequence[str] = COLUMNS) -> bytes:
    """A Table 1. `rows` have the cells in the order of COLUMNS; `columns` is the order in which they are written."""
    title = ["Table 1: U.S. Long-Term Securities Held by Foreign Residents"]
    order = [COLUMNS.index(name) for name in columns]
    return tabbed([title, ["Millions of dollars"], [""], columns, *([row[i] for i in order] for row in rows), *NOTES])


def test_every_security_has_its_position_net_purchases_and_valuation_and_totals_are_not_kept():
    parsed = parse(table1(), source(NAME))
    assert (parsed.layout, parsed.holds, parsed.notes) == (NAME, "securities", ())
    found = reading(parsed.table)
    assert len(found) == len(ROWS) * 4 * 3
    assert found["Japan", "2023-03", "treasury_net", "XIII"] == -16470
    assert found["Japan", "2023-03", "agency_position", "XIII"] == 262000
    assert found["Japan", "2023-02", "corporate_valuation", "XIII"] == -10000
    assert found["Japan", "2023-02", "equity_net", "XIII"] == 6000
    assert found["Poland", "2023-03", "agency_net", "XIII"] is None
    assert found["Poland", "2023-01", "equity_net", "XIII"] is None


@pytest.mark.parametrize("form", [as_csv, as_html])
def test_the_siblings_in_commas_and_html_say_the_same_in_any_order_of_columns(form):
    body = form(table1(columns=[*COLUMNS[:3], *reversed(COLUMNS[3:])]))
    assert recognised(body) == NAME
    assert reading(parse(body, source(NAME)).table) == reading(parse(table1(), source(NAME)).table)


def test_a_total_that_its_parts_do_not_add_up_to_is_told_where_all_parts_are_stated():
    rows = [list(row) for row in ROWS]
    rows[3][COLUMNS.index("for_lt_eqty_net")] = "703"
    assert parse(table1(rows), source(NAME)).notes == (
        "total net of Japan, 2023-03, differs from its parts by -3 USD mn",
    )
    rows[3][COLUMNS.index("for_lt_eqty_net")] = "702"  # rounding of five figures
    assert parse(table1(rows), source(NAME)).notes == ()


def test_where_a_column_of_valuations_is_absent_its_total_is_compared_with_nothing():
    parsed = parse(table1(columns=[name for name in COLUMNS if name != "for_lt_eqty_valchg"]), source(NAME))
    assert parsed.notes == ()  # as the releases until March 2024, of which this month is
    assert "equity_valuation" not in set(parsed.table["measure"])
    assert "agency_valuation" in set(parsed.table["measure"])


def test_neither_table_is_taken_for_the_other():
    assert recognised(table1()) == NAME
    assert recognised(table3()) == "slt_table3"
    untitled = table1().partition(b"\r\n")[2]
    assert recognised(untitled) == NAME
    assert refusal("slt_table3", table1()).expected == "Table 3"
    assert "missing for_lt_total_pos" in refusal(NAME, table3().partition(b"\r\n")[2]).found


@official
def test_the_official_table_1_has_the_sums_that_were_added_up_by_hand():
    parsed = figures_of(official_body(NAME), source(NAME), DECLARATIONS.holder_labels)
    assert parsed.notes == ()
    assert len(parsed.table) == 8664 * 12
    assert parsed.table["holder_id"].nunique() == 114
    assert (f"{parsed.first:%Y-%m}", f"{parsed.last:%Y-%m}") == ("2020-01", "2026-04")
    china = parsed.table[parsed.table["holder_id"] == "china_mainland"].groupby("measure")["value_usd_mn"].sum()
    assert china[["treasury_net", "agency_net", "corporate_net", "equity_net"]].tolist() == [
        -293581,
        -84850,
        1223,
        -72108,
    ]
    august = parsed.table[parsed.table["month"] == "2025-08-01"].set_index(["holder_id", "measure"])["value_usd_mn"]
    assert august["cayman_islands", "treasury_net"] == -28427
    assert august["cayman_islands", "equity_net"] == 21474
    held = parsed.table[parsed.table["month"] == "2026-04-01"].set_index(["holder_id", "measure"])["value_usd_mn"]
    assert held["japan", "equity_position"] == 1351359


@official
def test_bonds_and_notes_are_those_of_table_3_in_every_cell():
    one, three = (
        reading(figures_of(official_body(name), source(name), DECLARATIONS.holder_labels).table, "holder_id")
        for name in (NAME, "slt_table3")
    )
    stated = {key: value for key, value in three.items() if key[2].startswith("long_term_")}
    assert len(stated) == 6916 * 3
    assert {
        (h, m, measure.replace("long_term_", "treasury_"), s): v for (h, m, measure, s), v in stated.items()
    }.items() <= (one.items())
