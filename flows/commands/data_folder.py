"""Names the data folder at the first run into it: what is kept there cannot be had again."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from treasury_watch.warehouse.home.folders import DEFAULT_HOME, HOME, SAMPLE_HOME

if TYPE_CHECKING:
    from treasury_watch.flows.settings.settings import Settings
    from treasury_watch.warehouse.installation import Warehouse


def opened(settings: Settings) -> Warehouse:
    """The installation that the settings name. Where nothing was kept in it yet and now is, its folder is said on standard
    error at the command's end; one that fails says nothing but why, and `status` names the folder.
    """
    from treasury_watch.flows.log import logs

    home = settings.home()
    if not home.state.exists():
        chosen = f"another one: {HOME}" if home.root in (DEFAULT_HOME, SAMPLE_HOME) else f"named in {HOME}"
        words = f"new data folder: {home.root} ({chosen})"
        if logs.on_standard_error():
            logs.say("new data folder", words, path=home.root)
        else:
            click.get_current_context().call_on_close(lambda: _say(words) if home.state.exists() else None)
    return settings.warehouse()


def _say(words: str) -> None:
    if sys.exc_info()[0] is None:
        click.echo(words, err=True)
