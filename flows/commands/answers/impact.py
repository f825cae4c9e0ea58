"""`impact`: what published studies say a sale did to yields, a holder's scenario, and the record of yields here."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from datetime import UTC, date, datetime
from itertools import groupby
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    import duckdb

    from treasury_watch.transforms.risk.price_impact import Impact
    from treasury_watch.warehouse.declarations import Declarations

WIDTH = 110


@click.command()
@click.option("--usd-bn", type=click.FloatRange(min=0, min_open=True), metavar="N", help="A sale of N billion dollars.")
@click.option("--holder", metavar="NAME", help="Instead: a holder sells; a name, an ISO code or a common alias.")
@click.option(
    "--share",
    type=click.FloatRange(0, 1, min_open=True),
    metavar="S",
    help="The part that the holder sells, such as 0.33.",
)
@click.option(
    "--months",
    type=click.IntRange(1, 120),
    default=1,
    show_default=True,
    metavar="N",
    help="Spread evenly over N months.",
)
@click.option(
    "--instrument", type=click.Choice(["bonds", "bills"]), default="bonds", show_default=True, help="What is sold."
)
@click.option("--record", is_flag=True, help="Instead: yields around the largest months of net sales so far.")
def impact(
    usd_bn: float | None, holder: str | None, share: float | None, months: int, instrument: str, record: bool
) -> None:
    """What published studies say that a sale of Treasuries would do to yields: a range, each figure with its scope.

    The studies differ sixty-fold, so no single number is given. Figures are applied in proportion to the amount and scaled
    by the marketable debt outstanding then and now. No study read covers bills.

    \b
    Example:
        treasury-watch impact --usd-bn 100
        treasury-watch impact --holder Japan --share 0.33 --months 6
        treasury-watch impact --record
    """
    if sum((usd_bn is not None, holder is not None, record)) != 1:
        raise click.UsageError("give one of --usd-bn N, --holder NAME with --share S, or --record")
    if (holder is None) != (share is None):
        raise click.UsageError("--holder NAME and --share S go together")
    from treasury_watch.flows.settings.settings import Settings
    from treasury_watch.warehouse.holder_names import named
    from treasury_watch.warehouse.home.published_database import open_published

    settings = Settings()
    today = datetime.now(UTC).date()
    row = named(holder, settings.declarations) if holder is not None else None
    with open_published(settings.home().database) as connection:
        if record:
            lines = record_lines(connection)
        elif row is not None and share is not None:
            lines = holder_lines(connection, settings.declarations, row, share, months, instrument, today)
        else:
            lines = amount_lines(connection, settings.declarations, usd_bn or 0.0, months, instrument, today)
        for line in lines:
            click.echo(line)


def amount_lines(
    connection: duckdb.DuckDBPyConnection,
    declarations: Declarations,
    usd_bn: float,
    months: int,
    instrument: str,
    today: date,
) -> Iterator[str]:
    """A sale of so many billions: the range, the debt it is scaled by, every study. Raises NoSuchSale."""
    from treasury_watch.transforms.amounts import billions
    from treasury_watch.transforms.risk import impact_words as words
    from treasury_watch.transforms.risk.price_impact import impacts, spread
    from treasury_watch.warehouse.tables.price_impact import debt_outstanding, studies_frame

    debt, _ = debt_outstanding(connection, declarations)
    found = impacts(studies_frame(declarations), usd_bn, months, debt, instrument)
    over = f"spread over {months} months" if months > 1 else "in one month"
    yield f"A sale of {billions(usd_bn * 1000, signed=False)} of {words.NAMES[instrument]}, {over}"
    stated, scaled = spread(found, scaled=False), spread(found, scaled=True)
    yield from _wrapped(words.yields_words(stated, scaled, debt, instrument))
    yield from _wrapped(
        f"{words.debt_words(debt, today)} The sale is {words.share_words(100 * usd_bn / debt.usd_bn)} of it."
    )
    if found:
        for text in words.scope_words(None):
            yield from _wrapped(text)
        yield from study_lines(found, months)


def holder_lines(
    connection: duckdb.DuckDBPyConnection,
    declarations: Declarations,
    holder: dict[str, str],
    share: float,
    months: int,
    instrument: str,
    today: date,
) -> Iterator[str]:
    """A holder sells a part of what it holds. Raises NoSuchSale, also where what is named is no holder of its own."""
    from treasury_watch.transforms.findings.detection import OFFICIAL
    from treasury_watch.transforms.risk import impact_words as words
    from treasury_watch.transforms.risk.price_impact import NoSuchSale
    from treasury_watch.warehouse.tables.price_impact import sale_scenario

    official = holder["holder_id"] == OFFICIAL
    if holder["kind"] != "country" and not official:
        raise NoSuchSale(
            f"{holder['holder']} is no country ({holder['kind']}); name a country, or Foreign Official, "
            "or give an amount with --usd-bn"
        )
    found = sale_scenario(connection, declarations, holder, share=share, months=months, instrument=instrument)
    first, *more = words.scenario_words(found, today)
    yield from _wrapped(first, 0)
    scopes = words.scope_words(None if official else holder["holder"]) if found.impacts else ()
    for text in [*more, *scopes]:
        yield from _wrapped(text)
    if holder["custodial_centre"] == "true":
        yield from _wrapped("Much of what is booked there belongs to residents of other countries.")
    yield from study_lines(found.impacts, months)


def study_lines(found: list[Impact], months: int) -> Iterator[str]:
    """Every figure with its study, its scope and what it comes to for a sale over so many months."""
    from treasury_watch.transforms.risk import impact_words as words

    for _, group in groupby(found, key=lambda impact: impact.row["study"]):
        figures = list(group)
        row: Any = figures[0].row
        yield ""
        yield from _wrapped(row["citation"])
        scope = [f"on {row['flow']}", f"period: {row['period']}", words.debt_then_words(row)]
        yield from _wrapped("; ".join(filter(None, scope)), 4)
        for impact in figures:
            row = impact.row
            own, applied = words.figure_words(row), words.applied_words(impact, months)
            yield from _wrapped(f"{row['yield_of']}, {row['horizon']}: {own}; {applied}", 4)


def record_lines(connection: duckdb.DuckDBPyConnection) -> Iterator[str]:
    """Yields around the largest months of net sales, by holder, yield and window."""
    from treasury_watch.transforms.errors import TreasuryWatchError
    from treasury_watch.transforms.risk.record_words import CANNOT_SAY, HEAD, record_row, span_words, summary
    from treasury_watch.warehouse.home.published_database import rows_of

    kept = rows_of(connection, "SELECT 1 FROM duckdb_tables() WHERE table_name = 'price_impact_record'")
    rows = rows_of(connection, "FROM price_impact_record ORDER BY holder_id, series_id, measured_over") if kept else []
    if not rows:
        raise TreasuryWatchError(
            "no yields around net sales are published here: that wants the series DGS10 or DGS2 and two years of net purchases; "
            "load them with `treasury-watch run`, or publish again with `treasury-watch rebuild`"
        )
    yield f"Yields around the {rows[0]['sales_months']} largest months of net sales of bonds and notes"
    yield from _wrapped(f"{summary(rows)} {span_words(rows)}")
    yield ""
    table = [HEAD, *(record_row(row) for row in rows)]
    widths = [max(len(line[place]) for line in table) for place in range(len(HEAD))]
    for line in table:
        cells = zip(line, widths, range(len(HEAD)), strict=True)
        yield "  " + "  ".join(t.ljust(width) if place < 3 else t.rjust(width) for t, width, place in cells).rstrip()
    yield ""
    for text in CANNOT_SAY:
        yield from _wrapped(text)


def _wrapped(text: str, indent: int = 2) -> list[str]:
    return textwrap.wrap(
        text, WIDTH, initial_indent=" " * indent, subsequent_indent=" " * (indent + 2 if indent > 2 else indent)
    )
