"""Sources that state the same thing: every disagreement beyond rounding is a row, known errors are marked."""

from __future__ import annotations

import pandas as pd
import pytest

from tests.transforms.tic import DECLARATIONS, official, official_body, source
from treasury_watch.transforms import layouts
from treasury_watch.transforms.holders import identified
from treasury_watch.transforms.quality.reconciliation import COLUMNS, guards, reconciliation

UNITS = {"slt_table3": 1.0, "slt_table5": 100.0, "mfhhis01": 100.0, "slt3d_globl": 1.0}
PAIR = {"fine_rough": {"source": "slt_table3", "other": "slt_table5", "description": "d"}}
POSITION = "total_position"


def stated(*rows):
    """(source, holder, month, measure, value) and, where it is not XIII, the series."""
    full = [(*row, *("XIII",)[len(row) - 5 :]) for row in rows]
    table = pd.DataFrame(full, columns=["source", "holder_id", "month", "measure", "value_usd_mn", "series"])
    return table.assign(month=pd.to_datetime(table["month"] + "-01"))


def compared(*rows, pairs=None, parts=None, corrections=None):
    rules = {"pairs": pairs or {}, "parts": parts or {}}
    return reconciliation(stated(*rows), rules, corrections or {}, UNITS)


def counted(counts, name):
    return counts.set_index("comparison").loc[name, ["compared", "disagreeing", "known"]].tolist()


@pytest.mark.parametrize(("rough", "disagreeing"), [(1200.0, 0), (1300.0, 1), (1301.0, 1), (1149.5, 0), (1149.0, 1)])
def test_two_sources_may_differ_by_half_of_both_last_digits(rough, disagreeing):
    fine = {1300.0: 1249.0, 1301.0: 1250.0}.get(rough, 1200.0)  # 50.5 is tolerated: 51 is not
    rows, counts = compared(
        ("slt_table3", "japan", "2026-04", POSITION, fine),
        ("slt_table5", "japan", "2026-04", POSITION, rough),
        pairs=PAIR,
    )
    assert counted(counts, "fine_rough") == [1, disagreeing, 0]
    assert rows.columns.tolist() == COLUMNS
    assert len(rows) == disagreeing


def test_a_disagreement_has_both_figures():
    rows, _ = compared(
        ("slt_table3", "japan", "2026-04", POSITION, 1200.0),
        ("slt_table5", "japan", "2026-04", POSITION, 1300.0),
        pairs=PAIR,
    )
    row = rows.iloc[0]
    assert (row.source, row.value_usd_mn, row.other_source, row.other_value_usd_mn) == (
        "slt_table3", 1200, "slt_table5", 1300,
    )  # fmt: skip
    assert (row.difference_usd_mn, row.tolerance_usd_mn, row.same_vintage, row.correction) == (-100, 50.5, True, None)


def test_only_the_same_holder_month_measure_and_basis_are_compared():
    fine = ("slt_table3", "japan", "2026-04", POSITION, 1.0)
    others = [("slt_table5", "china_mainland", "2026-04", POSITION, 9e5), ("slt_table5", "japan", "2026-03", POSITION, 9e5),
              ("slt_table5", "japan", "2026-04", "long_term_position", 9e5),
              ("slt_table5", "japan", "2026-04", POSITION, 9e5, "XII"),
              ("slt_table5", "japan", "2026-04", POSITION, float("nan"))]  # fmt: skip
    _, counts = compared(fine, *others, pairs=PAIR)
    assert counted(counts, "fine_rough") == [0, 0, 0]


def test_all_other_is_not_compared_and_holders_can_be_left_out_or_chosen():
    both = [(name, holder, "2026-04", POSITION, 1e6 if name == "slt_table3" else 1.0)
            for name in ("slt_table3", "slt_table5") for holder in ("all_other", "japan", "foreign_official")]  # fmt: skip
    rule = PAIR["fine_rough"]
    rows, _ = compared(*both, pairs={"a": rule, "b": rule | {"only": ["japan"]}, "c": rule | {"leave_out": ["japan"]}})
    found = rows.groupby("comparison")["holder_id"].agg(list).to_dict()
    assert found == {"a": ["foreign_official", "japan"], "b": ["japan"], "c": ["foreign_official"]}


def test_sources_of_other_years_are_marked_as_such():
    rows, _ = compared(
        ("slt_table3", "japan", "2022-04", POSITION, 1.0), ("slt3d_globl", "japan", "2022-04", POSITION, 5.0),
        pairs={"old": {"source": "slt_table3", "other": "slt3d_globl", "same_vintage": False, "description": "d"}},
    )  # fmt: skip
    assert rows["same_vintage"].tolist() == [False]


INSTRUMENTS = {
    "i": {"description": "d", "measures": {"whole": POSITION, "parts": ["long_term_position", "short_term_position"]}}
}


@pytest.mark.parametrize(("whole", "disagreeing"), [(100, 0), (101, 0), (102, 1), (98, 1)])
def test_the_parts_of_a_holder_make_its_total(whole, disagreeing):
    rows, counts = compared(
        ("slt_table3", "japan", "2026-04", POSITION, whole), ("slt_table3", "japan", "2026-04", "long_term_position", 70),
        ("slt_table3", "japan", "2026-04", "short_term_position", 30), ("slt_table3", "poland", "2026-04", POSITION, 9),
        parts=INSTRUMENTS,
    )  # fmt: skip
    assert counted(counts, "i") == [1, disagreeing, 0]  # 1.5 is tolerated; Poland's parts are not known
    assert rows["measure"].tolist() == [POSITION] * disagreeing


