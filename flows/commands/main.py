"""The command line. Heavy imports happen inside the commands that need them: `--help` and `query` start at once."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from treasury_watch.flows.commands import data_folder
from treasury_watch.flows.commands.alerts import alerts, day_of, month_of
from treasury_watch.flows.commands.answers.impact import impact
from treasury_watch.flows.commands.questions import COMMANDS, width
from treasury_watch.flows.commands.site import site
from treasury_watch.transforms.errors import TreasuryWatchError, let_go
from treasury_watch.transforms.wording import counted
from treasury_watch.warehouse.home.folders import Home

if TYPE_CHECKING:
    from treasury_watch.warehouse.session import Session


FEW_FILES = 5  # each has a line of its own in a pipe too


class Commands(click.Group):
    """Prints the project's own errors, and failures of disk, rights and stored files, as one line and exits with 1."""

    def invoke(self, ctx: click.Context) -> object:
        """Run the command."""
        from treasury_watch.flows.run.interruption import noticed

        try:
            with noticed(), holding_nothing():
                return super().invoke(ctx)
        except TreasuryWatchError as problem:
            if said := getattr(problem, "said", ""):  # what was done all the same
                click.echo(said)
            _complain(problem, str(problem))
            ctx.exit(1)
        except BrokenPipeError:
            sys.stderr.close()  # the reader went away; nothing is wrong
            ctx.exit(0)
        except Exception as problem:
            from treasury_watch.warehouse.home.storage_failures import explained

            known = explained(problem)
            if known is None:
                if isinstance(problem, RuntimeError) and str(problem) == "Query interrupted":
                    raise click.Abort from problem  # DuckDB's word for Ctrl-C
                raise
            _complain(problem, str(known))
            ctx.exit(1)


@contextmanager
def holding_nothing() -> Iterator[None]:
    """For the block: what is raised in it holds nothing of what it was raised in."""
    try:
        yield
    except BaseException as problem:
        let_go(problem)
        raise


def _complain(problem: BaseException, words: str) -> None:
    """One line on standard error, where the log has not said it there already."""
    logs = sys.modules.get("treasury_watch.flows.log.logs")
    if logs is None or not logs.on_standard_error_already(problem):
        click.echo(f"treasury-watch: {words}", err=True)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="treasury-watch")
def main() -> None:
    """Who holds, buys and sells U.S. Treasury securities: sold, repriced or moved, and what was known when."""


main.add_command(alerts)
for _command in (*COMMANDS, impact, site):
    main.add_command(_command)


into_this_home = click.option(
    "--into-this-home", is_flag=True, help="Mix the embedded sample and official data in one data folder."
)


@main.command()
@click.option("--sample", is_flag=True, help="Take the embedded sample instead of the network; in a home of its own.")
@into_this_home
def run(sample: bool, into_this_home: bool) -> None:
    """One monthly run: fetch, archive, validate, load, detect, alert, report.

    With --sample nothing is sent: messages are written to the outbox. Without TREASURY_WATCH_HOME it uses a data folder
    of the sample's own; a home with official data refuses it, as a home of the sample refuses official data.

    \b
    Example:
        treasury-watch run --sample
    """
    from treasury_watch.flows.log import logs
    from treasury_watch.flows.prefect_support import environment
    from treasury_watch.flows.settings.settings import Settings

    if sample:
        Home.choose_for_sample()
    settings, name = Settings(), "run --sample" if sample else "run"
    with logs.command(settings, name):
        warehouse = data_folder.opened(settings)
        warehouse.home.check_room()
        warehouse.admit(sample=sample, told=into_this_home)  # before a server is started for it
        environment.apply(warehouse.home.root)
        from treasury_watch.flows.prefect_support import early_server

        early_server.begin(settings.retention.prefect_days)
        from treasury_watch.flows.run import monthly

        said = monthly.run(sample=sample, command=name, into_this_home=into_this_home)
    click.echo("\n".join([said, *_where(warehouse)]))


