"""Official flows: every print as it was made, and the official total's net purchases where nothing newer states them."""

from __future__ import annotations

from datetime import date

import duckdb
import pytest

from tests.conftest import PROJECT
from tests.transforms.tic import DECLARATIONS
from tests.warehouse.literal_database import JUNE, VIEWS
from treasury_watch.transforms import layouts
from treasury_watch.transforms.quality.reconciliation import reconciliation
from treasury_watch.warehouse.tables.building import LAST_PRINTS

SHIPPED = (PROJECT / "config" / "tic_press_releases.csv").read_bytes()
TABLE3 = PROJECT.parent / "shared" / "official" / "tic" / "slt_table3.txt"
FLOWS = "net_long_term_usd_mn, net_short_term_usd_mn, net_purchases_usd_mn, valuation_usd_mn, basis"


@pytest.fixture(scope="module")
def flows():
    """The table official_flows of the figures that come with the program."""
    connection = duckdb.connect()
    connection.execute("ATTACH ':memory:' AS ledger")
    source = DECLARATIONS.source("tic_press_releases")
    stated = layouts.parse(SHIPPED, source).table.assign(source=source.id, superseded=None, sha256="shipped")
    stated["superseded"] = stated["superseded"].astype("datetime64[us]")
    connection.execute("CREATE TABLE ledger.official_flows AS SELECT * REPLACE (month::DATE AS month) FROM stated")
    view = (VIEWS / "official_flows.sql").read_text(encoding="utf-8").format(ledger="ledger")
    connection.execute(f"CREATE TABLE official_flows AS {view}")
    yield connection
    connection.close()


def test_every_month_from_2003_12_to_2025_11_has_its_prints_and_says_which_is_the_first(flows):
    query = (
        "SELECT count(*), count(DISTINCT month), min(month), max(month), count(*) FILTER (is_first_print), "
        "count(first_print_basis), count(*) FILTER (first_print_basis = 'earliest_kept') FROM official_flows"
    )
    expected = (920, 263, date(2003, 12, 1), date(2025, 11, 1), 229, 263, 34)
    assert flows.execute(query).fetchall() == [expected]


def test_a_print_has_its_citation_and_a_moved_page_its_two_days(flows):
    ask = "SELECT citation, page_day FROM official_flows WHERE press_release = ? AND month = ?"
    assert flows.execute(ask, ["SB0365", date(2025, 11, 1)]).fetchall() == [
        ("U.S. Treasury press release SB0365 of 15 January 2026", None)
    ]
    assert flows.execute(ask, ["HP353", date(2007, 2, 1)]).fetchall() == [
        ("U.S. Treasury press release HP353 of 16 April 2007 (its page shows 7 April 2021)", date(2021, 4, 7))
    ]


def test_bills_by_sector_begin_with_the_release_of_october_2006(flows):
    query = "SELECT min(released), min(month) FROM official_flows WHERE net_short_term_official_usd_mn IS NOT NULL"
    assert flows.execute(query).fetchall() == [(date(2006, 10, 20), date(2006, 5, 1))]


def official_months(published, *, bills=True):
    published.says(
        "mfhhis01", JUNE, ("foreign_official", "2016-07", "total_position", 4_000_000),
        ("foreign_official", "2016-08", "total_position", 3_940_000),
        ("foreign_official", "2016-07", "short_term_position", 300_000),
        ("foreign_official", "2016-08", "short_term_position", 297_000),
    )  # fmt: skip
    for released, number, bonds, official_bills in (
        (date(2016, 10, 18), "JL0585", -44_000, -3_800), (date(2016, 11, 16), "JL0611", -45_500, -3_900),
    ):  # fmt: skip
        published.add(
            "official_flows", month=date(2016, 8, 1), released=released, press_release=number,
            net_long_term_official_usd_mn=bonds, net_short_term_official_usd_mn=official_bills if bills else None,
        )  # fmt: skip


def august(published, day=date(2030, 1, 1)):
    where = "holder_id = 'foreign_official' AND month = DATE '2016-08-01'"
    return published.ask(FLOWS, "months", day, where)


def test_before_other_sources_state_them_the_official_net_purchases_are_those_last_printed(published):
    official_months(published)
    assert august(published) == [(-45_500, -3_900, -49_400, None, "press_release")]


def test_without_bills_in_print_the_change_in_the_bills_held_stands_for_them(published):
    official_months(published, bills=False)
    assert august(published) == [(-45_500, -3_000, -48_500, None, "press_release")]


def test_what_the_continuous_slt_states_goes_before_print(published):
    official_months(published)
    published.says(
        "cslt", JUNE, ("foreign_official", "2016-08", "long_term_net", -30_000),
        ("foreign_official", "2016-08", "short_term_net", -1_000),
        ("foreign_official", "2016-08", "long_term_valuation", -9_000),
    )  # fmt: skip
    assert august(published) == [(-30_000, -1_000, -31_000, -9_000, "cslt")]


def test_a_country_never_has_the_official_sectors_flows(published):
    official_months(published)
    published.says("mfhhis01", JUNE, ("japan", "2016-08", "total_position", 1_000_000))
    assert published.ask("basis", "months", where="holder_id = 'japan'") == [(None,)]


def test_an_as_of_answer_has_the_print_of_its_day(published):
    official_months(published)
    published.connection.execute("UPDATE observations SET released = DATE '2016-10-01'")
    published.connection.execute("UPDATE releases SET released = DATE '2016-10-01'")
    assert august(published, date(2016, 10, 18)) == [(-44_000, -3_800, -47_800, None, "press_release")]
    assert august(published, date(2016, 10, 17))[0][-1] is None


@pytest.mark.official
@pytest.mark.skipif(not TABLE3.exists(), reason="the official files are not beside the project")
def test_table_3_and_what_was_last_printed_differ_where_the_methodology_says(flows):
    from treasury_watch.transforms.layouts.parsing import figures_of

    table3 = figures_of(TABLE3.read_bytes(), DECLARATIONS.source("slt_table3"), DECLARATIONS.holder_labels).table
    chosen = table3[table3["holder_id"].isin(["foreign_official", "foreign_non_official"])].assign(source="slt_table3")
    units = {source.id: source.last_digit_usd_mn for source in DECLARATIONS.sources.values()}
    rules = DECLARATIONS.toml("reconciliation.toml")
    rules = {"pairs": {"table3_press_releases": rules["pairs"]["table3_press_releases"]}, "parts": {}}
    rows, counts = reconciliation(chosen, rules, {}, units, flows.execute(LAST_PRINTS).df())
    compared = counts.set_index("comparison").loc["table3_press_releases"]
    assert (compared["compared"], compared["disagreeing"]) == (136, 84)
    rows = rows[rows["comparison"] == "table3_press_releases"]
    beyond = rows.groupby(["holder_id", "measure"])["difference_usd_mn"].agg(["size", lambda d: d.abs().max()])
    assert {key: tuple(row) for key, row in zip(beyond.index, beyond.to_numpy().tolist(), strict=True)} == {
        ("foreign_official", "long_term_net"): (24, 11_692),
        ("foreign_official", "short_term_net"): (5, 2_281),
        ("foreign_non_official", "long_term_net"): (34, 32_637),
        ("foreign_non_official", "short_term_net"): (21, 77_871),
    }
