"""Stores and machines for the tests of the object store, and the database of a few literal figures."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import requests

from tests.conftest import majors, table5
from tests.warehouse.literal_database import LiteralDatabase
from treasury_watch.warehouse.declarations import Declarations
from treasury_watch.warehouse.home.folders import Home
from treasury_watch.warehouse.installation import Warehouse
from treasury_watch.warehouse.ledger.incoming.incoming_files import IncomingFile

JUNE, JULY = datetime(2026, 6, 20, 12, tzinfo=UTC), datetime(2026, 7, 18, 12, tzinfo=UTC)
FIRST = table5(["2026-04", "2026-03", "2026-02"], majors([1209.9, 1191.6, 1239.3]))
NEXT = table5(["2026-05", "2026-04", "2026-03"], majors([1143.1, 1209.9, 1191.6]))
BUCKET = "treasury-watch"


# ----------------------------------------------------------------------------------------------------- the machinery


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    """A real S3 server on the loopback: its host and port. With one bucket, and credentials in the environment."""
    pytest.importorskip("moto", reason="no S3 server to test against; pip install -e '.[store]'")
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    with pytest.MonkeyPatch.context() as patch:
        for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"):
            patch.delenv(name, raising=False)
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            patch.setenv(name, "testing")
        patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        address = "{}:{}".format(*server.get_host_and_port())
        requests.put(f"http://{address}/{BUCKET}", timeout=10).raise_for_status()
        yield address
    server.stop()


def s3_address(server: str, bucket: str = BUCKET, prefix: str = "tic") -> str:
    return f"s3://{bucket}/{prefix}?endpoint_override={server}&scheme=http&region=us-east-1"


@pytest.fixture(params=["file", "s3"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty store, once as a folder and once in a bucket."""
    if request.param == "file":
        return (tmp_path / "a store").as_uri()
    return s3_address(request.getfixturevalue("s3"), prefix=tmp_path.name)


@pytest.fixture
def folder(tmp_path: Path) -> str:
    """An empty store that is a folder: tmp_path/"store"."""
    return (tmp_path / "store").as_uri()


def load(warehouse: Warehouse, body: bytes, retrieved: datetime) -> None:
    """A run: load, and publish unless published."""
    with warehouse.session("ingest", today=retrieved.date()) as session:
        session.loader.load(IncomingFile(body, url="file:any.txt", retrieved=retrieved))
        session.loader.load_press()
        if not session.is_published():
            session.publish()


Machine = Callable[..., Warehouse]


@pytest.fixture
def machine(tmp_path: Path, published_small: Path, declarations: Declarations) -> Machine:
    """Makes a machine: with the small home, a copy of another's home, or an empty one."""

    def make(name: str, home: Path | None = published_small) -> Warehouse:
        if home:
            shutil.copytree(home, tmp_path / name)
        return Warehouse(Home(tmp_path / name), declarations)

    return make


@pytest.fixture
def published(declarations: Declarations) -> Iterator[LiteralDatabase]:
    """An in-memory database with the declared tables and views, empty but for the reference data."""
    made = LiteralDatabase(declarations)
    yield made
    made.connection.close()
