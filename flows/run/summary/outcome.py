"""What a run did and which files it refused: filled step by step, for its summary, its lines in the log and Prefect's pages."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from treasury_watch.flows.alerts.outbox import SendResult
from treasury_watch.flows.log import logs, run_lines
from treasury_watch.flows.log.file_table import FileRow
from treasury_watch.flows.run.summary.revisions import Revisions
from treasury_watch.transforms.addresses import public_url
from treasury_watch.transforms.errors import TreasuryWatchError
from treasury_watch.transforms.model import MAIN_SOURCE
from treasury_watch.transforms.wording import counted
from treasury_watch.warehouse.ledger.incoming.incoming_files import Loaded
from treasury_watch.warehouse.session import SetAside

if TYPE_CHECKING:  # what fetches is not needed for a file from disk
    from treasury_watch.flows.fetch.sources import Collected


@dataclass(frozen=True)
class Refusal:
    """One refused file: where it came from, its source and checksum where they are known, and why."""

    place: str
    reason: str
    source: str | None = None
    sha256: str | None = None

    @property
    def of_main_table(self) -> bool:
        """Whether it is a file of the table from which the figures are published."""
        return self.source == MAIN_SOURCE

    @property
    def line(self) -> str:
        """The file and the reason in one line."""
        return f"{'THE MAIN TABLE, ' if self.of_main_table else ''}{self.place}: {self.reason}"


class FilesRefused(TreasuryWatchError):
    """Files were refused; everything else of the run was done. `refused` has them, `said` what the run did."""

    def __init__(self, refused: Sequence[Refusal], said: str = ""):
        self.refused = sorted(refused, key=lambda item: not item.of_main_table)
        self.said = said
        if len(self.refused) == 1:
            words = f"refused, all else is done: {self.refused[0].line}"
        else:
            words = "\n  ".join(
                [
                    f"{counted(len(self.refused), 'file')} refused, all else is done:",
                    *(item.line for item in self.refused),
                ]
            )
        super().__init__(words)

    def __reduce__(self) -> tuple:
        """So that it survives the way from one process to another."""
        return type(self), (self.refused, self.said)


def place_of(url: str) -> str:
    """A file's address for a reader: the path of one on this machine, else the address without its secrets."""
    parts = urlsplit(url)
    member = f"#{unquote(parts.fragment)}" if parts.fragment else ""  # the file's name in the archive that it lay in
    return (unquote(parts.path) if parts.scheme == "file" else public_url(url.partition("#")[0])) + member


@dataclass
class Outcome:
    """What a run did, for its summary. `problems` are sources that could not be fetched or loaded, `unreached` the ids
    of those that could not be fetched; `seconds` is how long each step took.
    """

    loaded: list[Loaded] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    unreached: list[str] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)
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

    def add_set_aside(self, aside: Sequence[SetAside]) -> None:
        """Moves the files that could not be published from what was loaded to what was refused."""
        gone = {(item.entry.source, item.entry.sha256) for item in aside}
        self.loaded = [item for item in self.loaded if (item.source, item.sha256) not in gone]
        for item in aside:
            entry = item.entry
            self.refused.append(Refusal(place_of(entry.url), item.problem.reason, entry.source, entry.sha256))

    def file_rows(self) -> list[FileRow]:
        """What became of each file, those that were refused first."""
        rows = [FileRow(item.place, item.source or "", "refused") for item in self.refused]
        return rows + [FileRow(place_of(item.url), item.source, item.said(), item.released) for item in self.loaded]

    def raise_refusals(self, said: str = "") -> None:
        """Raises FilesRefused where any file was refused; `said` is what the command has to say besides."""
        if self.refused:
            raise FilesRefused(self.refused, said)

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
            [f"{counted(len(vintages), 'new vintage')} with {counted(changed, 'new or changed figure')}"]
            if vintages
            else ["nothing new" if self.published is None else "nothing new; the tables were published"]
        )
        parts += self.revisions.words()
        if self.refused:
            parts.append(f"{counted(len(self.refused), 'file')} refused")
        if self.unreached:
            parts.append(f"{counted(len(self.unreached), 'source')} not reached")
        if self.queued or self.sent or self.written or self.failed:
            parts.append(
                f"alerts: {self.queued} queued, {self.sent} sent, {self.written} written, {self.failed} failed"
            )
        return "; ".join(parts)
