"""Runs the declared suites at the two gates: after parsing and before publishing.

Great Expectations does the checking. Its import takes seconds, so it happens inside the functions that need it.
"""

from __future__ import annotations

import atexit
import gc
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property, reduce
from operator import and_
from typing import Any

import pandas as pd

from treasury_watch.transforms.errors import ConfigurationError, shorten
from treasury_watch.warehouse.declarations import Declarations
from treasury_watch.warehouse.gates import quick
from treasury_watch.warehouse.gates.results import Result
from treasury_watch.warehouse.gates.suites import COMPARISONS, Expectation, Suite, Suites
from treasury_watch.warehouse.gates.wording import found_in_words


class Gates:
    """Runs the declared suites. One object keeps one Great Expectations context: nothing is written, nothing is sent.

    `only_doubtful`: Great Expectations is asked only of what would keep a file or a publication back, and of what nobody else
    can tell (see `quick`).
    """

    only_doubtful = False

    def __init__(self, declarations: Declarations):
        self._suites = Suites(declarations)

    @contextmanager
    def quickly(self) -> Iterator[None]:
        """For the block `only_doubtful`: for a file that somebody waits for, and for the releases of twenty years, whose 1,300
        files would keep Great Expectations busy longer than all the rest. What a run fetches goes through it whole.
        """
        before, self.only_doubtful = self.only_doubtful, True
        try:
            yield
        finally:
            self.only_doubtful = before

    def prepare(self) -> None:
        """Import what checking needs, which takes seconds, at a moment when others work. Nothing where only what is doubtful
        is asked: then it may never be needed.
        """
        if not self.only_doubtful:
            _ = self._batches

    def has_suite(self, gate: str, subject: str) -> bool:
        """Whether a suite is declared for this kind of frame."""
        return (gate, subject) in self._suites.declared

    def absent_months(self, source: str) -> list[pd.Timestamp]:
        """Months that the source is known never to have stated, for `transforms.quality.checks.coverage`."""
        return self._suites.absent_months(source)

    def check(
        self,
        gate: str,
        subject: str,
        frame: pd.DataFrame,
        parameters: Mapping[str, Any] | None = None,
        of: str = "",
    ) -> list[Result]:
        """Run the suite of `gate` and `subject` on the frame: one result per expectation, in declared order.

        `of` names what was checked where one subject is checked several times, e.g. the source whose observations
        these are; it is appended to the subject of the results. A column that is missing is a failed blocking result,
        an expectation that cannot be computed a failed one. Raises ConfigurationError for an unknown suite, placeholder
        or expectation type.
        """
        suite = self._suites.find(gate, subject)
        frame = frame.reset_index(drop=True)
        filled = self._suites.filled(suite, parameters or {})
        named = f"{subject} of {of}" if of else subject
        told = quick.outcomes(filled, frame) if self.only_doubtful else {}
        asked = [e for e in filled if e.name not in told or (e.blocking and not told[e.name]["success"])]
        outcomes = self._run(suite, asked, frame, doubtful=self.only_doubtful) if asked else {}
        return [
            _result(suite, expectation, outcomes[expectation.name], frame, named)
            if expectation.name in outcomes
            else _told(suite, expectation, told[expectation.name], frame, named)
            for expectation in filled
        ]

    @cached_property
    def _batches(self) -> Any:
        """The batch definition through which every frame passes."""
        source = _context().data_sources.add_pandas("frames")
        return source.add_dataframe_asset("frame").add_batch_definition_whole_dataframe("whole")

    def _run(
        self, suite: Suite, filled: list[Expectation], frame: pd.DataFrame, *, doubtful: bool = False
    ) -> dict[str, Any]:
        """Great Expectations' outcomes by the expectations' names.

        Which rows are unexpected is asked only of those that do not hold, or are `doubtful`: for the others it takes a third
        of the time.
        """
        if doubtful:
            return self._validated(suite, filled, frame, "SUMMARY")
        outcomes = self._validated(suite, filled, frame, "BASIC")
        failed = [expectation for expectation in filled if not outcomes[expectation.name].success]
        return outcomes | (self._validated(suite, failed, frame, "SUMMARY") if failed else {})

    def _validated(
        self, suite: Suite, expectations: list[Expectation], frame: pd.DataFrame, result_format: str
    ) -> dict[str, Any]:
        import great_expectations as gx

        declared = gx.ExpectationSuite(
            name=f"{suite.gate}.{suite.subject}",
            expectations=[self._translate(suite, expectation) for expectation in expectations],
        )
        outcome = self._batches.get_batch({"dataframe": frame}).validate(declared, result_format=result_format)
        return {entry.expectation_config.meta["name"]: entry for entry in outcome.results}

    def _translate(self, suite: Suite, expectation: Expectation) -> Any:
        from great_expectations.exceptions import GreatExpectationsError
        from great_expectations.expectations.expectation_configuration import ExpectationConfiguration

        kwargs = dict(expectation.kwargs)
        try:
            if expectation.rows:
                kwargs["row_condition"] = _row_condition(expectation.rows)
            return ExpectationConfiguration(
                type=expectation.type,
                kwargs=kwargs,
                meta={"name": expectation.name},
            ).to_domain_obj()
        # Pydantic's errors are ValueErrors; a wrong name, key or value in the declaration ends here.
        except (GreatExpectationsError, ValueError, TypeError) as problem:
            raise ConfigurationError(
                f"{self._suites.file}, [{suite.gate}.{suite.subject}], {expectation.name!r}: {expectation.type} refuses its "
                f"declaration: {shorten(str(problem), 200)}; see the Great Expectations gallery for type and kwargs"
            ) from problem


