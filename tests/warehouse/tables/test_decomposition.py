"""The decomposition of a change: which basis, what stands for bills, and changes on one basis and meaning only."""

from __future__ import annotations

from datetime import date

import pytest

from tests.transforms.tic import DECLARATIONS, official, official_body, source
from tests.warehouse.literal_database import JUNE, MAY, first
from treasury_watch.transforms import layouts
from treasury_watch.transforms.holders import identified

FROZEN = date(2023, 3, 15)
FLOWS = "net_long_term_usd_mn, net_short_term_usd_mn, net_purchases_usd_mn, valuation_usd_mn, other_usd_mn, basis"


def held(published, *, bills=True):
    """Japan's holdings fall by 80,000, bills by 5,000."""
    rows = [("japan", "2022-08", "total_position", 1200000), ("japan", "2022-09", "total_position", 1120000)]
    if bills:
        rows += [("japan", "2022-08", "short_term_position", 60000), ("japan", "2022-09", "short_term_position", 55000)]
    published.says("slt_table3", JUNE, *rows)


def form_s(published, bought=10000, sold=45461):
    published.says(
        "s1_globl", FROZEN,
        ("japan", "2022-09", "long_term_gross_purchases", bought, "Form S"),
        ("japan", "2022-09", "long_term_gross_sales", sold, "Form S"),
    )  # fmt: skip


def cslt(published, *rows):
    published.says("cslt", MAY, *(("japan", "2022-09", *row) for row in rows))


def september(published, columns=FLOWS):
    return published.ask(columns, "months", where="month = DATE '2022-09-01'")[0]


def test_form_s_is_the_fallback_with_bills_from_the_change_in_position(published):
    held(published)
    form_s(published)
    assert september(published) == (-35461, -5000, -40461, None, None, "form_s")


def price_return(published, percent=-2.5):
    published.add("price_returns", month=first("2022-09"), price_return_pct=percent)


def long_term(published, *rows):
    published.says("slt_table3", MAY, *(("japan", month, "long_term_position", value) for month, value in rows))


def test_where_only_form_s_knows_transactions_the_valuation_is_estimated_and_the_basis_says_so(published):
    held(published)
    long_term(published, ("2022-08", 1140000), ("2022-09", 1065000))
    form_s(published)
    price_return(published)
    assert september(published) == (-35461, -5000, -40461, -28500, -11039, "estimated")


def test_without_bonds_held_before_or_a_price_return_nothing_is_estimated(published):
    held(published)
    form_s(published)
    price_return(published)
    assert september(published)[-3:] == (None, None, "form_s")


@pytest.mark.parametrize("source", ["slt_table3", "cslt"])
def test_an_estimate_never_stands_for_what_a_source_states(published, source):
    held(published)
    long_term(published, ("2022-08", 1140000), ("2022-09", 1065000))
    form_s(published)
    price_return(published)
    stated = [
        ("long_term_net", -30000),
        ("long_term_valuation", -44000),
        ("short_term_net", -5000),
        ("total_net", -35000),
    ]
    published.says(
        source, JUNE if source == "cslt" else date(2026, 7, 14), *(("japan", "2022-09", *row) for row in stated)
    )
    basis = "cslt" if source == "cslt" else "slt"
    assert september(published) == (-30000, -5000, -35000, -44000, -1000, basis)


def test_form_s_without_bills_states_bonds_alone(published):
    held(published, bills=False)
    form_s(published)
    assert september(published) == (-35461, None, None, None, None, "form_s")


def test_the_continuous_slts_total_stands_for_net_purchases_where_it_states_no_bills(published):
    held(published, bills=False)
    cslt(published, ("long_term_net", -30000), ("long_term_valuation", -44000), ("total_net", -36500))
    assert september(published) == (-30000, None, -36500, -44000, 500, "cslt")


def test_form_s_needs_purchases_and_sales(published):
    held(published)
    form_s(published, sold=None)
    assert september(published) == (None, None, None, None, None, None)


def test_the_continuous_slt_goes_before_form_s(published):
    held(published)
    form_s(published)
    cslt(published, ("long_term_net", -30000), ("long_term_valuation", -44000), ("short_term_net", -6000))
    assert september(published) == (-30000, -6000, -36000, -44000, 0, "cslt")


