"""What is said of a sale's price impact, on the terminal and on the page: ranges with their scope, never one number."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from treasury_watch.transforms.amounts import billions, is_known, percent, rounded
from treasury_watch.transforms.months import months_between
from treasury_watch.transforms.risk.price_impact import BILLS, BONDS, MONTH, Debt, Impact, Range, Scenario
from treasury_watch.transforms.wording import is_plural, month_name, possessive, spoken

NAMES = {BONDS: "bonds and notes", BILLS: "bills"}
OLD_MONTHS = 6  # a figure of the debt older than this says so
NO_BILLS = "No study read here covers bills: no figure on bonds is applied to a sale of bills."
WHY_A_RANGE = (
    "The studies differ in whose flows they look at, how soon, and which yield; figures are applied in proportion to the "
    "amount and to the debt outstanding, which no study tested for sales of this kind."
)
AT_ONCE = (
    "A figure for what happens at once is applied to one month's sale, one for what is left to all of it; how fast the first "
    "fades no study says."
)
OFFICIAL_FLOWS = "The studies look at official flows; {} holdings here are official and private together."
# The sources of the debt outstanding, in words.
DEBT_SOURCES = {
    "treasury_debt": "Monthly Statement of the Public Debt",
    "fred:MVMTD027MNFRBDAL": "Federal Reserve Bank of Dallas",
}


def bp(value: float) -> str:
    """`0.04`, `0.8`, `12`, `93`: basis points with one decimal below 10, two below 0.1, none where it is a whole number."""
    digits = 0 if value >= 9.95 or value == int(value) else 1 if value >= 0.095 else 2
    return f"{rounded(value, digits):,}"


def between(low: float, high: float) -> str:
    """`40 to 60`, `20`, `more than 100` where there is no upper end."""
    if not is_known(high):
        return f"more than {bp(low)}"
    return bp(low) if bp(low) == bp(high) else f"{bp(low)} to {bp(high)}"


def range_words(found: Range) -> str:
    """`by 0.8 to 93 basis points`, `by 0.8 basis points to 93 or more`."""
    end = " or more" if found.open_end else ""
    if bp(found.low_bp) == bp(found.high_bp):
        return f"by {bp(found.high_bp)} basis points{end}"
    if found.open_end:
        return f"by {bp(found.low_bp)} basis points to {bp(found.high_bp)}{end}"
    return f"by {bp(found.low_bp)} to {bp(found.high_bp)} basis points"


def debt_words(debt: Debt, today: date) -> str:
    """The debt that figures are scaled to, with its month, its source and, where it is old, its age."""
    age = months_between(debt.month, today)
    old = f"; {age} months old, as no newer one is loaded" if age > OLD_MONTHS else ""
    amount = billions(debt.usd_bn * 1000, signed=False)
    source = DEBT_SOURCES.get(debt.source, debt.source)
    return f"Marketable Treasury debt was {amount} at {debt.basis} in {month_name(debt.month)} ({source}{old})."


def yields_words(stated: Range | None, scaled: Range | None, debt: Debt, instrument: str) -> str:
    """What yields would do, as one range scaled to the debt of today and one as the studies state it."""
    if stated is None or scaled is None:
        return NO_BILLS if instrument == BILLS else "No study's figure can be applied to it."
    bases = " (at par; the debt of most studies' time is at market value)" if debt.basis == "par" else ""
    return (
        f"By published studies yields would rise {range_words(scaled)}, scaled to the debt of {month_name(debt.month)}{bases}, "
        f"and {range_words(stated)} unscaled."
    )


def figure_words(row: Mapping[Any, Any]) -> str:
    """The study's own figure: `more than 100 bp for $100.0bn`, or for a flow of no stated amount."""
    own = f"{between(row['low_bp'], row['high_bp'])} bp"
    return f"{own} for {billions(row['amount_usd_bn'] * 1000, signed=False)}" if is_known(row["amount_usd_bn"]) else own


def applied_words(impact: Impact, months: int) -> str:
    """What the figure comes to for this sale, over so many months."""
    if not is_known(impact.applied_usd_bn):
        return "of a flow whose amount is not stated, so not applied"
    part = f" ({_bn(impact.applied_usd_bn)} a month)" if impact.row["applies_to"] == MONTH and months > 1 else ""
    return (
        f"this sale{part} {between(impact.low_bp, impact.high_bp)} bp, "
        f"scaled {between(impact.scaled_low_bp, impact.scaled_high_bp)} bp"
    )


def sale_cell(impact: Impact, *, scaled: bool) -> str:
    """The same for a table: basis points alone, `not applied` where the study's amount is not stated."""
    if not is_known(impact.applied_usd_bn):
        return "not applied"
    return between(impact.scaled_low_bp, impact.scaled_high_bp) if scaled else between(impact.low_bp, impact.high_bp)


def debt_then_words(row: Mapping[Any, Any]) -> str:
    """The debt that a study's figures are scaled from, with its basis; empty where they are not scaled."""
    return f"debt then {_bn(row['debt_usd_bn'])} ({row['debt_basis']})" if is_known(row["debt_usd_bn"]) else ""


def share_words(share_pct: float) -> str:
    """`1.4%`, `0.04%`: with two decimals where one would say nothing."""
    return percent(share_pct, 1 if share_pct >= 0.1 else 2)


def scenario_words(found: Scenario, today: date) -> Iterator[str]:
    """The sentences on a scenario, the first of which says what is sold."""
    what = NAMES[found.instrument]
    over = f" over {found.months} months, {_bn(found.a_month_usd_bn)} a month" if found.months > 1 else " in one month"
    name, held = (spoken(found.holder), "it") if not is_plural(found.holder) else (spoken(found.holder).lower(), "they")
    yield (
        f"If {name} sold {percent(100 * found.share, 0)} of the {what} that {held} held in "
        f"{month_name(found.month)} ({_bn(found.held_usd_bn)}), that would be {_bn(found.sold_usd_bn)}{over}."
    )
    share = f"That is {share_words(found.share_of_debt_pct)} of the marketable debt"
    if is_known(found.share_of_growth_pct):
        share += (
            f"; at that pace a year's sales would be {percent(found.share_of_growth_pct, 0)} of what the debt grew by in the "
            f"twelve months to {month_name(found.debt.month)} ({_bn(found.debt_growth_usd_bn)}, "
            + ("net issuance)" if found.debt.basis == "par" else "issuance and price together)")
        )
    yield f"{share}. {debt_words(found.debt, today)}"
    yield yields_words(found.stated, found.scaled, found.debt, found.instrument)
    if found.losses_usd_bn is not None and found.book is not None and found.scaled is not None:
        low, high = found.losses_usd_bn
        more = " or more" if found.scaled.open_end else ""
        yield (
            f"The bonds and notes that {held} would keep ({_bn(found.kept_usd_bn)}) would lose between {_bn(low)} and "
            f"{_bn(high)}{more} in price if all yields moved so: an estimate, with a duration of "
            f"{rounded(found.book.duration_years, 1)} years ({found.book.basis})."
        )
    elif found.scaled is not None:
        yield f"What {held} would lose on the bonds and notes kept is not known: no yields are loaded to tell a duration by."


def scope_words(holder: str | None) -> Iterator[str]:
    """What limits all of it; `holder` where it is of one."""
    yield WHY_A_RANGE
    yield AT_ONCE
    if holder:
        yield OFFICIAL_FLOWS.format(possessive(holder))


def _bn(usd_bn: float) -> str:
    return billions(usd_bn * 1000, signed=False)
