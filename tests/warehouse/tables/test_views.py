"""The SQL macros on a few literal observations: which figure stands, what changed, and what was known when."""

from __future__ import annotations

import re
from datetime import date

import pytest

from tests.warehouse.literal_database import JUNE, KINDS, MAY, VIEWS, first
from treasury_watch.warehouse.tables.findings_as_known import CURRENT


@pytest.mark.parametrize("order", [("slt_table3", "slt_table5"), ("slt_table5", "slt_table3")])
def test_of_one_release_table_3_goes_before_table_5(published, order):
    for source in order:
        figure = {"slt_table3": 1209854, "slt_table5": 1209900}[source]
        published.says(source, JUNE, ("japan", "2026-04", "total_position", figure))
    assert published.ask("total_usd_mn, source, released", "positions") == [(1209854, "slt_table3", JUNE)]
    published.connection.execute("UPDATE sources SET precedence = 3 WHERE source = 'slt_table3'")
    assert published.ask("source", "positions") == [("slt_table5",)]  # as declared, not by chance


def test_a_newer_table_5_goes_before_an_older_table_3(published):
    published.says("slt_table3", MAY, ("japan", "2026-03", "total_position", 1191000))
    published.says("slt_table5", JUNE, ("japan", "2026-03", "total_position", 1191600))
    assert published.ask("total_usd_mn, source", "positions") == [(1191600, "slt_table5")]
    assert published.ask("total_usd_mn, source", "positions", MAY) == [(1191000, "slt_table3")]


@pytest.mark.parametrize(
    ("table3", "table5", "best"),
    [
        (1191621, 1191600, (1191621, "slt_table3")),
        (1191550, 1191600, (1191550, "slt_table3")),
        (1191549, 1191600, (1191600, "slt_table5")),
    ],
)
def test_a_newer_table_5_that_states_table_3s_figure_rounded_does_not_replace_it(published, table3, table5, best):
    published.says("slt_table3", MAY, ("japan", "2026-03", "total_position", table3))
    published.says("slt_table5", JUNE, ("japan", "2026-03", "total_position", table5))
    assert published.ask("total_usd_mn, source", "positions") == [best]


def test_what_a_rounded_figure_confirms_gives_way_to_a_later_release_all_the_same(published):
    published.says("slt_table3", MAY, ("belgium", "2025-11", "total_position", 481012))
    published.says("slt_table5", JUNE, ("belgium", "2025-11", "total_position", 481000))
    published.says("mfhhis01", date(2026, 9, 16), ("belgium", "2025-11", "total_position", 479300))
    assert published.ask("total_usd_mn, source", "positions") == [(479300, "mfhhis01")]
    assert published.ask("total_usd_mn, source", "positions", JUNE) == [(481012, "slt_table3")]


def test_a_withdrawn_release_speaks_for_no_month(published):
    published.says("slt_table3", MAY, ("japan", "2026-03", "total_position", 1191621))
    published.add("releases", source="slt_table3", released=JUNE, withdrawn="served by mistake")
    published.says("slt_table5", date(2026, 6, 1), ("japan", "2026-03", "total_position", 1180000))
    assert published.ask("source", "positions") == [("slt_table5",)]


def test_a_figure_that_the_newest_release_repeats_counts_as_of_that_release(published):
    """The ledger stores changes only: Table 3's unchanged March was stated again in June."""
    published.says("slt_table3", MAY, ("japan", "2026-03", "total_position", 1191621))
    published.says("slt_table5", date(2026, 6, 1), ("japan", "2026-03", "total_position", 1191600))
    published.says(
        "slt_table3", JUNE, ("japan", "2026-02", "total_position", 1), ("japan", "2026-04", "total_position", 2)
    )
    found = published.ask("total_usd_mn, source, released", "positions", where="month = DATE '2026-03-01'")
    assert found == [(1191621, "slt_table3", MAY)]


def test_a_release_speaks_only_for_the_months_it_covers(published):
    published.says("slt_table5", MAY, ("japan", "2025-03", "total_position", 1130800))
    published.says("mfhhis01", date(2026, 3, 18), ("japan", "2025-03", "total_position", 1130700))
    published.says("mfhhis01", JUNE, ("japan", "2025-12", "total_position", 1185500))
    found = published.ask("source", "positions", where="month = DATE '2025-03-01'")
    assert found == [("slt_table5",)]


def test_press_gives_way_to_any_release(published):
    published.says("slt_table5", date(2024, 7, 18), ("japan", "2024-05", "total_position", 1128200))
    published.says("press", date(2024, 7, 19), ("japan", "2024-05", "total_position", 1128300), evidence="press")
    assert published.ask("total_usd_mn, evidence", "positions") == [(1128200, "release")]


