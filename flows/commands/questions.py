"""The commands that ask: query, tables, trace, sell-offs, nowcast, check, and mcp. Heavy imports happen inside them."""

from __future__ import annotations

import shutil
import sys
from datetime import date
from pathlib import Path

import click

from treasury_watch.flows.commands.alerts import day_of, month_of

SEVERITIES = ("notice", "warning", "critical")
VERDICTS = ("sold", "repriced", "moved", "mixed", "unexplained")
FORMATS = ["table", "csv", "json", "parquet", "xlsx"]


def width() -> int:
    """The width of what is printed: the terminal's where there is one, 110 characters in a pipe."""
    return max(60, shutil.get_terminal_size((110, 24)).columns) if sys.stdout.isatty() else 110


@click.command(context_settings={"ignore_unknown_options": True})  # SQL may begin with a comment
@click.argument("sql", type=click.UNPROCESSED)
@click.option("--format", "form", type=click.Choice(FORMATS), help="Else by the file's ending; on a terminal a table.")
@click.option("--out", type=click.Path(path_type=Path), help="Write to a file instead of the terminal.")
@click.option(
    "--for-spreadsheets", is_flag=True, help="In CSV, text that would be taken for a formula gets an apostrophe."
)
def query(sql: str, form: str | None, out: Path | None, for_spreadsheets: bool) -> None:
    """Read-only SQL on the published database. SQL may be a file that ends in .sql, or - for standard input.

    \b
    Example:
        treasury-watch query "SELECT holder, position_usd_mn FROM holder_months
            WHERE month = DATE '2026-04-01' ORDER BY 2 DESC LIMIT 3"
        treasury-watch query "SELECT * FROM sell_offs" --out findings.xlsx
    """
    from treasury_watch.flows.commands.sql import asking
    from treasury_watch.flows.settings.settings import Settings

    settings = Settings()
    said = asking.answer(settings.home().database, sql, form, out, settings.query, for_spreadsheets=for_spreadsheets)
    if said:
        click.echo(f"treasury-watch: {said}", err=True)


@click.command()
@click.argument("holder")
@click.argument("month", callback=month_of)
@click.argument("measure", default="position")
@click.option("--as-of", callback=day_of, metavar="YYYY-MM-DD", help="As known at the end of that day.")
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table", show_default=True)
def trace(holder: str, month: date, measure: str, as_of: date | None, form: str) -> None:
    """A figure back to its source, release, archived file and line, with every other print of it.

    HOLDER is a name, an ISO code or a common alias; MONTH is YYYY-MM; MEASURE is position (the default), long_term,
    short_term, change, net_purchases, net_long_term, net_short_term, valuation, other, or one of config/measures.toml.
    Amounts that are not published as such are led back to the figures that they are made of.

    \b
    Example:
        treasury-watch trace Japan 2024-04 change
    """
    from treasury_watch.flows.commands.answers import trace as tracing
    from treasury_watch.flows.settings.settings import Settings
    from treasury_watch.warehouse.archive.archived_files import Archive
    from treasury_watch.warehouse.holder_names import named
    from treasury_watch.warehouse.home.published_database import open_published
    from treasury_watch.warehouse.tables.tracing import Tracer

    settings = Settings()
    row, home = named(holder, settings.declarations), settings.home()
    with open_published(home.database) as connection:
        found = Tracer(connection, Archive(home.raw), settings.declarations, as_of).trace(row, month, measure)
    for line in [tracing.as_json(found)] if form == "json" else tracing.lines(found):
        click.echo(line)


