"""The first gate: what one file says, as the frames that config/validation.toml judges under [parsed]."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date

import pandas as pd

from treasury_watch.transforms.kinds import KINDS
from treasury_watch.transforms.model import Parsed, Source
from treasury_watch.transforms.quality import checks
from treasury_watch.warehouse.gates.expectations import Gates
from treasury_watch.warehouse.gates.results import Result, ValidationBlocked, blocking_failures

GATE = "parsed"
AS_DECLARED = "names and columns are as declared"
NOT_AS_DECLARED = "The file was read all the same. A new name is no warning once config/holder_labels.csv declares it."


@dataclass(frozen=True)
class FirstGate:
    """Judges one file at a time; `record` receives what it found."""

    gates: Gates
    record: Callable[[list[Result]], None]

    def on_figures(self, parsed: Parsed, source: Source) -> None:
        """Judge a file by itself. Raises ValidationBlocked."""
        results: list[Result] = []
        for subject, frame in self._frames(parsed, source):
            results += self.gates.check(GATE, subject, frame, of=source.id)
        results += [
            Result(GATE, f"contents of {source.id}", AS_DECLARED, False, False, note, NOT_AS_DECLARED)
            for note in parsed.notes
        ]
        self.record(results)
        if blocking_failures(results):
            raise ValidationBlocked(results)

    def on_release(self, parsed: Parsed, source: Source, day: date, known: pd.DataFrame, newest: date | None) -> None:
        """Warn of a release that is older than the newest, drops holders, or rewrites much of the distant past.

        `known` is what the source states so far, `newest` the day of its newest release.
        """
        if known.empty:
            return
        frame = checks.against_known(parsed.table, known, source.id, day, newest)
        self.record(self.gates.check(GATE, "release", frame, of=source.id))

    def _frames(self, parsed: Parsed, source: Source) -> Iterator[tuple[str, pd.DataFrame]]:
        """The figures, where their kind has a suite of checks; of holders' figures also what follows from them."""
        kind, frame = KINDS[parsed.holds], parsed.table.assign(source=source.id)
        if kind.of_holders:
            frame = checks.prepare_parsed_observations(frame)
        if self.gates.has_suite(GATE, kind.name):
            yield kind.name, frame
        if kind.of_holders:
            yield "coverage", checks.coverage(frame, self.gates.absent_months(source.id))
            if source.magnitude:
                yield "magnitude", checks.magnitude(frame, source)