@main.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--released", callback=day_of, metavar="YYYY-MM-DD", help="Release date of the files; goes before their own."
)
@into_this_home
def ingest(files: tuple[Path, ...], released: date | None, into_this_home: bool) -> None:
    """Load official files from disk. The layout is recognised from the content, never from the name.

    \b
    Example:
        treasury-watch ingest slt_table3.txt mfhhis01.txt --released 2026-06-18
    """
    from treasury_watch.flows.log import file_table, logs
    from treasury_watch.flows.run import steps
    from treasury_watch.flows.run.summary.outcome import Outcome
    from treasury_watch.flows.settings.settings import Settings

    settings = Settings()
    outcome = Outcome()

    def load(session: Session) -> None:
        steps.load_all(session, list(steps.files_on_disk(list(files), released, outcome)), outcome)

    with logs.command(settings, "ingest"):
        warehouse = data_folder.opened(settings)
        warehouse.admit(sample=False, told=into_this_home)
        published = steps.take_in(settings, warehouse, load, outcome, command="ingest")
        table = file_table.on_terminal(outcome.file_rows())
        lines = [
            *(table or [item.line() for item in outcome.loaded if len(outcome.loaded) <= FEW_FILES]),
            outcome.summary(),
            *(_where(warehouse) if published else []),
        ]
        outcome.raise_refusals("\n".join(lines))
    click.echo("\n".join(lines))
    if not_loaded := [item.line() for item in outcome.loaded if item.outcome == "withdrawn"]:
        raise TreasuryWatchError("; ".join(not_loaded))


@main.command()
@click.argument("file", metavar="FILE|SHA256")
@click.option("--reason", metavar="TEXT", help="Why; kept in the table releases.")
@click.option("--undo", is_flag=True, help="Load a withdrawn file again.")
def withdraw(file: str, reason: str | None, undo: bool) -> None:
    """Take a loaded file out of the ledger again, and publish without it.

    The bytes stay in the archive with the reason, and no later run, ingest or rebuild loads them until it is undone. A
    file in quarantine leaves it.

    \b
    Example:
        treasury-watch withdraw slt_table3.txt --reason "served by mistake, see the notice of 22 June"
    """
    from treasury_watch.flows.commands.withdraw import withdraw as take_out
    from treasury_watch.flows.log import logs
    from treasury_watch.flows.settings.settings import Settings

    if undo == bool(reason and reason.strip()):
        raise click.UsageError("give either --reason TEXT or --undo")
    settings = Settings()
    with logs.command(settings, "withdraw"):
        warehouse = data_folder.opened(settings)
        lines = take_out(settings, warehouse, file, None if undo else reason)
    click.echo("\n".join([*lines, *_where(warehouse)]))


