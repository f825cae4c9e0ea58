"""What a run did: filled step by step, for its summary, its lines in the log and Prefect's pages."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter

from treasury_watch.flows.alerts.outbox import SendResult
from treasury_watch.flows.fetch.sources import Collected
from treasury_watch.flows.log import logs, run_lines
from treasury_watch.flows.run.revisions import Revisions
from treasury_watch.transforms.errors import TreasuryWatchError
from treasury_watch.warehouse.ledger.incoming_files import Loaded


@dataclass
class Outcome:
    """What a run did, for its summary. `problems` are sources that could not be fetched or loaded, `unreached` the ids
    of those that could not be fetched; `seconds` is how long each step took.
    """

    loaded: list[Loaded] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    unreached: list[str] = field(default_factory=list)
    refused: list[TreasuryWatchError] = field(default_factory=list)
    published: dict[str, int] | None = None
    revisions: Revisions = field(default_factory=Revisions)
    queued: int = 0
    sent: int = 0
    written: int = 0
    failed: int = 0
    page: Path | None = None
    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def timed(self, step: str) -> Iterator[None]:
        """Adds the time that the block takes to the step's seconds, however it ends; where it ends well, it is a line of
        the log.
        """
        began = perf_counter()
        try:
            yield
        finally:
            self.seconds[step] = self.seconds.get(step, 0.0) + perf_counter() - began
        self._log(step, round(perf_counter() - began, 3))

    def add_collected(self, found: Collected) -> None:
        """Adds the sources that gave no file; what gave one is not kept here, but loaded."""
        self.unchanged += found.unchanged
        self.problems += found.problems
        self.unreached += found.unreached

    def add_messages(self, result: SendResult) -> None:
        """Adds what became of messages."""
        self.queued += result.queued
        self.sent += result.sent
        self.written += result.written
        self.failed += result.failed

    def _log(self, step: str, seconds: float) -> None:
        """The line of a step that is one for all files; `fetch` and `load` have one for each."""
        if step == "publish" and self.published is None:
            logs.say("nothing new", "nothing new: not published", seconds=seconds)
        elif step == "publish":
            run_lines.published(self.published or {}, seconds)
        elif step == "alert":
            counts = {"queued": self.queued, "sent": self.sent, "written": self.written, "failed": self.failed}
            words = ", ".join(f"{count} {what}" for what, count in counts.items())
            logs.say("alerted", f"alerts: {words}", **counts, seconds=seconds)
        elif step == "report":
            logs.say("page written", f"page written: {self.page}", path=self.page, seconds=seconds)

    def summary(self) -> str:
        """One line on the run."""
        vintages = [item for item in self.loaded if item.outcome == "vintage"]
        changed = sum(item.changed for item in vintages)
        parts = (
            [f"{len(vintages)} new vintages with {changed:,} new or changed figures"] if vintages else ["nothing new"]
        )
        parts += self.revisions.words()
        if self.problems:
            parts.append(f"{len(self.problems)} sources not reached")
        if self.queued or self.sent or self.written or self.failed:
            parts.append(
                f"alerts: {self.queued} queued, {self.sent} sent, {self.written} written, {self.failed} failed"
            )
        return "; ".join(parts)
