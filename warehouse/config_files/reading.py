"""Each file of config/, read once and checked against its model."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

from treasury_watch.transforms.errors import ConfigurationError, shorten
from treasury_watch.warehouse.config_files import problems
from treasury_watch.warehouse.config_files.documents import Sheet, sheet_of, text_of, toml_of

# By file: the module of its model, and the model. Imported when the file is read, for the start of every command.
OF_TOML = {
    "sources.toml": ("sections", "SourcesFile"), "tables.toml": ("sections", "TablesFile"),
    "measures.toml": ("sections", "MeasuresFile"), "corrections.toml": ("sections", "CorrectionsFile"),
    "reconciliation.toml": ("sections", "ReconciliationFile"), "sample/manifest.toml": ("sections", "SampleManifest"),
    "alert_rules.toml": ("rule_sections", "AlertRulesFile"), "backtest.toml": ("score_sections", "BacktestFile"),
    "nowcast.toml": ("score_sections", "NowcastFile"), "price_impact_studies.toml": ("score_sections", "StudiesFile"),
    "validation.toml": ("score_sections", "ValidationFile"),
    "published_data.toml": ("published_sections", "PublishedDataFile"),
    "cookbook.toml": ("published_sections", "CookbookFile"),
}  # fmt: skip
TOML_FILES = tuple(OF_TOML)


class Files:
    """The files of a folder of declarations. `context` gives the names that they may use of one another."""

    def __init__(self, folder: Path, context: Any):
        self.folder = folder
        self._context = context
        self._documents: dict[str, dict[str, Any]] = {}
        self._sheets: dict[str, Sheet] = {}
        self._plain: dict[str, dict[str, Any]] = {}
        self._plain_rows: dict[str, list[dict[str, str]]] = {}

    def toml(self, name: str) -> dict[str, Any]:
        """The document, checked. Not to be changed. Raises ConfigurationError: the first problem, and how many there are."""
        if name not in self._documents:
            document = self.unchecked(name)
            if found := self._toml_problems(name):
                raise problems.one_line(found)
            self._documents[name] = document
        return self._documents[name]

    def rows(self, name: str) -> Sheet:
        """The rows of a CSV file, checked, with their lines. Raises ConfigurationError as `toml`."""
        if name not in self._sheets:
            sheet, found = self._sheet(name)
            if found:
                raise problems.one_line(found)
            self._sheets[name] = sheet
        return self._sheets[name]

    def unchecked_rows(self, name: str) -> list[dict[str, str]]:
        """The rows as they stand in the file, for names out of it. Raises ConfigurationError where it is no such CSV."""
        if name in self._sheets:
            return self._sheets[name].rows
        if name not in self._plain_rows:
            self._plain_rows[name] = self._read_sheet(name).rows
        return self._plain_rows[name]

    def problems(self, name: str) -> list[str]:
        """Everything that is wrong with one file, a line each."""
        try:
            return self._sheet(name)[1] if name.endswith(".csv") else self._toml_problems(name)
        except ConfigurationError as problem:
            return [str(problem)]

    def unchecked(self, name: str) -> dict[str, Any]:
        """The document as it stands in the file, for names out of it. Raises ConfigurationError where it is no TOML."""
        if name not in self._plain:
            path = self.folder / name
            self._plain[name] = toml_of(path, text_of(path))
        return self._plain[name]

    def _toml_problems(self, name: str) -> list[str]:
        from pydantic import ValidationError  # not for `--help`

        from treasury_watch.warehouse.config_files.positions import Positions

        path, document = self.folder / name, self.unchecked(name)
        if name not in OF_TOML:
            return []
        module, named = OF_TOML[name]
        model = getattr(import_module(f"treasury_watch.warehouse.config_files.models.{module}"), named)
        positions: list[Positions] = []

        def places() -> Positions:
            if not positions:
                positions.append(Positions(text_of(path)))
            return positions[0]

        try:
            model.model_validate(document, context=self._context)
        except ValidationError as error:
            inner = model.model_fields["root"].annotation if "root" in model.model_fields else model
            return list(dict.fromkeys(problems.of_toml(path, error, inner, document, places)))
        return []

    def _sheet(self, name: str) -> tuple[Sheet, list[str]]:
        from pydantic import TypeAdapter, ValidationError

        from treasury_watch.warehouse.config_files.models.rows import IN_ORDER, SHEETS

        path = self.folder / name
        model, keys = SHEETS[name]
        sheet = self._read_sheet(name)
        try:
            TypeAdapter(list[model]).validate_python(sheet.rows, context=self._context)  # type: ignore[valid-type]
        except ValidationError as error:
            return sheet, list(problems.of_sheet(path, error, sheet))
        found = [line for key in keys for line in _twice(path, sheet, key)]
        if name in IN_ORDER:
            found += _disorder(path, sheet, *IN_ORDER[name])
        return sheet, found

    def _read_sheet(self, name: str) -> Sheet:
        from treasury_watch.warehouse.config_files.models.rows import SHEETS

        path = self.folder / name
        return sheet_of(path, text_of(path), list(SHEETS[name][0].model_fields))


def _twice(path: Path, sheet: Sheet, key: tuple[str, ...]) -> list[str]:
    seen: dict[tuple[str, ...], int] = {}
    found = []
    for row, line in zip(sheet.rows, sheet.lines, strict=True):
        value = tuple(row[name] for name in key)
        if not value[0]:
            continue
        if value in seen:
            words = shorten(", ".join(filter(None, value)))
            found.append(
                f"{path}, line {line}: {' and '.join(key)} {words!r} stands on line {seen[value]} too; take one of them out"
            )
        seen.setdefault(value, line)
    return found


def _disorder(path: Path, sheet: Sheet, first: str, last: str) -> list[str]:
    return [
        f"{path}, line {line}, column {list(row).index(last) + 1} ({last}): expected nothing earlier than {first} {row[first]}, "
        f"found {row[last]!r}; correct one of the two"
        for row, line in zip(sheet.rows, sheet.lines, strict=True)
        if row[first] and row[last] and row[last] < row[first][: len(row[last])]
    ]
