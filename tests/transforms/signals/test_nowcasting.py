"""Estimates before the release: what they know, what they find, and how far they say that they may be off."""

from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import pytest

from tests.transforms.signals.literal_signals import INTERVAL, SINCE, drawn, months
from treasury_watch.transforms.errors import ConfigurationError
from treasury_watch.transforms.signals.nowcast.intervals import half_width
from treasury_watch.transforms.signals.nowcast.local_level import states
from treasury_watch.transforms.signals.nowcast.nowcasting import (
    LAST_THURSDAY,
    TODAY,
    Known,
    last_thursday_before,
    learned_until,
    nowcasts,
)
from treasury_watch.transforms.signals.nowcast.scores import COLUMNS, scored, summary
from treasury_watch.transforms.signals.nowcast.targets import Target, targets

Whole = tuple[Target, Known, pd.DataFrame]


@pytest.fixture(scope="module")
def whole() -> Whole:
    target, known = drawn()
    return target, known, nowcasts(target, known, INTERVAL, SINCE)


def record(target: Target, known: Known, made: pd.DataFrame | None = None) -> pd.DataFrame:
    made = nowcasts(target, known, INTERVAL, SINCE) if made is None else made
    return summary(scored(target, made, known.prints))


def test_the_model_finds_the_coefficients_that_the_figures_were_made_with():
    index = months("2012-01", 80)
    terms = pd.DataFrame({"custody": np.random.default_rng(1).normal(0, 20, 80)}, index=index)
    target = 4.0 + 0.5 * terms["custody"]
    last = states(target, terms, 0.0).iloc[-1]
    assert last["level"] == pytest.approx(4.0, abs=0.01)
    assert last["custody"] == pytest.approx(0.5, abs=0.01)


def test_a_level_that_moves_is_followed_only_where_it_may():
    index = months("2012-01", 80)
    terms = pd.DataFrame({"custody": np.random.default_rng(1).normal(0, 20, 80)}, index=index)
    target = pd.Series(np.where(np.arange(80) < 40, 0.0, 20.0), index) + 0.5 * terms["custody"]
    assert states(target, terms, 0.05).iloc[-1]["level"] == pytest.approx(20, abs=1)
    assert states(target, terms, 0.0).iloc[-1]["level"] < 15


def test_nothing_that_was_public_after_the_day_changes_the_estimate(whole):
    target, known, made = whole
    month, day = pd.Period("2015-06", "M"), last_thursday_before(known.due[pd.Period("2015-06", "M")])
    later = known.prints["known_from"] > day
    prints = known.prints.assign(value_usd_bn=known.prints["value_usd_bn"].where(~later, 999.0))
    inputs = known.inputs.copy()
    inputs.loc[inputs["custody_known"] > day, ["custody_usd_bn", "price_pct"]] = 999.0
    holdings = known.holdings.where(~later, 999.0)
    changed = nowcasts(target, replace(known, prints=prints, inputs=inputs, holdings=holdings), INTERVAL, SINCE)
    at = (made["month"] == month.to_timestamp()) & (made["made_on"] == LAST_THURSDAY)
    pd.testing.assert_frame_equal(made[at], changed[at])
    assert not made.iloc[-1:].equals(changed.iloc[-1:])


def test_an_input_that_is_public_after_the_release_makes_no_estimate():
    target, known = drawn(count=48)
    inputs = known.inputs.copy()
    month = pd.Period("2015-06", "M")
    inputs.loc[month, "custody_known"] = pd.Timestamp(known.due[month])
    made = nowcasts(target, replace(known, inputs=inputs), INTERVAL, SINCE)
    assert month.to_timestamp() not in set(made["month"])


def test_the_score_is_high_where_the_model_is_right_and_its_rivals_are_not(whole):
    found = record(*whole)
    assert found.loc["nowcast", "r_squared"] > 0.9
    assert found.loc["nowcast", "right_sign_pct"] > 80
    assert max(found.loc[["zero", "last_month", "mean"], "r_squared"]) < 0.1


@pytest.mark.parametrize("broken", ["custody shuffled", "custody turned", "prices left out"])
def test_the_score_drops_where_the_model_is_broken(whole, broken):
    target, known, made = whole
    inputs = known.inputs.copy()
    if broken == "custody shuffled":
        inputs["custody_usd_bn"] = np.random.default_rng(3).permutation(inputs["custody_usd_bn"])
    elif broken == "custody turned":  # after the model has learned: it would learn the other sign
        inputs.loc["2015-01":, "custody_usd_bn"] *= -1
    else:
        inputs["price_pct"] = 0.0
    right, found = record(target, known, made), record(target, replace(known, inputs=inputs))
    assert found.loc["nowcast", "r_squared"] < right.loc["nowcast", "r_squared"] - 0.3


