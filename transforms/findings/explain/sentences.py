"""Findings in sentences, made from the figures. The same text goes to the command line, the mail and the page.

First who did what, how much, when and how sure; then what to set beside it. The identity of the figures stands in the
tables below them and not in the sentences.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from treasury_watch.transforms.amounts import billions, in_billions, is_known, percent, went
from treasury_watch.transforms.findings.explain.first_months import first_months_read
from treasury_watch.transforms.findings.explain.newer_positions import newer_positions, of_finding
from treasury_watch.transforms.findings.explain.standing import ranks
from treasury_watch.transforms.findings.explain.trades import shifted_within, trades
from treasury_watch.transforms.findings.rules.custody import ONE_MOVE
from treasury_watch.transforms.findings.rules.evidence import NO_SALE
from treasury_watch.transforms.findings.rules.flagged_months import BILLS, BONDS
from treasury_watch.transforms.findings.rules.places.absorption import LONGER_RUN
from treasury_watch.transforms.findings.rules.places.moves import INFLOW
from treasury_watch.transforms.findings.rules.verdicts import ESTIMATED, offset
from treasury_watch.transforms.months import months_from
from treasury_watch.transforms.wording import (
    is_plural,
    month_name,
    months_covered,
    possessive,
    sentence,
    spoken,
    stated,
)

VERDICT_WORDS = {
    "sold": "Mostly sold",
    "repriced": "Mostly repriced",
    "moved": "Mostly moved or reclassified",
    "mixed": "Mixed causes",
    "unexplained": "Not explained",
}
NOTICE = "notice"
PRESS_RELEASE = "press_release"  # the basis of the official sector's net purchases before 2023
# Parts of a month below this part of its net sales and of its fall are not told beside a sale: what prices did, and what
# neither trading nor price explains. Together they may still be more: then their sum is told.
TOLD_PART, LEAST_TOLD_USD_MN = 0.05, 500.0
OF_REVISION = "a revision in a newer release"
REVISED_TOLD = 0.1  # of a change: a revision of this part of it stands in the same sentence
MOST_IN_ONE, MOST_TOLD_OF = 0.6, ("change_usd_mn", "net_purchases_usd_mn")  # a run that one month makes
DECOMPOSED_FROM = pd.Timestamp("2023-02-01")  # months since then without a decomposition have none yet


@dataclass(frozen=True)
class Beside:
    """What is set beside a finding: `custodial` where the holder keeps securities for others, `fall_rank` and `sale_rank`
    how unusual the month is, `official_net_usd_mn` what foreign official institutions bought in the same months (NaN
    where unknown or where it says nothing of the holder), `official_from_press` whether press releases say so, whose figures
    before 2023 are biased against the official sector, `newer_usd_mn` what positions newer than the net purchases make of
    other changes: trading and prices of it are not known yet; `first_months` are the sums of a run's first months where these
    alone are taken apart, `most_in` the month of a run that makes most of it, with its amount.
    """

    custodial: bool = False
    fall_rank: str = ""
    sale_rank: str = ""
    official_net_usd_mn: float = math.nan
    official_from_press: bool = False
    newer_usd_mn: float = 0.0
    first_months: Mapping[Any, Any] | None = None
    most_in: tuple[pd.Timestamp, float] | None = None


ALONE = Beside()


def identity(row: Mapping[Any, Any]) -> str:
    """The decomposition written out, for what has no table below it: change, net purchases, valuation and other."""
    return (
        f"change {billions(row['change_usd_mn'])}: net purchases {billions(row['net_purchases_usd_mn'])}, "
        f"valuation {billions(row['valuation_usd_mn'])}, other {billions(row['other_usd_mn'])}"
    )


def told(row: Mapping[Any, Any], period: str, beside: Beside = ALONE) -> tuple[str, str]:
    """Headline and explanation of a flagged month or an episode; the headline is the explanation's first sentence.

    `period` is as `months_covered` gives it.
    """
    # of sales that holdings do not bear out no pattern is told
    pattern = "" if row["verdict"] == "unexplained" else stated(row.get("pattern_measure"))
    lead = _lead(row, period, beside)
    texts = [
        *lead,
        _one_month(row, beside),
        _peak(row),
        _longer_run(row),
        pattern,
        _rest(row, beside, revision_told=any(OF_REVISION in text for text in lead)),
        _official(row, period, beside),
    ]
    first, *more = [text for text in texts if text]
    return first, " ".join([first, *more])


def _one_month(row: Mapping[Any, Any], beside: Beside) -> str:
    """`$41.5bn of the fall came in July 2026 alone.`"""
    if beside.most_in is None:
        return ""
    month, amount = beside.most_in
    what = "the fall" if row["of"] == "change_usd_mn" else "the net sales"
    return f"{billions(-amount, signed=False)} of {what} came in {month_name(month)} alone."


def everyone(row: Mapping[str, Any], period: str) -> str:
    """What all foreign holders did in a month, in a sentence; `row` is the Grand Total's row of aggregate_months."""
    known = {name: math.nan if value is None else value for name, value in row.items()}
    told_row = {**known, "holder": "Foreign residents", "of": "change_usd_mn", "repriced_share_pct": 0.0}
    deal, holdings = trades(told_row, period, _price(told_row)), _holdings(told_row, Beside(custodial=True))
    if deal:
        return f"Foreign residents together {deal}; {holdings}."
    whose = holdings.replace("their holdings", "Foreign residents' holdings", 1)
    return f"{sentence(whose)} {period}. What was bought and what was price is not among the figures read here for that month."


