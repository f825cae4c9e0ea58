"""The first gate: what one file says, as the frames that config/validation.toml judges under [parsed]."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date

import pandas as pd

from treasury_watch.transforms.kinds import KINDS
from treasury_watch.transforms.model import Parsed, Source
from treasury_watch.transforms.quality import checks, declared_facts
from treasury_watch.warehouse.gates.expectations import Gates
from treasury_watch.warehouse.gates.results import Result, ValidationBlocked, blocking_failures

GATE = "parsed"


@dataclass(frozen=True)
class FirstGate:
    """Judges one file at a time; `record` receives what it found, `kinds` are the holders' kinds by id."""

    gates: Gates
    record: Callable[[list[Result]], None]
    kinds: Mapping[str, str] = field(default_factory=dict)

    def on_figures(self, parsed: Parsed, source: Source) -> None:
        """Judge a file by itself. Raises ValidationBlocked."""
        self._judge(self._frames(parsed, source), source)

    def _judge(self, frames: Iterable[tuple[str, pd.DataFrame]], source: Source) -> None:
        results: list[Result] = []
        for subject, frame in frames:
            results += self.gates.check(GATE, subject, frame, of=source.id)
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

    def _frames(self, parsed: Parsed, source: Source) -> Iterator[tuple[str, pd.DataFrame]]:
        """The figures, where their kind has a suite of checks; of holders' figures also what follows from them."""
        kind, frame = KINDS[parsed.holds], parsed.table.assign(source=source.id)
        if kind.of_holders:
            frame = checks.prepare_parsed_observations(frame)
        if self.gates.has_suite(GATE, kind.name):
            yield kind.name, frame
        if kind.dated_by == "date" and not kind.of_events and source.rhythm in declared_facts.STEPS:
            yield "rhythm", declared_facts.rhythm(frame["date"], source.id, source.rhythm)
        if kind.of_holders:
            yield "coverage", checks.coverage(frame, self.gates.absent_months(source.id))
            if frame["holder_id"].eq("all_other").any():
                yield "totals", checks.totals(frame, self.kinds)
            if source.magnitude:
                yield "magnitude", checks.magnitude(frame, source)
