"""The figures that decide a label."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tests.transforms.backtest.literal_months import CALM, LIMITS, NAN, NO_YIELDS, holder_months, month
from treasury_watch.transforms.backtest.evidence import History, price_return_pct

PAST = CALM * 10


def history(*tables: pd.DataFrame, centres: tuple[str, ...] = ()) -> History:
    return History(pd.concat(tables, ignore_index=True), NO_YIELDS, centres, LIMITS)


def test_sums_are_over_the_run_and_what_was_bought_back_is_that_of_the_month_after():
    found = history(holder_months("japan", [-20_000.0, -30_000.0, 40_000.0], [-5_000.0, 1_000.0, 0.0])).of(
        "japan", month(0), month(1)
    )
    assert (found.change_usd_mn, found.net_usd_mn, found.valuation_usd_mn) == (-54_000, -50_000, -4_000)
    assert found.bought_back == pytest.approx(0.8)
    assert found.gross_fall_usd_mn == 54_000


def test_nothing_is_known_of_what_follows_the_newest_month():
    assert np.isnan(history(holder_months("japan", [0.0, -30_000.0])).of("japan", month(1), month(1)).bought_back)


def test_a_sum_with_an_unknown_month_is_unknown_and_so_is_a_month_outside_the_table():
    known = history(holder_months("japan", [NAN, -30_000.0]))
    assert np.isnan(known.of("japan", month(0), month(1)).net_usd_mn)
    assert np.isnan(known.of("japan", month(1), month(2)).change_usd_mn)


def test_sales_at_each_quarter_end_recur_and_sales_in_every_month_do_not():
    quarterly = [-40_000.0 if number % 3 == 0 else 20_000.0 for number in range(24)]
    steady = [-40_000.0] * 24
    known = history(holder_months("canada", quarterly), holder_months("china", steady))
    found = known.of("canada", month(21), month(21))
    assert (found.recurred, found.season) == (6, "quarter")
    assert known.of("china", month(21), month(21)).recurred == 0


def test_the_second_of_such_sales_recurs_by_those_that_follow_and_the_first_does_not_yet():
    quarterly = [0.0] * 12 + [-40_000.0 if number % 3 == 0 else 20_000.0 for number in range(15)]
    assert history(holder_months("canada", quarterly)).of("canada", month(12), month(12)).recurred == 3
    assert history(holder_months("canada", quarterly)).of("canada", month(15), month(15)).recurred == 4


def test_a_run_knows_the_share_of_its_sales_that_were_bought_back():
    known = history(holder_months("canada", [*PAST, -10_000.0, -40_000.0, 40_000.0, 0.0]))
    assert known.of("canada", month(20), month(21)).pattern_share == pytest.approx(0.8)


def test_a_declared_partner_absorbs_over_the_run_unless_it_gained_far_more():
    china = holder_months("china", [-30_000.0, -30_000.0, -5_000.0])
    belgium = holder_months("belgium", [15_000.0, 25_000.0, 30_000.0], [9_000.0, 9_000.0, 0.0])
    known = history(china, belgium, centres=("belgium",))
    found = known.of("china", month(0), month(1))
    assert (found.partner, found.absorbed) == ("Belgium", pytest.approx(40 / 60))
    assert known.of("china", month(2), month(2)).absorbed == 0


def test_elsewhere_only_an_unusual_rise_of_the_same_size_with_a_centre_among_the_two_absorbs():
    islands = holder_months("islands", [*PAST, -78_000.0])
    salvador = holder_months("salvador", [*PAST, 80_000.0])
    apart = holder_months("salvador", [*PAST, 40_000.0])
    found = history(islands, salvador, centres=("islands",)).of("islands", month(20), month(20))
    assert (found.partner, found.absorbed) == ("Salvador", pytest.approx(1.0))
    assert history(islands, salvador).of("islands", month(20), month(20)).absorbed == 0
    assert history(islands, apart, centres=("islands",)).of("islands", month(20), month(20)).absorbed == 0


def test_a_place_whose_figures_begin_there_is_found_though_its_prices_are_unknown():
    islands = holder_months("islands", [*PAST, -78_000.0])
    salvador = holder_months("salvador", [NAN] * 21, NAN, [0.0] * 20 + [80_000.0], held=1_000)
    salvador["long_term_usd_mn"] = NAN
    salvador.loc[:18, "change_usd_mn"] = NAN
    known = history(islands, salvador, centres=("islands",))
    assert known.of("islands", month(20), month(20)).partner == "Salvador"


def test_prices_are_published_where_they_are_and_else_follow_the_yields_with_the_fitted_durations():
    moves = np.array([0.1, -0.2, 0.3, -0.1, 0.2] * 8)
    yields = np.vstack([np.cumsum(moves) / 2, np.cumsum(moves)])
    returns = -5.0 * np.diff(yields[1], prepend=0.0)
    held = np.full((2, 40), 1_000.0)
    published = np.vstack([10 * returns, 10 * returns])
    published[:, :10] = np.nan
    found = price_return_pct(published, held, yields)
    assert found[1:] == pytest.approx(returns[1:])
    assert np.isnan(found[0])


def test_too_few_published_months_estimate_nothing():
    published = np.full((1, 30), np.nan)
    published[0, -23:] = 1.0
    found = price_return_pct(published, np.full((1, 30), 100.0), np.ones((2, 30)))
    assert np.isnan(found[:7]).all()


def test_an_estimate_may_be_off_by_two_percent_a_month_and_more_over_a_run():
    months = holder_months("india", [-1_000.0] * 5, NAN)
    known = history(months)
    assert known.of("india", month(1), month(1)).tolerance_usd_mn == pytest.approx(0.02 * 499_000)
    assert known.of("india", month(1), month(4)).tolerance_usd_mn == pytest.approx(2 * 0.02 * 499_000)
    assert known.of("india", month(1), month(1)).estimated
