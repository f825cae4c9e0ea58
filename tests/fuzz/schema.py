"""What every accepted document must give: the columns of its kind, finite figures, plausible days, each figure once."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd

from treasury_watch.transforms.holders import bare
from treasury_watch.transforms.kinds import KINDS
from treasury_watch.transforms.layouts.cells import LINE_BREAK, OBSERVATION_COLUMNS
from treasury_watch.transforms.layouts.tic import shlhistdat
from treasury_watch.transforms.model import Parsed, Source

COLUMNS = {
    "observations": OBSERVATION_COLUMNS,
    "securities": OBSERVATION_COLUMNS,
    "fx": ["currency", "date", "per_usd", "line"],
    "interventions": ["country", "date", "amount_jpy_mn", "pair", "direction", "line"],
    "intervention_periods": ["country", "start_date", "end_date", "amount_jpy_mn", "line", "days"],
    "market_series": ["series_id", "date", "value", "line"],
    "signal_series": ["series_id", "date", "value", "line"],
    "official_flows": ["month", "press_release", "measure", "value_usd_mn", "released", "page_day", "line"],
    "surveys": shlhistdat.COLUMNS,
}
PRESS_COLUMNS = ["holder_id", "month", "measure", "series", "value_usd_mn", "released", "citation", "line"]
FIGURE = {
    "observations": "value_usd_mn",
    "securities": "value_usd_mn",
    "fx": "per_usd",
    "interventions": "amount_jpy_mn",
    "intervention_periods": "amount_jpy_mn",
    "market_series": "value",
    "signal_series": "value",
    "official_flows": "value_usd_mn",
    "surveys": "value_usd_mn",
}
KEYS = {
    "observations": ["label", "code", "month", "measure", "series"],
    "securities": ["label", "code", "month", "measure", "series"],
    "fx": ["currency", "date"],
    "interventions": ["country", "date", "pair"],
    "intervention_periods": ["country", "start_date", "end_date"],
    "market_series": ["series_id", "date"],
    "signal_series": ["series_id", "date"],
    "official_flows": ["press_release", "month", "measure"],
    "surveys": ["country_code", "month", "measure"],
}
YEARS = (1900, 2200)


class Violation(Exception):
    """An accepted document gave something that no document may give."""


def check(parsed: Parsed, source: Source, body: bytes, measures: frozenset[str]) -> None:
    """Raises Violation with the first thing that is wrong with what was read from the body."""
    table, holds = parsed.table, parsed.holds
    press = source.layout == "press"
    _hold((parsed.layout, holds) == (source.layout, source.holds), f"is {parsed.layout} {holds}")
    _hold(table.columns.tolist() == (PRESS_COLUMNS if press else COLUMNS[holds]), f"columns {table.columns.tolist()}")
    _hold(press or len(table) > 0, "no row")
    day = KINDS[holds].dated_by
    _hold(table[day].dtype == "datetime64[us]", f"{day} is {table[day].dtype}")
    _hold(table[FIGURE[holds]].dtype == "float64", f"{FIGURE[holds]} is {table[FIGURE[holds]].dtype}")
    if table.empty:
        return
    _check_figures(
        table[FIGURE[holds]].to_numpy(), missing=KINDS[holds].of_holders and not press, positive=holds == "fx"
    )
    _check_days(table[day], first_of_month=day == "month")
    _check_lines(table["line"], body, source)
    _check_texts(table, measures)
    key = ["holder_id", "month", "measure", "released"] if press else KEYS[holds]
    key = [name for name in key if name != "label" or source.layout != "cslt"]  # its label is a title
    spaced = table[key].assign(label=table["label"].map(bare)) if "label" in key else table[key]
    _hold(not spaced.duplicated().any(), f"twice: {spaced[spaced.duplicated()].iloc[:1].to_dict('records')}")
    if parsed.dated is not None:
        _hold(YEARS[0] <= parsed.dated.year <= YEARS[1], f"dated {parsed.dated}")


def check_identified(parsed: Parsed, measures: frozenset[str]) -> None:
    """Raises Violation where a figure has no holder or a holder has a figure twice."""
    table = parsed.table
    _hold(table["holder_id"].map(bool).all() and table["holder_id"].notna().all(), "a figure without a holder")
    _hold(set(table["measure"]) <= measures, f"measures {set(table['measure']) - measures}")
    _hold(not table.duplicated(["holder_id", "month", "measure", "series"]).any(), "a holder's figure twice")


def _check_figures(values: np.ndarray, *, missing: bool, positive: bool) -> None:
    _hold(not np.isinf(values).any(), "an infinite figure")
    _hold(missing or not np.isnan(values).any(), "a missing figure")
    _hold(not positive or bool((values > 0).all()), "a rate that is not positive")
    _hold(not (np.signbit(values) & (values == 0)).any(), "a negative zero")


def _check_days(days: pd.Series, *, first_of_month: bool) -> None:
    _hold(days.notna().all(), "a row without a day")
    _hold(bool(days.dt.year.between(*YEARS).all()), f"{days.min()} to {days.max()}")
    _hold(not first_of_month or bool((days.dt.day == 1).all()), "a month that is no first day")
    _hold(bool((days.dt.normalize() == days).all()), "a time of day")


def _check_lines(lines: pd.Series, body: bytes, source: Source) -> None:
    if source.layout == "cslt":
        _hold(bool(lines.isna().all()), "lines where the format has none")
        return
    _hold(bool((lines >= 1).all()), f"line {lines.min()}")
    if not body.startswith(b"PK"):
        count = len(LINE_BREAK.split(body.decode("latin-1")))
        _hold(bool((lines <= count).all()), f"line {lines.max()} of {count}")


def _check_texts(table: pd.DataFrame, measures: frozenset[str]) -> None:
    for name in set(table.columns) & {"label", "currency", "pair", "citation", "series_id"}:
        _hold(bool(table[name].map(lambda text: isinstance(text, str) and bool(text.strip())).all()), f"a blank {name}")
    if "label" in table:
        _hold(set(table["measure"]) <= measures, f"measures {set(table['measure']) - measures}")
    if "currency" in table:
        _hold(all(re.fullmatch(r"[A-Z]{3}", name) for name in set(table["currency"])), "a currency that is no code")
    if "pair" in table:
        _hold(all(re.fullmatch(r"[A-Z]{3}/[A-Z]{3}", name) for name in set(table["pair"])), "a pair of no codes")
        _hold(bool((table["amount_jpy_mn"] >= 0).all()), "a negative amount")


def _hold(holds: object, message: str) -> None:
    if not holds:
        raise Violation(message)
