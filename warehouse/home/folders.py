"""Where an installation keeps its data."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from treasury_watch.transforms.errors import ConfigurationError, TreasuryWatchError
from treasury_watch.warehouse.declarations import PROJECT
from treasury_watch.warehouse.home import permissions
from treasury_watch.warehouse.home.storage_failures import ROOM, StorageFailed, with_owner

HOME = "TREASURY_WATCH_HOME"
APPLICATION = "treasury-watch"
TEMPORARY_BYTES = 8_000_000
NOT_OPENED = {"?": "a question mark", "\\": "a backslash", "\n": "a line break", "\r": "a line break"}
ROOM_BYTES = 16_000_000  # Prefect's records, the ledger's log and the page, besides the database


def default_homes(program: Path) -> tuple[Path, Path]:
    """The data folder without TREASURY_WATCH_HOME, and the sample's own, of a program that lies in `program`.

    In a checkout `warehouse/data` and `warehouse/sample`; of an installed package `data` and `sample` in the user's data
    directory (on Linux ~/.local/share/treasury-watch): an update or removal of the package must not reach the archive.
    """
    if (program / "pyproject.toml").is_file():
        folder = program / "warehouse"
    else:
        import platformdirs  # not for a checkout, whose commands start sooner without it

        folder = platformdirs.user_data_path(APPLICATION, appauthor=False)
    return folder / "data", folder / "sample"


DEFAULT_HOME, SAMPLE_HOME = default_homes(PROJECT)


class Busy(TreasuryWatchError):
    """Another process is writing to this home."""


@dataclass(frozen=True)
class Home:
    """The data folder. `raw` and `state` are originals; everything else is made from them."""

    root: Path
    share: str = "nobody"  # who may read what is published; see permissions

    @classmethod
    def from_environment(cls) -> Home:
        """The folder that TREASURY_WATCH_HOME names, else that of `default_homes`. Raises ConfigurationError for a path that no
        database opens.
        """
        named = os.environ.get(HOME)
        return cls(_openable(Path(named).expanduser().resolve() if named else DEFAULT_HOME))

    @staticmethod
    def choose_for_sample() -> None:
        """Where no home is named, name the sample's own for this process and those that it starts."""
        if not os.environ.get(HOME):
            os.environ[HOME] = str(SAMPLE_HOME)

    def prepared(self) -> Home:
        """The same home with its folders made, readable by its owner alone but for what is shared; so is what is made in it.

        Raises ConfigurationError where they cannot be made.
        """
        permissions.keep_private()
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            permissions.settle(self.root, self.share)
            for folder in (self.raw, self.parquet, self.outbox, self.reports):
                folder.mkdir(parents=True, exist_ok=True)
        except OSError as problem:
            raise ConfigurationError(
                f"data folder {self.root}: {problem.strerror}; {with_owner(self.root)}make it writable or name another in "
                "TREASURY_WATCH_HOME"
            ) from problem
        return self

    def check_room(self) -> None:
        """Raise StorageFailed where the disk has no room for a publication beside the one in place."""
        needed = ROOM_BYTES + _size(self.database) + _size_below(self.parquet)
        free = shutil.disk_usage(self.root).free
        if free < needed:
            raise StorageFailed(
                f"{self.root}: {free / 1e6:,.1f} MB free, a run needs {needed / 1e6:,.0f} MB for what it writes aside; {ROOM}"
            )

    @staticmethod
    def check_temporary_room() -> None:
        """Raise StorageFailed where the folder for temporary files is full: Prefect's database and others write there."""
        folder = Path(os.environ.get("TMPDIR") or tempfile.gettempdir())
        if folder.is_dir() and (free := shutil.disk_usage(folder).free) < TEMPORARY_BYTES:
            raise StorageFailed(
                f"{folder}: {free / 1e6:,.1f} MB free, {TEMPORARY_BYTES / 1e6:,.0f} MB are needed for temporary files; make room "
                "there, or name another folder in TMPDIR"
            )

    @property
    def raw(self) -> Path:
        """The archive: bytes as served."""
        return self.root / "raw"

    @property
    def release_archive(self) -> Path:
        """Zips of the Treasury's release archive until their members are archived, and a note on each for good."""
        return self.root / "release_archive"

    @property
    def parquet(self) -> Path:
        """The published tables as Parquet."""
        return self.root / "parquet"

    @property
    def publications(self) -> Path:
        """The same of one publication each, in a folder by its id."""
        return self.root / "publications"

    @property
    def pointer(self) -> Path:
        """Which of the publications is the current one."""
        return self.root / "current.json"

    @property
    def database(self) -> Path:
        """The published database."""
        return self.root / "treasury.duckdb"

    @property
    def published_mode(self) -> int:
        """The mode of published files."""
        return permissions.published_file_mode(self.share)

    def settle_published(self) -> None:
        """Let those read what is published whom the settings name, and nobody else."""
        permissions.settle_published(self.root, self.share)
        permissions.settle(self.root, self.share, publishing=True)

    @property
    def opens(self) -> bool:
        """Whether the settings share with more users than can read now; a publication opens the way."""
        return permissions.opens(self.root, self.share)

    @property
    def outbox(self) -> Path:
        """Messages written instead of sent."""
        return self.root / "outbox"

    @property
    def reports(self) -> Path:
        """The pages."""
        return self.root / "reports"

    @property
    def ledger(self) -> Path:
        """The vintages: working store, rebuilt from the archive at any time."""
        return self.root / "ledger.duckdb"

    @property
    def state(self) -> Path:
        """Runs, the outbox, check results and HTTP validators: what no archive can tell."""
        return self.root / "state.sqlite"

    @property
    def lock(self) -> Path:
        """Held by whoever writes."""
        return self.root / "writer.lock"

    @contextmanager
    def writing(self, wait_seconds: float = 0) -> Iterator[None]:
        """The writer's lock for the block; a crash releases it. Raises Busy."""
        from filelock import FileLock, Timeout  # not for a question, which is answered sooner without it

        lock = FileLock(self.lock)
        try:
            lock.acquire(timeout=wait_seconds)
        except Timeout as problem:
            raise Busy(
                f"another run is writing to {self.root}; wait for it to end, "
                "or name another home in TREASURY_WATCH_HOME"
            ) from problem
        try:
            yield
        finally:
            lock.release()


def _openable(root: Path) -> Path:
    r"""The path as it is. Raises ConfigurationError where DuckDB cannot open a file below it.

    DuckDB reads what follows a ? as options and a \ as a step down on every system, and takes text in UTF-8 alone. A message
    is one line, which a path with a line break would not be.
    """
    path = str(root)
    what = next((name for sign, name in NOT_OPENED.items() if sign in path), None)
    if what is None:
        try:
            path.encode()
            return root
        except UnicodeEncodeError:
            what = "bytes that are no UTF-8"
    raise ConfigurationError(
        f"data folder {ascii(path)[1:-1]}: expected a path that the database can open, found {what} in it; rename the folder or "
        f"name another in {HOME}"
    )


def _size_below(folder: Path) -> int:
    """The bytes of all files below a folder, at which another process may be at work."""
    return sum(_size(Path(place, name)) for place, _, names in os.walk(folder) for name in names)


def _size(path: Path) -> int:
    """A file's bytes; 0 where there is none, or another process has just replaced it."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
