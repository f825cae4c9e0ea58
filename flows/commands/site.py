"""The command that builds the site."""

from __future__ import annotations

from pathlib import Path

import click

from treasury_watch.transforms.errors import TreasuryWatchError


@click.command()
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    help="The site's folder. Without it: [site] out of the settings.",
)
@click.option(
    "--as-known",
    is_flag=True,
    help="On the pages of past releases, findings as they would have been found then; some seconds for each, once.",
)
def site(out: Path | None, as_known: bool) -> None:
    """Build the static site: a page for each holder, finding and release, for any web host or to be opened from the folder.

    Only what changed is written again, and the pages of findings, holders and releases stay once they were published. With
    [site] out in the settings each run builds it; [site] address is where it is served.

    \b
    Example:
        treasury-watch site --out public/
    """
    from treasury_watch.flows.log import logs
    from treasury_watch.flows.settings.settings import Settings
    from treasury_watch.flows.site.pages import build

    settings = Settings()
    if out is None and not settings.site.out:
        raise TreasuryWatchError("site: no folder is named; name one with --out, or in settings.toml, [site] out")
    with logs.command(settings, "site"):
        warehouse = settings.warehouse_to_read()
        folder = out if out is not None else warehouse.home.root / Path(settings.site.out).expanduser()
        made = build.build(warehouse, folder, settings.site, as_known=as_known)
    click.echo("\n".join([made.line(), *made.said]))
