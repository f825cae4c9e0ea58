"""Every cell of the risk tables, for six holders and three months, against the script that shares no code with them."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest
from click.testing import CliRunner

from tests.conftest import PROJECT
from tests.independent.risk_figures import HOLDERS, MONTHS, differences
from treasury_watch.flows.commands.main import main

OFFICIAL = PROJECT / ".." / "shared" / "official"
TIC = ("slt_table3.txt", "slt_table1.txt", "s1_globl.txt")
FRED = (
    "CPIAUCSL", "DEXCAUS", "DEXCHUS", "DEXJPUS", "DEXUSUK", "DGS2", "DGS10", "IRLTLT01JPM156N", "IRLTLT01GBM156N",
    "IRLTLT01EZM156N", "IRLTLT01DEM156N", "IRLTLT01CAM156N", "TRESEGCNM052N",
)  # fmt: skip


def as_served(folder: Path) -> list[Path]:
    """Two series that were kept as tables, in the form in which FRED serves them."""
    debt = (OFFICIAL / "tables" / "fred_MVMTD027MNFRBDAL.csv").read_text().replace('"', "").split("\n", 1)[1]
    kept = (OFFICIAL / "tables" / "japan_reserves_monthly_2019_2026.tsv").read_text().splitlines()
    reserves = [line.split("\t") for line in kept if line[:2] == "20"]
    made = {
        "MVMTD027MNFRBDAL": debt,
        "TRESEGJPM052N": "".join(f"{row[0]}-01,{float(row[1]) - float(row[5]):.0f}\n" for row in reserves),
    }
    for name, rows in made.items():
        (folder / f"{name}.csv").write_text(f"observation_date,{name}\n{rows}")
    return [folder / f"{name}.csv" for name in made]


@pytest.mark.long
@pytest.mark.official
@pytest.mark.skipif(not OFFICIAL.is_dir(), reason="the official files are not beside the project")
def test_every_column_of_the_risk_tables_is_what_the_official_files_give(monkeypatch, tmp_path):
    monkeypatch.setenv("TREASURY_WATCH_HOME", str(tmp_path / "home"))
    files = [OFFICIAL / "tic" / name for name in TIC] + [OFFICIAL / "ecb" / "eurofxref-hist.zip"]
    files += [OFFICIAL / "fred" / f"{name}.csv" for name in FRED] + as_served(tmp_path)
    loaded = CliRunner().invoke(main, ["ingest", *map(str, files)])
    assert loaded.exit_code == 0, loaded.output

    def ask(query):
        with duckdb.connect(str(tmp_path / "home" / "treasury.duckdb"), read_only=True) as connection:
            return connection.execute(query).df().to_dict("records")

    compared, wrong = differences(OFFICIAL, ask)
    assert wrong == []
    assert compared == len(MONTHS) * (len(HOLDERS) * 31 + 15)

    def spoiled(query):
        return [
            {**row, "own_currency_return_pct": row["currency_return_pct"]} if "currency_return_pct" in row else row
            for row in ask(query)
        ]

    _, found = differences(OFFICIAL, spoiled)
    assert len(found) == len(MONTHS) * len(HOLDERS)  # the currency alone is told from both legs together