@main.command()
@click.argument("folder", required=False, type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--release-archive", is_flag=True, help="Instead of a folder: the Treasury's archive of every release.")
@click.option(
    "--since", callback=month_of, metavar="YYYY-MM", help="Of the archive, the releases of this month and later."
)
@click.option("--dask", is_flag=True, help="Parse on a Dask cluster of this machine; needs the extra `dask`.")
@click.option(
    "--workers",
    type=click.IntRange(1, 64),
    metavar="N",
    help="Processes that parse. Without it: none for a few files, else one per processor, up to 4.",
)
@into_this_home
def backfill(
    folder: Path | None,
    release_archive: bool,
    since: date | None,
    dask: bool,
    workers: int | None,
    into_this_home: bool,
) -> None:
    """Load a folder of official files, or another installation's raw/: parsed side by side, loaded in release order.

    With --release-archive the Treasury's own archive is fetched, each release since December 2002 once; a run that ended
    early goes on where it was, and a later one takes in what is new.

    Files of no known layout are named and passed over. What an archive knows of its files (day of retrieval, a release
    date given by hand) is taken over; what it refused is left out.

    \b
    Example:
        treasury-watch backfill releases/
        treasury-watch backfill --release-archive --since 2012-01
    """
    if (folder is None) != release_archive or (since and not release_archive):
        raise click.UsageError("give either FOLDER, or --release-archive and perhaps --since")
    from treasury_watch.flows.log import logs
    from treasury_watch.flows.prefect_support import environment
    from treasury_watch.flows.settings.settings import Settings

    settings = Settings()
    with logs.command(settings, "backfill"):
        warehouse = data_folder.opened(settings)
        environment.apply(warehouse.home.root)
        from treasury_watch.flows.run import backfill as filling

        if folder is None:
            from treasury_watch.flows.run.release_archive import flow as archive

            said = archive.run(since, dask=dask, workers=workers, into_this_home=into_this_home)
        else:
            said = filling.run(folder, dask=dask, workers=workers, into_this_home=into_this_home)
    click.echo("\n".join([said, *_where(warehouse)]))


@main.command()
@click.option("--accept-loss", is_flag=True, help="Go on without archived files that are lost, and forget them.")
def rebuild(accept_loss: bool) -> None:
    """Make every table again from the archive alone; never from fewer files than were published.

    \b
    Example:
        treasury-watch rebuild
    """
    from treasury_watch.flows.log import logs
    from treasury_watch.flows.run import rebuild
    from treasury_watch.flows.settings.settings import Settings

    settings = Settings()
    with logs.command(settings, "rebuild"):
        warehouse = data_folder.opened(settings)
        rows = rebuild.rebuild(settings, warehouse, accept_loss=accept_loss)
    click.echo(
        f"rebuilt {len(rows)} tables with {sum(rows.values()):,} rows "
        f"from {counted(len(warehouse.archive.entries()), 'archived file')}"
    )


@main.command()
def pull() -> None:
    """Fetch the store's current publication into the data folder, for reading.

    The store is what [storage] store names. Every file is checked before the first is replaced. A data folder whose own
    runs make the tables is left alone.

    \b
    Example:
        treasury-watch pull
    """
    from treasury_watch.flows.log import logs
    from treasury_watch.flows.settings.settings import Settings

    settings = Settings()
    with logs.command(settings, "pull"):
        warehouse = data_folder.opened(settings)
        warehouse.admit(sample=False)
        store = settings.store(warehouse)
        if store is None:
            raise TreasuryWatchError(
                "no store is named; name one in the data folder's settings.toml, [storage] store, "
                "or in TREASURY_WATCH_STORAGE_STORE"
            )
        rows = store.pull()
        words = f"pulled {len(rows)} tables with {sum(rows.values()):,} rows"
        logs.say("pulled", words, tables=len(rows), rows=sum(rows.values()), store=store.objects.shown)
    click.echo(f"pulled {len(rows)} tables with {sum(rows.values()):,} rows from {store.objects.shown}")
    click.echo(f"database: {warehouse.home.database}")
    click.echo(f"parquet:  {warehouse.home.parquet}")


@main.command()
@click.option(
    "--check",
    is_flag=True,
    help="Exit with 1 where a score is below the one recorded in config/backtest.toml, or alarms pass its limits.",
)
def backtest(check: bool) -> None:
    """The rules replayed over history, every alarm marked against config/labelled_months.csv. Takes about a minute.

    Each month is judged by what was known then: the figures are the current ones, cut off at the month, and beside that
    those of its own release where they are kept. Three trackers that only difference holdings are marked alike.

    \b
    Example:
        treasury-watch backtest
    """
    from treasury_watch.flows.scoring import backtest as replay
    from treasury_watch.flows.settings.settings import Settings
    from treasury_watch.warehouse.home.published_database import open_published

    settings = Settings()
    with open_published(settings.home().database) as connection:
        result = replay.run(connection, settings.declarations)
    for line in replay.lines(result):
        click.echo(line)
    failed = replay.failures(result, settings.declarations.toml(replay.CONFIG)) if check else []
    if failed:
        raise TreasuryWatchError(
            f"backtest: {counted(len(failed), 'failure')} against config/backtest.toml: {'; '.join(failed)}"
        )


@main.command()
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="Where to write the page.")
def report(out: Path | None) -> None:
    """Write one self-contained HTML page with charts.

    \b
    Example:
        treasury-watch report --out treasuries.html
    """
    from treasury_watch.flows.settings.settings import Settings
    from treasury_watch.flows.site import page

    settings = Settings()
    click.echo(page.write_page(settings.warehouse_to_read(), out))


def _cron(_ctx: click.Context, _parameter: click.Parameter, value: str | None) -> str | None:
    from treasury_watch.flows.settings.sections import cron_fields

    try:
        return cron_fields(value) if value else None
    except ValueError:
        raise click.BadParameter(f"{value!r} is not five cron fields such as '30 17 * * 1-5'") from None