def explain_months(
    flagged: pd.DataFrame, months: pd.DataFrame, official: pd.DataFrame, rules: Mapping[str, Any]
) -> pd.DataFrame:
    """The flagged months with `headline` and `explanation`. `months` are those that they were found in, `official` the
    official total's, `rules` config/alert_rules.toml."""
    centres = set(months.loc[months["custodial_centre"].astype(bool), "holder_id"])
    nets, newer = dict(zip(official["month"], official["net_purchases_usd_mn"], strict=True)), newer_positions(months)
    press = set(official.loc[official["basis"] == PRESS_RELEASE, "month"])
    texts = []
    for row, (fall, sale) in zip(flagged.to_dict("records"), ranks(flagged, months), strict=True):
        net = nets.get(row["month"], math.nan)
        from_press = row["month"] in press
        beside = Beside(
            row["holder_id"] in centres, fall, sale, net, from_press, of_finding(row, newer, rules["newer_positions"])
        )
        texts.append(told(row, f"in {month_name(row['month'])}", beside))
    return _with_texts(flagged, texts)


def explain_episodes(
    runs: pd.DataFrame, months: pd.DataFrame, official: pd.DataFrame, rules: Mapping[str, Any]
) -> pd.DataFrame:
    """The episodes with `headline` and `explanation`, as `explain_months`."""
    centres = set(months.loc[months["custodial_centre"].astype(bool), "holder_id"])
    nets, newer = dict(zip(official["month"], official["net_purchases_usd_mn"], strict=True)), newer_positions(months)
    press = set(official.loc[official["basis"] == PRESS_RELEASE, "month"])
    keys = list(zip(months["holder_id"], months["month"], strict=True))
    amounts = {of: dict(zip(keys, months[of], strict=True)) for of in runs["of"].unique() if of in MOST_TOLD_OF}
    texts = []
    for row in runs.to_dict("records"):
        span = months_from(row["start_month"], row["end_month"])
        net = sum(nets.get(month, math.nan) for month in span)
        period = months_covered(row["start_month"], row["end_month"])
        beside = Beside(
            row["holder_id"] in centres,
            official_net_usd_mn=net,
            official_from_press=any(month in press for month in span),
            newer_usd_mn=of_finding(row, newer, rules["newer_positions"]),
            first_months=first_months_read(row, months),
            most_in=_most_in(row, span, amounts),
        )
        texts.append(told(row, period, beside))
    return _with_texts(runs, texts)


