"""The suites that config/validation.toml declares: what is expected of each kind of frame, at which gate, and why."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from treasury_watch.transforms.errors import ConfigurationError
from treasury_watch.warehouse.declarations import Declarations

PLACEHOLDER = re.compile(r"\$([a-z_]+)")
COLUMN_KEYS = ("column", "column_A", "column_B")
COLUMN_LIST_KEYS = ("column_list", "column_set")
COMPARISONS: dict[str, Callable[[Any, Any], Any]] = {
    "==": lambda column, value: column == value,
    "!=": lambda column, value: column != value,
    "in": lambda column, value: column.is_in(value),
    "not in": lambda column, value: column.is_not_in(value),
}


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
    key: tuple[str, ...]
    show: tuple[str, ...]
    expectations: tuple[Expectation, ...]


class Suites:
    """The declared suites.

    The placeholders $holders, $measures and $sources are filled from the declarations; a check's parameters add to
    them and override them. Raises ConfigurationError where the declaration is wrong.
    """

    def __init__(self, declarations: Declarations):
        self.file = declarations.folder / "validation.toml"
        document = declarations.toml("validation.toml")
        self._absent = {
            source: [pd.Timestamp(f"{month}-01") for month in months]
            for source, months in document.pop("absent_months", {}).items()
        }
        self.declared: dict[tuple[str, str], Suite] = {
            (gate, subject): self._read_suite(gate, subject, entry)
            for gate, subjects in document.items()
            for subject, entry in subjects.items()
        }
        self._known: dict[str, Any] = {
            "holders": [row["holder_id"] for row in declarations.holders],
            "measures": sorted(declarations.toml("measures.toml")),
            "sources": sorted(declarations.sources),
        }

    def find(self, gate: str, subject: str) -> Suite:
        """The suite on one kind of frame at one gate. Raises ConfigurationError."""
        suite = self.declared.get((gate, subject))
        if suite is None:
            known = ", ".join(".".join(name) for name in self.declared)
            raise ConfigurationError(f"{self.file}: no suite [{gate}.{subject}]; declared: {known}")
        return suite

    def absent_months(self, source: str) -> list[pd.Timestamp]:
        """Months that the source is known never to have stated."""
        return self._absent.get(source, [])

    def filled(self, suite: Suite, parameters: Mapping[str, Any]) -> list[Expectation]:
        """The suite's expectations with every placeholder replaced, from `parameters` first. Raises ConfigurationError."""
        known = {**self._known, **parameters}

        def fill(value: Any, name: str) -> Any:
            if isinstance(value, dict):
                return {key: fill(item, name) for key, item in value.items()}
            if isinstance(value, list):
                return [fill(item, name) for item in value]
            placeholder = PLACEHOLDER.fullmatch(value) if isinstance(value, str) else None
            if placeholder is None:
                return value
            if placeholder[1] not in known:
                raise ConfigurationError(
                    f"{self.file}, [{suite.gate}.{suite.subject}], {name!r}: nothing is known for {value}; "
                    f"given: {', '.join(f'${p}' for p in sorted(known))}"
                )
            given = known[placeholder[1]]
            return sorted(given) if isinstance(given, (set, frozenset)) else given

        return [
            Expectation(e.name, e.type, e.blocking, e.why, fill(dict(e.kwargs), e.name), fill(list(e.rows), e.name))
            for e in suite.expectations
        ]

    def _read_suite(self, gate: str, subject: str, entry: Mapping[str, Any]) -> Suite:
        place = f"{self.file}, [{gate}.{subject}]"
        expectations: list[Expectation] = []
        for number, item in enumerate(entry["expect"], start=1):
            where = f"{place}, expectation {number} ({item.get('name', 'unnamed')!r})"
            for condition in item.get("rows", []):
                if not ((len(condition) == 3 and condition[1] in COMPARISONS) or condition[1:] == ["known"]):
                    raise ConfigurationError(
                        f"{where}: rows has {condition!r}; write [column, operator, value] with one of the operators "
                        f'{", ".join(COMPARISONS)}, or [column, "known"]'
                    )
            if item["name"] in [expectation.name for expectation in expectations]:
                raise ConfigurationError(f"{where}: the name is used twice; names identify results, choose another")
            expectations.append(Expectation(**item))
        key, show = tuple(entry.get("key", ())), tuple(entry.get("show", ()))
        return Suite(gate, subject, key, show, tuple(expectations))
