"""From months to findings: currency and interventions beside them, and the figures of Japan in 2024."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest

from tests.transforms.findings.test_episodes import rules
from tests.transforms.findings.test_flagged_months import history
from treasury_watch.transforms.findings.detection import findings
from treasury_watch.transforms.findings.explain.context import interventions as interventions_told
from treasury_watch.transforms.findings.explain.context.currency_context import trending
from treasury_watch.transforms.rates import exchange_rates
from treasury_watch.transforms.rates.interventions import interventions_in_usd
from treasury_watch.transforms.rates.settlement import settlement_day

HOLDERS = pd.DataFrame(
    {
        "holder_id": ["japan", "poland"],
        "currency": ["JPY", "PLN"],
        "currency_name": ["Japanese yen", "zloty"],
        "custodial_centre": [False, False],
    }
)
MONTHLY = pd.DataFrame(
    {
        "currency": "JPY",
        "month": pd.date_range("2022-01-01", periods=4, freq="MS"),
        "average": [100.0, 110.0, 120.0, 150.0],
        "source": "fred:DEXJPUS",
    }
)
NO_OPERATIONS = interventions_in_usd(pd.DataFrame(), pd.DataFrame())


def operations(*rows: tuple) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=["date", "amount_jpy_mn", "pair", "direction"]).assign(country="Japan")
    return table.astype({"date": "datetime64[us]"})


def rates(**days: float) -> pd.DataFrame:
    dates = pd.to_datetime([day[1:].replace("_", "-") for day in days]).astype("datetime64[us]")
    return pd.DataFrame({"currency": "JPY", "date": dates, "per_usd": list(days.values())})


def test_a_finding_has_its_explanation_and_what_the_currency_did():
    months = history(400_000, [1_000.0, 1_000.0, -20_000.0])
    flagged, runs = findings(months, HOLDERS, MONTHLY, NO_OPERATIONS, rules())
    (row,) = flagged.to_dict("records")
    assert (row["currency"], row["fx_per_usd_average"]) == ("JPY", 150.0)
    assert row["fx_change_month_pct"] == pytest.approx(25.0)
    assert row["fx_change_quarter_pct"] == pytest.approx(50.0)
    assert row["explanation"].startswith("Japan's holdings fell $20.0bn in April 2022 to ")
    assert pd.isna(row["interventions_usd_mn"])
    assert len(runs) == 0


def test_interventions_stand_beside_the_month_of_their_country():
    months = pd.concat([history(400_000, [1.0, -20_000.0]), history(400_000, [1.0, -20_000.0], "poland")])
    flagged, _ = findings(months, HOLDERS, MONTHLY, sold_dollars("2022-03-01"), rules())
    found = flagged.set_index("holder")["interventions_usd_mn"]
    assert found["Japan"] == -62_000
    assert pd.isna(found["Poland"])


def test_nothing_flagged_keeps_the_columns():
    flagged, runs = findings(history(400_000, [1.0]), HOLDERS, MONTHLY, NO_OPERATIONS, rules())
    assert (len(flagged), len(runs)) == (0, 0)
    assert {"explanation", "currency", "fx_change_month_pct", "interventions_usd_mn"} <= set(flagged.columns)
    assert "explanation" in runs.columns


def test_dollars_sold_are_negative_and_summed_by_month_at_the_days_rates():
    done = operations(
        ("2022-10-21", 5_620_200, "USD/JPY", "sell USD"),
        ("2022-10-24", 729_600, "USD/JPY", "sell USD"),
        ("2010-09-15", 2_124_900, "JPY/USD", "buy USD"),
    )
    found = interventions_in_usd(done, rates(d2010_09_15=85.0, d2022_10_21=150.0, d2022_10_24=148.0))
    sums = found.groupby("month")["interventions_usd_mn"].sum()
    assert sums.index.tolist() == [pd.Timestamp("2010-09-01"), pd.Timestamp("2022-10-01")]
    assert sums.tolist() == pytest.approx([2_124_900 / 85, -(5_620_200 / 150 + 729_600 / 148)])


def test_an_operation_is_paid_for_two_days_later_that_are_business_days_in_both_countries():
    days = {
        "2024-04-26": "2024-05-01",  # a weekend, and the 29th is a holiday in Japan
        "2024-04-29": "2024-05-01",
        "2024-05-01": "2024-05-07",  # three holidays in Japan, a weekend between
        "2022-10-21": "2022-10-25",
        "2026-07-02": "2026-07-07",  # the 3rd is a holiday in the U.S.
        "2025-12-30": "2026-01-06",  # banks in Japan are closed from 31 December to 3 January
    }
    found = {day: str(settlement_day(date.fromisoformat(day), "JP")) for day in days}
    assert found == days


@pytest.mark.parametrize(("day", "found"), [("2024-04-26", 1), ("2024-04-22", 1), ("2024-04-21", 0)])
def test_a_holiday_takes_the_last_rate_within_a_week(day, found):
    done = operations(("2024-04-29", 5_918_500, "USD/JPY", "sell USD"))
    rate = rates(**{f"d{day}": 158.0})
    result = interventions_in_usd(done, rate)
    assert len(result) == found
    if found:
        assert result["interventions_usd_mn"].item() == pytest.approx(-5_918_500 / 158)


def test_a_later_rate_is_never_taken():
    done = operations(("2024-04-29", 5_918_500, "USD/JPY", "sell USD"))
    assert len(interventions_in_usd(done, rates(d2024_04_30=157.0))) == 0


def test_a_month_of_which_a_day_has_no_rate_is_left_out_rather_than_given_in_part():
    done = operations(
        ("2024-07-11", 3_167_800, "USD/JPY", "sell USD"), ("2024-07-25", 2_367_000, "USD/JPY", "sell USD")
    )
    assert len(interventions_in_usd(done, rates(d2024_07_11=159.0))) == 0


def test_operations_without_the_dollar_and_other_currencies_rates_are_left_out():
    done = operations(("2024-07-11", 100, "EUR/JPY", "sell EUR"), ("2024-07-11", 1_590, "USD/JPY", "sell USD"))
    euro = rates(d2024_07_11=0.9).assign(currency="EUR")
    found = interventions_in_usd(done, pd.concat([euro, rates(d2024_07_11=159.0)]))
    assert found["interventions_usd_mn"].tolist() == [-10.0]


def test_no_operations_give_an_empty_table():
    assert len(interventions_in_usd(operations(), rates(d2024_07_11=159.0))) == 0


def spring() -> pd.DataFrame:
    """Net sales of 20,000 in April 2022, a month after interventions."""
    months = history(400_000, [1_000.0, 1_000.0, -20_000.0])
    amounts = [
        "net_purchases_usd_mn",
        "net_long_term_usd_mn",
        "net_short_term_usd_mn",
        "valuation_usd_mn",
        "other_usd_mn",
    ]
    months.loc[3, amounts] = [-20_000.0, -20_000.0, 0.0, 0.0, 0.0]
    return months


def sold_dollars(month: str, usd_mn: float = -62_000.0, settled: str | None = None) -> pd.DataFrame:
    """One operation on the tenth, paid for on the twelfth or on `settled`."""
    paid = pd.Timestamp(settled) if settled else pd.Timestamp(month).replace(day=12)
    return pd.DataFrame(
        {
            "country": ["Japan"],
            "date": [pd.Timestamp(month).replace(day=10)],
            "month": pd.to_datetime([month]),
            "settled": [paid],
            "settled_month": [paid.replace(day=1)],
            "interventions_usd_mn": [usd_mn],
            "interventions_jpy_mn": [-9_788_500.0],
        }
    )


def told(operations_done: pd.DataFrame, monthly: pd.DataFrame = MONTHLY, months: pd.DataFrame | None = None) -> dict:
    flagged, _ = findings(spring() if months is None else months, HOLDERS, monthly, operations_done, rules())
    return flagged.iloc[0].to_dict()


def test_interventions_next_to_the_month_are_told_in_dollars_and_yen():
    row = told(sold_dollars("2022-05-01"))
    assert (row["interventions_near_usd_mn"], row["interventions_near_jpy_mn"]) == (-62_000, -9_788_500)
    assert "After that, official interventions sold $62.0bn in May 2022 (9.79 trillion yen)." in row["context"]
    assert pd.isna(row["interventions_usd_mn"])
    assert pd.isna(told(sold_dollars("2022-06-01"))["interventions_near_usd_mn"])


def test_currency_defence_needs_dollars_sold_a_weaker_currency_and_net_sales():
    words = "consistent with currency defence"
    assert words in told(sold_dollars("2022-04-01"))["context"]
    assert words not in told(NO_OPERATIONS)["context"]
    assert words not in told(sold_dollars("2022-04-01", 62_000.0))["context"]
    stronger = MONTHLY.assign(average=[150.0, 140.0, 130.0, 120.0])
    assert words not in told(sold_dollars("2022-04-01"), stronger)["context"]
    repriced = spring()
    repriced.loc[3, ["net_purchases_usd_mn", "valuation_usd_mn"]] = [0.0, -20_000.0]
    assert words not in told(sold_dollars("2022-04-01"), months=repriced)["context"]


def test_currency_defence_is_said_only_of_the_month_in_which_the_dollars_were_due():
    words = "consistent with currency defence"
    assert words not in told(sold_dollars("2022-05-01"))["context"]
    assert words not in told(sold_dollars("2022-03-01"))["context"]
    assert words in told(sold_dollars("2022-03-01", settled="2022-04-01"))["context"]
    later = told(sold_dollars("2022-04-01", settled="2022-05-02"))["context"]
    assert words not in later
    assert (
        "The intervention of 10 April 2022 was due for payment on 2 May: it bears on May 2022, not on April 2022."
        in later
    )


def test_of_an_episode_currency_defence_is_said_of_the_month_and_never_of_the_whole():
    months = spring()
    amounts = ["net_purchases_usd_mn", "net_long_term_usd_mn"]
    more = months.tail(1).assign(month=pd.Timestamp("2022-05-01"), position_usd_mn=350_000.0, change_usd_mn=-32_000.0)
    months = pd.concat([months, more.assign(**dict.fromkeys(amounts, -32_000.0))], ignore_index=True)
    _, runs = findings(months, HOLDERS, MONTHLY, sold_dollars("2022-04-01"), rules())
    context = runs.iloc[0]["context"]
    assert (
        "In April 2022 ($62.0bn due, net sales $20.0bn) the net sales are consistent with currency defence, in no other month"
        in context
    )


def test_of_a_currency_whose_interventions_are_not_read_that_is_said():
    assert "No intervention statistics for the Japanese yen are read here." in told(NO_OPERATIONS)["context"]
    assert "No intervention statistics" not in told(sold_dollars("2022-04-01"))["context"]


def test_months_that_statistics_which_are_read_do_not_reach_are_not_passed_over_in_silence():
    row = {
        "holder": "Japan",
        "currency": "JPY",
        "currency_name": "Japanese yen",
        "month": pd.Timestamp("2026-03-01"),
        "verdict": "mixed",
    }
    nothing = sold_dollars("2022-04-01").iloc[:0]
    assert interventions_told.words(row, nothing, {}, {}, {}) == [
        "No intervention statistics for the Japanese yen of March 2026 are read here."
    ]
    assert interventions_told.words(row, nothing, {}, {}, {}, totals=True) == []


def test_a_record_low_of_a_currency_that_sets_one_all_the_time_is_no_news():
    months = pd.date_range("2010-01-01", periods=120, freq="MS").to_numpy().astype("datetime64[M]")
    sliding = exchange_rates.Averages(months, np.arange(1.0, 121.0))
    steady = exchange_rates.Averages(months, np.array([100.0, *[90.0] * 118, 110.0]))
    limits = {"minimum_history_months": 60, "trend_record_share": 0.1}
    assert [trending(past, limits) for past in (sliding, steady)] == [True, False]


def test_a_currency_loses_what_its_own_price_in_dollars_loses():
    assert (
        "The Japanese yen weakened 20.0% against the dollar in April 2022" in told(NO_OPERATIONS)["context"]
    )  # 120 to 150 a dollar


def test_a_currency_that_turned_within_a_run_says_how_far_it_had_gone_the_other_way():
    months = history(400_000, [-9_000.0] * 6)
    averages = [100.0, 102.0, 106.0, 104.0, 98.0, 96.0, 95.0]
    monthly = pd.DataFrame(
        {
            "currency": "JPY", "month": pd.date_range("2022-01-01", periods=7, freq="MS"), "average": averages,
            "source": "fred:DEXJPUS",
        }
    )  # fmt: skip
    declared = {**rules(), "currency": rules()["currency"]}
    _, runs = findings(months, HOLDERS, monthly, NO_OPERATIONS, declared)
    assert (
        "strengthened 1.1% against the dollar in July 2022 and 5.3% over the 6 months of the episode, after it had weakened 5.7% "
        "by March 2022 (monthly averages)."
    ) in runs["context"].item()


def test_what_a_currency_does_inside_its_band_is_not_told():
    holders = HOLDERS.assign(currency=["HKD", "PLN"], currency_name=["Hong Kong dollar", "zloty"])
    flagged, _ = findings(spring(), holders, MONTHLY.assign(currency="HKD"), NO_OPERATIONS, rules())
    assert flagged["context"].isna().tolist() == [True]


def test_of_a_currency_of_which_no_rate_is_known_nothing_is_told_not_even_what_is_not_read():
    holders = HOLDERS.assign(currency=["TRY", "PLN"], currency_name=["Turkish lira", "zloty"])
    flagged, _ = findings(spring(), holders, MONTHLY, NO_OPERATIONS, rules())
    assert flagged["context"].isna().tolist() == [True]


def test_the_weakest_of_the_record_says_when_the_record_starts():
    row = told(NO_OPERATIONS)
    assert row["fx_percentile_pct"] == 100
    assert pd.isna(row["fx_weakest_since"])
    assert "weakest in the record (from January 2022)" in row["context"]


def test_rates_after_the_month_do_not_count():
    later = pd.concat([MONTHLY, MONTHLY.tail(1).assign(month=pd.Timestamp("2022-05-01"), average=300.0)])
    assert told(NO_OPERATIONS, later)["fx_percentile_pct"] == 100


def test_a_dollar_holder_has_no_currency_context():
    holders = HOLDERS.assign(currency=["USD", "PLN"])
    flagged, _ = findings(spring(), holders, MONTHLY.assign(currency="USD"), NO_OPERATIONS, rules())
    assert pd.isna(flagged["context"].iloc[0])


def test_the_newest_month_is_called_preliminary_and_an_older_one_is_not():
    months = pd.concat([history(400_000, [1.0, -20_000.0, 1.0]), history(9_000, [1.0, 1.0, 1.0], "poland")])
    flagged, _ = findings(months, HOLDERS, MONTHLY, NO_OPERATIONS, rules())
    assert "preliminary" not in str(flagged["caveats"].iloc[0])
    cut = months[months["month"] <= "2022-03-01"]
    flagged, _ = findings(cut, HOLDERS, MONTHLY, NO_OPERATIONS, rules())
    assert "March 2022 is the newest month: preliminary" in flagged["caveats"].iloc[0]


MOVES = {"minimum_figures": 24, "told_age_months": 3, "sentence": "Figures like this have moved by up to {size}."}


def moved(p80_usd_mn, figures=30, holder="japan", figure="change", age=3) -> pd.DataFrame:
    row = {"holder_id": holder, "figure": figure, "age_months": age, "p80_usd_mn": p80_usd_mn, "figures": figures}
    return pd.DataFrame([row])


@pytest.mark.parametrize(
    ("sizes", "told"),
    [
        (moved(3_950.0), "Figures like this have moved by up to $4.0bn."),
        (moved(12_449.0), "Figures like this have moved by up to $12.4bn."),
        (moved(20.0), "Figures like this have moved by up to $0.1bn."),
        (moved(3_950.0, figures=23), None),
        (moved(3_950.0, holder="poland"), None),
        (moved(3_950.0, figure="position"), None),
        (moved(3_950.0, age=12), None),
        (None, None),
    ],
)
def test_a_finding_on_the_newest_month_says_how_far_such_figures_have_moved_where_enough_are_known(sizes, told):
    declared = rules() | {"revision_sizes": MOVES}
    months = history(400_000, [1.0, -20_000.0])
    flagged, _ = findings(months, HOLDERS, MONTHLY, NO_OPERATIONS, declared, None, sizes)
    line = [one for one in flagged["caveats"].iloc[0].splitlines() if "newest month" in one]
    said = "March 2022 is the newest month: preliminary, and revised by later releases."
    assert line == [f"{said} {told}" if told else said]
    older = history(400_000, [1.0, -20_000.0, 1.0])
    flagged, _ = findings(older, HOLDERS, MONTHLY, NO_OPERATIONS, declared, None, sizes)
    assert "moved by up to" not in str(flagged["caveats"].iloc[0])


def test_what_the_statistics_do_not_see_at_a_centre_is_told_with_it_and_not_of_other_places():
    note = "Domicile of hedge funds: these statistics miss some $1.4 trillion"
    noted = HOLDERS.assign(note=[note, None], custodial_centre=[True, False])
    months = spring().assign(custodial_centre=True)
    flagged, _ = findings(months, noted, MONTHLY, NO_OPERATIONS, rules())
    assert f"need not be a sale by its residents. {note}." in flagged["caveats"].iloc[0]
    plain, _ = findings(spring(), HOLDERS.assign(note=note), MONTHLY, NO_OPERATIONS, rules())
    assert note not in str(plain["caveats"].iloc[0])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"basis": "press_release"}, "known transaction bias against the official sector"),
        ({"evidence": "press"}, "reported by the press"),
        ({"custodial_centre": True}, "custodial or fund centre"),
        ({"basis": "form_s"}, "Form S"),
        ({"basis": "cslt"}, "Continuous SLT"),
        ({"net_short_term_usd_mn": -15_000.0}, "the change in the bills held"),
    ],
)
def test_a_caveat_is_attached_where_it_applies_and_only_there(change, words):
    plain, changed = (
        findings(m, HOLDERS, MONTHLY, NO_OPERATIONS, rules())[0] for m in (spring(), spring().assign(**change))
    )
    assert words in changed["caveats"].iloc[0]
    assert words not in str(plain["caveats"].iloc[0])


def test_the_official_total_is_a_finding_of_its_own_under_its_own_rules():
    declared = rules()
    fall = declared["rules"]["fall"]
    declared = declared | {"rules": {"fall": fall, "official_fall": fall | {"scope": "official"}}}
    total = history(4_000_000, [1.0, -163_000.0], "foreign_official").assign(holder="Foreign Official")
    holders = pd.concat([HOLDERS, pd.DataFrame({"holder_id": ["foreign_official"]})])
    flagged, _ = findings(history(400_000, [1.0, 1.0]), holders, MONTHLY, NO_OPERATIONS, declared, total)
    assert flagged[["holder", "rule"]].to_numpy().tolist() == [["Foreign Official", "official_fall"]]
    assert flagged["explanation"].iloc[0].startswith("Foreign official institutions' holdings fell $163.0bn")