def test_a_continuous_slt_without_valuation_gives_way_to_form_s(published):
    held(published)
    form_s(published)
    cslt(published, ("long_term_net", -30000))
    assert september(published)[-1] == "form_s"
    assert september(published)[0] == -35461


def test_table_3_goes_before_both_and_nothing_of_the_others_is_mixed_in(published):
    held(published)
    form_s(published)
    cslt(published, ("long_term_net", -30000), ("long_term_valuation", -44000), ("short_term_net", -6000))
    published.says("slt_table3", date(2026, 6, 19), ("japan", "2022-09", "long_term_net", -20000),
                   ("japan", "2022-09", "total_net", -25000))  # fmt: skip
    assert september(published) == (-20000, None, -25000, None, None, "slt")


def test_a_basis_is_known_from_its_release_only(published):
    published.says(
        "mfhhis01", FROZEN, ("japan", "2022-08", "total_position", 2), ("japan", "2022-09", "total_position", 1)
    )
    form_s(published)
    cslt(published, ("long_term_net", -30000), ("long_term_valuation", -44000))
    days = [date(2023, 3, 14), FROZEN, MAY]
    found = [published.ask("basis", "months", day, where="month = DATE '2022-09-01'") for day in days]
    assert found == [[], [("form_s",)], [("cslt",)]]


CHANGES = "position_usd_mn, change_usd_mn, series_break"


def test_where_only_last_month_has_the_new_basis_the_change_is_taken_on_it(published):
    published.says(
        "mfhhis01", MAY,
        ("japan", "2010-05", "total_position", 900, "X"), ("japan", "2010-06", "total_position", 1000, "XI"),
    )  # fmt: skip
    published.says("slt_table5", date(2020, 1, 1), ("japan", "2010-05", "total_position", 990, "XI"))
    assert published.ask(CHANGES, "months")[1] == (
        1000,
        None,
        True,
    )  # another source's figure is no basis of this one's
    published.says("mfhhis01", MAY, ("japan", "2010-05", "total_position", 980, "XI"))
    assert published.ask("position_usd_mn, change_usd_mn", "months")[1] == (1000, 20)
    ((change,),) = published.ask("change_pct", "months", where="month = DATE '2010-06-01'")
    assert change == pytest.approx(100 * 20 / 980)


def test_across_a_break_bonds_and_bills_have_no_change_and_form_s_no_bills(published):
    published.says(
        "mfhhis01", MAY,
        ("japan", "2010-05", "total_position", 900, "X"), ("japan", "2010-05", "short_term_position", 90, "X"),
        ("japan", "2010-06", "total_position", 880, "X"), ("japan", "2010-06", "total_position", 1000, "XI"),
        ("japan", "2010-06", "short_term_position", 50, "XI"),
    )  # fmt: skip
    published.says("s1_globl", FROZEN, ("japan", "2010-06", "long_term_gross_purchases", 5, "Form S"),
                   ("japan", "2010-06", "long_term_gross_sales", 15, "Form S"))  # fmt: skip
    columns = (
        "change_usd_mn, change_short_term_usd_mn, net_long_term_usd_mn, net_short_term_usd_mn, net_purchases_usd_mn"
    )
    assert published.ask(columns, "months")[1] == (-20, None, -10, None, None)


def scoped(published):
    published.add("holder_scopes", holder_id="japan", source="mfhhis01", first_month=first("2000-03"),
                   last_month=first("2011-12"), scope="with islands")  # fmt: skip
    published.says(
        "mfhhis01", MAY, ("japan", "2011-12", "total_position", 150), ("japan", "2012-01", "total_position", 90)
    )


def test_a_change_of_meaning_is_a_break_without_a_change(published):
    scoped(published)
    assert published.ask(CHANGES, "months") == [(150, None, False), (90, None, True)]


def test_across_a_change_of_meaning_the_change_is_taken_where_another_source_states_both_months(published):
    scoped(published)
    published.says("cslt", FROZEN, ("japan", "2011-12", "total_position", 85))
    assert published.ask(CHANGES, "months")[1] == (90, None, True)
    published.says("cslt", FROZEN, ("japan", "2012-01", "total_position", 92))
    assert published.ask(CHANGES, "months", where="month = DATE '2012-01-01'") == [(90, 7, True)]


