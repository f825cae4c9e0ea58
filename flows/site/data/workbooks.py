"""The workbooks of the published tables, made from their Parquet files; large ones in a process beside the site's own."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from pathlib import Path
from typing import Any, Self

import duckdb

from treasury_watch.flows.tabular.cells import plain
from treasury_watch.flows.tabular.workbooks import write_workbook
from treasury_watch.transforms.errors import TreasuryWatchError

ROWS_AT_ONCE = 20_000
ASIDE_CELLS = 50_000  # from which a process of its own, a second to start, is worth its while


class WorkbookWriter:
    """Writes workbooks: small ones when they are asked for, all from the first large one on in one process beside this."""

    def __init__(self) -> None:
        self._aside: ProcessPoolExecutor | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._aside is not None:
            self._aside.shutdown(cancel_futures=True)

    def begin(self, parquet: Path, out: Path, sheet_name: str, cells: int) -> Callable[[], None]:
        """Begin the workbook of a Parquet file; what is returned waits until it is there, and raises what went wrong."""
        if self._aside is None and cells >= ASIDE_CELLS:
            # spawned, not forked: DuckDB's threads would not be there in a copy of this process
            self._aside = ProcessPoolExecutor(max_workers=1, mp_context=multiprocessing.get_context("spawn"))
        if self._aside is None:
            return partial(workbook_of, parquet, out, sheet_name)
        return partial(_waited, self._aside.submit(workbook_of, parquet, out, sheet_name), out)


def _waited(begun: Future[None], out: Path) -> None:
    try:
        begun.result()
    except BrokenProcessPool as problem:
        raise TreasuryWatchError(
            f"site: {out.name}: expected a workbook, found that the process writing it had ended early; "
            "see whether memory is short, and build the site again"
        ) from problem


def workbook_of(parquet: Path, out: Path, sheet_name: str) -> None:
    """Write the rows of a Parquet file, in their order, as a workbook."""
    with duckdb.connect() as connection:
        cursor = connection.execute("FROM read_parquet(?)", [str(parquet)])
        columns = [column[0] for column in cursor.description or []]

        def rows() -> Iterator[list[Any]]:
            while batch := cursor.fetchmany(ROWS_AT_ONCE):
                for row in batch:
                    yield [plain(value) for value in row]

        write_workbook(columns, rows(), out, sheet_name)