def _most_in(
    row: Mapping[Any, Any], span: Sequence[Any], amounts: Mapping[str, Mapping[tuple[str, Any], float]]
) -> tuple[pd.Timestamp, float] | None:
    """The month of a run that makes MOST_IN_ONE of it or more, and its amount; None of a run of two."""
    if row["of"] not in amounts or len(span) <= 2:
        return None
    own = {month: amounts[row["of"]].get((row["holder_id"], month), math.nan) for month in span}
    month, amount = min(own.items(), key=lambda one: math.inf if math.isnan(one[1]) else one[1])
    return (month, amount) if amount <= MOST_IN_ONE * row[row["of"]] < 0 else None


def _with_texts(table: pd.DataFrame, texts: list[tuple[str, str]]) -> pd.DataFrame:
    columns = {
        name: pd.Series([text[place] for text in texts], index=table.index, dtype=object)
        for place, name in enumerate(("headline", "explanation"))
    }
    return table.assign(**columns)


def _lead(row: Mapping[Any, Any], period: str, beside: Beside) -> list[str]:
    net, valuation, other = (row[name] for name in ("net_purchases_usd_mn", "valuation_usd_mn", "other_usd_mn"))
    complete = is_known(net) and is_known(valuation) and is_known(other)
    verdict = row["verdict"]
    if row["of"] == INFLOW:
        return [row["suspicion"]]
    if is_known(row.get("absorbed_share_pct", math.nan)):
        return [row["suspicion"], _booked(row, beside)]
    if verdict == "unexplained":
        return _unexplained(row, period, beside, complete)
    if verdict == "moved":
        return _moved(row, period, beside)
    if not complete:
        return _sold_without_valuation(row, period, beside)
    if verdict == "repriced" or net >= 0:
        return _fell(row, period, beside)
    return _sold(row, period, beside)


def _who(row: Mapping[Any, Any], beside: Beside) -> str:
    """Who sold: the holder, or where others' securities are kept the accounts there."""
    return f"accounts in {spoken(row['holder'])}" if beside.custodial else spoken(row["holder"])


def _subject(row: Mapping[Any, Any], beside: Beside) -> str:
    """Who is spoken of in a sentence after the first."""
    return "Accounts there" if beside.custodial else "They" if is_plural(row["holder"]) else "It"


def _its(row: Mapping[Any, Any], beside: Beside) -> str:
    return "their" if beside.custodial or is_plural(row["holder"]) else "its"


def _deal(row: Mapping[Any, Any], beside: Beside) -> str:
    """What was bought and sold, as a sentence after the first; empty where it is not known."""
    deal = trades(row)
    return f"{_subject(row, beside)} {deal}." if deal else ""


def _booked(row: Mapping[Any, Any], beside: Beside) -> str:
    """What the statistics book of a fall that declared partners took up: not told as what the holder did."""
    deal = trades(row)
    return sentence(f"by the statistics, {_who(row, beside)} {deal}.") if deal else ""


def _longer_run(row: Mapping[Any, Any]) -> str:
    """Why a finding inside a longer run that was taken up elsewhere is less of an alarm than its size would make it."""
    told = stated(row["suspicion"])
    if not told.startswith(LONGER_RUN) or row["verdict"] == "moved":  # `_moved` says so itself
        return ""
    if row.get("severity") != NOTICE:
        return told
    return told.replace(LONGER_RUN, LONGER_RUN.replace(":", ", and for that a notice:"), 1)


def _sold(row: Mapping[Any, Any], period: str, beside: Beside) -> list[str]:
    """`Japan sold $23.9bn of Treasury bonds and notes in March 2026 and lost $18.0bn in valuation; its holdings ...`"""
    price = "" if shifted_within(row) else _price(row)
    lead = sentence(f"{_who(row, beside)} {trades(row, period, price)}; {_holdings(row, beside)}.")
    more = [f"It was {beside.sale_rank}."] if beside.sale_rank and not beside.fall_rank else []
    if math.isnan(row["repriced_share_pct"]):
        more.append("The stated valuation is more than prices can have done, and is left out here.")
    return [lead, *more]


