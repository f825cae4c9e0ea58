"""What a reader of one finding has to know: only the caveats that apply to it, never a list that goes with all."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from treasury_watch.transforms.amounts import billions, is_known, part_of, percent, rounded
from treasury_watch.transforms.findings.explain.newer_positions import newer_positions, of_finding
from treasury_watch.transforms.findings.explain.sentences import least_told
from treasury_watch.transforms.findings.explain.trades import names_bills_sold, shifted_within
from treasury_watch.transforms.findings.rules import declared
from treasury_watch.transforms.findings.rules.custody import ONE_MOVE
from treasury_watch.transforms.findings.rules.flagged_months import BILLS, BONDS, position_before
from treasury_watch.transforms.findings.rules.patterns.labels import BOUGHT_BACK, RECURRING
from treasury_watch.transforms.findings.rules.places.absorption import LONGER_RUN
from treasury_watch.transforms.findings.rules.places.moves import INFLOW
from treasury_watch.transforms.findings.rules.reversals import (
    NONE,
    TREASURIES,
    Past,
    bought_back,
    bought_before,
    largest_sale,
    left_out_of_swing,
    pasts_of,
    recurring,
)
from treasury_watch.transforms.findings.rules.verdicts import ESTIMATED, credible, offset
from treasury_watch.transforms.months import number_of
from treasury_watch.transforms.wording import causes_in_words, joined, month_name, plain_name, stated

BASIS = {
    "cslt": "Net purchases and valuation are the Continuous SLT's estimates, not the figures of Table 3.",
    "estimated": (
        "Net purchases come from Form S: bonds and notes by place of the counterparty. The valuation is estimated from yields, "
        "no source states it."
    ),
    "form_s": "Net purchases come from Form S: bonds and notes by place of the counterparty, without valuation.",
    "press_release": (
        "Net purchases are those that the Treasury's press releases printed: before 2023 with a known transaction bias "
        "against the official sector, and without valuation."
    ),
}
CARRIED_FORWARD = (
    "The holdings of these months were carried forward from an annual survey by such transactions: that both agree bears "
    "nothing out."
)
REPORTED_FROM = pd.Timestamp("2011-09-01")  # holdings on Form SLT (config/series_breaks.csv)
BREAK_NEARBY_MONTHS = 1
LEAST_TOLD_USD_MN = 100  # the last digit that is shown: smaller moves are "up to $0.1bn", not "up to $0.0bn"


@dataclass(frozen=True)
class _Months:
    """One holder's months: what a caveat asks of them."""

    custodial: bool
    note: str | None
    press: list[pd.Timestamp]
    breaks: dict[pd.Timestamp, str]
    past: Past


def with_caveats(
    rows: pd.DataFrame,
    months: pd.DataFrame,
    rules: dict[str, Any],
    revision_sizes: pd.DataFrame | None = None,
    notes: Mapping[str, str] | None = None,
) -> list[str | None]:
    """For each finding its caveats, one a line; None where there are none.

    `rows` are flagged months or episodes with `suspicion`, `months` the holder months they were found in.
    `revision_sizes` says how far such figures have moved, where that is known; `notes` what the statistics do not see at a
    custodial or fund centre, by holder.
    """
    moves = {} if revision_sizes is None else told_moves(revision_sizes, rules["revision_sizes"])
    newest = months["month"].max()
    press = months[months["evidence"] == "press"].groupby("holder_id")["month"].agg(list)
    breaks = _breaks(months)
    custodial = set(months.loc[months["custodial_centre"].astype(bool), "holder_id"].unique())
    pasts = pasts_of(months, rows["holder_id"])
    usual_multiple = other_changes_over_usual(months, rules)
    newer = newer_positions(months)
    told = rows.to_dict("records")
    falling = [row for row in told if row["of"] != INFLOW]
    runs = _by_holder(falling) if "start_month" in rows else {}
    found = []
    for row in told:
        holder = row["holder_id"]
        own = _Months(
            holder in custodial,
            (notes or {}).get(holder),
            press.get(holder, []),
            breaks.get(holder, {}),
            pasts.get(holder, NONE),
        )
        caveats = _caveats(row, own, newest, rules, moves.get(holder))
        caveats += [
            _overlap(other, rules)
            for other in runs.get(holder, [])
            if row["of"] != INFLOW and _reads_differently(row, other)
        ]
        caveats += _newer(row, of_finding(row, newer, rules["newer_positions"]))
        caveats += _reversals(row, own.past, rules["reversals"])
        if "month" in row:
            caveats += _unsettled(
                row, usual_multiple.get((row["basis"], row["month"]), float("nan")), rules["unsettled"]
            )
        found.append(caveats)
    return ["\n".join(lines) if lines else None for lines in found]


