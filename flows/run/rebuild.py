"""A rebuild as a command: what the warehouse does, the store around it, its lines in the log.

Apart from the steps of a run: it needs neither mail nor charts, and their imports take as long as reading a large file.
"""

from __future__ import annotations

from contextlib import suppress
from time import perf_counter

from treasury_watch.flows.log import logs, run_lines
from treasury_watch.flows.run.store_exchange import stored
from treasury_watch.flows.settings.settings import Settings
from treasury_watch.transforms.errors import TreasuryWatchError
from treasury_watch.warehouse.archive.archived_files import quarantined
from treasury_watch.warehouse.home.state import State
from treasury_watch.warehouse.installation import Warehouse


def rebuild(settings: Settings, warehouse: Warehouse, *, accept_loss: bool = False) -> dict[str, int]:
    """Every table again from the archive alone, and the store after it. Returns rows by table.

    Raises what a rebuild does, and FilesRefused where files that were never published had to be set aside.
    """
    refused = {entry.sha256 for entry in quarantined(warehouse.archive.entries())}
    with logs.running("rebuild"), stored(settings, warehouse):
        before, began = _newest_run(warehouse.state), perf_counter()
        try:
            rows = warehouse.rebuild(accept_loss=accept_loss)
            run_lines.published(rows, round(perf_counter() - began, 3))
        finally:
            run_id = _newest_run(warehouse.state)
            if run_id and run_id != before:
                logs.with_run_id(run_id=run_id)
                run_lines.checks(warehouse.state, run_id)
        logs.ending(f"rebuilt {len(rows)} tables", outcome="published")
    aside = [entry for entry in quarantined(warehouse.archive.entries()) if entry.sha256 not in refused]
    if aside:
        from treasury_watch.flows.run.summary.outcome import FilesRefused, Refusal, place_of

        raise FilesRefused(
            [Refusal(place_of(entry.url), entry.refused or "", entry.source, entry.sha256) for entry in aside]
        )
    return rows


def _newest_run(state: State) -> str | None:
    with suppress(TreasuryWatchError):
        for row in state.rows("SELECT run_id FROM runs ORDER BY started DESC LIMIT 1"):
            return str(row["run_id"])
    return None
