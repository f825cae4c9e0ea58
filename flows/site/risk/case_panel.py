"""Japan, April to September 2024: holdings taken apart, the yen, the yield gap and the dollar book, in four charts."""

from __future__ import annotations

from datetime import date
from typing import Any

import duckdb

from treasury_watch.flows.site.charts import PARTS
from treasury_watch.flows.site.risk import charts
from treasury_watch.flows.site.risk.charts import BLUE, GREY, ORANGE, Line, Mark
from treasury_watch.flows.site.risk.figures import Figure, Key, described, key_of
from treasury_watch.transforms.amounts import MINUS, billions, billions_cell, went
from treasury_watch.transforms.months import shifted
from treasury_watch.transforms.wording import joined, month_name
from treasury_watch.warehouse.home.published_database import rows_of

HOLDER, CURRENCY = "japan", "JPY"
FIRST, LAST = date(2024, 4, 1), date(2024, 9, 1)
YEN_FROM, YEN_TO = date(2024, 1, 1), date(2024, 10, 31)  # the months around, in which the operations stand out
GAP_FROM, GAP_TO = date(2019, 1, 1), date(2025, 12, 1)
BOOK = {
    "Treasury bonds": "treasury",
    "Treasury bills": "bills",
    "Agency bonds": "agency",
    "Corporate bonds": "corporate",
    "Shares": "equity",
}
TIC = "Source: U.S. Treasury (TIC)"

Row = dict[str, Any]


def first_months(connection: duckdb.DuckDBPyConnection) -> str:
    """What became of the fall in holdings in the two months that the headlines were about; empty where it is not known."""
    found = rows_of(
        connection,
        "SELECT sum(change_usd_mn) AS change, sum(net_purchases_usd_mn) AS net, sum(net_long_term_usd_mn) AS bonds, "
        "sum(net_short_term_usd_mn) AS bills, sum(valuation_usd_mn) AS price, sum(other_usd_mn) AS other, "
        "count(valuation_usd_mn) AS months "
        "FROM holder_months WHERE holder_id = ? AND month BETWEEN ? AND ?",
        HOLDER, FIRST, shifted(FIRST, 1),
    )[0]  # fmt: skip
    if found["months"] < 2 or None in found.values():
        return ""
    bills = billions(abs(found["bills"]), signed=False)
    valued = f"{'lost' if found['price'] < 0 else 'gained'} {billions(abs(found['price']), signed=False)} in valuation"
    return (
        f"In April and May 2024 Japan's holdings {went(found['change'])}: it "
        f"{'sold or let mature' if found['bills'] < 0 else 'bought'} {bills} of bills, {_did(found['bonds'])} of bonds and "
        f"notes, and {valued}. Other changes were {billions(found['other']).replace('-', MINUS)}."
    )


def content(connection: duckdb.DuckDBPyConnection) -> list[Figure]:
    """The panel's figures, those whose data the database has; none unless every month of the holder is taken apart."""
    months = rows_of(
        connection,
        "FROM holder_months WHERE holder_id = ? AND month BETWEEN ? AND ? ORDER BY month", HOLDER, FIRST, LAST,
    )  # fmt: skip
    if len(months) < 6 or any(row[column] is None for row in months for column in (*PARTS, "change_usd_mn")):
        return []
    return [
        figure
        for figure in (_parts(months), _yen(connection), _gap(connection), _book(connection, months))
        if figure is not None
    ]


def _sum(rows: list[Row], column: str) -> float:
    return float(sum(row[column] for row in rows))