def _fell(row: Mapping[Any, Any], period: str, beside: Beside) -> list[str]:
    """`Japan's holdings fell $40.9bn in April 2024, and most of that was valuation ($29.8bn).`"""
    lead = _fall(row, period, beside)
    valuation, other = row["valuation_usd_mn"], row["other_usd_mn"] - beside.newer_usd_mn
    if row["verdict"] == "repriced":
        amount = f"{_estimated(row)}{billions(-valuation, signed=False)}"
        more = -valuation > -row["change_usd_mn"]  # than the whole fall: the holder bought, or other changes added
        lead += f"; valuation alone took {amount}" if more else f", and most of that was valuation ({amount})"
    else:
        parts = [f"valuation took {_estimated(row)}{billions(-valuation, signed=False)}"] if valuation < 0 else []
        parts += [f"{billions(-other, signed=False)} of it is neither trading nor price"] if other < 0 else []
        lead += f": {' and '.join(parts)}" if parts else ""
    return [sentence(f"{lead}."), _deal(row, beside)]


def _moved(row: Mapping[Any, Any], period: str, beside: Beside) -> list[str]:
    suspicion = stated(row["suspicion"])
    if ONE_MOVE in suspicion:
        return [suspicion, sentence(f"{_fall(row, period, beside)}.")]
    if suspicion.startswith(LONGER_RUN):
        return [sentence(f"{_fall(row, period, beside)}."), suspicion]
    net, other = row["net_purchases_usd_mn"], row["other_usd_mn"]
    undone = offset(net, other, row[BONDS])
    if undone:
        lead = (
            f"The statistics book net sales of {billions(-net, signed=False)} by {_who(row, beside)} {period}, but "
            f"{billions(other, signed=False)} that is neither trading nor price came in at the same time: that reads as "
            "custody or reporting more than as selling"
        )
        return [f"{lead}; {_holdings(row, beside)}."]
    lead = _fall(row, period, beside)
    rest = f"Neither trading nor prices account for a decline of {billions(-other, signed=False)}: custody or reporting, perhaps."
    return [sentence(f"{lead}."), rest, _deal(row, beside)]


def _unexplained(row: Mapping[Any, Any], period: str, beside: Beside, complete: bool) -> list[str]:
    lead = sentence(f"{_fall(row, period, beside)}.")
    if stated(row.get("doubt")):
        if NO_SALE in row["doubt"]:
            short = "too little to bear out" if row["change_usd_mn"] < 0 else "which does not bear out"
            lead = f"{lead.removesuffix('.')}, {short} the net sales that Form S counts."
        return [lead, row["doubt"]]
    if complete:
        valuation = billions(row["valuation_usd_mn"])
        return [
            lead,
            f"The stated valuation of {valuation} is more than prices can have done, so what was sold cannot be told.",
        ]
    last = row["month"] if "month" in row else row["end_month"]
    published = "not yet among the figures read here" if last >= DECOMPOSED_FROM else "not published"
    net = row["net_purchases_usd_mn"]
    more = f"How much of it was sold and how much was price is {published}."
    if not math.isnan(net):
        done = f"net {'sales' if net < 0 else 'purchases'} of {billions(abs(net), signed=False)}"
        apart = f"hat prices did is {published}, so the two cannot be told apart."
        if row["of"] != "change_usd_mn":  # the finding is the net sale: it stands in the first sentence
            return [f"{lead.removesuffix('.')}, while the statistics count {done}.", f"W{apart}"]
        more = f"The statistics count {done}; w{apart}"
    elif beside.first_months and last >= DECOMPOSED_FROM:
        rest = f"How much of the rest was sold and how much was price is {published}."
        more = f"{_of_first_months(beside.first_months, beside)} {rest}"
    return [lead, more]