@main.command()
@click.option(
    "--cron", callback=_cron, metavar="FIELDS", help="Run on five cron fields instead of the release calendar."
)
@click.option("--interval", type=click.IntRange(min=5), metavar="SECONDS", help="Run every so many seconds instead.")
@click.option(
    "--port", type=click.IntRange(1024, 65535), default=4200, show_default=True, help="Port of the Prefect server."
)
@click.option("--sample", is_flag=True, help="Take the embedded sample instead of the network; in a home of its own.")
@into_this_home
def serve(cron: str | None, interval: int | None, port: int, sample: bool, into_this_home: bool) -> None:
    """Stay up and run on the release calendar, with a Prefect server underneath.

    On a release day the run polls from 16:00 New York time until the new month is there; on working days it fetches
    what else is new. A home that lacks the newest released month is brought up to date first.

    \b
    Example:
        treasury-watch serve
    """
    if cron and interval:
        raise click.UsageError("give either --cron or --interval")
    from functools import partial

    from treasury_watch.flows.alerts import delivery
    from treasury_watch.flows.log import logs
    from treasury_watch.flows.prefect_support import environment, named_server
    from treasury_watch.flows.serve import catching_up, server, watchdog
    from treasury_watch.flows.settings.settings import Settings

    if sample:
        Home.choose_for_sample()
    settings = Settings()
    with logs.command(settings, "serve"):
        warehouse = data_folder.opened(settings)
        warehouse.admit(sample=sample, told=into_this_home)
        environment.apply(warehouse.home.root)
        plan = server.Plan(
            sample=sample,
            interval_seconds=interval,
            cron=cron,
            schedule=settings.schedule,
            into_this_home=into_this_home,
            keep_days=settings.retention.prefect_days,
        )
        tell = delivery.nobody_told if sample else partial(delivery.tell_failure, warehouse, settings)

        promise = plan.model_dump_json(include={"interval_seconds", "cron"})
        with named_server.reached(tell), watchdog.serving(warehouse.state, promise):
            server.serve(
                plan,
                port=port,
                folder=warehouse.home.root,
                announce=click.echo,
                missed=lambda: catching_up.missed(plan, settings, warehouse, datetime.now(UTC)),
                tell=tell,
                overdue=partial(catching_up.overdue, settings, warehouse),
            )


@main.command()
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.option("--check", is_flag=True, help="Say what is due and missing, and exit with 1 where anything is.")
@click.option("--notify", is_flag=True, help="With --check: also mail the operator, once a gap, that no run happened.")
def status(as_json: bool, check: bool, notify: bool) -> None:
    """Freshness of each source, the last run, the next release, what waits to be sent.

    \b
    Example:
        treasury-watch status
        treasury-watch status --check    # for cron or a monitor: exit status 1 where a run or a release is missing
        treasury-watch status --check --notify    # as a cron line of its own: mails the operator where no run happened
    """
    if notify and not check:
        raise click.UsageError("--notify belongs to --check")
    from treasury_watch.flows.commands.answers.status import due, lines, status_facts
    from treasury_watch.flows.serve import catching_up
    from treasury_watch.flows.settings.settings import Settings

    settings = Settings()
    warehouse = settings.warehouse_to_read()
    now = datetime.now(UTC)
    facts = status_facts(warehouse, now.date(), settings.store(warehouse), catching_up.overdue(settings, warehouse))
    if not check:
        for line in lines(facts, as_json=as_json, width=width()):
            click.echo(line)
        return
    missing = due(facts, now)
    click.echo(json.dumps(missing) if as_json else "\n".join(missing) or "nothing is due and missing")
    if notify and (said := catching_up.told_of_missing_runs(settings, settings.warehouse())):
        click.echo(said, err=as_json)
    sys.exit(1 if missing else 0)


def _where(warehouse) -> list[str]:
    home = warehouse.home
    lines = [f"database: {home.database}", f"parquet:  {home.parquet}", f"outbox:   {home.outbox}"]
    if warehouse.is_sample:
        lines.append(f"sample:   nothing was sent; for other commands: export TREASURY_WATCH_HOME={home.root}")
    return lines


if __name__ == "__main__":
    main()
