"""Small tables of signals, and what is printed of months, for the tests of the nowcast."""

from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from tests.transforms.tic import DECLARATIONS
from treasury_watch.transforms.signals.nowcast.inputs import monthly_inputs
from treasury_watch.transforms.signals.nowcast.nowcasting import Known
from treasury_watch.transforms.signals.nowcast.targets import Target, targets

DOCUMENT = DECLARATIONS.toml("nowcast.toml")
DECLARED, INTERVAL = {**DOCUMENT["signals"], "days_after_month_end": 3}, DOCUMENT["interval"]
PRICES = DECLARATIONS.rules["price_return"]
TARGETS = {target.id: target for target in targets(DOCUMENT)}


def signals(*rows: tuple[str, str, float, str]) -> pd.DataFrame:
    """Rows of (series, day, value, day on which it was public)."""
    frame = pd.DataFrame(
        [(series, pd.Timestamp(day), value, pd.Timestamp(known)) for series, day, value, known in rows],
        columns=["series_id", "date", "value", "known_from"],
    )
    return frame.assign(superseded=pd.Series(pd.NaT, index=frame.index, dtype="datetime64[us]"))


def inputs_of(*rows: tuple[str, str, float, str]) -> pd.DataFrame:
    return monthly_inputs(signals(*rows), DECLARED, PRICES)


def months(first: str, count: int) -> pd.PeriodIndex:
    return pd.period_range(first, periods=count, freq="M")


def drawn(count: int = 60, seed: int = 7, **changed: Any) -> tuple[Target, Known]:
    """Holdings that rise by 0.9 of custody and 0.8 of a price term, with errors of 5 billion: what the model must find.

    The print of a month is public 45 days after its end, its inputs after 5 days.
    """
    random = np.random.default_rng(seed)
    index = months("2012-01", count)
    ends = pd.Series(index.end_time.floor("D"), index)
    inputs = pd.DataFrame(
        {
            "custody_usd_bn": random.normal(0, 30, count),
            "dollar_pct": random.normal(0, 1.5, count),
            "price_pct": random.normal(0, 1, count),
            "reserves_usd_bn": np.nan,
        },
        index=index,
    )
    for name in ("custody", "dollar", "price", "reserves"):
        inputs[f"{name}_known"] = ends + pd.Timedelta(days=5)
    holdings = pd.DataFrame({"position": 4000.0, "long_term": 3600.0}, index=index)
    price = inputs["price_pct"] / 100 * 3600.0
    holdings["change"] = 0.9 * inputs["custody_usd_bn"] + 0.8 * price + random.normal(0, 5, count)
    prints = pd.DataFrame(
        {"value_usd_bn": holdings["change"], "known_from": ends + pd.Timedelta(days=45), "basis": "first_print"},
        index=index,
    )
    due = {month: day.date() for month, day in prints["known_from"].items()}
    parts: dict[str, Any] = {"inputs": inputs, "prints": prints, "holdings": holdings, "due": due, "newest": index[-1]}
    return TARGETS["official_holdings"], Known(**{**parts, **changed})


SINCE = pd.Period("2013-01", "M")
A_DAY = date(2016, 12, 8)
