"""Implied durations: what is put in comes out, few data are pulled to the others, and intervals hold what they should."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tests.transforms.tic import DECLARATIONS, OFFICIAL, official, official_body, source
from treasury_watch.transforms.layouts import parse
from treasury_watch.transforms.layouts.parsing import figures_of
from treasury_watch.transforms.risk.duration_scores import scores
from treasury_watch.transforms.risk.durations import (
    durations_of,
    implied_durations,
    published_returns,
    regressions,
    sector_mean,
    shrunk,
    yield_changes,
)

DECLARED = DECLARATIONS.rules["implied_duration"]
MONTHS = pd.date_range("2023-02-01", periods=30, freq="MS").astype("datetime64[us]")
MOVES = np.random.default_rng(7).normal(0, 0.3, (30, 2))  # of the 10- and the 2-year yield, in points
CHANGES = pd.DataFrame(MOVES, index=MONTHS, columns=["long", "short"])


def returns(years_long, years_short, noise=0.0, seed=1, drift=0.1):
    """Monthly returns of a holder with these two key rate durations."""
    moved = -years_long * MOVES[:, 0] - years_short * MOVES[:, 1]
    return drift + moved + noise * np.random.default_rng(seed).normal(size=len(moved))


def test_a_holder_s_duration_is_the_sum_of_its_two_key_rate_durations():
    found = regressions(returns(3.5, 0.7)[:, None], MOVES)
    assert found.years[0] == pytest.approx(4.2)
    assert found.errors[0] == pytest.approx(0, abs=1e-9)
    assert found.fits[0] == pytest.approx(100)


def test_the_error_of_the_slope_is_that_of_least_squares():
    noisy = returns(4.0, 1.0, noise=0.5)
    design = np.column_stack([np.ones(30), -MOVES])
    found, left, *_ = np.linalg.lstsq(design, noisy, rcond=None)
    cov = left[0] / 27 * np.linalg.inv(design.T @ design)
    own = regressions(noisy[:, None], MOVES)
    assert own.years[0] == pytest.approx(found[1] + found[2])
    assert own.errors[0] == pytest.approx(np.sqrt(cov[1, 1] + cov[2, 2] + 2 * cov[1, 2]))


def test_a_sector_whose_holders_lie_within_their_errors_has_no_spread():
    mu, error, tau = sector_mean(np.array([4.0, 4.1, 3.9]), np.array([1.0, 1.0, 1.0]))
    assert (mu, tau) == (pytest.approx(4.0), 0.0)
    assert error == pytest.approx(1 / np.sqrt(3))


def test_the_spread_of_a_sector_is_what_errors_leave_of_the_distances():
    # Q = 2 * 9 / 1 = 18, k - 1 = 1, scale = 2 - 2/2 = 1: tau^2 = 17
    mu, _, tau = sector_mean(np.array([1.0, 7.0]), np.array([1.0, 1.0]))
    assert (mu, tau) == (pytest.approx(4.0), pytest.approx(np.sqrt(17)))


def test_a_slope_counts_by_its_error_and_the_sector_for_the_rest():
    weights, duration, low, high = shrunk(np.array([8.0]), np.array([2.0]), (4.0, 0.0, 2.0))
    assert (weights[0], duration[0]) == (0.5, 6.0)
    assert (high[0] - low[0]) / 2 == pytest.approx(1.2816 * np.sqrt(0.5 * 4), rel=1e-4)


def test_no_duration_is_below_zero():
    _, duration, low, high = shrunk(np.array([-1.0]), np.array([0.5]), (0.0, 0.1, 3.0))
    assert (duration[0], low[0]) == (0.0, 0.0)
    assert high[0] >= 0


def sector_of(count, noise):
    made = {f"h{n}": returns(2 + n * 0.5, 0.5, noise, seed=n + 10) for n in range(count)}
    return pd.DataFrame(made, index=MONTHS)


def test_a_noisy_holder_is_pulled_towards_the_others_and_a_clear_one_is_not():
    table = sector_of(6, 0.05).assign(noisy=returns(12, 3, noise=8.0, seed=3))
    found = implied_durations(table, CHANGES, dict.fromkeys(table, "all"), DECLARED)
    last = found[found["month"] == MONTHS[-1]].set_index("holder_id")
    assert last.loc["h5", "implied_duration_years"] == pytest.approx(5.0, abs=0.15)
    assert last.loc["h5", "own_weight_pct"] > 95
    own, pulled = last.loc["noisy", ["own_duration_years", "implied_duration_years"]]
    assert last.loc["noisy", "own_weight_pct"] < 50
    assert abs(pulled - last.loc["noisy", "sector_duration_years"]) < abs(
        own - last.loc["noisy", "sector_duration_years"]
    )
    wide, narrow = (
        last.loc[name, "duration_high_years"] - last.loc[name, "duration_low_years"] for name in ("noisy", "h5")
    )
    assert wide > 4 * narrow


def test_an_aggregate_keeps_its_own_slope():
    table = sector_of(4, 0.5).assign(total=returns(6, 2, noise=0.5))
    found = implied_durations(table, CHANGES, dict.fromkeys(["h0", "h1", "h2", "h3"], "all"), DECLARED)
    total = found[(found["holder_id"] == "total") & (found["month"] == MONTHS[-1])].iloc[0]
    assert total["implied_duration_years"] == pytest.approx(total["own_duration_years"])
    assert np.isnan(total["sector_duration_years"])


def test_a_month_knows_only_the_months_up_to_it():
    table = sector_of(4, 0.3)
    whole = implied_durations(table, CHANGES, dict.fromkeys(table, "all"), DECLARED)
    cut = implied_durations(table.iloc[:20], CHANGES, dict.fromkeys(table, "all"), DECLARED)
    pd.testing.assert_frame_equal(whole[whole["month"] <= MONTHS[19]].reset_index(drop=True), cut)


def test_a_holder_has_no_duration_before_twelve_known_months_and_none_in_a_month_without_return():
    table = sector_of(3, 0.3)
    table.loc[MONTHS[14], "h0"] = np.nan
    found = implied_durations(table, CHANGES, dict.fromkeys(table, "all"), DECLARED)
    months = set(found[found["holder_id"] == "h0"]["month"])
    assert min(months) == MONTHS[11]
    assert MONTHS[14] not in months
    assert found[(found["holder_id"] == "h0") & (found["month"] == MONTHS[15])]["regressed_months"].item() == 15


def month_rows(**changed):
    row = {
        "holder_id": "japan", "month": MONTHS[0], "basis": "slt", "valuation_usd_mn": -30.0, "long_term_usd_mn": 1980.0,
        "change_long_term_usd_mn": -20.0,
    }  # fmt: skip
    return pd.DataFrame([row | changed])


def test_returns_are_of_the_bonds_held_before():
    assert published_returns(month_rows(), DECLARED)["japan"].tolist() == [-1.5]


@pytest.mark.parametrize(
    "changed",
    [
        {"basis": "estimated"},
        {"long_term_usd_mn": 900.0, "change_long_term_usd_mn": 0.0},
        {"valuation_usd_mn": -300.0},
        {"valuation_usd_mn": np.nan},
    ],
)
def test_estimates_small_holdings_and_returns_that_no_price_has_are_left_out(changed):
    assert published_returns(month_rows(**changed), DECLARED).empty


def test_without_yields_there_are_no_durations():
    yields = pd.DataFrame({"series_id": ["DGS10"], "date": [pd.Timestamp("2024-04-30")], "value": [4.0]})
    holders = pd.DataFrame([{"holder_id": "japan", "holder": "Japan", "kind": "country", "custodial_centre": False}])
    assert durations_of(month_rows(), yields, holders, DECLARED).empty


@pytest.fixture(scope="module")
def official_figures():
    """(returns, changes, sectors) of Table 3 and of the yields, as published."""
    table = figures_of(official_body("slt_table3"), source("slt_table3"), DECLARATIONS.holder_labels).table
    wide = table.pivot_table(index=["holder_id", "month"], columns="measure", values="value_usd_mn").reset_index()
    wide = wide.sort_values(["holder_id", "month"]).rename(
        columns={"long_term_position": "long_term_usd_mn", "long_term_valuation": "valuation_usd_mn"}
    )
    wide["change_long_term_usd_mn"] = wide.groupby("holder_id")["long_term_usd_mn"].diff()
    yields = []
    for name in ("DGS2", "DGS10"):
        body = (OFFICIAL / ".." / "fred" / f"{name}.csv").read_bytes()
        yields.append(parse(body, source(f"fred:{name}")).table)
    kinds = {row["holder_id"]: row["custodial_centre"] for row in DECLARATIONS.holders if row["kind"] == "country"}
    stated = published_returns(wide.assign(basis="slt"), DECLARED)
    return stated, yield_changes(pd.concat(yields), DECLARED), {name: kinds[name] for name in stated if name in kinds}


@official
@pytest.mark.parametrize("until", ["2024-03-01", "2024-06-01", "2024-09-01", "2024-12-01", "2025-03-01"])
def test_shrunk_durations_foretell_later_ones_better_than_their_rivals_and_intervals_hold_four_in_five(
    official_figures, until
):
    found = scores(*official_figures, DECLARED, pd.Timestamp(until)).set_index("estimate")
    assert found.loc["shrunk", "holders"] >= 60
    for rival in ("own slope", "sector"):
        assert found.loc["shrunk", "rms_years"] < found.loc[rival, "rms_years"]
        assert found.loc["shrunk", "median_years"] < found.loc[rival, "median_years"]
    assert 75 <= found.loc["shrunk", "held_pct"] <= 87


@official
def test_with_the_yields_of_other_months_nothing_is_foretold(official_figures):
    stated, changes, sectors = official_figures
    turned = changes.copy()
    turned[:] = np.roll(changes.to_numpy(), 7, axis=0)
    told, shuffled = (
        scores(stated, used, sectors, DECLARED, pd.Timestamp("2024-09-01")).set_index("estimate").loc["shrunk"]
        for used in (changes, turned)
    )
    fits = implied_durations(stated, turned, sectors, DECLARED)
    at = fits[fits["month"] == fits["month"].max()]
    assert at["fit_pct"].median() < 25
    assert told["holders"] == shuffled["holders"]


@official
def test_japan_s_and_all_foreigners_durations_are_those_measured(official_figures):
    stated, changes, sectors = official_figures
    found = implied_durations(stated, changes, sectors, DECLARED)
    at = found[found["month"] == "2026-04-01"].set_index("holder_id")
    assert at.loc["japan", ["implied_duration_years", "duration_low_years", "duration_high_years"]].tolist() == (
        pytest.approx([4.79, 4.39, 5.20], abs=0.01)
    )
    assert at.loc["grand_total", "implied_duration_years"] == pytest.approx(4.17, abs=0.01)
    assert at.loc["foreign_official", "implied_duration_years"] == pytest.approx(4.13, abs=0.01)
