"""A home of the complete official files of holdings and of two yields, as the command loads and publishes them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.shared_folders import made_once
from treasury_watch.flows.commands.main import main

OFFICIAL = Path(__file__).resolve().parents[1].parent / "shared" / "official"
HOLDINGS = ("mfh.txt", "mfhhis01.txt", "s1_globl.txt", "slt3d_globl.csv", "slt_table3.txt", "slt_table5.txt")
YIELDS = ("DGS2.csv", "DGS10.csv")


@dataclass(frozen=True)
class OfficialHome:
    """The home, only to be read, and what the command said."""

    root: Path
    said: str

    @property
    def database(self) -> Path:
        return self.root / "treasury.duckdb"


@pytest.fixture(scope="session")
def official_home(tmp_path_factory: pytest.TempPathFactory) -> OfficialHome:
    """Made once for all test processes: it takes ten seconds of a processor."""
    if not OFFICIAL.is_dir():
        pytest.skip("the complete official files are not beside the project")
    files = [*(OFFICIAL / "tic" / name for name in HOLDINGS), *(OFFICIAL / "fred" / name for name in YIELDS)]

    def make(folder: Path) -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("TREASURY_WATCH_HOME", str(folder / "home"))
            result = CliRunner().invoke(main, ["ingest", *map(str, files)])
        assert result.exit_code == 0, result.output
        (folder / "said").write_text(result.output, encoding="utf-8")

    folder = made_once(tmp_path_factory, "official files", make)
    return OfficialHome(folder / "home", (folder / "said").read_text(encoding="utf-8"))