def _of_first_months(first: Mapping[Any, Any], beside: Beside) -> str:
    """`In March and April 2026 it sold $2.9bn of Treasury bonds and notes, bought $0.4bn of bills and lost $4.7bn in valuation.`"""
    period = months_covered(first["start_month"], first["end_month"])
    valued = _valued(first) if in_billions(first["valuation_usd_mn"]) else ""
    deal = trades(first, price=valued) or valued or "bought and sold next to nothing"
    subject = _subject(first, beside)
    return sentence(f"{period} {subject[:1].lower()}{subject[1:]} {deal}.")


def _sold_without_valuation(row: Mapping[Any, Any], period: str, beside: Beside) -> list[str]:
    """A sale of which no source states what prices did."""
    net, what = row["net_purchases_usd_mn"], "Treasuries"
    if math.isnan(net):
        net, what = row[BONDS], "bonds and notes"
    deal = f"sold {billions(-net, signed=False)} of {what} {period}, net"
    if is_known(row[BONDS]) and is_known(row[BILLS]):
        deal = trades(row, period)
    lead = f"{_who(row, beside)} {deal}; {_holdings(row, beside)}."
    return [sentence(lead), "What prices did is not published for it."]


def _fall(row: Mapping[Any, Any], period: str, beside: Beside) -> str:
    """`Japan's holdings fell $40.9bn in April 2024 to $1,126.1bn, the largest monthly fall since ...`"""
    whose = f"holdings in {spoken(row['holder'])}" if beside.custodial else f"{possessive(row['holder'])} holdings"
    change = row["change_usd_mn"]
    if math.isnan(change):
        return f"the change in {whose} {period} is not known on one survey basis"
    if not in_billions(change):
        return f"{whose} hardly changed {period}"
    rank = f", {beside.fall_rank}" if beside.fall_rank else ""
    return f"{whose} {went(change)} {period}{_to(row)}{rank}"


def _holdings(row: Mapping[Any, Any], beside: Beside) -> str:
    """`its holdings fell $47.7bn (3.8%) to $1,191.6bn, the largest monthly fall since October 2022`."""
    change, its = row["change_usd_mn"], _its(row, beside)
    if math.isnan(change):
        return f"the change in {its} holdings is not known on one survey basis"
    if not in_billions(change):
        return f"{its} holdings hardly changed"
    share = row.get("change_pct", math.nan)
    moved = went(change)
    if is_known(share) and _to(row):
        if percent(abs(share)) == percent(0.0):
            return f"{its} holdings hardly changed, at {_to(row).removeprefix(' to ')}"
        moved += f" ({percent(abs(share))})"
    if _revised_into(row, beside):
        moved += f", {billions(abs(beside.newer_usd_mn), signed=False)} of it {OF_REVISION},"
    rank = f", {beside.fall_rank}" if beside.fall_rank else ""
    return f"{its} holdings {moved}{_to(row)}{rank}"


def _revised_into(row: Mapping[Any, Any], beside: Beside) -> bool:
    """Whether a revision makes so much of the change that the first sentence says it."""
    return beside.newer_usd_mn * row["change_usd_mn"] > 0 and beside.newer_usd_mn / row["change_usd_mn"] >= REVISED_TOLD


def _to(row: Mapping[Any, Any]) -> str:
    position = row.get("position_usd_mn", math.nan)
    return f" to {billions(position, signed=False)}" if is_known(position) else ""


def _price(row: Mapping[Any, Any]) -> str:
    """What valuation did beside a sale, where it is known and no trifle. It is told as stated: what is published for one holder
    holds more than prices.
    """
    if math.isnan(row["repriced_share_pct"]) or abs(row["valuation_usd_mn"]) < least_told(row):
        return ""
    return _valued(row)


