"""The two gates: after parsing and before publishing, frames are checked against config/validation.toml.

Great Expectations does the checking. Its import takes seconds, so it happens inside the functions that need it.
"""

from __future__ import annotations

import atexit
import gc
import re
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cached_property, reduce
from operator import and_
from pathlib import Path
from typing import Any

import pandas as pd

from treasury_watch.transforms.errors import ConfigurationError, TreasuryWatchError, shorten
from treasury_watch.warehouse.declarations import Declarations
from treasury_watch.warehouse.gates import data_docs
from treasury_watch.warehouse.gates.data_docs import Checked

EXAMPLES = 5
PLACEHOLDER = re.compile(r"\$([a-z_]+)")
COLUMN_KEYS = ("column", "column_A", "column_B")
COLUMN_LIST_KEYS = ("column_list", "column_set")
SUBJECT_KEYS = {"description", "key", "show", "expect"}
EXPECTATION_KEYS = {"name", "type", "blocking", "why", "kwargs"}
COMPARISONS: dict[str, Callable[[Any, Any], Any]] = {
    "==": lambda column, value: column == value,
    "!=": lambda column, value: column != value,
    "in": lambda column, value: column.is_in(value),
    "not in": lambda column, value: column.is_not_in(value),
}


@dataclass(frozen=True)
class Result:
    """What one expectation found. `observed` is short text with up to five examples, never the frame."""

    gate: str
    subject: str
    expectation: str
    success: bool
    blocking: bool
    observed: str
    why: str

    @property
    def blocks(self) -> bool:
        """True if this result forbids going on."""
        return self.blocking and not self.success


class ValidationBlocked(TreasuryWatchError):
    """A blocking expectation failed. `results` holds everything that was checked, `failed` what blocked."""

    def __init__(self, results: Iterable[Result]):
        self.results = list(results)
        self.failed = blocking_failures(self.results)
        if not self.failed:
            raise ValueError("ValidationBlocked needs at least one failed blocking result")
        named = "; ".join(f"{r.subject}, {r.expectation!r}: {shorten(r.observed, 200)}" for r in self.failed[:3])
        more = f"; and {len(self.failed) - 3} more" if len(self.failed) > 3 else ""
        count = f"{len(self.failed)} blocking check{'s' if len(self.failed) > 1 else ''}"
        super().__init__(
            f"{count} failed at the gate {self.failed[0].gate}: {named}{more}. {self.failed[0].why} "
            "The last good publication stays."
        )


@dataclass(frozen=True)
class Expectation:
    """One declared expectation; `kwargs` and `rows` may still hold placeholders.

    `rows` restricts it to the rows for which all of (column, operator, value) or (column, "known") hold.
    """

    name: str
    type: str
    blocking: bool
    why: str
    kwargs: Mapping[str, Any]
    rows: Sequence[Sequence[Any]] = ()

    @property
    def columns(self) -> list[str]:
        """Columns that the expectation names."""
        single = [self.kwargs[key] for key in COLUMN_KEYS if key in self.kwargs]
        several = [name for key in COLUMN_LIST_KEYS for name in self.kwargs.get(key, [])]
        return list(dict.fromkeys([*single, *several, *(condition[0] for condition in self.rows)]))


@dataclass(frozen=True)
class Suite:
    """The expectations on one kind of frame. Examples show the columns `key` and `show` of the rows that failed."""

    gate: str
    subject: str
    description: str
    key: tuple[str, ...]
    show: tuple[str, ...]
    expectations: tuple[Expectation, ...]


