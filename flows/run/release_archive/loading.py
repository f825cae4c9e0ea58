"""What the zips of releases held, into the ledger; and what became of it, noted zip by zip."""

from __future__ import annotations

import logging
from typing import Any

from treasury_watch.flows.log import logs
from treasury_watch.flows.run import steps
from treasury_watch.flows.run.summary.outcome import Outcome
from treasury_watch.warehouse.archive.release_zips import REFUSED, ReleaseZips
from treasury_watch.warehouse.ledger.incoming.backfill_files import ParsedFile
from treasury_watch.warehouse.ledger.incoming.incoming_files import IncomingFile
from treasury_watch.warehouse.ledger.incoming.release_files import ReadZip
from treasury_watch.warehouse.session import Session


class Loading:
    """Loads what the zips held, and keeps what became of it."""

    def __init__(self, session: Session, zips: ReleaseZips, outcome: Outcome):
        self.session, self.zips, self.outcome = session, zips, outcome
        self.problems: dict[str, str] = {}
        self.releases = self.members = self.passed_over = 0

    def take(self, read: ReadZip) -> None:
        """Load one zip's members and note it."""
        became: list[dict[str, Any]] = []
        for name, item in read.files:
            before = len(self.outcome.loaded)
            self._load(item)
            item.found.path.unlink(missing_ok=True)
            if item.figures is not None:
                item.figures.unlink(missing_ok=True)
            loaded = self.outcome.loaded[before:]
            said = loaded[0].outcome if loaded else REFUSED
            became.append({"name": name, "source": item.source, "sha256": item.sha256, "outcome": said})
        if read.problems:
            self.problems[read.name] = "; ".join(read.problems)
            became.append({"name": read.name, "source": None, "sha256": None, "outcome": REFUSED})
        logs.say(
            "passed over", f"{read.name}: passed over {', '.join(read.passed_over) or 'nothing'}", level=logging.DEBUG,
            archive=read.name, members=list(read.passed_over),
        )  # fmt: skip
        self.zips.looked_at(read.name, became, len(read.passed_over))
        self.releases += 1
        self.members += len(read.files)
        self.passed_over += len(read.passed_over)

    def _load(self, item: ParsedFile) -> None:
        body, found = item.found.body(), item.found
        file = IncomingFile(
            body, found.url, found.retrieved, item.source, figures=item.parsed(body), container=found.container
        )
        steps.load_one(self.session, file, self.outcome)