def _valued(row: Mapping[Any, Any]) -> str:
    amount = f"{_estimated(row)}{billions(abs(row['valuation_usd_mn']), signed=False)}"
    return f"lost {amount} in valuation" if row["valuation_usd_mn"] < 0 else f"gained {amount} in valuation"


def least_told(row: Mapping[Any, Any]) -> float:
    """The smallest part of a month or a run that is told beside what was sold, in USD millions."""
    return max(TOLD_PART * max(abs(row["net_purchases_usd_mn"]), abs(row["change_usd_mn"])), LEAST_TOLD_USD_MN)


def _rest(row: Mapping[Any, Any], beside: Beside, *, revision_told: bool) -> str:
    """What the sale or the price change that was told leaves of the change; empty where that is small, or all was told.

    A valuation that is more than prices can do leaves no rest to speak of.
    """
    absorbed, repriced = is_known(row.get("absorbed_share_pct", math.nan)), row["verdict"] == "repriced"
    if row["of"] == INFLOW or (row["verdict"] in ("moved", "unexplained") and not absorbed):
        return ""
    if not (absorbed or repriced or row["net_purchases_usd_mn"] < 0):  # `_fell` has told all that pulled holdings down
        return ""
    told_price = repriced or (not absorbed and not shifted_within(row) and bool(_price(row)))
    other, valuation, change = row["other_usd_mn"] - beside.newer_usd_mn, row["valuation_usd_mn"], row["change_usd_mn"]
    if math.isnan(row["repriced_share_pct"]) or not is_known(other) or not is_known(change):
        return ""
    prices = 0.0 if told_price else valuation
    least, estimated = least_told(row), _estimated(row).removeprefix("an ")
    texts = []
    if abs(prices) >= least:
        amount = f"{_estimated(row)}{billions(abs(prices), signed=False)}"
        texts.append(f"Valuation took {amount}." if prices < 0 else f"Valuation added {amount}.")
    if abs(other) >= least:
        amount, what = billions(abs(other), signed=False), f"neither trading nor {estimated}price"
        if other > 0:
            texts.append(f"{amount} that is {what} came in.")
        elif change < 0 and -other <= -change:
            texts.append(f"{amount if absorbed else f'Another {amount}'} of the fall is {what}.")
        else:
            texts.append(f"{amount} that is {what} left.")
    if not texts and abs(prices + other) >= least:
        amount = billions(abs(prices + other), signed=False)
        texts.append(
            f"Valuation and other changes together {'took' if prices + other < 0 else 'added'} {estimated}{amount}."
        )
    if beside.newer_usd_mn and not revision_told:
        amount = billions(abs(beside.newer_usd_mn), signed=False)
        texts.append(
            f"Another {amount} is a revision in a newer release of the holdings."
            if beside.newer_usd_mn < 0
            else f"A revision in a newer release of the holdings added {amount}."
        )
    return " ".join(texts)


def _estimated(row: Mapping[Any, Any]) -> str:
    """What stands before a price change that no source states."""
    return "an estimated " if ESTIMATED in stated(row.get("basis")).split("+") else ""


def _peak(row: Mapping[Any, Any]) -> str:
    """Of an exit: how much is left of the largest position of the years before."""
    peak = row.get("peak_usd_mn", math.nan)
    if not is_known(peak):
        return ""
    left = percent(100 * row["position_usd_mn"] / peak, 0)
    return f"What is left is {left} of the peak of the three years before ({billions(peak, signed=False)})."


def _official(row: Mapping[Any, Any], period: str, beside: Beside) -> str:
    """What foreign official institutions did in the same months, beside a holder that is no custodial centre."""
    net = beside.official_net_usd_mn
    if beside.custodial or is_plural(row["holder"]) or not is_known(net) or not in_billions(net):
        return ""
    when = "in these months" if " months " in period or " and " in period else "that month"
    done = "sold" if net < 0 else "bought"
    source = ", by the press releases of the time" if beside.official_from_press else ""
    return f"Foreign official institutions together {done} {billions(abs(net), signed=False)} {when}, net{source}."