def _parts(months: list[Row]) -> Figure:
    rows = []
    for row in months:
        at = f"{row['month']:%b}"
        for column, (name, _) in PARTS.items():
            rows.append({"month": at, "name": name, "value": row[column] / 1000, "label": _cell(row[column])})
        change = row["change_usd_mn"]
        rows.append({"month": at, "name": "change", "value": change / 1000, "label": _cell(change)})
    net, price, change = (_sum(months, c) for c in ("net_purchases_usd_mn", "valuation_usd_mn", "change_usd_mn"))
    fell_most = min(months, key=lambda row: row["valuation_usd_mn"])
    return Figure(
        "panel-parts",
        f"Japan sold {billions(abs(net), signed=False)} net in these six months, its holdings "
        f"{went(change)}: a valuation gain of {billions(price, signed=False)} hid part of the sale"
        if price > 0 > net
        else f"Japan's holdings {went(change)}; net purchases were {billions(net)}",
        "What changed Japan's Treasuries each month, April to September 2024, USD bn; the diamond is the change in holdings",
        charts.parts(rows, dict(PARTS.values())),
        f"From April to September 2024: net purchases {_cell(net)} billion dollars, of which bonds and notes "
        f"{_cell(_sum(months, 'net_long_term_usd_mn'))} and bills {_cell(_sum(months, 'net_short_term_usd_mn'))}; valuation "
        f"{_cell(price)}; other {_cell(_sum(months, 'other_usd_mn'))}. In {month_name(fell_most['month'])} valuation took "
        f"{billions(abs(fell_most['valuation_usd_mn']), signed=False)}.",
        f"{TIC}, Table 3. All residents of Japan, not its government alone; bills at zero valuation.",
        [Key(name, colour, _cell(_sum(months, column)) + " bn") for column, (name, colour) in PARTS.items()],
    )


def _yen(connection: duckdb.DuckDBPyConnection) -> Figure | None:
    rates = rows_of(
        connection, "SELECT date, per_usd FROM fx_daily WHERE currency = ? AND date BETWEEN ? AND ? ORDER BY date",
        CURRENCY, YEN_FROM, YEN_TO,
    )  # fmt: skip
    if not rates:
        return None
    spent = rows_of(
        connection,
        "SELECT interventions.date, amount_jpy_mn, per_usd FROM interventions "
        "ASOF LEFT JOIN (FROM fx_daily WHERE currency = ?) AS rate ON interventions.date >= rate.date "
        "WHERE country = 'Japan' AND direction = 'sell USD' AND interventions.date BETWEEN ? AND ? ORDER BY 1",
        CURRENCY, YEN_FROM, YEN_TO,
    )  # fmt: skip
    weakest = max(rates, key=lambda row: row["per_usd"])
    line = Line("Yen per dollar", BLUE, [(row["date"], row["per_usd"]) for row in rates])
    sold = [row["amount_jpy_mn"] / row["per_usd"] for row in spent]
    days = [
        f"{row['date'].day} {row['date']:%B} ({row['amount_jpy_mn'] / 1e6:.1f} trillion yen, about {billions(usd, signed=False)})"
        for row, usd in zip(spent, sold, strict=True)
    ]
    short = [
        f"{row['date'].day} {row['date']:%B} {billions(usd, signed=False)}"
        for row, usd in zip(spent, sold, strict=True)
    ]
    headline = (
        f"Japan's authorities sold about {billions(sum(sold), signed=False)} on {len(sold)} days of 2024 to buy yen, "
        f"which fell to {weakest['per_usd']:.1f} a dollar in {month_name(weakest['date'].replace(day=1))}"
        if sold
        else f"The yen fell to {weakest['per_usd']:.1f} a dollar in {month_name(weakest['date'].replace(day=1))}"
    )
    first, last = rates[0], rates[-1]
    return Figure(
        "panel-yen",
        headline,
        "Yen per dollar, by day (up: a weaker yen; not from zero)"
        + (". A vertical line is a day of intervention" if days else "; no interventions are loaded here"),
        charts.lines(
            [line], zero=False, window=(FIRST, date(2024, 9, 30)),
            marks=[Mark(row["date"], day) for row, day in zip(spent, days, strict=True)],
        ),
        f"The yen went from {first['per_usd']:.1f} a dollar on {first['date']:%d %B %Y} to {last['per_usd']:.1f} on "
        f"{last['date']:%d %B %Y}." + (f" Interventions: {joined(days)}." if days else ""),
        "Source: Federal Reserve (H.10), European Central Bank"
        + (
            "; Ministry of Finance, Japan. Dollars at the day's rate; what paid for them is not published. Dollars are due two "
            "business days after the trade."
            if days
            else "."
        )
        + " Shaded: April to September 2024.",
        [Key("Yen per dollar", BLUE, f"{last['per_usd']:.1f} on {last['date'].day} {last['date']:%B %Y}")]
        + ([Key("Intervention", ORANGE, joined(short))] if days else []),
    )  # fmt: skip