def _breaks(months: pd.DataFrame) -> dict[str, dict[pd.Timestamp, str]]:
    """What is said of each holder's new survey bases: what the old one had, where it states the month too."""
    ordered = months.sort_values(["holder_id", "month"])
    old = position_before(ordered) + ordered["change_usd_mn"]
    told: dict[str, dict[pd.Timestamp, str]] = {}
    found = ordered.assign(old_usd_mn=old)[ordered["series_break"].astype(bool)]
    for row in found[["holder_id", "month", "position_usd_mn", "old_usd_mn"]].to_dict("records"):
        held, before = row["position_usd_mn"], row["old_usd_mn"]
        both = is_known(held) and is_known(before)
        put = f": {billions(held, signed=False)} where the old one has {billions(before, signed=False)}" if both else ""
        words = f"A new survey basis starts in {month_name(row['month'])}{put}; no change is taken across it."
        told.setdefault(row["holder_id"], {})[row["month"]] = words
    return told


def told_moves(revision_sizes: pd.DataFrame, told: dict[str, Any]) -> dict[str, str]:
    """The declared sentence on how far a holder's changes have moved, by holder; nothing of those with too few figures.

    `told` is [revision_sizes] of config/alert_rules.toml.
    """
    chosen = revision_sizes[
        (revision_sizes["figure"] == "change")
        & (revision_sizes["age_months"] == told["told_age_months"])
        & (revision_sizes["figures"] >= told["minimum_figures"])
    ]
    return {
        holder: told["sentence"].format(size=billions(max(size, LEAST_TOLD_USD_MN), signed=False))
        for holder, size in zip(chosen["holder_id"], chosen["p80_usd_mn"], strict=True)
    }


def _told_of_places(row: dict) -> bool:
    """Whether the explanation says already where the fall may have gone, or where a rise may have come from."""
    if row["of"] == INFLOW or not math.isnan(row.get("absorbed_share_pct", math.nan)):
        return True
    return row["suspicion"].startswith(LONGER_RUN) or ONE_MOVE in row["suspicion"]


def _caveats(
    row: dict[Any, Any], own: _Months, newest: pd.Timestamp, rules: dict[str, Any], moves: str | None
) -> list[str]:
    first, last = (row["month"], row["month"]) if "month" in row else (row["start_month"], row["end_month"])
    begins, ends, reach = number_of(first), number_of(last), BREAK_NEARBY_MONTHS
    lines = []
    if own.custodial:
        moved = "a rise need not be purchases" if row["of"] == INFLOW else "a fall need not be a sale"
        known = f" {own.note}." if own.note else ""
        lines.append(f"{plain_name(row['holder'])}: custodial or fund centre; {moved} by its residents.{known}")
    if stated(row["suspicion"]) and not _told_of_places(row):
        lines.append(f"Possible counterpart: {row['suspicion']}")
    told = "" if row["verdict"] == "unexplained" else stated(row.get("doubt"))  # else the explanation says so itself
    lines += [told] if told else []
    bases = stated(row["basis"]).split("+")
    lines += [
        text if len(bases) == 1 else f"In part of these months: {text[0].lower()}{text[1:]}"
        for basis, text in BASIS.items()
        if basis in bases
    ]
    if {"form_s", "estimated"} & set(bases) and last < REPORTED_FROM and row["verdict"] in ("sold", "mixed"):
        lines.append(CARRIED_FORWARD)
    if not credible(row["valuation_pct"], rules["verdict"]["credible_valuation_pct"]):
        which = "The stated valuation" if "month" in row else "The stated valuation of one of these months"
        share = percent(abs(row["valuation_pct"]), 0)
        lines.append(f"{which} is {share} of the position before: too much for prices, so not used for the verdict.")
    told_bills = abs(row[BILLS]) >= rules["verdict"]["bills_told_usd_mn"]
    if row["instrument"] in ("bills", "both") or told_bills or names_bills_sold(row) or shifted_within(row):
        deal = "sales" if row[BILLS] < 0 else "purchases"
        lines.append(f"Net {deal} of bills are an estimate: the change in the bills held.")
    lines += _offset(row, rules["verdict"])
    if any(begins - 1 <= number_of(month) <= ends for month in own.press):
        lines.append("A position here was reported by the press; it was not read from a release file.")
    lines += [
        told
        for month, told in own.breaks.items()
        if -reach <= number_of(month) - begins and number_of(month) - ends <= reach
    ]
    if last == newest:
        lines.append(f"{month_name(last)} is the newest month: preliminary, and revised by later releases.")
        if moves:
            lines[-1] += f" {moves}"
    return lines


def _offset(row: dict[Any, Any], limits: dict[str, Any]) -> list[str]:
    """Other changes that stand against the net sales of bonds and notes: these are what other changes are of, never bills.

    Not where the explanation says already that transactions and holdings disagree, or that it reads as a move.
    """
    if row["verdict"] == "moved" or row["of"] == INFLOW or stated(row.get("doubt")):
        return []
    net, other = row["net_purchases_usd_mn"], row["other_usd_mn"]
    sold = -net if math.isnan(row[BONDS]) else -row[BONDS]
    undone = offset(net, other, row[BONDS])
    if not undone or undone < limits["offset"] * sold:
        return []
    if undone < least_told(row):
        return []  # of a sale of bills, a trifle
    estimated = "an estimated " if ESTIMATED in stated(row["basis"]).split("+") else ""
    what = "the net sales" if math.isnan(row[BONDS]) else "the net sales of bonds and notes"
    return [
        f"Other changes of {estimated}{billions(other)} stand against {part_of(undone / sold, what)} "
        f"({billions(sold, signed=False)}): reporting or custody, perhaps."
    ]


