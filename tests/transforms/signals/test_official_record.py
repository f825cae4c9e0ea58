"""The record on the official files: what docs/methodology.md says of the nowcast, and that it drops where it is broken."""

from dataclasses import replace

import numpy as np
import pandas as pd

from tests.conftest import PROJECT
from tests.transforms.signals.literal_signals import DECLARED, INTERVAL, PRICES, SINCE, TARGETS
from tests.transforms.tic import DECLARATIONS, OFFICIAL, official, official_body, source
from treasury_watch.transforms import layouts
from treasury_watch.transforms.holders import identified
from treasury_watch.transforms.release_dates.release_calendar import release_of
from treasury_watch.transforms.signals.nowcast.inputs import monthly_inputs
from treasury_watch.transforms.signals.nowcast.nowcasting import Known, nowcasts
from treasury_watch.transforms.signals.nowcast.scores import scored, summary

CALENDAR = DECLARATIONS.calendar


def official_signals() -> pd.DataFrame:
    """Custody, yields and the dollar, as served; public a day later (that weekends and holidays differ matters little here)."""
    found = []
    for name in ("WMTSECL1", "DGS2", "DGS10", "DTWEXBGS"):
        rows = pd.read_csv(OFFICIAL.parent / "fred" / f"{name}.csv").set_axis(["date", "value"], axis=1)
        rows = rows.assign(
            series_id=name, date=pd.to_datetime(rows["date"]), value=pd.to_numeric(rows["value"], "coerce")
        )
        found.append(rows[rows["value"] > 0])
    signals = pd.concat(found, ignore_index=True)
    return signals.assign(known_from=signals["date"] + pd.Timedelta(days=1), superseded=pd.NaT)


def official_holdings() -> pd.DataFrame:
    """Position, bonds and notes and change of the official total in USD billions, on the newest survey basis."""
    parsed = layouts.parse(official_body("mfhhis01"), source("mfhhis01"))
    table = identified(parsed.table, parsed.layout, DECLARATIONS.holder_labels)
    own = table[(table["holder_id"] == "foreign_official") & (table["series"] == "XIII")]
    wide = own.pivot_table(index="month", columns="measure", values="value_usd_mn") / 1000
    index = pd.PeriodIndex(wide.index, freq="M")
    names = {"total_position": "position", "long_term_position": "long_term"}
    holdings = wide.set_axis(index)[list(names)].rename(columns=names)
    holdings = holdings.reindex(pd.period_range("2011-12", index.max(), freq="M"))
    return holdings.assign(change=holdings["position"].diff())


def test_the_press_releases_and_the_record_cover_the_months_that_they_say():
    flows = pd.read_csv(PROJECT / "config" / "tic_press_releases.csv", parse_dates=["released"])
    newest = flows.groupby("press_release")["month"].transform("max")
    first = flows[flows["month"] == newest].drop_duplicates("month")
    assert first["month"].between("2013-01", "2025-12").sum() == 144


@official
def test_official_holdings_are_estimated_as_well_as_the_methodology_says_and_worse_where_the_model_is_broken():
    holdings = official_holdings()
    inputs = monthly_inputs(official_signals(), {**DECLARED, "days_after_month_end": 0}, PRICES)
    due = {month: release_of(month.to_timestamp().date(), CALENDAR) for month in {*holdings.index, *inputs.index}}
    public = pd.Series({month: pd.Timestamp(due[month]) for month in holdings.index}).where(holdings["change"].notna())
    prints = pd.DataFrame({"value_usd_bn": holdings["change"], "known_from": public, "basis": "latest_vintage"})
    known = Known(inputs, prints, holdings, due, holdings.index.max())
    target = TARGETS["official_holdings"]

    def record(known: Known) -> pd.DataFrame:
        return summary(scored(target, nowcasts(target, known, INTERVAL, SINCE), known.prints))

    whole = record(known)
    assert whole.loc["nowcast", "months"] == 156  # to December 2025, where the history ends
    assert whole.loc["nowcast", "r_squared"] >= 0.7
    assert whole.loc["nowcast", "right_sign_pct"] >= 80
    assert 75 <= whole.loc["nowcast", "coverage_pct"] <= 85
    assert max(whole.loc[["zero", "last_month", "mean"], "r_squared"]) < 0.05
    shuffled = np.random.default_rng(0).permutation(inputs["custody_usd_bn"])
    for broken in (inputs.assign(custody_usd_bn=shuffled), inputs.assign(price_pct=0.0)):
        assert record(replace(known, inputs=broken)).loc["nowcast", "r_squared"] < 0.45
