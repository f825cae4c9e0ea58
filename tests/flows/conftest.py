"""A local server that serves the embedded sample under every source's address."""

from __future__ import annotations

import hashlib
import re
import shutil
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from tests.conftest import PROJECT, SAMPLE, TODAY
from tests.flows.loopback import Loopback, Reply
from treasury_watch.flows.alerts import delivery
from treasury_watch.flows.run import steps
from treasury_watch.flows.settings.settings import Settings
from treasury_watch.warehouse.declarations import Declarations
from treasury_watch.warehouse.installation import Warehouse

BASES = {
    "TIC": "/tic/", "FRED": "/fred/", "ECB": "/ecb/", "MOF": "/mof/", "TREASURY": "/treasury/", "TIC_SURVEY": "/survey/",
    "MOF_FILES": "/mof_files/", "FISCAL_DATA": "/fiscal_data/",
}  # fmt: skip


class Publishers:
    """The publishers of all sources, on the loopback. Sources that the sample lacks answer 404."""

    def __init__(self, server: Loopback):
        self.server = server
        self.declarations = Declarations(
            PROJECT / "config", {name.lower(): server.url(path) for name, path in BASES.items()}
        )
        self.start_over()

    def start_over(self) -> None:
        """Serve the sample again, as at the beginning."""
        self.server.forget()
        for entry in tomllib.loads((SAMPLE / "manifest.toml").read_text(encoding="utf-8"))["files"]:
            self.serve(entry["source"], (SAMPLE / entry["path"]).read_bytes())

    def path(self, source: str) -> str:
        """The path and query of a source on the server."""
        return self.declarations.source(source).url.removeprefix(self.server.url("/").rstrip("/"))

    def serve(self, source: str, body: bytes) -> None:
        """Serve these bytes as the source from now on."""
        self.server.serve(self.path(source), body, etag=f'"{hashlib.md5(body).hexdigest()}"')

    def answer(self, source: str, *replies: Reply) -> None:
        """Answer the next requests for the source so."""
        self.server.script(self.path(source), *replies)


def forget_network_settings(patch: pytest.MonkeyPatch) -> None:
    """No proxy and no certificate file of this machine has a say."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy", "requests_ca_bundle", "curl_ca_bundle"):
        patch.delenv(name, raising=False)
        patch.delenv(name.upper(), raising=False)


@pytest.fixture
def plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    forget_network_settings(monkeypatch)


@pytest.fixture
def set_in_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], Settings]:
    """The settings in force where a data folder has this settings.toml and this routing.toml."""
    home = tmp_path / "own"
    home.mkdir()
    monkeypatch.setenv("TREASURY_WATCH_HOME", str(home))

    def written(settings: str = "", routing: str = "") -> Settings:
        (home / "settings.toml").write_text(settings, encoding="utf-8")
        (home / "routing.toml").write_text(routing, encoding="utf-8")
        return Settings()

    return written


@pytest.fixture
def server() -> Iterator[Loopback]:
    """A server on the loopback that answers as it is told."""
    with Loopback() as running:
        yield running


@pytest.fixture(scope="session")
def config_of_the_sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """config/ without the FRED series that the sample lacks and no other declaration names: each source of a run takes time."""
    folder = tmp_path_factory.mktemp("declared") / "config"
    shutil.copytree(PROJECT / "config", folder)
    kept = {entry["source"] for entry in tomllib.loads((SAMPLE / "manifest.toml").read_text(encoding="utf-8"))["files"]}
    path = folder / "sources.toml"
    series = re.compile(r"^([A-Z0-9]+) = \{.*\n", re.MULTILINE)
    text = path.read_text(encoding="utf-8")
    named = "".join((folder / name).read_text(encoding="utf-8") for name in ("nowcast.toml", "alert_rules.toml"))
    text = series.sub(lambda line: line[0] if f"fred:{line[1]}" in kept or f'"{line[1]}"' in named else "", text)
    path.write_text(text, encoding="utf-8")
    return folder


def environment(patch: pytest.MonkeyPatch, server: Loopback, home: Path, config: Path) -> None:
    """The environment of a run against the local server, of what is declared in `config`."""
    forget_network_settings(patch)
    patch.setenv("TREASURY_WATCH_CONFIG", str(config))
    for name, path in BASES.items():
        patch.setenv(f"TREASURY_WATCH_BASE_{name}", server.url(path))
    patch.setenv("TREASURY_WATCH_HOME", str(home))
    patch.setenv("TREASURY_WATCH_HTTP_RETRIES", "1")
    patch.setenv("TREASURY_WATCH_HTTP_BACKOFF_SECONDS", "0.01")
    patch.setenv("TREASURY_WATCH_HTTP_BACKOFF_JITTER_SECONDS", "0.01")
    patch.setenv("TREASURY_WATCH_HTTP_READ_TIMEOUT_SECONDS", "1")
    patch.setenv("TREASURY_WATCH_ALERTS_RECENT_MONTHS", "1")


@pytest.fixture(scope="session")
def first_run(
    tmp_path_factory: pytest.TempPathFactory, config_of_the_sample: Path
) -> Iterator[tuple[Publishers, Path]]:
    """The publishers, and a home that one run has filled from them. Only to be copied: a run takes seconds."""
    home = tmp_path_factory.mktemp("first") / "home"
    with Loopback() as server:
        publishers = Publishers(server)
        with pytest.MonkeyPatch.context() as patch:
            environment(patch, server, home, config_of_the_sample)
            settings = Settings()
            then = replace(steps.PLAIN, alert=partial(delivery.alert, today=TODAY))  # when the sample was the newest
            steps.run(settings, settings.warehouse(), then, sample=False, command="run")
        yield publishers, home


@pytest.fixture
def publishers(first_run: tuple[Publishers, Path]) -> Publishers:
    first_run[0].start_over()
    return first_run[0]


@pytest.fixture
def settings(
    publishers: Publishers, config_of_the_sample: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Settings:
    """Settings whose sources are on the local server and whose home is empty."""
    environment(monkeypatch, publishers.server, tmp_path / "home", config_of_the_sample)
    return Settings()


@pytest.fixture
def loaded(first_run: tuple[Publishers, Path], settings: Settings, tmp_path: Path) -> Warehouse:
    """A home that a run has filled from the server."""
    shutil.copytree(first_run[1], tmp_path / "home")
    return settings.warehouse()