def _gap(connection: duckdb.DuckDBPyConnection) -> Figure | None:
    rows = rows_of(
        connection,
        "SELECT month, own_long_yield_pct AS own, own_long_yield_pct + yield_pickup_pct AS us, yield_pickup_pct AS gap "
        "FROM risk_months WHERE holder_id = ? AND month BETWEEN ? AND ? AND yield_pickup_pct IS NOT NULL ORDER BY month",
        HOLDER, GAP_FROM, GAP_TO,
    )  # fmt: skip
    within = [row for row in rows if FIRST <= row["month"] <= LAST]
    if not within:
        return None
    low, high = (pick(rows, key=lambda row: row["gap"]) for pick in (min, max))
    at_start = within[0]
    drawn = [
        Line("10-year Treasury", GREY, [(row["month"], row["us"]) for row in rows]),
        Line("10-year Japanese government bond", ORANGE, [(row["month"], row["own"]) for row in rows]),
        Line("Gap between them", BLUE, [(row["month"], row["gap"]) for row in rows]),
    ]
    return Figure(
        "panel-gap",
        f"A Treasury paid {at_start['gap']:.1f} points more than a Japanese bond in {month_name(at_start['month'])}, "
        f"after {low['gap']:.1f} in {month_name(low['month'])}",
        "10-year yields, percent, average of the month; the gap in percentage points",
        charts.lines(drawn, zero=True, window=(FIRST, shifted(LAST, 1))),
        f"{described(drawn[:2], '%')} {described(drawn[2:], ' points')} "
        f"The gap was widest in {month_name(high['month'])}, {high['gap']:.1f} points.",
        "Source: Federal Reserve (H.15), OECD. Before the cost of hedging, which "
        "is not in these statistics. Shaded: April to September 2024.",
        [*(key_of(line, "%") for line in drawn[:2]), key_of(drawn[2], " points")],
    )


def _book(connection: duckdb.DuckDBPyConnection, months: list[Row]) -> Figure | None:
    found = rows_of(
        connection,
        "SELECT security, sum(net_purchases_usd_mn) AS net, count(net_purchases_usd_mn) AS months FROM securities_months "
        "WHERE holder_id = ? AND month BETWEEN ? AND ? GROUP BY security",
        HOLDER, FIRST, LAST,
    )  # fmt: skip
    net = {row["security"]: row["net"] for row in found if row["months"] == len(months)}
    net["bills"] = _sum(months, "net_short_term_usd_mn")
    if set(BOOK.values()) - set(net):
        return None
    rows = [
        {"name": name, "value": net[security] / 1000, "label": _cell(net[security])} for name, security in BOOK.items()
    ]
    others = net["agency"] + net["corporate"] + net["equity"]
    return Figure(
        "panel-book",
        f"Residents of Japan {_did(net['treasury'])} of Treasury bonds and notes, {_did(net['bills'])} of bills and, net, "
        f"{_did(others)} of other U.S. securities",
        "Net purchases by residents of Japan, April to September 2024 together, USD bn",
        charts.bars(rows),
        "Net purchases in billions of dollars: "
        + joined(f"{row['name'].lower()} {row['label']}" for row in rows)
        + ".",
        f"{TIC}, Tables 1 and 3; bonds with notes, shares with fund shares. Without deposits and other claims: dollars that "
        "stay in a bank account are not in it.",
    )


def _did(net_usd_mn: float) -> str:
    return f"{'sold' if net_usd_mn < 0 else 'bought'} {billions(abs(net_usd_mn), signed=False)}"


def _cell(usd_mn: float) -> str:
    return billions_cell(usd_mn, minus=MINUS)
