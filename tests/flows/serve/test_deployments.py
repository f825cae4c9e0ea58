"""prefect.yaml and prefect.docker.yaml: what they name exists, and they run when the settings and `serve` say."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml
from prefect import Flow
from prefect.cli.deploy._models import ConcurrencyLimitSpec, DeploymentConfig, RawScheduleConfig, WorkPoolConfig

from tests.conftest import PROJECT
from tests.flows.smtp_loopback import free_port
from treasury_watch.flows.serve.schedule import standing
from treasury_watch.flows.serve.server import server
from treasury_watch.flows.settings.sections import Schedule
from treasury_watch.warehouse.declarations import Declarations

FILES = ["prefect.yaml", "prefect.docker.yaml"]
OPERATIONS = (PROJECT / "docs" / "operations.md").read_text(encoding="utf-8")


def document(file: str) -> dict[str, Any]:
    return yaml.safe_load((PROJECT / file).read_text(encoding="utf-8"))


def flow_of(deployment: dict[str, Any]) -> Flow:
    module, _, name = deployment["entrypoint"].rpartition(".")
    return getattr(importlib.import_module(module), name)


DEPLOYMENTS = [pytest.param(file, d, id=d["name"]) for file in FILES for d in document(file)["deployments"]]
SCHEDULED = [given for given in DEPLOYMENTS if "schedules" in given.values[1]]


@pytest.mark.parametrize(("file", "deployment"), DEPLOYMENTS)
class TestADeployment:
    def test_its_entrypoint_is_a_flow(self, file, deployment):
        assert isinstance(flow_of(deployment), Flow)

    def test_its_parameters_are_the_flows(self, file, deployment):
        flow = flow_of(deployment)
        given = [deployment.get("parameters", {}), *(s["parameters"] for s in deployment.get("schedules", []))]
        for parameters in given:
            assert set(parameters) <= set(flow.parameters.properties)
            if parameters:
                assert flow.validate_parameters(parameters).items() >= parameters.items()

    def test_it_has_no_key_that_prefect_would_pass_over(self, file, deployment):
        assert set(deployment) <= set(DeploymentConfig.model_fields)
        assert set(deployment["work_pool"]) <= set(WorkPoolConfig.model_fields)
        assert set(deployment["concurrency_limit"]) <= set(ConcurrencyLimitSpec.model_fields)
        for schedule in deployment.get("schedules", []):
            RawScheduleConfig.model_validate(schedule)

    def test_a_second_run_of_it_waits(self, file, deployment):
        assert deployment["concurrency_limit"] == {"limit": 1, "collision_strategy": "ENQUEUE"}

    def test_nothing_is_pulled_because_the_package_is_installed(self, file, deployment):
        assert document(file)["pull"] == []

    def test_it_and_its_work_pool_are_documented(self, file, deployment):
        pool = deployment["work_pool"]["name"]
        assert f"{flow_of(deployment).name}/{deployment['name']}" in OPERATIONS
        assert f"prefect work-pool create {pool} --type" in OPERATIONS
        assert f"prefect work-pool set-concurrency-limit {pool} 1" in OPERATIONS


@pytest.mark.parametrize(("file", "deployment"), SCHEDULED)
def test_its_schedules_are_those_of_the_settings(file, deployment):
    declared = standing(Schedule(), Declarations().polls.values())
    assert deployment["schedules"] == [
        {"slug": s.slug, "cron": s.cron, "timezone": s.timezone, "parameters": s.parameters} for s in declared
    ]


def wait_for(what: str, reached: Callable[[], bool], seconds: float = 240) -> None:
    deadline = time.monotonic() + seconds
    while not reached():
        assert time.monotonic() < deadline, what
        time.sleep(1)


@pytest.mark.long
def test_on_a_real_server_it_deploys_and_a_worker_runs_it_one_at_a_time(tmp_path: Path, monkeypatch):
    """The commands of docs/operations.md, on SQLite."""
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path / "prefect"))
    monkeypatch.setenv("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
    with server(free_port(), tmp_path) as made:
        api, login = made.url, tuple(made.login.split(":", 1))
        environment = {
            **os.environ, **made.environment, "TREASURY_WATCH_HOME": str(tmp_path / "home"), "HOME": str(tmp_path),
            "PYTHONPATH": str(PROJECT),
        }  # fmt: skip
        prefect = str(Path(sys.executable).with_name("prefect"))

        def command(*arguments: str) -> None:
            ended = subprocess.run(
                [prefect, *arguments], env=environment, cwd=PROJECT, stdin=subprocess.DEVNULL, capture_output=True,
                text=True, timeout=180, check=False,
            )  # fmt: skip
            assert ended.returncode == 0, ended.stdout + ended.stderr

        def runs() -> list[dict[str, Any]]:
            asked = {"flow_runs": {"tags": {"all_": ["trial"]}}, "sort": "START_TIME_ASC"}
            return requests.post(f"{api}/flow_runs/filter", json=asked, timeout=30, auth=login).json()

        command("work-pool", "create", "treasury-watch", "--type", "process")
        command("work-pool", "set-concurrency-limit", "treasury-watch", "1")
        command("deploy", "--all")
        for _ in range(2):
            command("deployment", "run", "treasury-watch/scheduled", "--param", "sample=true", "--tag", "trial")
        deployed = requests.get(f"{api}/deployments/name/treasury-watch/scheduled", timeout=30, auth=login).json()
        declared = {schedule.slug for schedule in standing(Schedule(), Declarations().polls.values())}
        assert {schedule["slug"] for schedule in deployed["schedules"]} == declared > {"release", "daily"}
        assert deployed["concurrency_options"]["collision_strategy"] == "ENQUEUE"
        worker = [prefect, "worker", "start", "--pool", "treasury-watch"]
        with (
            (tmp_path / "worker.log").open("wb") as log,
            subprocess.Popen(worker, env=environment, cwd=tmp_path, stdout=log, stderr=log) as process,
        ):
            try:
                wait_for("two runs that ended", lambda: [r["state_type"] for r in runs()] == ["COMPLETED"] * 2)
            finally:
                process.terminate()
        first, second = runs()
    assert first["end_time"] <= second["start_time"]
    assert (tmp_path / "home" / "treasury.duckdb").exists()
