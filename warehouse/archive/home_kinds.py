"""Whether a home holds official data or the embedded sample: what may be loaded into it, and what is said of it.

A home is the sample's own while every file that it archived came from the sample. The state remembers that, so that not
every note has to be read; one of before has no such note, and is judged by what it archived.
"""

from __future__ import annotations

import duckdb

from treasury_watch.transforms.errors import ConfigurationError
from treasury_watch.warehouse.archive.archived_files import Archive
from treasury_watch.warehouse.archive.press_figures import PRINTED
from treasury_watch.warehouse.home.state import State

SCHEME = "sample:"  # of the addresses of the sample's files
SAMPLE, OFFICIAL = "sample", "official"
NOTE = "kind of home"
OPTION = "--into-this-home"
NOTHING_SENT = "a home of the embedded sample: no current figures, and nothing is sent from it"


class OtherKindOfHome(ConfigurationError):
    """The sample was to be loaded into a home with official data, or the other way round."""


def kind_of(archive: Archive, state: State) -> str | None:
    """`sample` or `official`; None where nothing was archived yet."""
    return state.remembered(NOTE) or _archived(archive)


def keep(archive: Archive, state: State) -> None:
    """Remember what kind the home is now. One with official data stays official, whatever else is loaded."""
    known = state.remembered(NOTE)
    if known != OFFICIAL and (kind := _archived(archive)) not in (None, known):
        state.remember(NOTE, str(kind))


def admit(archive: Archive, state: State, *, sample: bool, told: bool) -> None:
    """Raise OtherKindOfHome where what is to be loaded is not of the home's kind, unless the user was `told`."""
    kind = kind_of(archive, state)
    home = archive.folder.parent
    if told or kind in (None, SAMPLE if sample else OFFICIAL):
        return
    if sample:
        raise OtherKindOfHome(
            f"{home} holds official data, which the embedded sample would be mixed with; leave TREASURY_WATCH_HOME unset "
            f"or name an empty folder in it, or say {OPTION}"
        )
    raise OtherKindOfHome(
        f"{home} holds the embedded sample, which official data would be mixed with; name another folder in "
        f"TREASURY_WATCH_HOME, or say {OPTION}"
    )


def published_words(connection: duckdb.DuckDBPyConnection) -> str:
    """What a published database has to say of the sample, in a sentence; empty where nothing of it was loaded."""
    [(ours, all_files)] = connection.execute(
        "SELECT count(*) FILTER (starts_with(url, ?)), count(*) FROM releases "
        "WHERE last_month IS NOT NULL AND NOT list_contains(?::VARCHAR[], source)",
        [SCHEME, list(PRINTED)],
    ).fetchall()
    if ours and ours == all_files:
        return "Embedded sample: a part of the published figures, to try the program with, and not current ones."
    return f"{ours} of the {all_files} files loaded here are those of the embedded sample." if ours else ""


def _archived(archive: Archive) -> str | None:
    addresses = [entry.url for entry in archive.entries() if entry.source not in PRINTED]
    if not addresses:
        return None
    return SAMPLE if all(address.startswith(SCHEME) for address in addresses) else OFFICIAL
