"""The figures of the risk section, each from rows of the database; None where these have nothing to show."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from treasury_watch.flows.site.risk import charts
from treasury_watch.flows.site.risk.charts import BLUE, GREY, ORANGE, Line
from treasury_watch.flows.site.risk.figures import Figure, described, first_known, key_of, last_known, peak_of
from treasury_watch.transforms.amounts import MINUS, billions, percent
from treasury_watch.transforms.wording import joined, month_name, plain_name, possessive, spoken

TIC = "Source: U.S. Treasury (TIC)"
YEAR = 12  # months

Row = dict[str, Any]


def rates(holders: Sequence[Row]) -> Figure | None:
    """Estimated losses of the largest holders by a rise of yields, with their intervals."""
    if not holders:
        return None
    largest_first = sorted(holders, key=lambda row: -row["loss_100bp_usd_mn"])
    rows = [
        {
            "name": plain_name(row["holder"]),
            **{
                place: row[column] / 1000
                for place, column in [
                    ("low", "loss_100bp_low_usd_mn"),
                    ("middle", "loss_100bp_usd_mn"),
                    ("high", "loss_100bp_high_usd_mn"),
                ]
            },
            "label": f"{billions(row['loss_100bp_usd_mn'], signed=False)} "
            f"({billions(row['loss_100bp_low_usd_mn'], signed=False)} to {billions(row['loss_100bp_high_usd_mn'], signed=False)})",
        }
        for row in largest_first
    ]
    most = largest_first[0]
    month = month_name(holders[0]["month"])
    return Figure(
        "rates",
        f"A rise of all yields by one percentage point would cost {spoken(most['holder'])} about "
        f"{billions(most['loss_100bp_usd_mn'], signed=False)}, {percent(most['loss_100bp_pct'])} of what it held in {month}",
        f"Estimated loss on bonds and notes held at the end of {month}, USD bn; the bar is the 80% interval",
        charts.intervals(rows),
        "Estimated loss by a rise of yields by 100 basis points: "
        + joined(f"{row['name']} {row['label']}" for row in rows)
        + ".",
        f"{TIC}, Table 3; Federal Reserve (H.15). Durations are estimated from each place's published "
        f"valuation changes from February 2023 to {month}; to first order, bills at zero. Places as booked: a custodial "
        "centre holds for others.",
    )


def _line(name: str, colour: str, rows: Sequence[Row], column: str) -> Line:
    return Line(name, colour, [(row["month"], row[column]) for row in rows])


def _drawn(lines: Sequence[Line]) -> list[Line]:
    """The lines that have a point, without the months before the first of any."""
    known = [line for line in lines if last_known(line.points)]
    if not known:
        return []
    first = min(day for line in known for day, value in line.points if value is not None)
    return [Line(line.name, line.colour, [p for p in line.points if p[0] >= first]) for line in known]


def pickup(rows: Sequence[Row]) -> Figure | None:
    """What a 10-year Treasury yields above, or below, the own bond of the countries whose yields are read."""
    if not rows:
        return None
    month = month_name(rows[0]["month"])
    told = [
        {
            "name": plain_name(row["holder"]),
            "value": row["yield_pickup_pct"],
            "label": f"{row['yield_pickup_pct']:+.1f}".replace("-", MINUS),
        }
        for row in rows
    ]
    most, least = rows[0], rows[-1]
    above = _points(most["yield_pickup_pct"])
    words = f"A 10-year Treasury paid {above} more than {possessive(most['holder'])} own bond in {month}"
    if least["yield_pickup_pct"] < 0:
        words += f", and {_points(-least['yield_pickup_pct'])} less than {possessive(least['holder'])}"
    return Figure(
        "pickup",
        words,
        "10-year Treasury yield less that of the country's own bond, percentage points, average of the month",
        charts.bars(told),
        f"Yield pick-up in percentage points in {month}: "
        + joined(f"{row['name']} {row['label']}" for row in told)
        + ".",
        "Source: Federal Reserve (H.15), OECD. Before the cost of hedging the dollar, which "
        "is not in these statistics. Countries whose yields are read here.",
        until=rows[0]["month"],
    )


def inflation(real: Sequence[Row]) -> Figure | None:
    """Real yields, looking back and as traded."""
    drawn = _drawn(
        [
            _line("10-year yield less the last twelve months' inflation", ORANGE, real, "real_yield_pct"),
            _line("10-year inflation-indexed yield, as traded", BLUE, real, "market_real_yield_pct"),
        ]
    )
    if not drawn:
        return None
    below = [row for row in real if row["real_yield_pct"] is not None and row["real_yield_pct"] < 0]
    worst, last = min(below, key=lambda row: row["real_yield_pct"], default=None), last_known(drawn[0].points)
    sentences = []
    if worst:
        over = _points(-worst["real_yield_pct"])
        sentences.append(f"Inflation ran {over} above the 10-year yield in {month_name(worst['month'])}")
    if last:
        side = "above" if last[1] >= 0 else "below"
        start = "in" if sentences else "In"
        sentences.append(f"{start} {month_name(last[0])} the yield was {_points(abs(last[1]))} {side} inflation")
    return Figure(
        "inflation",
        "; ".join(sentences),
        "Real yield of a 10-year Treasury, percent a year, by month",
        charts.lines(drawn, zero=True),
        described(drawn, "%"),
        "Source: Federal Reserve (H.15), U.S. Bureau of Labor Statistics (consumer prices). Looking back compares "
        "with the prices of the last year, the market with those it prices for ten, a premium for risk and liquidity among them. "
        "For a holder in dollars: no price index of "
        "another country is declared here.",
        [key_of(line, "%") for line in drawn],
    )


def _points(value: float) -> str:
    return f"{value:.1f} points"


def debt(months: Sequence[Row], comparable_from: date) -> Figure | None:
    """Foreigners' share of the debt, and officials' share of that. Nothing before `comparable_from` is compared with."""
    drawn = _drawn(
        [
            _line("Foreigners' share of marketable debt", BLUE, months, "foreign_share_of_debt_pct"),
            _line("Official institutions' share of foreign holdings", ORANGE, months, "official_share_pct"),
        ]
    )
    if not drawn:
        return None
    parts: list[str] = []
    for line in drawn:
        last, own = last_known(line.points), [point for point in line.points if point[0] >= comparable_from]
        peak = peak_of(own if last_known(own) else line.points)
        name = line.name if not parts else line.name[0].lower() + line.name[1:]
        if last and last[1] < peak[1] - 1:
            parts.append(
                f"{name} fell from {peak[1]:.0f}% in {peak[0].year} to {last[1]:.0f}% in {month_name(last[0])}"
            )
        elif last:
            parts.append(f"{name} was {last[1]:.0f}% in {month_name(last[0])}")
    basis = {row["debt_basis"] for row in months if row["debt_basis"]}
    return Figure(
        "debt",
        "; ".join(parts),
        "Percent, by month",
        charts.lines(drawn, zero=True),
        described(drawn, "%"),
        f"{TIC}; Federal Reserve Bank of Dallas (marketable debt{', ' + joined(sorted(basis)) if basis else ''}, all holders, the "
        "Federal Reserve among them). Official institutions as reported: what they keep with private custodians may be "
        "booked among the others. Steps in June before 2012 are new survey bases.",
        [key_of(line, "%") for line in drawn],
    )


def herfindahl(months: Sequence[Row], comparable_from: date) -> Figure | None:
    """Concentration with and without custodial centres, from where as many are named and on one basis."""
    months = as_many_named(months)
    drawn = _drawn(
        [
            _line("All places", BLUE, months, "herfindahl"),
            _line("Without custodial and fund centres", ORANGE, months, "herfindahl_without_centres"),
        ]
    )
    if not drawn:
        return None
    own = [point for point in drawn[0].points if point[0] >= comparable_from]
    peak, last = peak_of(own if last_known(own) else drawn[0].points), last_known(drawn[0].points)
    shares = [row for row in months if row["custodial_share_pct"] is not None]
    words = (
        f"Holdings as booked are less concentrated than in {month_name(peak[0])}: an index of {last[1]:,.0f} in "
        f"{month_name(last[0])}, after {peak[1]:,.0f}"
        if last and last[1] < peak[1]
        else "How concentrated foreign holdings are, as booked"
    )
    centres = (
        f" Custodial and fund centres, which hold for others, were {shares[0]['custodial_share_pct']:.0f}% of holdings in "
        f"{month_name(shares[0]['month'])} and {shares[-1]['custodial_share_pct']:.0f}% in {month_name(shares[-1]['month'])}."
        if shares
        else ""
    )
    return Figure(
        "herfindahl",
        words,
        "Herfindahl index of holdings by place, 0 (spread) to 10,000 (one holder), by month",
        charts.lines(drawn, zero=True),
        described(drawn, "", 0),
        f"{TIC}. Sum of squared shares of the countries named; before September 2011 only the largest are named, and what is not "
        "named counts as spread. Newest months of which only the largest are named so far are left out. Places as booked, not "
        f"owners.{centres}",
        [key_of(line, "", 0) for line in drawn],
    )


def as_many_named(months: Sequence[Row]) -> Sequence[Row]:
    """The months without the newest of which fewer than half as many places are named as a year before."""
    end = len(months)
    while end > YEAR and (months[end - 1]["countries"] or 0) < (months[end - 1 - YEAR]["countries"] or 0) / 2:
        end -= 1
    return months[:end]


def book(months: Sequence[Row]) -> Figure | None:
    """Treasuries among all long-term U.S. securities of foreigners."""
    drawn = _drawn(
        [
            _line(
                "Of all long-term U.S. securities held by foreigners", BLUE, months, "treasury_share_of_securities_pct"
            ),
            _line("Of the bonds among them", ORANGE, months, "treasury_share_of_bonds_pct"),
        ]
    )
    if not drawn:
        return None
    first, bonds = drawn[0].points[0], drawn[-1].points
    last, now, then = last_known(drawn[0].points), last_known(bonds), first_known(bonds)
    words = "Treasuries among foreigners' long-term U.S. securities"
    if last and first[1] is not None:
        words = (
            f"Treasuries were {last[1]:.0f}% of foreigners' long-term U.S. securities in {month_name(last[0])}, after "
            f"{first[1]:.0f}% in {month_name(first[0])}"
        )
        if len(drawn) > 1 and now and then:
            words += f"; of the bonds among them {now[1]:.0f}%, {then_in_words(now[1], then[1])}"
    return Figure(
        "book",
        words,
        "Share of Treasury bonds and notes, percent, by month",
        charts.lines(drawn, zero=True),
        described(drawn, "%"),
        f"{TIC}, Table 1, from {month_name(first[0])}; market values, so that rising share prices lower the first line. "
        "Without bills.",
        [key_of(line, "%") for line in drawn],
    )


def reserves(rows: Sequence[Row], holder: str) -> Figure | None:
    """Reserves and Treasuries of a holder side by side."""
    drawn = _drawn(
        [
            _line("Reserves less gold, all currencies", GREY, rows, "reserves"),
            _line("Treasuries of the whole country", BLUE, rows, "held"),
        ]
    )
    if len(drawn) < 2:
        return None
    last = [row for row in rows if row["ratio"] is not None][-1]
    return Figure(
        "reserves",
        f"{possessive(holder)} Treasuries, private ones among them, were worth {last['ratio']:.0f}% of its reserves in "
        f"{month_name(last['month'])}",
        "USD bn, end of month",
        charts.lines(drawn, zero=False),
        described(drawn, " billion dollars"),
        f"{TIC}; reserves less gold: FRED. Two sizes beside each other: reserves are of all currencies, and what part of the "
        "Treasuries is the authorities' is not published. The axis does not begin at zero.",
        [key_of(line, "bn") for line in drawn],
    )


def then_in_words(now: float, then: float) -> str:
    """`after 54%`, or that it is the same to the percent."""
    return "as then" if f"{now:.0f}" == f"{then:.0f}" else f"after {then:.0f}%"