class Gates:
    """Runs the declared suites. One object keeps one Great Expectations context: nothing is written, nothing is sent.

    The placeholders $holders, $measures and $sources are filled from the declarations; a check's parameters add to
    them and override them.
    """

    def __init__(self, declarations: Declarations):
        self._file = declarations.folder / "validation.toml"
        document = declarations.toml("validation.toml")
        self._absent = self._read_absent(document.pop("absent_months", {}))
        self.suites: dict[tuple[str, str], Suite] = {}
        for gate, subjects in document.items():
            for subject, entry in subjects.items():
                self.suites[gate, subject] = self._read_suite(gate, subject, entry)
        self._known: dict[str, Any] = {
            "holders": [row["holder_id"] for row in declarations.holders],
            "measures": sorted(declarations.toml("measures.toml")),
            "sources": sorted(declarations.sources),
        }
        self._checked: dict[tuple[str, str, str], Checked] = {}

    def prepare(self) -> None:
        """Import what checking needs, which takes seconds, at a moment when others work."""
        _ = self._batches

    def absent_months(self, source: str) -> list[pd.Timestamp]:
        """Months that the source is known never to have stated, for `transforms.checks.coverage`."""
        return self._absent.get(source, [])

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
        suite = self.suites.get((gate, subject))
        if suite is None:
            known = ", ".join(".".join(name) for name in self.suites)
            raise ConfigurationError(f"{self._file}: no suite [{gate}.{subject}]; declared: {known}")
        frame = frame.reset_index(drop=True)
        filled = self._fill(suite, {**self._known, **(parameters or {})})
        declared, outcome = self._run(suite, filled, frame)
        found = {entry.expectation_config.meta["name"]: entry for entry in outcome.results}
        named = f"{subject} of {of}" if of else subject
        results = [self._result(suite, expectation, found[expectation.name], frame, named) for expectation in filled]
        self._checked[gate, subject, of] = Checked(declared, outcome, results, of, datetime.now(UTC))
        return results

    def build_data_docs(self, folder: Path) -> Path:
        """Write what this object last checked as Great Expectations Data Docs; returns the path of index.html.

        Pages of an earlier call in `folder` are replaced. The pages need no internet: what they would load from
        elsewhere is taken out and a small stylesheet of our own put in. Raises TreasuryWatchError if a page still
        refers to another host, or if `folder` is or holds something other than Data Docs.
        """
        return data_docs.build(list(self._checked.values()), _context(), folder)

    def _read_absent(self, entries: Mapping[str, list[str]]) -> dict[str, list[pd.Timestamp]]:
        try:
            return {
                source: [pd.Timestamp(date.fromisoformat(f"{month}-01")) for month in months]
                for source, months in entries.items()
            }
        except ValueError as problem:
            raise ConfigurationError(f"{self._file}, [absent_months]: {problem}; write months as YYYY-MM") from problem

    def _read_suite(self, gate: str, subject: str, entry: Mapping[str, Any]) -> Suite:
        place = f"{self._file}, [{gate}.{subject}]"
        if not isinstance(entry, dict) or set(entry) - SUBJECT_KEYS or not entry.get("expect"):
            raise ConfigurationError(
                f"{place}: expected description, key, show and [[{gate}.{subject}.expect]] entries"
            )
        expectations: list[Expectation] = []
        for number, item in enumerate(entry["expect"], start=1):
            where = f"{place}, expectation {number} ({item.get('name', 'unnamed')!r})"
            if set(item) - {"rows"} != EXPECTATION_KEYS:
                raise ConfigurationError(
                    f"{where}: expected the keys {', '.join(sorted(EXPECTATION_KEYS))} and perhaps rows, "
                    f"found {', '.join(sorted(item))}"
                )
            for condition in item.get("rows", []):
                if not ((len(condition) == 3 and condition[1] in COMPARISONS) or condition[1:] == ["known"]):
                    raise ConfigurationError(
                        f"{where}: rows has {condition!r}; write [column, operator, value] with one of the operators "
                        f'{", ".join(COMPARISONS)}, or [column, "known"]'
                    )
            if not isinstance(item["blocking"], bool):
                raise ConfigurationError(f"{where}: blocking is {item['blocking']!r}; write true or false")
            if item["name"] in [expectation.name for expectation in expectations]:
                raise ConfigurationError(f"{where}: the name is used twice; names identify results, choose another")
            expectations.append(Expectation(**item))
        key, show = tuple(entry.get("key", ())), tuple(entry.get("show", ()))
        return Suite(gate, subject, entry.get("description", ""), key, show, tuple(expectations))

    def _fill(self, suite: Suite, parameters: Mapping[str, Any]) -> list[Expectation]:
        """The suite's expectations with every placeholder replaced."""

        def fill(value: Any, name: str) -> Any:
            if isinstance(value, dict):
                return {key: fill(item, name) for key, item in value.items()}
            if isinstance(value, list):
                return [fill(item, name) for item in value]
            placeholder = PLACEHOLDER.fullmatch(value) if isinstance(value, str) else None
            if placeholder is None:
                return value
            if placeholder[1] not in parameters:
                raise ConfigurationError(
                    f"{self._file}, [{suite.gate}.{suite.subject}], {name!r}: nothing is known for {value}; "
                    f"given: {', '.join(f'${p}' for p in sorted(parameters))}"
                )
            given = parameters[placeholder[1]]
            return sorted(given) if isinstance(given, (set, frozenset)) else given

        return [
            Expectation(e.name, e.type, e.blocking, e.why, fill(dict(e.kwargs), e.name), fill(list(e.rows), e.name))
            for e in suite.expectations
        ]

    @cached_property
    def _batches(self) -> Any:
        """The batch definition through which every frame passes."""
        source = _context().data_sources.add_pandas("frames")
        return source.add_dataframe_asset("frame").add_batch_definition_whole_dataframe("whole")

    def _run(self, suite: Suite, filled: list[Expectation], frame: pd.DataFrame) -> tuple[Any, Any]:
        import great_expectations as gx

        declared = gx.ExpectationSuite(
            name=f"{suite.gate}.{suite.subject}",
            expectations=[self._translate(suite, expectation) for expectation in filled],
            meta={"notes": suite.description},
        )
        outcome = self._batches.get_batch({"dataframe": frame}).validate(declared, result_format="SUMMARY")
        return declared, outcome

    def _translate(self, suite: Suite, expectation: Expectation) -> Any:
        from great_expectations.exceptions import GreatExpectationsError
        from great_expectations.expectations.expectation_configuration import ExpectationConfiguration
        from great_expectations.expectations.metadata_types import FailureSeverity

        kwargs = dict(expectation.kwargs)
        try:
            if expectation.rows:
                kwargs["row_condition"] = _row_condition(expectation.rows)
            return ExpectationConfiguration(
                type=expectation.type,
                kwargs=kwargs,
                meta={"name": expectation.name},
                notes=f"{expectation.name}. {expectation.why}",
                severity=FailureSeverity.CRITICAL if expectation.blocking else FailureSeverity.WARNING,
            ).to_domain_obj()
        # Pydantic's errors are ValueErrors; a wrong name, key or value in the declaration ends here.
        except (GreatExpectationsError, ValueError, TypeError) as problem:
            raise ConfigurationError(
                f"{self._file}, [{suite.gate}.{suite.subject}], {expectation.name!r}: {expectation.type} refuses its "
                f"declaration: {shorten(str(problem), 200)}; see the Great Expectations gallery for type and kwargs"
            ) from problem

    def _result(
        self, suite: Suite, expectation: Expectation, outcome: Any, frame: pd.DataFrame, subject: str
    ) -> Result:
        success, blocking = bool(outcome.success), expectation.blocking
        missing = [name for name in expectation.columns if name not in frame.columns]
        if missing:
            success, blocking = False, True
            columns = ", ".join(map(str, frame.columns)) or "none"
            observed = f"the frame has no column {', '.join(missing)}; it has {shorten(columns, 200)}"
        elif problem := _exception(outcome.exception_info):
            success, observed = False, f"could not be checked: {shorten(problem, 200)}"
        else:
            observed = _observed(suite, expectation, outcome.result, frame)
        return Result(suite.gate, subject, expectation.name, success, blocking, observed, expectation.why)