def test_with_press_alone_each_day_knows_what_was_reported_by_then(published):
    for released, *figures in [
        (date(2024, 6, 18), ("2024-03", 1187800), ("2024-04", 1150300)),
        (date(2024, 7, 18), ("2024-05", 1128300)),
        (date(2024, 8, 15), ("2024-06", 1117700)),
    ]:
        rows = [("japan", month, "total_position", value) for month, value in figures]
        published.says("press", released, *rows, evidence="press")
    assert published.ask("total_usd_mn", "positions", date(2024, 6, 17)) == []
    assert published.ask("total_usd_mn", "positions", date(2024, 7, 17)) == [(1187800,), (1150300,)]
    known = published.ask("position_usd_mn, change_usd_mn", "months", date(2024, 7, 18))
    assert known == [(1187800, None), (1150300, -37500), (1128300, -22000)]
    later = published.ask("change_usd_mn, net_purchases_usd_mn, evidence", "months", date(2024, 8, 15))
    assert [row[0] for row in later[1:]] == [-37500, -22000, -10600]
    assert sum(row[0] for row in later[1:]) == -70100
    assert {row[1:] for row in later} == {(None, "press")}


def test_a_figure_is_known_from_its_release_until_the_day_before_it_is_replaced(published):
    published.says("slt_table5", MAY, ("japan", "2026-03", "total_position", 1, "XIII", JUNE))
    published.says("slt_table5", JUNE, ("japan", "2026-03", "total_position", 2))
    days = [date(2026, 5, 17), MAY, date(2026, 6, 17), JUNE, CURRENT]
    assert [published.ask("total_usd_mn", "positions", day) for day in days] == [[], [(1,)], [(1,)], [(2,)], [(2,)]]


def test_na_as_total_neither_hides_the_long_term_figure_nor_is_replaced_by_it(published):
    published.says(
        "slt_table3",
        JUNE,
        ("poland", "2026-03", "total_position", None), ("poland", "2026-03", "long_term_position", 60000),
        ("poland", "2026-04", "total_position", None), ("poland", "2026-04", "long_term_position", 61500),
        ("poland", "2026-04", "long_term_net", 1400), ("poland", "2026-04", "long_term_valuation", 100),
        ("poland", "2026-04", "total_net", None), ("poland", "2026-04", "short_term_net", None),
    )  # fmt: skip
    assert published.ask("total_usd_mn, long_term_usd_mn, source, long_term_source", "positions")[1] == (
        None, 61500, "slt_table3", "slt_table3",
    )  # fmt: skip
    columns = "position_usd_mn, change_usd_mn, change_long_term_usd_mn, net_purchases_usd_mn, net_long_term_usd_mn"
    assert published.ask(columns, "holder_months")[1] == (None, None, 1500, None, 1400)
    assert published.ask("valuation_usd_mn, other_usd_mn, basis", "holder_months")[1] == (100, None, "slt")


def test_a_source_that_says_na_gives_way_to_one_that_states_the_figure(published):
    published.says("slt_table3", JUNE, ("poland", "2026-04", "total_position", None))
    published.says("slt_table5", MAY, ("poland", "2026-04", "total_position", 70000))
    assert published.ask("total_usd_mn, source", "positions") == [(70000, "slt_table5")]


def test_a_holder_that_left_the_table_is_absent_and_not_zero(published):
    published.says(
        "slt_table5",
        JUNE,
        ("belgium", "2026-02", "total_position", 454700),
        ("japan", "2026-02", "total_position", 1239300), ("japan", "2026-03", "total_position", 1191600),
    )  # fmt: skip
    assert published.ask("month", "positions", where="holder_id = 'belgium'") == [(first("2026-02"),)]


def test_the_change_across_a_break_is_taken_on_the_old_basis(published):
    published.says(
        "mfhhis01",
        MAY,
        ("china_mainland", "2010-05", "total_position", 867700, "X"),
        ("china_mainland", "2010-06", "total_position", 843700, "X"),
        ("china_mainland", "2010-06", "total_position", 1112100, "XI"),
        ("china_mainland", "2010-07", "total_position", 1115100, "XI"),
    )
    found = published.ask("position_usd_mn, change_usd_mn, change_pct, series, series_break", "holder_months")
    assert found[0] == (867700, None, None, "X", False)
    assert found[1][:2] == (1112100, -24000)
    assert found[1][2] == pytest.approx(-100 * 24000 / 867700)
    assert found[1][3:] == ("XI", True)
    assert found[2][:2] == (1115100, 3000)
    assert found[2][3:] == ("XI", False)


def test_the_change_across_a_break_is_unknown_where_only_the_new_basis_was_published(published):
    published.says(
        "mfhhis01",
        MAY,
        ("japan", "2011-11", "total_position", 1038900, "XII"),
        ("japan", "2011-12", "total_position", 1058100, "XIII"),
    )
    assert published.ask("position_usd_mn, change_usd_mn, change_pct, series_break", "holder_months")[1] == (
        1058100, None, None, True,
    )  # fmt: skip


def test_a_missing_month_leaves_the_change_unknown(published):
    published.says(
        "slt_table5",
        JUNE,
        ("japan", "2026-01", "total_position", 1225300),
        ("japan", "2026-03", "total_position", 1191600),
    )
    assert published.ask("change_usd_mn", "holder_months") == [(None,), (None,)]


