"""The price return of Treasuries estimated from yields, and how far it is from what is published."""

import pandas as pd
import pytest

from tests.transforms.tic import DECLARATIONS, OFFICIAL, official, official_body, source
from treasury_watch.transforms import layouts
from treasury_watch.transforms.holders import identified
from treasury_watch.transforms.rates.price_returns import (
    convexity,
    error_summary,
    estimation_errors,
    modified_duration,
    price_returns,
)

DECLARED = DECLARATIONS.rules["price_return"]
WHOLE = {"parts": {"DGS10": {"maturity_years": 10, "share": 1.0}}}


def yields(*rows: tuple[str, str, float]) -> pd.DataFrame:
    return pd.DataFrame([(s, pd.Timestamp(day), v) for s, day, v in rows], columns=["series_id", "date", "value"])


def price(years: int, coupon_pct: float, yield_pct: float) -> float:
    """A bond of half-yearly coupons, for 100, discounted payment by payment."""
    per = 1 + yield_pct / 200
    return sum(coupon_pct / 2 / per**n for n in range(1, 2 * years + 1)) + 100 / per ** (2 * years)


@pytest.mark.parametrize("years", [2, 10])
@pytest.mark.parametrize("step", [-0.5, 0.1, 0.8])
def test_duration_and_convexity_give_the_price_of_a_bond_at_par_closely(years, step):
    at = pd.Series([4.0])
    told = -modified_duration(years, at)[0] * step / 100 + convexity(years, at)[0] * (step / 100) ** 2 / 2
    assert 100 * told == pytest.approx(price(years, 4.0, 4.0 + step) - 100, abs=0.012)


def test_duration_at_a_yield_of_zero_is_the_maturity():
    assert modified_duration(2, pd.Series([0.0]))[0] == pytest.approx(2)


def test_a_rise_of_yields_between_the_ends_of_two_months_is_a_fall_in_price():
    quoted = yields(("DGS10", "2024-03-28", 4.20), ("DGS10", "2024-04-10", 9.9), ("DGS10", "2024-04-30", 4.69))
    months = price_returns(quoted, WHOLE)
    assert months["month"].tolist() == [pd.Timestamp("2024-04-01")]
    assert months["price_return_pct"][0] == pytest.approx(price(10, 4.20, 4.69) - 100, abs=0.01)


def test_a_month_that_is_not_over_or_follows_a_gap_has_no_return():
    quoted = yields(("DGS10", "2024-01-31", 4.0), ("DGS10", "2024-03-28", 4.2), ("DGS10", "2024-04-12", 4.6))
    assert price_returns(quoted, WHOLE).empty


def test_without_one_of_the_series_there_is_no_return():
    assert price_returns(yields(("DGS10", "2024-03-28", 4.2), ("DGS10", "2024-04-30", 4.7)), DECLARED).empty


def test_without_any_yield_there_is_no_return():
    assert price_returns(yields(), DECLARED).empty


def holder_months(valuation: float, basis: str = "slt") -> pd.DataFrame:
    return pd.DataFrame(
        {
            "holder_id": ["japan"], "month": [pd.Timestamp("2024-04-01")], "long_term_usd_mn": [90_000.0],
            "change_long_term_usd_mn": [-10_000.0], "valuation_usd_mn": [valuation], "basis": [basis],
        }
    )  # fmt: skip


def test_the_error_is_the_published_valuation_less_the_estimate_in_percent_of_what_was_held():
    returns = pd.DataFrame({"month": [pd.Timestamp("2024-04-01")], "price_return_pct": [-2.0]})
    (row,) = estimation_errors(holder_months(-1_500.0), returns, 10_000).to_dict("records")
    assert row["error_pct"] == pytest.approx(-1.5 + 2.0)
    assert estimation_errors(holder_months(-1_500.0, "estimated"), returns, 10_000).empty
    assert estimation_errors(holder_months(-1_500.0), returns, 200_000).empty


def published() -> pd.DataFrame:
    parsed = layouts.parse(official_body("slt_table3"), source("slt_table3"))
    table = identified(parsed.table, "slt_table3", DECLARATIONS.holder_labels)
    wanted = table[table["measure"].isin(["long_term_position", "long_term_valuation"])]
    wide = wanted.pivot_table(index=["holder_id", "month"], columns="measure", values="value_usd_mn").reset_index()
    return wide.assign(
        long_term_usd_mn=wide["long_term_position"], valuation_usd_mn=wide["long_term_valuation"], basis="slt",
        change_long_term_usd_mn=wide.groupby("holder_id")["long_term_position"].diff(),
    )  # fmt: skip


def official_yields() -> pd.DataFrame:
    tables = []
    for series in DECLARED["parts"]:
        body = (OFFICIAL.parent / "fred" / f"{series}.csv").read_bytes()
        tables.append(layouts.parse(body, source(f"fred:{series}")).table.assign(series_id=series))
    return pd.concat(tables)


@official
def test_the_estimate_is_as_close_to_table_3_as_the_methodology_says_and_a_wrong_one_is_not():
    months, quoted = published(), official_yields()
    kinds = {row["holder_id"]: row["kind"] for row in DECLARATIONS.holders}
    everyone, countries = months["holder_id"] == "grand_total", months["holder_id"].map(kinds) == "country"
    since = months["month"] >= pd.Timestamp("2024-10-01")  # the months that the shares were not fitted on

    def summary(chosen: pd.Series, declared: dict) -> dict[str, float]:
        return error_summary(estimation_errors(months[chosen], price_returns(quoted, declared), 10_000))

    total, each = summary(everyone & since, DECLARED), summary(countries, DECLARED)
    assert (round(total["median_pct"], 2), round(total["p90_pct"], 2)) == (0.16, 0.24)
    assert (round(each["median_pct"], 2), round(each["p90_pct"], 2)) == (0.41, 1.78)
    assert each["p90_pct"] <= DECLARED["error_pct"]
    turned = {"parts": {name: {**part, "share": -part["share"]} for name, part in DECLARED["parts"].items()}}
    assert summary(everyone & since, turned)["median_pct"] > 5 * total["median_pct"]