def load() -> None:
    """Import Great Expectations, with the garbage collector off, which would find none in what the import makes."""
    if "great_expectations" in sys.modules:
        return
    collects = gc.isenabled()
    gc.disable()
    try:
        import great_expectations  # noqa: F401
        from tqdm import tqdm

        tqdm.monitor_interval = (
            0  # or its progress bars leave a thread behind that holds on to all at the process's end
        )
        gc.freeze()  # nor is it looked through later
        atexit.register(gc.unfreeze)  # at its end the process has to let go of everything
    finally:
        if collects:
            gc.enable()


def _context() -> Any:
    """A quiet context in memory. The plain ephemeral one would make a folder for pages."""
    load()
    import great_expectations as gx
    from great_expectations.data_context.types.base import (
        DataContextConfig,
        InMemoryStoreBackendDefaults,
        ProgressBarsConfig,
    )

    config = DataContextConfig(
        store_backend_defaults=InMemoryStoreBackendDefaults(),
        progress_bars=ProgressBarsConfig(globally=False),
        analytics_enabled=False,
    )
    return gx.get_context(mode="ephemeral", project_config=config)


def _row_condition(rows: Sequence[Sequence[Any]]) -> Any:
    """The rows for which all conditions hold, as Great Expectations wants it."""
    from great_expectations.expectations.row_conditions import Column

    conditions = [
        Column(name).is_not_null() if operator == "known" else COMPARISONS[operator](Column(name), *value)
        for name, operator, *value in rows
    ]
    return reduce(and_, conditions)


def _exception(info: Mapping[str, Any] | None) -> str:
    """The message of the exception inside an expectation, or "". The info is one record or one per metric."""
    info = info or {}
    records = [info] if "raised_exception" in info else [r for r in info.values() if isinstance(r, dict)]
    return next((str(r.get("exception_message")) for r in records if r.get("raised_exception")), "")


def _told(suite: Suite, expectation: Expectation, outcome: dict[str, Any], frame: pd.DataFrame, subject: str) -> Result:
    observed, success = found_in_words(suite, expectation, outcome, frame), bool(outcome["success"])
    return Result(suite.gate, subject, expectation.name, success, expectation.blocking, observed, expectation.why)


def _result(suite: Suite, expectation: Expectation, outcome: Any, frame: pd.DataFrame, subject: str) -> Result:
    success, blocking = bool(outcome.success), expectation.blocking
    missing = [name for name in expectation.columns if name not in frame.columns]
    if missing:
        success, blocking = False, True
        columns = ", ".join(map(str, frame.columns)) or "none"
        observed = f"the frame has no column {', '.join(missing)}; it has {shorten(columns, 200)}"
    elif problem := _exception(outcome.exception_info):
        success, observed = False, f"could not be checked: {shorten(problem, 200)}"
    else:
        observed = found_in_words(suite, expectation, outcome.result, frame)
    return Result(suite.gate, subject, expectation.name, success, blocking, observed, expectation.why)