def _newer(row: dict[Any, Any], revised: float) -> list[str]:
    """A revision of holdings whose net purchases are not published anew stands among other changes: no reporting or custody."""
    if not revised:
        return []
    return [
        "The holdings are of a newer release than net purchases and valuation; the revision makes "
        f"{billions(revised)} of the other changes of {billions(row['other_usd_mn'])}, and is left out of what is said of them."
    ]


def _by_holder(runs: list[dict[Any, Any]]) -> dict[str, list[dict[Any, Any]]]:
    found: dict[str, list[dict[Any, Any]]] = {}
    for run in runs:
        found.setdefault(run["holder_id"], []).append(run)
    return found


def _reads_differently(run: dict[Any, Any], other: dict[Any, Any]) -> bool:
    """Whether another run of the holder shares months with this one, is not over the same months, and reads otherwise."""
    shares_months = run["start_month"] <= other["end_month"] and other["start_month"] <= run["end_month"]
    same = (run["start_month"], run["end_month"]) == (other["start_month"], other["end_month"])
    return shares_months and not same and run["verdict"] != other["verdict"]


def _overlap(other: dict[Any, Any], rules: dict[str, Any]) -> str:
    what = declared.amount(rules, other["of"]).run
    span = f"{month_name(other['start_month'])} to {month_name(other['end_month'])}"
    sums = f"holdings {billions(other['change_usd_mn'])}, net purchases {billions(other['net_purchases_usd_mn'])}"
    return f"Read with the run of {what} from {span}: {causes_in_words(other)} ({sums})."


def _reversals(row: dict[Any, Any], past: Past, limits: dict[str, Any]) -> list[str]:
    """Net sales that follow or go before purchases of their size, or belong to a pattern of them."""
    month = largest_sale(row, past)
    if month is None or row["net_purchases_usd_mn"] >= 0:  # of a run that bought no month is half of its net sales
        return []
    lines = []
    which = "" if "month" in row else f" in {month_name(month)}, half or more of these,"
    again = recurring(month, past, limits)
    if again and row.get("pattern") != RECURRING:  # else the explanation says so itself
        named = joined(month_name(before) for before in sorted(again))
        others = left_out_of_swing(month, past, limits)
        not_so = f"; not those of {joined(month_name(other) for other in sorted(others))}" if others else ""
        lines.append(
            f"A swing that recurs: net sales like those{which or ' of this month'} were bought back a month later, "
            f"{percent(100 * limits['bought_back'], 0)} of them or more: those of {named}{not_so}."
        )
    before, after = bought_before(month, past, limits), bought_back(month, past, limits)
    if before is not None and "month" in row:
        of_what = "" if before.what == TREASURIES else f" of {before.what}"
        lines.append(
            f"Net purchases{of_what} of the same size went before it, in the month before ({billions(before.amount)})."
        )
    if after is not None and row.get("pattern") != BOUGHT_BACK:  # else the explanation says so itself
        begin = f"The net sales{which} were bought" if which else "Bought"
        of_what = "" if after.what == TREASURIES else f" of {after.what}"
        lines.append(f"{begin} back a month later: net purchases{of_what} of {billions(after.amount)}.")
    return lines


def other_changes_over_usual(months: pd.DataFrame, rules: dict[str, Any]) -> dict[tuple[str, pd.Timestamp], float]:
    """For each basis and month the other changes of all holders (sum of their sizes) over the months before's median.

    Only months that have enough of these on the same basis, which decides what is left as other changes. A change of the
    survey or of reporting shows as a month in which the other changes of all places are large.
    """
    limits = rules["unsettled"]
    window, least = limits["window_months"], limits["minimum_months"]
    sizes = months.assign(size=months["other_usd_mn"].abs())
    found: dict[tuple[str, pd.Timestamp], float] = {}
    for basis, own in sizes[sizes["size"].notna()].groupby("basis"):
        sums = own.groupby("month")["size"].sum()
        usual = sums.rolling(window, min_periods=least).median().shift(1)
        ratio = (sums / usual)[usual > 0]
        found |= {(str(basis), month): value for month, value in zip(ratio.index, ratio, strict=True)}
    return found


def _unsettled(row: dict[Any, Any], ratio: float, limits: dict[str, Any]) -> list[str]:
    if not (ratio >= limits["factor"] and abs(row["other_usd_mn"]) >= limits["minimum_usd_mn"]):
        return []
    return [
        f"Other changes were {rounded(ratio, 1)} times as large as usual in all places together in {month_name(row['month'])}: "
        "a change of reporting rather than trades, perhaps."
    ]
