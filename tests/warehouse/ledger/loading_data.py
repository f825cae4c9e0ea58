"""Releases of Table 5, and a loader over an archive and a ledger of its own."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

from tests.conftest import RETRIEVED, majors, table5
from treasury_watch.transforms.kinds import KINDS
from treasury_watch.warehouse.archive.archived_files import Archive
from treasury_watch.warehouse.declarations import Declarations
from treasury_watch.warehouse.gates.expectations import Gates
from treasury_watch.warehouse.ledger.incoming.incoming_files import IncomingFile, Loaded
from treasury_watch.warehouse.ledger.loading import Loader
from treasury_watch.warehouse.ledger.vintages import Ledger

APRIL_15, MAY_18, JUNE_17, JUNE_18 = date(2026, 4, 15), date(2026, 5, 18), date(2026, 6, 17), date(2026, 6, 18)
LATER = datetime(2026, 7, 2, tzinfo=UTC)

APRIL = table5(["2026-02", "2026-01", "2025-12"], majors([1239.0, 1225.0, 1185.0]))
MAY = table5(["2026-03", "2026-02", "2026-01"], majors([1191.0, 1239.3, 1225.0]))
JUNE = table5(["2026-04", "2026-03", "2026-02"], majors([1209.9, 1191.6, 1239.3]))


class Loading:
    """A loader over an archive and a ledger of its own."""

    def __init__(self, root: Path, declarations: Declarations, gates: Gates):
        self.archive = Archive(root / "raw")
        self.ledger = Ledger(":memory:")
        self.results: list = []
        self.loader = Loader(declarations, self.archive, self.ledger, gates, self.results.extend)

    def load(self, body: bytes, retrieved: datetime = RETRIEVED, **options) -> Loaded:
        return self.loader.load(IncomingFile(body, url="file:any.txt", retrieved=retrieved, **options))

    def content(self) -> dict[str, list[tuple]]:
        tables = ["vintages", *(kind.name for kind in KINDS.values())]
        return {t: self.ledger.connection.execute(f"SELECT * FROM {t} ORDER BY ALL").fetchall() for t in tables}

    def japan(self, month: str) -> list[tuple]:
        return self.ledger.connection.execute(
            "SELECT value_usd_mn, released, superseded, evidence FROM observations "
            "WHERE holder_id = 'japan' AND month = CAST(? AS DATE) ORDER BY released",
            [f"{month}-01"],
        ).fetchall()

    def note(self, source: str = "slt_table5"):
        (entry,) = self.archive.entries(source)
        return entry
