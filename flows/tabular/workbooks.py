"""Excel workbooks: one sheet of typed cells, in which text stays text, whatever it begins with."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any

from treasury_watch.flows.tabular.cells import plain, text_of
from treasury_watch.transforms.errors import TreasuryWatchError

EXCEL_ROWS = 1_048_575  # below the header
ROWS_AT_ONCE = 20_000
SECONDS_PER_CELL = 1e-5  # about, to write it
CREATED = datetime(2000, 1, 1)  # of every workbook: the same rows give the same bytes
OPTIONS = {
    "constant_memory": True,
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
}


def write_workbook(columns: list[str], rows: Iterable[list[Any]], out: Path, sheet_name: str = "query") -> None:
    """Write rows as the only sheet of a workbook. Raises TreasuryWatchError where Excel does not hold so many."""
    import xlsxwriter

    with xlsxwriter.Workbook(str(out), OPTIONS) as book:
        book.set_properties({"created": CREATED})
        sheet = book.add_worksheet(sheet_name[:31])
        bold, days = book.add_format({"bold": True}), book.add_format({"num_format": "yyyy-mm-dd"})
        times = book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
        sheet.freeze_panes(1, 0)
        for place, name in enumerate(columns):
            sheet.write_string(0, place, name, bold)
            sheet.set_column(place, place, min(max(len(name) + 2, 12), 40))
        for number, row in enumerate(rows, start=1):
            if number > EXCEL_ROWS:
                raise TreasuryWatchError(
                    f"{out}: expected at most {EXCEL_ROWS:,} rows, which is all that Excel holds, found more; "
                    "write .csv or .parquet"
                )
            for place, value in enumerate(row):
                if value is None:
                    continue
                if isinstance(value, bool):
                    sheet.write_boolean(number, place, value)
                elif isinstance(value, int | float) and math.isfinite(value) and abs(value) < 2**53:
                    sheet.write_number(number, place, value)
                elif isinstance(value, datetime):
                    sheet.write_datetime(number, place, value.replace(tzinfo=None), times)
                elif isinstance(value, date):
                    sheet.write_datetime(number, place, datetime(value.year, value.month, value.day), days)
                else:
                    sheet.write_string(number, place, text_of(value))


def workbook_of(parquet: Path, out: Path, sheet_name: str) -> None:
    """Write the rows of a Parquet file, in their order, as a workbook."""
    from pyarrow.parquet import ParquetFile

    with ParquetFile(parquet) as file:

        def rows() -> Iterator[list[Any]]:
            for batch in file.iter_batches(ROWS_AT_ONCE):
                for row in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                    yield [plain(value) for value in row]

        write_workbook(file.schema_arrow.names, rows(), out, sheet_name)