def test_between_a_release_and_a_press_report_there_is_no_change(published):
    published.says("slt_table3", date(2024, 7, 18), ("japan", "2024-05", "total_position", 1105953))
    published.says("press", date(2024, 8, 15), ("japan", "2024-06", "total_position", 1117700), evidence="press")
    known = published.ask("position_usd_mn, change_usd_mn, evidence", "holder_months")
    assert known == [(1105953, None, "release"), (1117700, None, "press")]


def test_the_change_is_net_purchases_and_valuation_and_other_changes(published):
    published.says(
        "slt_table3",
        JUNE,
        ("japan", "2024-03", "total_position", 1167015), ("japan", "2024-04", "total_position", 1126094),
        ("grand_total", "2024-03", "total_position", 8000000), ("grand_total", "2024-04", "total_position", 8000000),
        ("japan", "2024-04", "total_net", -11830), ("japan", "2024-04", "long_term_net", 246),
        ("japan", "2024-04", "short_term_net", -12076), ("japan", "2024-04", "long_term_valuation", -29824),
    )  # fmt: skip
    columns = "change_usd_mn, net_purchases_usd_mn, net_long_term_usd_mn, net_short_term_usd_mn, valuation_usd_mn"
    april = published.ask(f"{columns}, other_usd_mn, basis, share_of_foreign_pct", "holder_months")[1]
    assert april == (-40921, -11830, 246, -12076, -29824, 733, "slt", pytest.approx(14.076175))
    change, net, _, _, valuation, other, *_ = april
    assert change == net + valuation + other


def test_without_flows_there_is_no_decomposition(published):
    published.says(
        "slt_table3", JUNE, ("japan", "2022-01", "total_position", 3), ("japan", "2022-02", "total_position", 1)
    )
    columns = "change_usd_mn, net_purchases_usd_mn, valuation_usd_mn, other_usd_mn, basis"
    assert published.ask(columns, "holder_months")[1] == (-2, None, None, None, None)


def test_the_continuous_slt_explains_months_before_table_3_does(published):
    published.says(
        "slt_table3",
        JUNE,
        ("japan", "2022-08", "total_position", 1200000), ("japan", "2022-09", "total_position", 1120000),
        ("japan", "2022-08", "short_term_position", 60000), ("japan", "2022-09", "short_term_position", 55000),
    )  # fmt: skip
    published.says(
        "cslt", MAY, ("japan", "2022-09", "long_term_net", -30000), ("japan", "2022-09", "long_term_valuation", -44000)
    )
    columns = "net_long_term_usd_mn, net_short_term_usd_mn, net_purchases_usd_mn, valuation_usd_mn, other_usd_mn, basis"
    assert published.ask(columns, "holder_months")[1] == (-30000, -5000, -35000, -44000, -1000, "cslt")


def test_form_s_gives_net_purchases_of_bonds_but_no_valuation(published):
    published.says(
        "mfhhis01", MAY, ("japan", "2005-01", "total_position", 700000), ("japan", "2005-02", "total_position", 690000)
    )
    published.says(
        "s1_globl",
        date(2023, 3, 15),
        ("japan", "2005-02", "long_term_gross_purchases", 20000, "Form S"),
        ("japan", "2005-02", "long_term_gross_sales", 26000, "Form S"),
    )
    columns = "net_long_term_usd_mn, net_purchases_usd_mn, valuation_usd_mn, other_usd_mn, basis"
    assert published.ask(columns, "holder_months")[1] == (-6000, None, None, None, "form_s")


def test_only_countries_are_ranked(published):
    rows = [(holder, "2026-04", "total_position", 1000.0) for holder in KINDS]
    published.says("slt_table3", JUNE, *rows)
    countries = {row[0] for row in published.ask("holder_id", "holder_months")}
    others = {row[0] for row in published.ask("holder_id", "aggregate_months")}
    assert countries == {"japan", "belgium", "poland", "china_mainland"}
    assert others == set(KINDS) - countries


def test_a_known_error_is_corrected_from_the_day_it_was_found(published):
    published.says("mfhhis01", MAY, ("japan", "2024-12", "total_position", 378800))
    published.add(
        "corrections", source="mfhhis01", holder_id="japan", month=first("2024-12"), measure="total_position",
        expected_usd_mn=378800, corrected_usd_mn=380256, since=JUNE,
    )  # fmt: skip
    assert published.ask("total_usd_mn", "positions", MAY) == [(378800,)]
    assert published.ask("total_usd_mn", "positions", JUNE) == [(380256,)]


def test_custodial_centres_are_marked(published):
    published.says(
        "slt_table3", JUNE, ("belgium", "2026-04", "total_position", 1), ("japan", "2026-04", "total_position", 1)
    )
    assert published.ask("holder_id, custodial_centre", "holder_months") == [("belgium", True), ("japan", False)]


def test_what_users_ask_as_of_a_day_runs_on_duckdb_1_0_which_has_arg_min_by_one_plain_value_only():
    by_several = re.compile(r"arg_(?:min|max)\((?:[^()]|\([^()]*\))*?,\s*\(", re.DOTALL)
    assert by_several.search("arg_min(change, (source <> own, preference))")
    for path in sorted(VIEWS.glob("*_as_of.sql")):
        assert not by_several.search(path.read_text(encoding="utf-8")), path.name
