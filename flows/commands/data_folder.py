"""Names the data folder at the first run into it: what is kept there cannot be had again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from treasury_watch.warehouse.home.folders import DEFAULT_HOME, HOME, SAMPLE_HOME

if TYPE_CHECKING:
    from treasury_watch.flows.settings.settings import Settings
    from treasury_watch.warehouse.installation import Warehouse


def opened(settings: Settings) -> Warehouse:
    """The installation that the settings name; where nothing was kept in it yet, its folder is said on standard error."""
    from treasury_watch.flows.log import logs

    home = settings.home()
    if not home.state.exists():
        chosen = f"another one: {HOME}" if home.root in (DEFAULT_HOME, SAMPLE_HOME) else f"named in {HOME}"
        words = f"new data folder: {home.root} ({chosen})"
        if logs.on_standard_error():
            logs.say("new data folder", words, path=home.root)
        else:
            click.echo(words, err=True)
    return settings.warehouse()
