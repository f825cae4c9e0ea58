"""Changes beside positions of several releases: they lead from one published position to the next."""

from __future__ import annotations

from datetime import date
from itertools import product
from typing import Any

import pandas as pd
import pytest

from tests.transforms.tic import DECLARATIONS, OFFICIAL, source
from tests.warehouse.literal_database import JUNE, KINDS, LiteralDatabase
from treasury_watch.transforms.layouts.parsing import figures_of
from treasury_watch.warehouse.tables.findings_as_known import CURRENT

SEPTEMBER = date(2026, 9, 16)
HALF_A_DIGIT = 50.001  # of sources that print billions with one decimal
# Saudi Arabia as Table 3 of June 2026 states it: position, net purchases, valuation (bonds and notes)
TABLE_3 = {
    "2026-02": (160431, 24842, 896),
    "2026-03": (149573, -9608, -1417),
    "2026-04": (140120, -9073, -89),
}


def june(published: LiteralDatabase, holder: str, superseded: dict[str, date]) -> list[tuple[Any, ...]]:
    """What Table 3 and Table 5 of June 2026 state of a holder; `superseded` says of which months Table 5 was replaced."""
    table_3 = [
        (holder, month, measure, figure)
        for month, figures in TABLE_3.items()
        for measure, figure in zip(
            ("total_position", "total_net", "long_term_valuation", "long_term_net"),
            (*figures, figures[1]),
            strict=True,
        )
    ]
    published.says("slt_table3", JUNE, *table_3)
    table_5 = [
        (holder, month, "total_position", round(figures[0], -2), "XIII", superseded.get(month))
        for month, figures in TABLE_3.items()
    ]
    published.says("slt_table5", JUNE, *table_5)
    return table_5


def test_a_change_beside_a_newer_position_is_that_of_the_source_that_states_both(published):
    june(published, "japan", {"2026-03": SEPTEMBER})
    published.says(
        "slt_table5",
        SEPTEMBER,
        ("japan", "2026-03", "total_position", 152000),
        ("japan", "2026-05", "total_position", 140300),
    )
    columns = (
        "position_usd_mn, change_usd_mn, net_purchases_usd_mn, valuation_usd_mn, other_usd_mn, newer_positions_usd_mn"
    )
    before = published.ask(columns, "holder_months", JUNE)
    assert before[1] == (149573, -10858, -9608, -1417, 167, 0)
    assert before[2] == (140120, -9453, -9073, -89, -291, 0)
    now = published.ask(columns, "holder_months")
    # what March gained by revision leaves again in April: over both months other changes are those of Table 3 itself
    assert now[1] == (152000, -8431, -9608, -1417, 2594, 2427)
    assert now[2] == (140120, -11880, -9073, -89, -2718, -2427)
    assert now[1][1] + now[2][1] == 140120 - 160431
    assert now[3][:2] == (140300, 180)


def test_the_change_is_finer_than_the_position_that_confirms_it(published):
    june(published, "japan", {})
    published.says("slt_table5", SEPTEMBER, ("japan", "2026-05", "total_position", 140300))
    found = published.ask("position_usd_mn, change_usd_mn, newer_positions_usd_mn", "holder_months")
    assert found[2] == (140120, -9453, 0)


def test_where_no_source_states_both_positions_the_change_is_that_of_the_months_own_source(published):
    """The history replaces February alone: neither Table 3 nor Table 5 states both it and their own March."""
    june(published, "japan", {})
    published.says("mfhhis01", SEPTEMBER, ("japan", "2026-02", "total_position", 158000))
    found = published.ask("position_usd_mn, change_usd_mn", "holder_months")
    assert found[0][0] == 158000
    assert found[1] == (149573, -10858)