@click.command("sell-offs")
@click.option("--holder", metavar="NAME", help="One holder: a name, an ISO code or a common alias.")
@click.option("--since", callback=month_of, metavar="YYYY-MM", help="Findings of this month and later.")
@click.option("--as-of", callback=day_of, metavar="YYYY-MM-DD", help="As known at the end of that day.")
@click.option("--severity", type=click.Choice(SEVERITIES), help="Only findings of this severity and above.")
@click.option("--verdict", type=click.Choice(VERDICTS), help="Only findings with this verdict.")
@click.option("--inflows", is_flag=True, help="Also gains of custodial centres, which are no sell-offs.")
@click.option("--format", "form", type=click.Choice(FORMATS), help="The flagged months as rows, without the episodes.")
@click.option(
    "--out", type=click.Path(path_type=Path), help="Write the flagged months to a file; the format by its ending."
)
def sell_offs(
    holder: str | None,
    since: date | None,
    as_of: date | None,
    severity: str | None,
    verdict: str | None,
    inflows: bool,
    form: str | None,
    out: Path | None,
) -> None:
    """Flagged months and episodes, explained.

    \b
    Example:
        treasury-watch sell-offs --holder Japan --since 2024-01
        treasury-watch sell-offs --severity warning --out findings.csv
    """
    from treasury_watch.flows.commands.answers import sell_offs
    from treasury_watch.flows.settings.settings import Settings
    from treasury_watch.warehouse.home.published_database import open_published

    settings = Settings()
    with open_published(settings.home().database) as connection:
        chosen = sell_offs.chosen_holder(holder, settings.declarations) if holder is not None else None
        rules, graded = settings.declarations.rules, {"severity": severity, "verdict": verdict}
        if form or out:
            from treasury_watch.flows.commands.sql import asking

            found = sell_offs.flagged_months(connection, rules, chosen, since, as_of, **graded)
            asking.write_frame(found, form, out, settings.query)
            return
        told = sell_offs.lines(connection, rules, chosen, since, as_of, inflows, **graded, width=width())
        click.echo("\n".join(told))  # at once: each writing is passed on to the terminal or pipe


@click.command()
@click.argument("name", required=False)
def tables(name: str | None) -> None:
    """The published tables; or one of them: its columns, units and meanings.

    \b
    Example:
        treasury-watch tables holder_months
    """
    from treasury_watch.flows.commands.sql import tables as listing
    from treasury_watch.warehouse.declarations import Declarations

    for line in listing.lines(Declarations(), name, width()):
        click.echo(line)


@click.command()
@click.option("--month", callback=month_of, metavar="YYYY-MM", help="What was said, or could have been, of this month.")
@click.option("--scores", is_flag=True, help="The record: estimates against prints, beside rivals that know no signal.")
def nowcast(month: date | None, scores: bool) -> None:
    """What is known of a month before its release: estimates with their interval, and how they did so far.

    Of foreign official institutions the change in holdings and net purchases, of Japan the change in holdings.

    \b
    Example:
        treasury-watch nowcast --month 2026-05 --scores
    """
    from treasury_watch.flows.commands.answers.nowcast import lines
    from treasury_watch.flows.settings.settings import Settings
    from treasury_watch.warehouse.home.published_database import open_published

    settings = Settings()
    with open_published(settings.home().database) as connection:
        for line in lines(connection, settings.declarations, month, with_scores=scores):
            click.echo(line)


@click.command()
def mcp() -> None:
    """Answer a language model's client over standard input and output, reading only: for its list of servers.

    Tools: query, finding, as_of, trace, nowcast, within the limits of `query`. Needs the extra: pip install -e '.[mcp]'

    \b
    Example:
        treasury-watch mcp
    """
    from treasury_watch.flows.commands.mcp_server import server
    from treasury_watch.flows.settings.settings import Settings

    server.serve(Settings())


@click.command()
def check() -> None:
    """Read all settings and declarations, and say everything that is wrong with them. Nothing else is touched.

    Neither the data folder nor an address is asked for more than settings.toml and routing.toml. Exit status 1 where
    anything is wrong.

    \b
    Example:
        treasury-watch check
        TREASURY_WATCH_CONFIG=my-config treasury-watch check
    """
    from treasury_watch.flows.commands import check as checking
    from treasury_watch.transforms.errors import TreasuryWatchError
    from treasury_watch.warehouse.declarations import Declarations
    from treasury_watch.warehouse.home.folders import Home

    declarations, home = Declarations(), Home.from_environment()
    found = checking.problems(declarations, home)
    for line in [*checking.what_was_read(declarations, home), *found]:
        click.echo(line)
    if found:
        raise TreasuryWatchError(
            f"{len(found)} problem{'s' if len(found) > 1 else ''} in settings and declarations, named above"
        )
    click.echo("nothing is wrong")


COMMANDS = (mcp, query, tables, trace, sell_offs, nowcast, check)