def test_the_parts_of_a_total_make_it():
    rows, counts = compared(
        *(("slt_table3", holder, month, POSITION, value) for holder, month, value in [
            ("grand_total", "2026-04", 105), ("foreign_official", "2026-04", 60), ("foreign_non_official", "2026-04", 40),
            ("grand_total", "2026-03", 100), ("foreign_official", "2026-03", 60), ("foreign_non_official", "2026-03", 40)]),
        parts={"o": {"description": "d", "holders": {"whole": "grand_total",
                                                     "parts": ["foreign_official", "foreign_non_official"]}}},
    )  # fmt: skip
    assert counted(counts, "o") == [2, 1, 0]
    assert rows[["holder_id", "value_usd_mn", "other_value_usd_mn", "tolerance_usd_mn"]].values.tolist() == [
        ["grand_total", 105, 100, 1.5]
    ]


def test_net_purchases_of_bills_are_the_change_in_the_bills_held():
    def bills(before, now, net):
        return compared(
            ("slt_table3", "japan", "2025-12", "short_term_position", before),
            ("slt_table3", "japan", "2026-01", "short_term_position", now),
            ("slt_table3", "japan", "2026-01", "short_term_net", net),
            ("slt_table3", "japan", "2025-12", "short_term_net", 777),
        )  # fmt: skip

    assert counted(bills(100, 40, -60)[1], "bills_identity") == [1, 0, 0]
    rows, counts = bills(100, 40, -50)
    assert counted(counts, "bills_identity") == [1, 1, 0]
    assert rows[["value_usd_mn", "other_value_usd_mn"]].values.tolist() == [[-50, -60]]


ERROR = {"e": {"source": "slt_table5", "holder_id": "japan", "month": "2026-04", "measure": POSITION, "expect": 1300}}


@pytest.mark.parametrize(("rough", "known"), [(1300.0, "e"), (1400.0, None)])
def test_a_known_error_marks_its_row_while_the_source_states_it(rough, known):
    rows, counts = compared(
        ("slt_table3", "japan", "2026-04", POSITION, 1200.0), ("slt_table5", "japan", "2026-04", POSITION, rough),
        pairs=PAIR, corrections=ERROR,
    )  # fmt: skip
    assert [None if pd.isna(name) else name for name in rows["correction"]] == [known]
    assert counted(counts, "fine_rough") == [1, 1, int(known is not None)]


@pytest.mark.parametrize(
    ("rows", "holds"),
    [
        ([("slt_table5", "japan", "2026-04", POSITION, 1300.0)], True),
        ([("slt_table5", "japan", "2026-04", POSITION, 1301.0)], False),
        ([("slt_table5", "japan", "2026-04", POSITION, float("nan"))], False),
        ([("slt_table5", "japan", "2026-03", POSITION, 1300.0)], False),
        ([("slt_table3", "japan", "2026-04", POSITION, 1301.0)], True),
    ],
    ids=["as expected", "mended", "n.a.", "no longer stated", "not loaded"],
)
def test_the_guard_of_a_correction_fails_once_the_error_is_gone(rows, holds):
    assert guards(stated(*rows), ERROR)["still_wrong"].tolist() == [holds]


@pytest.fixture(scope="module")
def judged():
    tables = []
    for name in ("slt_table3", "slt_table5", "mfhhis01"):
        parsed = layouts.parse(official_body(name), source(name))
        tables.append(identified(parsed.table, name, DECLARATIONS.holder_labels).assign(source=name))
    units = {name: one.last_digit_usd_mn for name, one in DECLARATIONS.sources.items()}
    standing = pd.concat(tables, ignore_index=True)
    entries = DECLARATIONS.toml("corrections.toml")
    assert guards(standing, entries)["still_wrong"].all()
    return reconciliation(standing, DECLARATIONS.toml("reconciliation.toml"), entries, units)


@official
def test_of_the_cells_of_the_history_two_disagree_with_table_3_and_both_are_known(judged):
    rows, counts = judged
    found = rows[rows["comparison"] == "table3_history"]
    assert sorted(zip(found["holder_id"], found["month"].dt.strftime("%Y-%m"), strict=True)) == [
        ("canada", "2024-12"), ("grand_total", "2024-12"),
    ]  # fmt: skip
    assert found["correction"].notna().all()
    assert counted(counts, "table3_history") == [2520, 2, 2]


@official
def test_table_5_agrees_with_table_3_in_every_cell(judged):
    assert counted(judged[1], "table3_table5") == [312, 0, 0]


@official
def test_the_identities_of_table_3_hold(judged):
    rows, counts = judged
    names = [
        "instruments",
        "net_instruments",
        "official_split",
        "countries_and_organisations",
        "regions",
        "bills_identity",
    ]
    assert (counts.set_index("comparison").loc[names, "compared"] > 0).all()
    assert rows[(rows["source"] == "slt_table3") & rows["comparison"].isin(names)].empty