def test_on_every_day_changes_lead_from_one_position_to_the_next_and_are_the_sum_of_their_parts(published):
    """24 holders: what Table 5 and the history of September make of the figures of June, in every combination."""
    later: dict[str, list[tuple[str, str, int]]] = {}
    first = {month: round(figures[0], -2) for month, figures in TABLE_3.items()}
    revisions = [0, 2400, -700], [0, -700], [0, 2400], [0, 2400]
    for place, (march, april, history, history_march) in enumerate(product(*revisions)):
        holder = f"holder_{place}"
        published.add("holders", holder_id=holder, holder=holder, kind="country", custodial_centre=False)
        june(published, holder, {m: SEPTEMBER for m, by in (("2026-03", march), ("2026-04", april)) if by})
        later[holder] = [
            *(("slt_table5", m, first[m] + by) for m, by in (("2026-03", march), ("2026-04", april)) if by),
            ("slt_table5", "2026-05", 140300),
            ("mfhhis01", "2026-02", first["2026-02"] + history),
            ("mfhhis01", "2026-03", first["2026-03"] + history_march),
        ]
    for name in ("slt_table5", "mfhhis01"):
        said = [(h, m, "total_position", v) for h, rows in later.items() for s, m, v in rows if s == name]
        published.says(name, SEPTEMBER, *said)
    led = 0
    for day in (JUNE, date(2026, 9, 15), SEPTEMBER):
        positions = {row[:2]: row[2] for row in published.ask("holder_id, month, total_usd_mn", "positions", day)}
        stated = stated_on(published, day)
        columns = (
            "holder_id, month, position_usd_mn, change_usd_mn, net_purchases_usd_mn, valuation_usd_mn, other_usd_mn"
        )
        for holder, month, position, change, *parts in published.ask(columns, "holder_months", day):
            assert position == positions[holder, month]
            if month == date(2026, 2, 1):
                assert change is None
                continue
            before_month = date(2026, month.month - 1, 1)
            before = positions[holder, before_month]
            pairs = [
                (of[holder, before_month], of[holder, month])
                for of in stated.values()
                if (holder, month) in of and (holder, before_month) in of
            ]
            if any(abs(a - before) <= HALF_A_DIGIT and abs(b - position) <= HALF_A_DIGIT for a, b in pairs):
                assert abs(change - (position - before)) <= HALF_A_DIGIT
                led += 1
            else:
                assert change in [b - a for a, b in pairs]
            if month < date(2026, 5, 1):
                assert change == sum(parts)
    assert led > 120  # of 24 holders: two months on two days, and three months in September, seams left out


def stated_on(published: LiteralDatabase, day: date) -> dict[str, dict[tuple[str, date], float]]:
    """What each source states on a day, by holder and month."""
    rows = published.connection.execute(
        "SELECT source, holder_id, month, value_usd_mn FROM observations WHERE measure = 'total_position' "
        "AND released <= ? AND (superseded IS NULL OR superseded > ?)",
        [day, day],
    ).fetchall()
    found: dict[str, dict[tuple[str, date], float]] = {}
    for name, holder, month, value in rows:
        found.setdefault(name, {})[holder, month] = value
    return found


RELEASED = [
    ("slt3d_globl", "slt3d_globl.csv", date(2023, 2, 15)),
    ("slt_table3", "slt_table3.txt", JUNE),
    ("slt_table5", "slt_table5.txt", JUNE),
    ("slt_table5", "newer/slt_table5_2026-09-16.txt", SEPTEMBER),
    ("mfhhis01", "newer/mfhhis01_2026-09-16.txt", SEPTEMBER),
]


@pytest.mark.skipif(not OFFICIAL.is_dir(), reason="the official files are not here")
def test_in_the_official_files_no_change_since_2012_departs_from_the_published_positions(published):
    """47 did by more than rounding while the source of the month's own position went first: Ireland, July 2025, by $7.1bn."""
    stated = []
    for name, file, released in RELEASED:
        table = figures_of((OFFICIAL / file).read_bytes(), source(name), DECLARATIONS.holder_labels).table
        table = table[(table["measure"] == "total_position") & (table["month"] >= "2011-12-01")]
        stated.append(table.assign(source=name, released=pd.Timestamp(released), sha256=file, evidence="release"))
        published.add(
            "releases", source=name, released=released, first_month=table["month"].min().date(),
            last_month=table["month"].max().date(), evidence="release", sha256=file,
        )  # fmt: skip
    of_figures = published.declared_names("observations")
    figures = pd.concat(stated).sort_values("released")
    figures = figures[[name for name in figures if name in of_figures]]
    keys = ["source", "holder_id", "month", "series"]
    figures["superseded"] = figures.groupby(keys, observed=True)["released"].shift(-1)
    for holder in set(figures["holder_id"]).difference(KINDS):
        published.add("holders", holder_id=holder, holder=holder, kind="country", custodial_centre=False)
    published.add(
        "sources", source="slt3d_globl", precedence=5, statements="full", rhythm="frozen", last_digit_usd_mn=1.0
    )
    published.connection.execute("INSERT INTO observations BY NAME SELECT * FROM figures")
    columns = "holder_id, month, position_usd_mn, change_usd_mn, series_break"
    months = pd.DataFrame(
        published.ask(columns, "months", CURRENT, "holder_id <> 'all_other'"), columns=columns.split(", ")
    )
    months["departs"] = (months.groupby("holder_id")["position_usd_mn"].diff() - months["change_usd_mn"]).abs()
    known = months[~months["series_break"]].dropna(subset=["departs"])
    assert len(known) > 14000
    assert known[known["departs"] > HALF_A_DIGIT].empty
