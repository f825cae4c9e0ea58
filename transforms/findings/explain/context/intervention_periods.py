"""What is said of interventions whose total over a period is known and whose days are not yet."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from treasury_watch.transforms.amounts import rounded
from treasury_watch.transforms.months import shifted
from treasury_watch.transforms.wording import joined, month_name, spoken

MONTHS_BEHIND = 2  # the days of a quarter come in the second month after it


def near(row: Mapping[Any, Any], periods: pd.DataFrame | None) -> pd.DataFrame | None:
    """The country's periods that overlap a flagged month or an episode; None where there are none."""
    if periods is None or periods.empty:
        return None
    first, last = (row["month"], row["month"]) if "month" in row else (row["start_month"], row["end_month"])
    found = periods[(periods["start_date"] < shifted(last, 1)) & (periods["end_date"] >= first)]
    return None if found.empty else found


def words(row: Mapping[Any, Any], periods: pd.DataFrame | None) -> list[str]:
    """The sentences on the periods that overlap a flagged month or an episode and whose days are not all known.

    `periods` are the country's, as from `with_days`; None or none where no totals are read. A total is told with its period
    and given to no day and to no month: it says neither what was sold nor when.
    """
    overlapping = near(row, periods)
    if overlapping is None:
        return []
    lines: list[str] = []
    none: list[Any] = []  # the ends of a run of periods without any
    for period in overlapping.sort_values("start_date").to_dict("records"):
        known = period["end_date"] <= period["known_until"]
        if not period["amount_jpy_mn"] and not known:
            follows = none and period["start_date"] - none[1] <= pd.Timedelta(days=1)
            none = [none[0] if follows else period["start_date"], period["end_date"]]
            lines = lines[:-1] if follows else lines
            lines.append(f"{spoken(row['holder'])} reported no interventions from {_span(*none)}.")
            continue
        none = []
        if period["outstanding_jpy_mn"] > 0 or not period["agrees"]:
            lines.append(_told(period, spoken(row["holder"])))
    return lines


def _told(period: Mapping[Any, Any], who: str) -> str:
    total, days = yen(period["amount_jpy_mn"]), yen(period["days_jpy_mn"])
    span = _span(period["start_date"], period["end_date"])
    if not period["agrees"]:
        return f"{who} reported interventions of {total} from {span}, but the days published for it add up to {days}."
    lead = f"{who} reported interventions of {total} from {span}"
    when = _published(period)
    if period["days_jpy_mn"]:
        return f"{lead}; {days} of it fell on days that are known, the other days are not read here (due in {when})."
    return f"{lead}; the days are not read here (due in {when})."


def _published(period: Mapping[Any, Any]) -> str:
    """The months in which the days come that are not known yet: `November`, `February 2027`."""
    known, end = period["known_until"], period["end_date"]
    start = max(period["start_date"], known + pd.Timedelta(days=1)) if not pd.isna(known) else period["start_date"]
    quarters = pd.period_range(start, end, freq="Q")
    months = [shifted(quarter.end_time.normalize().replace(day=1), MONTHS_BEHIND) for quarter in quarters]
    return joined(f"{month:%B}" if month.year == end.year else month_name(month) for month in months)


def _span(start: pd.Timestamp, end: pd.Timestamp) -> str:
    """`30 July to 26 August 2026`, `29 December 2025 to 28 January 2026`."""
    begun = f"{start.day} {start:%B}" if start.year == end.year else f"{start.day} {start:%B %Y}"
    return f"{begun} to {end.day} {end:%B %Y}"


def yen(jpy_mn: float) -> str:
    """`¥15.4 trillion` from 15,399,300; below a tenth of a trillion `¥72.0 billion`."""
    if jpy_mn >= 100_000:
        return f"¥{rounded(jpy_mn / 1e6, 1):,} trillion"
    return f"¥{rounded(jpy_mn / 1e3, 1):,} billion"
