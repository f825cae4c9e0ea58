"""`alerts list`, `alerts preview` and `alerts send`, and how commands read months and days."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import click

from treasury_watch.transforms.errors import TreasuryWatchError

STATES = ["queued", "failed", "sent", "written", "superseded", "uncertain", "backfilled"]


def month_of(_ctx: click.Context, _parameter: click.Parameter, value: str | None) -> date | None:
    """An option's value as a month. Raises BadParameter."""
    try:
        return date.fromisoformat(f"{value}-01") if value else None
    except ValueError:
        raise click.BadParameter(f"{value!r} is not a month such as 2024-04") from None


def day_of(_ctx: click.Context, _parameter: click.Parameter, value: str | None) -> date | None:
    """An option's value as a day. Raises BadParameter."""
    try:
        return date.fromisoformat(value) if value else None
    except ValueError:
        raise click.BadParameter(f"{value!r} is not a day such as 2024-07-18") from None


@click.group()
def alerts() -> None:
    """The alert outbox."""


@alerts.command("list")
@click.option("--state", "states", multiple=True, type=click.Choice(STATES), help="Only these; can be repeated.")
def alerts_list(states: tuple[str, ...]) -> None:
    """Every alert and what became of it.

    \b
    Example:
        treasury-watch alerts list --state failed --state queued
    """
    from treasury_watch.flows.alerts import outbox
    from treasury_watch.flows.settings.settings import Settings

    warehouse = Settings().warehouse_to_read()
    for words in warehouse.unknown:
        click.echo(words, err=True)
    for line in outbox.listing(warehouse.state, states):
        click.echo(line)


@alerts.command("preview")
@click.option("--holder", metavar="NAME", help="One holder: a name, an ISO code or a common alias.")
@click.option("--since", callback=month_of, metavar="YYYY-MM", help="Findings of this month and later.")
@click.option(
    "--out", type=click.Path(path_type=Path, file_okay=False), help="Folder for .eml files; else text is printed."
)
@click.option("--digest", "digests", is_flag=True, help="The newest release's digests instead of single messages.")
def alerts_preview(holder: str | None, since: date | None, out: Path | None, digests: bool) -> None:
    """Compose messages without queueing or sending them.

    \b
    Example:
        treasury-watch alerts preview --holder Japan --since 2024-04
    """
    from treasury_watch.flows.alerts.preview import preview
    from treasury_watch.flows.commands.answers.status import NOT_AS_DECLARED
    from treasury_watch.flows.settings.settings import Settings

    settings = Settings()
    warehouse = settings.warehouse_to_read()
    if warehouse.declarations_changed():
        click.echo(NOT_AS_DECLARED, err=True)
    for shown in preview(warehouse, settings, holder, since, out, digests=digests):
        click.echo(shown)


@alerts.command("send")
def alerts_send() -> None:
    """Send what waits, and try again at once what failed.

    \b
    Example:
        treasury-watch alerts send
    """
    from treasury_watch.flows.log import logs
    from treasury_watch.flows.run import steps
    from treasury_watch.flows.settings.settings import Settings

    settings = Settings()
    with logs.command(settings, "alerts send"):
        outcome = steps.send_waiting(settings, settings.warehouse())
        click.echo(f"{outcome.sent} sent, {outcome.written} written, {outcome.failed} failed")
        if outcome.failed:
            raise TreasuryWatchError(f"{outcome.failed} alerts could not be sent; see `treasury-watch alerts list`")