def test_a_change_is_taken_within_one_source_where_the_months_positions_are_from_two(published):
    """Saudi Arabia, April 2026: Table 3 of June has both months, a later Table 5 has revised March only."""
    both = [("japan", "2026-03", "total_position", 149573), ("japan", "2026-04", "total_position", 140120)]
    published.says("slt_table3", date(2026, 6, 18), *both)
    published.says("slt_table5", date(2026, 9, 16), ("japan", "2026-03", "total_position", 152000))
    assert published.ask("position_usd_mn, change_usd_mn", "months") == [(152000, None), (140120, -9453)]


def test_a_new_basis_that_only_a_footnote_names_is_crossed_by_no_change(published):
    """September 2011: the history heads August and September alike."""
    published.add(
        "series_breaks", month=first("2011-09"), old_series="XII", new_series="XII (SLT)", named_in_files=False
    )
    stated = zip(("2011-07", "2011-08", "2011-09", "2011-10"), (300, 310, 250, 255), strict=True)
    published.says("mfhhis01", MAY, *[("japan", month, "total_position", value, "XII") for month, value in stated])
    assert published.ask("month, change_usd_mn, series_break, series", "months") == [
        (first("2011-07"), None, False, "XII"), (first("2011-08"), 10, False, "XII"),
        (first("2011-09"), None, True, "XII (SLT)"), (first("2011-10"), 5, False, "XII (SLT)"),
    ]  # fmt: skip
    assert published.connection.execute("SELECT DISTINCT series FROM observations").fetchall() == [("XII",)]


def test_all_other_has_no_change_between_sources_nor_where_the_list_of_names_changes(published):
    """The history names some forty places, Table 5 twenty: one line of the one holds much more than of the other."""
    history = [("all_other", f"2025-0{month}", "total_position", 650000 + month) for month in (5, 6)]
    published.says("mfhhis01", MAY, *history)
    table5 = [("all_other", f"2025-0{month}", "total_position", 1793000 + month) for month in (7, 8, 9)]
    names = [("japan", f"2025-0{month}", "total_position", 1100000) for month in (7, 8, 9)]
    published.says("slt_table5", JUNE, *table5, *names, ("belgium", "2025-09", "total_position", 400000))
    found = published.ask("month, change_usd_mn", "months", where="holder_id = 'all_other'")
    assert [change for _, change in found] == [None, 1, None, 1, None]


def test_within_one_meaning_the_change_is_plain(published):
    scoped(published)
    published.says(
        "mfhhis01", JUNE, ("japan", "2011-11", "total_position", 140), ("japan", "2012-02", "total_position", 91)
    )
    found = published.ask("month, change_usd_mn, series_break", "months")
    assert found == [
        (first("2011-11"), None, False), (first("2011-12"), 10, False),
        (first("2012-01"), None, True), (first("2012-02"), 1, False),
    ]  # fmt: skip


@official
def test_the_transactions_of_form_s_are_in_the_months(published):
    parsed = layouts.parse(official_body("s1_globl"), source("s1_globl"))
    table = identified(parsed.table, "s1_globl", DECLARATIONS.holder_labels)
    kept = table[table["holder_id"].isin(["japan", "grand_total"]) & (table["month"] >= "2020-01-01")]
    rows = [(r.holder_id, f"{r.month:%Y-%m}", r.measure, r.value_usd_mn, r.series) for r in kept.itertuples()]
    published.says("s1_globl", FROZEN, *rows)
    held_rows = [(h, m, "total_position", 1.0) for h, m in
                 [("japan", "2022-09"), ("grand_total", "2022-10"), ("grand_total", "2020-09")]]  # fmt: skip
    published.says("slt_table3", JUNE, *held_rows)
    assert published.ask("holder_id, month, net_long_term_usd_mn, basis", "months") == [
        ("grand_total", first("2020-09"), 22531, "form_s"),
        ("grand_total", first("2022-10"), 61907, "form_s"),
        ("japan", first("2022-09"), -35461, "form_s"),
    ]
