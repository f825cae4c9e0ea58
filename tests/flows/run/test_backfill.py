"""The flows on a Prefect server. Backfill: many files parsed side by side come to the same tables as files ingested one by
one. The monthly run: when it waits for a release, what it leaves in Prefect's pages.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest
from click.testing import CliRunner
from prefect.artifacts import Artifact
from prefect.task_runners import ProcessPoolTaskRunner, ThreadPoolTaskRunner

from tests.conftest import PROJECT, SAMPLE, majors, table5
from tests.faults.small_installation import APRIL_2026, release
from tests.flows.run.test_monthly import RELEASE, at
from tests.prefect_database import prefect_server
from treasury_watch.flows.commands.main import main
from treasury_watch.flows.run import backfill, monthly
from treasury_watch.flows.run.summary.outcome import FilesRefused, Outcome, Refusal
from treasury_watch.flows.settings.settings import Settings
from treasury_watch.transforms.errors import TreasuryWatchError
from treasury_watch.warehouse.archive.archived_files import quarantined

A_MOMENT_HOURS = 0.001  # of polling, where there is any
# What two installations that loaded the same files cannot share: the run's id, and when it was.
OF_THE_RUN = {"releases": ["retrieved"], "validation_results": ["run_id", "checked"], "alerts": ["queued", "sent"]}
OLD_RELEASES = {  # names run against the time: by name, each would come before what is already known
    "c.txt": table5(["2024-02", "2024-01", "2023-12"], majors([1039.0, 1025.0, 1085.0])),
    "b.txt": table5(["2024-03", "2024-02", "2024-01"], majors([1091.0, 1039.3, 1025.0])),
    "a.txt": table5(["2024-04", "2024-03", "2024-02"], majors([1009.9, 1091.6, 1039.3])),
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The embedded sample, three old releases of Table 5, and a letter."""
    folder = tmp_path / "files"
    (folder / "old").mkdir(parents=True)
    for path in SAMPLE.glob("*/*"):
        (folder / path.name).write_bytes(path.read_bytes())
    for name, body in OLD_RELEASES.items():
        (folder / "old" / name).write_bytes(body)
    (folder / "letter.txt").write_text("Dear Sir or Madam")
    return folder


@pytest.fixture(scope="module")
def prefect(tmp_path_factory: pytest.TempPathFactory, prefect_database: Path) -> Iterator[None]:
    """A temporary Prefect server."""
    with prefect_server(tmp_path_factory.mktemp("server"), prefect_database):
        yield


def differing(one: Path, other: Path) -> list[str]:
    """The published files in which two homes differ, those of a run without what is the run's own."""
    names = [
        {path.relative_to(home) for path in home.rglob("*.parquet")} for home in (one / "parquet", other / "parquet")
    ]
    assert names[0] == names[1]
    found = []
    for name in sorted(names[0] - {Path("runs.parquet")}):
        paths = [home / "parquet" / name for home in (one, other)]
        if name.stem in OF_THE_RUN:
            columns = f"* EXCLUDE ({', '.join(OF_THE_RUN[name.stem])})"
            equal = len({str(duckdb.sql(f"SELECT {columns} FROM '{p}' ORDER BY ALL").fetchall()) for p in paths}) == 1
        else:
            equal = paths[0].read_bytes() == paths[1].read_bytes()
        if not equal:
            found.append(str(name))
    return found


