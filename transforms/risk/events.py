"""Events that bear on holders of Treasuries: those declared, Federal Reserve moves and interventions; never causes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

import pandas as pd

from treasury_watch.transforms.amounts import rounded
from treasury_watch.transforms.errors import ConfigurationError
from treasury_watch.transforms.months import starts_of
from treasury_watch.transforms.rates.interventions import CALENDARS
from treasury_watch.transforms.rates.settlement import settlement_day
from treasury_watch.transforms.wording import joined, sentence

COLUMNS = [
    *("date", "end_date", "month", "end_month", "kind", "country", "holder_id"),
    *("what", "source_url", "end_source_url", "source", "derived"),
]
DEBT_LIMIT, FED_MOVE, INTERVENTION, SANCTIONS, TARIFF = "debt_limit", "fed_move", "intervention", "sanctions", "tariff"
DERIVED_KINDS = (FED_MOVE, INTERVENTION)  # never declared: the statistics have them
KINDS = (DEBT_LIMIT, SANCTIONS, TARIFF, "fx_policy", "us_agency", *DERIVED_KINDS)
FOR_ALL = (DEBT_LIMIT, TARIFF, FED_MOVE)  # of the United States as a whole: they bear on every holder
UNITED_STATES = "United States"
TARGET = "DFEDTARU"
DECLARED = "declared"  # `source` of what config/events.csv has
EVENTS_FILE = "events.csv"


def event_table(
    declared: Sequence[Mapping[str, str]],
    holders: Mapping[str, str],
    series: pd.DataFrame,
    interventions: pd.DataFrame,
    addresses: Mapping[str, str],
) -> pd.DataFrame:
    """The table `events`, oldest first: what is declared, and what follows from the statistics (`derived`).

    `declared` are the rows of config/events.csv, `holders` the countries' names by holder_id, `series` and `interventions`
    as the tables market_series and interventions have them, `addresses` the address of each source by its id. Raises
    ConfigurationError for a declared row that is wrong.
    """
    ids = {name: holder_id for holder_id, name in holders.items()}
    found = [*declared_events(declared, holders), *fed_moves(series), *operations(interventions, ids)]
    table = pd.DataFrame(found, columns=[name for name in COLUMNS if name not in ("month", "end_month")])
    for column in ("date", "end_date"):
        table[column] = pd.to_datetime(table[column]).astype("datetime64[us]")
    table["month"] = starts_of(table["date"])
    table["end_month"] = starts_of(table["end_date"].fillna(table["date"]))
    own, derived = table["source_url"].astype(object), table["source"].map(dict(addresses)).astype(object)
    table["source_url"] = own.where(own.notna(), derived)
    table["derived"] = table["derived"].astype(bool)
    return table.sort_values(["date", "kind", "country", "what"], ignore_index=True)[COLUMNS]


def declared_events(rows: Sequence[Mapping[str, str]], holders: Mapping[str, str]) -> list[dict[str, Any]]:
    """The rows of config/events.csv as events. Raises ConfigurationError that names the line and what is wrong in it."""
    found = []
    for number, row in enumerate(rows, start=2):
        try:
            first = date.fromisoformat(row["date"])
            last = date.fromisoformat(row["end_date"]) if row["end_date"] else None
            _check(row, first, last, holders)
        except (KeyError, TypeError, ValueError) as problem:
            raise ConfigurationError(
                f"{EVENTS_FILE}, line {number}: expected date and end_date (days), kind, country, holder_id, what, "
                f"source_url and end_source_url, found {', '.join(str(value) for value in row.values())} ({problem}); "
                "correct the line"
            ) from problem
        urls = {name: row[name] or None for name in ("holder_id", "source_url", "end_source_url")}
        same = {name: row[name] for name in ("kind", "country", "what")}
        found.append({"date": first, "end_date": last, **same, **urls, "source": DECLARED, "derived": False})
    return found


def _check(row: Mapping[str, str], first: date, last: date | None, holders: Mapping[str, str]) -> None:
    if row["kind"] not in KINDS or row["kind"] in DERIVED_KINDS:
        raise ValueError(f"kind {row['kind']!r} is none of {', '.join(k for k in KINDS if k not in DERIVED_KINDS)}")
    if row["holder_id"] and holders.get(row["holder_id"]) != row["country"]:
        raise ValueError(f"holder {row['holder_id']!r} of holders.csv is not {row['country']!r}")
    if last and last < first:
        raise ValueError(f"it ends on {last}, before it begins")
    if not row["what"] or not row["source_url"].startswith("https://") or (last and not row["end_source_url"]):
        raise ValueError("what happened, and the official address of its begin and of its end, must be there")


def fed_moves(series: pd.DataFrame) -> list[dict[str, Any]]:
    """The days from which the upper limit of the federal funds target range (FRED's DFEDTARU, percent) was another one.

    A decision is in force from the day after it as a rule, so a decision on a month's last day is of the month after. `series`
    are rows of market_series; days without a value are passed over. The first value known is no move.
    """
    limits = series[(series["series_id"] == TARGET) & series["value"].notna()].sort_values("date")
    steps = limits["value"].diff()
    moved = limits.assign(step=steps)[steps.notna() & (steps.round(6) != 0)]
    return [
        {
            "date": row["date"],
            "kind": FED_MOVE,
            "country": UNITED_STATES,
            "what": f"the Federal Reserve's target range {'rose' if row['step'] > 0 else 'fell'} by "
            f"{rounded(abs(row['step']), 2)} points, to an upper limit of {rounded(row['value'], 2)}%",
            "source": row["source"],
            "derived": True,
        }
        for row in moved.to_dict("records")
    ]


def operations(interventions: pd.DataFrame, ids: Mapping[str, str]) -> list[dict[str, Any]]:
    """One event for each day, country and direction of intervention, with the day of payment. `ids` are holders by name."""
    keys = ["date", "country", "direction", "source"]
    sums = interventions.groupby(keys, dropna=False)["amount_jpy_mn"].sum(min_count=1).reset_index()
    return [
        {
            "date": row["date"],
            "kind": INTERVENTION,
            "country": row["country"],
            "holder_id": ids.get(row["country"]),
            "what": _operation(row),
            "source": row["source"],
            "derived": True,
        }
        for row in sums[sums["amount_jpy_mn"] > 0].to_dict("records")
    ]


def _operation(row: Mapping[Any, Any]) -> str:
    verb, _, currency = str(row["direction"]).partition(" ")
    what = "dollars" if currency == "USD" else currency
    done = {"sell": "sold", "buy": "bought"}.get(verb, verb)
    amount = f"{rounded(row['amount_jpy_mn'] / 1000, 1):,}bn yen"
    paid = ""
    if row["country"] in CALENDARS:
        day = settlement_day(pd.Timestamp(row["date"]).date(), CALENDARS[row["country"]])
        paid = f", due for payment on {day.day} {day:%B %Y}"
    return f"{row['country']} {done} {what} for {amount}{paid}"


def known_on(events: pd.DataFrame, day: date) -> pd.DataFrame:
    """The events that had begun by the end of a day; one that went on then is `ongoing`, with that day as its last one."""
    moment = pd.Timestamp(day)
    begun = events[events["date"] <= moment]
    ongoing = begun["end_date"] > moment
    last = begun["end_date"].where(~ongoing, moment)
    return begun.assign(end_date=last, end_month=starts_of(last.fillna(begun["date"])), ongoing=ongoing)


def bearing_on(events: pd.DataFrame, holder_id: str, first: date, last: date) -> pd.DataFrame:
    """The events in the months `first` to `last` that bear on the holder alone, or on every holder (FOR_ALL)."""
    during = (events["month"] <= pd.Timestamp(last)) & (events["end_month"] >= pd.Timestamp(first))
    return bearing_on_holder(events[during], holder_id)


def bearing_on_holder(events: pd.DataFrame, holder_id: str) -> pd.DataFrame:
    """The events that bear on the holder alone, or on every holder (FOR_ALL), of whichever months."""
    return events[bears_on_all(events) | (events["holder_id"] == holder_id)]


def bears_on_all(events: pd.DataFrame) -> pd.Series:
    """Which events bear on every holder."""
    return events["holder_id"].isna() & events["kind"].isin(FOR_ALL) & (events["country"] == UNITED_STATES)


def day_words(first: date, last: date | None, *, ongoing: bool = False) -> str:
    """`28 February 2022`, `19 January to 2 June 2023` of what lasted, `since 19 January 2023` of what was not over."""
    if ongoing:
        return f"since {day_words(first, None)}"
    if last is None or pd.isna(last) or first == last:
        return f"{first.day} {first:%B %Y}"
    year = "" if first.year == last.year else f" {first.year}"
    return f"{first.day} {first:%B}{year} to {last.day} {last:%B %Y}"


def chart_marks(
    events: pd.DataFrame, holder_id: str, first: date, last: date, without: Iterable[str] = (FED_MOVE,)
) -> list[dict[str, Any]]:
    """The marks of a chart of the holder's months `first` to `last`: `month` (its first day) and `label`, one a month.

    What lasts is marked in the month of its begin. Moves of the Federal Reserve are left out unless asked for: there are
    years with one in every month.
    """
    chosen = bearing_on(events, holder_id, first, last)
    chosen = chosen[(chosen["month"] >= pd.Timestamp(first)) & ~chosen["kind"].isin(tuple(without))]
    marks = []
    for _, rows in chosen.sort_values("date").groupby("month"):
        told = [f"{row['what']} ({day_words(row['date'], row['end_date'])})" for row in rows.to_dict("records")]
        marks.append({"month": rows["month"].iloc[0], "label": sentence(joined(told))})
    return marks