def test_a_figure_that_leaks_into_its_own_month_would_be_seen_in_the_score():
    target, known = drawn()
    inputs = known.inputs.assign(custody_usd_bn=known.prints["value_usd_bn"])
    assert record(target, replace(known, inputs=inputs)).loc["nowcast", "r_squared"] > 0.999


def test_the_interval_holds_four_in_five_prints():
    found = record(*drawn(count=120))
    assert 72 <= found.loc["nowcast", "coverage_pct"] <= 88


def test_the_interval_is_the_error_that_four_in_five_did_not_exceed_and_none_before_twelve():
    assert half_width([1, -2, 3, -4, 5, -6, 7, -8, 9], 80, 9) == 8
    assert half_width([1.0] * 11, 80, 12) is None


def test_a_month_is_learned_only_with_all_before_it():
    known_from = pd.Series(pd.to_datetime(["2024-01-18", None, "2024-04-17", "2024-03-18"]), months("2023-11", 4))
    assert learned_until(known_from, pd.Period("2024-03", "M"), pd.Timestamp("2024-03-31")) == pd.Period("2023-11", "M")
    assert learned_until(known_from, pd.Period("2024-03", "M"), pd.Timestamp("2024-04-30")) == pd.Period("2024-02", "M")
    assert learned_until(known_from, pd.Period("2024-03", "M"), pd.Timestamp("2023-12-31")) is None


def test_the_last_thursday_is_before_the_release_even_where_that_is_a_thursday():
    assert last_thursday_before(date(2026, 6, 18)) == pd.Timestamp("2026-06-11")
    assert last_thursday_before(date(2026, 7, 14)) == pd.Timestamp("2026-07-09")


def test_a_month_that_is_not_out_is_estimated_today_and_has_no_score():
    target, known = drawn()
    open_month = known.inputs.index[-1]
    prints = known.prints.copy()
    prints.loc[open_month, ["value_usd_bn", "known_from"]] = [np.nan, pd.NaT]
    known = replace(known, prints=prints, newest=open_month - 1)
    made = nowcasts(target, known, INTERVAL, SINCE, today=date(2017, 1, 12))
    last = made.iloc[-1]
    assert (last["month"], last["made_on"], last["made"]) == (
        open_month.to_timestamp(), TODAY, pd.Timestamp("2017-01-12"),
    )  # fmt: skip
    assert last["low_usd_mn"] < last["estimate_usd_mn"] < last["high_usd_mn"]
    assert open_month.to_timestamp() not in set(scored(target, made, prints)["month"])


def test_a_month_whose_figure_is_out_is_not_estimated_today():
    target, known = drawn()
    assert TODAY not in set(nowcasts(target, known, INTERVAL, SINCE, today=date(2017, 3, 1))["made_on"])


def test_scores_say_what_the_estimate_was_held_against(whole):
    target, known, made = whole
    prints = known.prints.assign(basis="latest_vintage")
    found = scored(target, made, prints)
    assert list(found.columns) == COLUMNS
    assert set(found["print_basis"]) == {"latest_vintage"}
    assert ((found["print_usd_mn"] - found["estimate_usd_mn"] - found["error_usd_mn"]).abs() < 1e-6).all()


def test_an_estimate_made_after_the_release_is_no_estimate_before_it(whole):
    target, known, made = whole
    month = made["month"].iloc[-1]
    late = made.tail(1).assign(made=pd.Timestamp("2020-01-02"), made_on=TODAY, estimate_usd_mn=0.0)
    found = scored(target, pd.concat([made, late]), known.prints)
    own = found[(found["month"] == month) & (found["method"] == "nowcast")]
    assert list(own["made"]) == [made["made"].iloc[-1]]


def test_a_term_that_is_none_is_refused_with_the_terms_there_are():
    entry = {"holder": "japan", "of": "change_usd_mn", "from": "2012-01", "terms": ["weather"],
             "level_variance": 0.0}  # fmt: skip
    with pytest.raises(ConfigurationError, match=r"targets\.odd: expected terms among custody.* found weather"):
        targets({"targets": {"odd": entry}})