def blocking_failures(results: Iterable[Result]) -> list[Result]:
    """The results that forbid going on."""
    return [result for result in results if result.blocks]


def load() -> None:
    """Import Great Expectations. What it makes is no garbage: it is not looked for during the import, nor in all this later."""
    if "great_expectations" in sys.modules:
        return
    collects = gc.isenabled()
    gc.disable()
    try:
        import great_expectations  # noqa: F401

        gc.freeze()
        atexit.register(gc.unfreeze)  # at its end the process has to let go of everything
    finally:
        if collects:
            gc.enable()


def _context() -> Any:
    """A quiet context in memory. The plain ephemeral one would make a folder for Data Docs."""
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


def _observed(suite: Suite, expectation: Expectation, result: Mapping[str, Any], frame: pd.DataFrame) -> str:
    """What an expectation found, in a few words."""
    if "unexpected_count" not in result:
        value = result.get("observed_value", "nothing")
        return f"observed {shorten(_text(value), 200)}"
    rows, unexpected = result.get("element_count", 0), result["unexpected_count"]
    if not unexpected:
        return f"{rows:,} row{'' if rows == 1 else 's'} checked"
    wanted = [c for c in dict.fromkeys([*suite.key, *suite.show, *expectation.columns]) if c in frame.columns]
    examples = []
    for position in result.get("partial_unexpected_index_list", [])[:EXAMPLES]:
        row = frame.iloc[position]
        named = " ".join(_text(row[column], column) for column in wanted if column in suite.key)
        shown = ", ".join(f"{column} {_text(row[column], column)}" for column in wanted if column not in suite.key)
        examples.append(shorten(": ".join(filter(None, [named, shown])), 160))
    more = f"; and {unexpected - len(examples):,} more" if unexpected > len(examples) else ""
    return f"{unexpected:,} of {rows:,} row{'' if rows == 1 else 's'} unexpected ({'; '.join(examples)}{more})"


def _text(value: Any, column: str = "") -> str:
    """One value for a reader: dates without a time, numbers with thousands commas, nothing known as NULL."""
    if isinstance(value, (list, dict, set, tuple)):
        return str(value)
    if pd.isna(value):
        return "NULL"
    if isinstance(value, date):  # a datetime is one as well
        return value.strftime("%Y-%m" if "month" in column else "%Y-%m-%d")
    if isinstance(value, float):
        return f"{value:,.1f}".removesuffix(".0")
    return str(value)
