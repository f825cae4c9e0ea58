"""What tests of several modules share: the project's declarations, small official layouts, a home loaded once."""

from __future__ import annotations

import gc
import os
import pickle
import shutil
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from functools import lru_cache
from pathlib import Path

import pytest

from tests.official_home import official_home  # noqa: F401  a fixture for all, as those below
from tests.prefect_database import prefect_database  # noqa: F401
from tests.shared_folders import made_once
from tests.sharing_out import SharingOut
from tests.small_home import published_next, published_small  # noqa: F401
from tests.undrawn_charts import leave_undrawn
from treasury_watch.warehouse.archive import home_kinds
from treasury_watch.warehouse.declarations import Declarations
from treasury_watch.warehouse.gates.expectations import Gates
from treasury_watch.warehouse.home.folders import Home
from treasury_watch.warehouse.installation import Warehouse
from treasury_watch.warehouse.ledger.incoming.incoming_files import IncomingFile

PROJECT = Path(__file__).resolve().parents[1]
SAMPLE = PROJECT / "config" / "sample"
RETRIEVED = datetime(2026, 7, 1, 12, tzinfo=UTC)
TODAY = date(2026, 7, 1)
GRAND_TOTAL = 9000.0
STEADY = {
    "United Kingdom": 900.0,
    "China, Mainland": 650.0,
    "Belgium": 460.0,
    "Luxembourg": 430.0,
    "Canada": 400.0,
    "France": 390.0,
    "Taiwan": 300.0,
}


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(SharingOut(), "sharing out")


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """What importing all modules made stays to the end, and the garbage collector need not look through it again and again:
    it would cost a quarter of the collection of tests, and some of every publication.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.collect()
        gc.freeze()
        gc.enable()


def pytest_sessionfinish() -> None:
    """What is left is freed in order, also DuckDB's constants, which its driver else lists as leaked."""
    gc.unfreeze()
    gc.callbacks.clear()  # Hypothesis' own, which times the collector and keeps modules alive while the interpreter ends


def table5(months: Sequence[str], figures: Mapping[str, Sequence[float]], *, off: float = 0.0, note: str = "") -> bytes:
    """A Table 5 that adds up, USD billions; `months` newest first. `off` is added to the newest Grand Total."""
    rest = [GRAND_TOTAL - sum(values) for values in zip(*figures.values(), strict=True)]
    total = [GRAND_TOTAL + off, *[GRAND_TOTAL] * (len(months) - 1)]
    rows = [*figures.items(), ("All Other", rest), ("Grand Total", total)]
    lines = [
        "Table 5: Major Foreign Holders of Treasury Securities",
        "Billions of dollars",
        "\t".join(["Country", *months]),
    ]
    lines += ["\t".join([name, *(f"{value:.1f}" for value in values)]) for name, values in rows]
    return "\r\n".join([*lines, "Notes", note]).encode()


def majors(japan: Sequence[float], **others: Sequence[float]) -> dict[str, Sequence[float]]:
    """Figures of eight holders; only Japan's matter to most tests."""
    return {"Japan": japan, **{name: [value] * len(japan) for name, value in STEADY.items()}, **others}


@pytest.fixture(scope="session", autouse=True)
def only_doubtful() -> Iterator[None]:
    """Great Expectations is asked only of what may not hold, as when the release archive is loaded: it takes a second for
    each publication, of which the tests make hundreds. That the results are the same is tested beside the gates, where it
    is asked of all, as it is by every command that a test starts as a new process. (Those of the tests of faults are forks
    of one process, which does as this one.)
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Gates, "only_doubtful", True)
        yield


@pytest.fixture(scope="session", autouse=True)
def undrawn_charts() -> Iterator[None]:
    """No chart is drawn but in tests of the site, and by every command that a test starts as a new process."""
    with pytest.MonkeyPatch.context() as patch:
        leave_undrawn(patch)
        yield


@pytest.fixture(scope="session", autouse=True)
def documents_read_once() -> Iterator[None]:
    """A declaration of the same text is taken apart once for all tests of a process: each command reads fourteen of them. What
    is kept is a copy of its own for each.
    """
    loads = tomllib.loads

    @lru_cache(maxsize=256)
    def kept(text: str) -> bytes:
        return pickle.dumps(loads(text))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tomllib, "loads", lambda text: pickle.loads(kept(text)))
        yield


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The templates that a test compiles are kept for the others, and not in the user's own cache."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(made_once(tmp_path_factory, "cache", lambda folder: None)))
        yield


@pytest.fixture(scope="session")
def declarations() -> Declarations:
    """The project's, with the publishers' addresses, whatever a test has put into the environment."""
    declared = Declarations(PROJECT / "config")
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("TREASURY_WATCH_BASE_")]:
            patch.delenv(name)
        _ = declared.bases  # read once
    return declared


@pytest.fixture(scope="session")
def shared_gates(declarations: Declarations) -> Gates:
    """One Great Expectations context for all tests: making it costs seconds."""
    return Gates(declarations)


@pytest.fixture(scope="session")
def loaded_sample(tmp_path_factory: pytest.TempPathFactory, declarations: Declarations) -> Path:
    """A home with the embedded sample loaded and published once. Only to be read: take `sample` to change it."""

    def make(root: Path) -> None:
        warehouse = Warehouse(Home(root), declarations)
        with warehouse.session("run", today=TODAY) as session:
            for entry in tomllib.loads((SAMPLE / "manifest.toml").read_text(encoding="utf-8"))["files"]:
                body = (SAMPLE / entry["path"]).read_bytes()
                session.loader.load(
                    IncomingFile(body, url=f"sample:{entry['path']}", retrieved=RETRIEVED, source=entry["source"])
                )
            session.loader.load_press()
            session.publish()
        warehouse.state.remember(
            home_kinds.NOTE, home_kinds.OFFICIAL
        )  # it stands for any home: its messages may be sent

    return made_once(tmp_path_factory, "sample", make)


def a_copy(home: Path, folder: Path, declarations: Declarations) -> Warehouse:
    """A copy of a home, in the folder, to be changed at will."""
    shutil.copytree(home, folder / "home")
    return Warehouse(Home(folder / "home"), declarations)


@pytest.fixture
def sample(loaded_sample: Path, tmp_path: Path, declarations: Declarations) -> Warehouse:
    """A copy of the loaded sample."""
    return a_copy(loaded_sample, tmp_path, declarations)
