"""The first gate: what one file says, as the frames that config/validation.toml judges under [parsed]."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

import pandas as pd

from treasury_watch.transforms.kinds import KINDS
from treasury_watch.transforms.layouts.pages.release_dates import ReleaseDates
from treasury_watch.transforms.model import Parsed, Source
from treasury_watch.transforms.quality import checks, declared_facts
from treasury_watch.warehouse.gates.expectations import Gates
from treasury_watch.warehouse.gates.results import Result, ValidationBlocked, blocking_failures

GATE = "parsed"
AS_DECLARED = "names and columns are as declared"
NOT_AS_DECLARED = "The file was read all the same. A new name is no warning once config/holder_labels.csv declares it."


@dataclass(frozen=True)
class FirstGate:
    """Judges one file at a time; `record` receives what it found, `kinds` are the holders' kinds by id."""

    gates: Gates
    record: Callable[[list[Result]], None]
    kinds: Mapping[str, str] = field(default_factory=dict)

    def on_figures(self, parsed: Parsed, source: Source) -> None:
        """Judge a file by itself. Raises ValidationBlocked."""
        noted = [
            Result(GATE, f"contents of {source.id}", AS_DECLARED, False, False, note, NOT_AS_DECLARED)
            for note in parsed.notes
        ]
        self._judge(self._frames(parsed, source), source, noted)

    def _judge(self, frames: Iterable[tuple[str, pd.DataFrame]], source: Source, noted: Sequence[Result] = ()) -> None:
        """Check the frames and record what was found, with what was `noted` before. Raises ValidationBlocked."""
        results: list[Result] = []
        for subject, frame in frames:
            results += self.gates.check(GATE, subject, frame, of=source.id)
        results += noted
        self.record(results)
        if blocking_failures(results):
            raise ValidationBlocked(results)

    def on_second_source(self, parsed: Parsed, source: Source, others: pd.DataFrame) -> None:
        """Judge exchange rates by what `others` say of the same days: a wrong direction, another unit.

        `others` has currency, date, per_usd and source. Raises ValidationBlocked.
        """
        self._judge([("second_source", declared_facts.against_second_source(parsed.table, others))], source)

    def on_release(self, parsed: Parsed, source: Source, day: date, known: pd.DataFrame, newest: date | None) -> None:
        """Warn of a release that is older than the newest, drops holders, or rewrites much of the distant past.

        `known` is what the source states so far, `newest` the day of its newest release. Raises ValidationBlocked where
        zeros stand in the place of many holders' billions.
        """
        zeros = declared_facts.zeros_for_billions(parsed.table, known, source.id)
        if len(zeros):
            self._judge([("zeros", zeros)], source)
        if known.empty:
            return
        frame = checks.against_known(parsed.table, known, source.id, day, newest)
        self.record(self.gates.check(GATE, "release", frame, of=source.id))

    def on_date(self, source: Source, released: date, basis: str, last: date) -> None:
        """Warn of a release that no source dates, so that the file's retrieval has to."""
        if basis != "retrieval":
            return
        observed = f"{last:%Y-%m} is not in the release calendar: dated {released}, the day it was retrieved"
        why = (
            "The file was released by then, perhaps earlier: as-of answers know it late. "
            "Add the month to config/release_calendar.csv, or give the day with --released."
        )
        self.record(
            [Result(GATE, f"release of {source.id}", "the day of the release is known", False, False, observed, why)]
        )

    def on_release_dates(self, page: ReleaseDates) -> None:
        """Warn of what could not be read of the page that announces the coming releases."""
        if page.problems:
            more = f"; and {len(page.problems) - 3} more" if len(page.problems) > 3 else ""
            observed = "; ".join(page.problems[:3]) + more
            why = (
                "Coming releases are estimated where the calendar lacks them: add them to config/release_calendar.csv."
            )
            self.record([Result(GATE, "release_dates", "the page can be read", False, False, observed, why)])

    def _frames(self, parsed: Parsed, source: Source) -> Iterator[tuple[str, pd.DataFrame]]:
        """The figures, where their kind has a suite of checks; of holders' figures also what follows from them."""
        kind, frame = KINDS[parsed.holds], parsed.table.assign(source=source.id)
        suite = kind.name
        if kind.of_holders:  # whatever they hold: one suite
            frame, suite = checks.prepare_parsed_observations(frame), "observations"
        if self.gates.has_suite(GATE, suite):
            yield suite, frame
        if source.stated_series:
            yield "bounds", declared_facts.in_bounds(parsed.table, kind.value, source)
        if kind.dated_by == "date" and not kind.of_events and source.rhythm in declared_facts.STEPS:
            yield "rhythm", declared_facts.rhythm(frame["date"], source.id, source.rhythm)
        if kind.of_holders:
            yield "coverage", checks.coverage(frame, self.gates.absent_months(source.id))
            if frame["holder_id"].eq("all_other").any():
                yield "totals", checks.totals(frame, self.kinds)
            if source.magnitude:
                yield "magnitude", checks.magnitude(frame, source)