def ingested(home: Path, paths: list[Path], monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TREASURY_WATCH_HOME", str(home))
    result = CliRunner().invoke(main, ["ingest", *map(str, paths)])
    assert result.exit_code == 0, result.output
    return home


@pytest.mark.long
def test_the_tables_are_byte_for_byte_those_of_ingest(folder, tmp_path, monkeypatch):
    home = tmp_path / "home"
    ended = subprocess.run(
        [sys.executable, "-m", "treasury_watch.flows.commands.main", "backfill", str(folder), "--workers", "2"],
        env={**os.environ, "TREASURY_WATCH_HOME": str(home), "HOME": str(tmp_path)},
        cwd=PROJECT, capture_output=True, text=True, timeout=600, check=False,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    assert "17 new vintages" in ended.stdout
    assert f"passed over, of no known layout: {folder / 'letter.txt'}" in ended.stdout
    official = [path for path in sorted(folder.rglob("*.*")) if path.name != "letter.txt"]
    assert differing(home, ingested(tmp_path / "other", official, monkeypatch)) == []
    assert not (home / "parsed").exists()


def in_this_process():
    """The flow, without other processes."""
    return backfill.backfill.with_options(task_runner=ThreadPoolTaskRunner(max_workers=1))


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory, prefect: None) -> Path:
    """A folder with the old releases in files/old, and in home what a backfill of them made. Only to be copied."""
    folder = tmp_path_factory.mktemp("first")
    (folder / "files" / "old").mkdir(parents=True)
    for name, body in OLD_RELEASES.items():
        (folder / "files" / "old" / name).write_bytes(body)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TREASURY_WATCH_HOME", str(folder / "home"))
        in_this_process()(folder / "files" / "old")
    return folder


@pytest.mark.slow
class TestTheFlow:
    @pytest.fixture
    def fill(self, first: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
        """Backfills a folder into a copy of that home."""
        shutil.copytree(first / "home", tmp_path / "home")
        monkeypatch.setenv("TREASURY_WATCH_HOME", str(tmp_path / "home"))
        return in_this_process()

    def test_an_archive_gives_the_tables_it_was_kept_for(self, first, tmp_path, monkeypatch):
        monkeypatch.setenv("TREASURY_WATCH_HOME", str(tmp_path / "again"))
        in_this_process()(first / "home" / "raw")
        with duckdb.connect() as connection:
            both = [
                connection.sql(f"FROM '{root / 'parquet' / 'releases.parquet'}'").fetchall()
                for root in (first / "home", tmp_path / "again")
            ]
        assert len(both[0]) > len(OLD_RELEASES)  # the press figures too
        assert both[0] == both[1]

    def test_a_second_time_nothing_is_new(self, fill, first):
        assert fill(first / "files" / "old").splitlines()[:2] == ["nothing new", "seen before: 3 files"]

    def test_a_refused_file_keeps_none_of_the_others_from_being_published(self, fill, first, tmp_path):
        folder = tmp_path / "files"
        shutil.copytree(first / "files", folder)
        home = Settings().home()
        (folder / "old" / "d.txt").write_bytes(OLD_RELEASES["a.txt"].replace(b"Japan", b"Nippon"))
        (folder / "old" / "e.txt").write_bytes(
            table5(["2024-05", "2024-04", "2024-03"], majors([1001.0, 1009.9, 1091.6]))
        )
        with pytest.raises(FilesRefused, match=r"old/d\.txt: slt_table5.*Nippon") as ended:
            fill(folder / "old")
        assert ended.value.said.startswith("1 new vintage with 10 new or changed figures")
        with duckdb.connect(str(home.database), read_only=True) as connection:
            assert connection.execute(
                "SELECT max(month)::TEXT FROM positions WHERE source = 'slt_table5'"
            ).fetchall() == [("2024-05-01",)]
        warehouse = Settings().warehouse()
        assert [entry.url for entry in quarantined(warehouse.archive.entries())] == [
            (folder / "old" / "d.txt").resolve().as_uri()
        ]
        told = warehouse.state.rows("SELECT state FROM alerts WHERE finding LIKE 'health:refused:slt_table5:%'")
        assert told == [{"state": "written"}]

    def test_a_folder_without_official_files_is_a_failure(self, fill, tmp_path):
        (tmp_path / "letters").mkdir()
        (tmp_path / "letters" / "letter.txt").write_text("Dear Sir or Madam")
        with pytest.raises(TreasuryWatchError, match="found 1 file of no known layout"):
            fill(tmp_path / "letters")

    def test_on_dask_the_tables_are_the_same(self, prefect, folder, tmp_path, monkeypatch):
        pytest.importorskip("prefect_dask", reason="the extra `dask` is not installed")
        monkeypatch.setenv("TREASURY_WATCH_HOME", str(tmp_path / "home"))
        backfill.backfill.with_options(task_runner=backfill.dask_runner(1))(folder / "old")
        in_release_order = sorted((folder / "old").glob("*"), reverse=True)  # as the checks of a run depend on it
        old = ingested(tmp_path / "other", in_release_order, monkeypatch)
        assert differing(tmp_path / "home", old) == []


def artifact(key: str) -> Any:
    """The newest artifact of that key; of a table its rows."""
    found = Artifact.get(key)
    return json.loads(found.data) if found.type == "table" else found.data


@pytest.mark.slow
class TestTheMonthlyFlow:
    """Here, because a Prefect server takes ten seconds of a processor to start: one serves both flows."""

    @pytest.fixture
    def small_sample(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """A sample of three files is declared, in whose newest month Japan sold; the home is empty."""
        config = shutil.copytree(PROJECT / "config", tmp_path / "config")
        named = [
            ("slt_table5", "tic/slt_table5.txt"),
            ("fred:DEXJPUS", "fred/DEXJPUS.csv"),
            ("mof", "mof/foreign_exchange_intervention_operations.csv"),
        ]
        manifest = "".join(f'[[files]]\nsource = "{source}"\npath = "{path}"\n' for source, path in named)
        (config / "sample" / "manifest.toml").write_text(manifest, encoding="utf-8")
        (config / "sample" / "tic" / "slt_table5.txt").write_bytes(release(APRIL_2026))
        monkeypatch.setenv("TREASURY_WATCH_CONFIG", str(config))
        monkeypatch.setenv("TREASURY_WATCH_HOME", str(tmp_path / "home"))

    def test_a_month_that_is_published_already_is_not_waited_for(self, loaded, publishers, monkeypatch, prefect):
        at(RELEASE, monkeypatch)
        said = monthly.monthly_run(wait_hours=A_MOMENT_HOURS, only_on_release_day=True)
        assert said.startswith("nothing new")
        assert len(publishers.server.seen(publishers.path("slt_table3"))) == 1

    def test_a_month_that_stays_away_is_told_after_the_rest_was_loaded(self, loaded, monkeypatch, prefect):
        at(datetime(2026, 7, 14, 20, tzinfo=UTC), monkeypatch)
        with pytest.raises(monthly.ReleaseLate, match="2026-05"):
            monthly.monthly_run(wait_hours=A_MOMENT_HOURS)
        assert loaded.state.rows("SELECT outcome FROM runs ORDER BY started DESC LIMIT 1") == [{"outcome": "unchanged"}]

    def test_the_run_in_figures_is_an_artifact(self, small_sample, monkeypatch, prefect):
        monkeypatch.setenv("TREASURY_WATCH_ALERTS_MINIMUM_SEVERITY", "warning")
        monthly.monthly_run(sample=True)
        measures = {row["measure"]: row["value"] for row in artifact("run-metrics")}
        files = artifact("run-files")
        assert measures["files that gave a new vintage"] == len(files) == 3
        assert measures["figures new or changed"] == sum(row["new or changed"] for row in files)
        assert measures["flagged months"] > measures["events of the newest month"] > 0
        assert measures["alerts written"] > 0
        steps = {"time to fetch", "time to load", "time to publish", "time to alert", "time to report"}
        assert steps <= set(measures)
        assert measures["time to load"] > 0
        assert artifact("newest-findings")[0]["month"] == "2026-04"
        assert "3 new vintages" in artifact("run-summary")


class TestTheTaskRunner:
    def test_a_few_files_need_no_other_process_and_many_do(self):
        assert isinstance(backfill.task_runner(backfill.WORTHWHILE_FILES - 1), ThreadPoolTaskRunner)
        assert isinstance(backfill.task_runner(backfill.WORTHWHILE_FILES), ProcessPoolTaskRunner)

    def test_the_users_number_of_workers_goes_before_the_number_of_files(self):
        assert isinstance(backfill.task_runner(1, workers=2), ProcessPoolTaskRunner)


def test_of_many_refused_files_each_is_told_the_main_table_first():
    outcome = Outcome(refused=[Refusal("/b.csv", "no rates"), Refusal("/a.txt", "cut off", "slt_table3", "00")])
    with pytest.raises(FilesRefused) as ended:
        outcome.raise_refusals()
    assert str(ended.value).splitlines() == [
        "2 files refused, all else is done:",
        "  THE MAIN TABLE, /a.txt: cut off",
        "  /b.csv: no rates",
    ]
