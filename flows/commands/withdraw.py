"""What `withdraw` does and prints: a file out of the ledger, or back into it, and the publication after that."""

from __future__ import annotations

import hashlib
from pathlib import Path

from treasury_watch.flows.run import steps
from treasury_watch.flows.run.summary.outcome import Outcome
from treasury_watch.flows.settings.settings import Settings
from treasury_watch.transforms.wording import one_line
from treasury_watch.warehouse.archive.archived_files import Entry
from treasury_watch.warehouse.installation import Warehouse
from treasury_watch.warehouse.ledger.incoming.incoming_files import read_plain
from treasury_watch.warehouse.ledger.withdrawal import find_archived
from treasury_watch.warehouse.session import Session


def withdraw(settings: Settings, warehouse: Warehouse, file: str, reason: str | None) -> list[str]:
    """Withdraw an archived file, named by a path with its bytes or by its checksum; without a reason: undo that.

    Returns lines on what was done. Raises NotArchived, FilesRefused where what was undone cannot be published, or
    ValidationBlocked where what is left cannot.
    """
    path = Path(file)
    checksum = hashlib.sha256(read_plain(path)).hexdigest() if path.is_file() else file.lower()
    entry = find_archived(warehouse.archive, checksum)
    outcome, said = Outcome(), list[str]()

    def change(session: Session) -> None:
        if reason is None:
            session.undo_withdrawal(entry)
            said.append(f"{_named(entry)}: loaded again")
            return
        same = session.withdraw(entry, one_line(reason))
        said.append(f"{_named(entry)}: withdrawn; `treasury-watch withdraw {entry.sha256[:12]} --undo` loads it again")
        said.extend(f"the same figures stand in {_named(other)}, which is not withdrawn" for other in same)
        session.forget_publication()  # `releases` has to say so even where no figure changes

    steps.take_in(settings, warehouse, change, outcome, command="withdraw")
    outcome.raise_refusals()
    return said


def _named(entry: Entry) -> str:
    released = f" of {entry.released}" if entry.released else ""
    return f"{entry.source}{released} ({entry.sha256[:12]})"
