"""The store: where archive and publication are kept as well, so that any machine can go on and any reader can read.

    raw/<source>/<sha256>.<ending>   archived bytes, as in a home; never changed
    publications/<run id>/           treasury.duckdb and parquet/, as in a home
    homes/<run id>/                  state.sqlite, and archive.json with the archive's notes: what the next worker needs
    current.json                     which of them are current, with the checksum of every file; written last

A reader who follows current.json finds a whole publication whenever it looks. Whoever writes compares the pointer with
the one that its home last saw, and refuses where another machine has moved it.
"""

from __future__ import annotations

import hashlib
import json
import logging
import shutil
import sqlite3
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from treasury_watch.transforms.errors import TreasuryWatchError
from treasury_watch.warehouse.archive.archived_files import Entry, content_of, entry_of
from treasury_watch.warehouse.home.durable_files import move_into_place
from treasury_watch.warehouse.home.state import now
from treasury_watch.warehouse.home.state_versions import NewerState
from treasury_watch.warehouse.installation import Warehouse
from treasury_watch.warehouse.ledger.vintages import SCHEMA_VERSION
from treasury_watch.warehouse.publication import parquet_folders
from treasury_watch.warehouse.publication.publishing import LOCK_WAIT_SECONDS
from treasury_watch.warehouse.store.objects import (
    Fingerprint,
    Objects,
    StoreDamaged,
    StoreError,
    StoreMoved,
    each,
    fingerprint,
)

POINTER = "current.json"
FORMAT = 1
NOTE = "store"  # in the state: the last exchange with the store
OWN_NOTES = (NOTE, "published")  # what they say holds for one machine only


@dataclass
class Store:
    """The store of one installation. `keep` publications stay there, the current one among them."""

    url: str
    warehouse: Warehouse
    keep: int

    @cached_property
    def objects(self) -> Objects:
        """The store's objects."""
        return Objects(self.url)

    def last_exchange(self) -> dict[str, Any]:
        """What this home knows of its last exchange: `pointer` and `archive` (checksums of current.json and archive.json),
        `at`, and `behind`, why the last attempt failed. Empty where there was none.
        """
        known: dict[str, Any] = json.loads(self.warehouse.state.remembered(NOTE) or "{}")
        return known if known.get("url") == self.url else {}

    def take(self) -> bool:
        """Bring down what the store has and this home lacks, then make every table again. Returns whether there was any.

        What only this home has stays. A crash on the way is made up for by the next call. Raises StoreError,
        StoreDamaged, Busy, or what a rebuild raises.
        """
        home, known = self.warehouse.home, self.last_exchange()
        pointer, checksum = self._pointer()
        if not pointer:
            return False
        kept = pointer["home"]
        # without a ledger, a crash came before the tables were made, or a backup was restored
        lacking = self._count() < kept["archived_files"] or not home.ledger.exists()
        if checksum == known.get("pointer") and not lacking:
            return False
        stale = lacking or known.get("archive") != kept["files"]["archive.json"]["sha256"]
        with self._aside() as folder:
            self._fetch_all("homes", kept["id"], kept["files"], folder)
            self._take_archive(json.loads((folder / "archive.json").read_bytes()), folder)
            try:
                self.warehouse.state.take_over(folder / "state.sqlite", OWN_NOTES)
            except (sqlite3.DatabaseError, NewerState) as problem:
                found = problem.found if isinstance(problem, NewerState) else problem
                raise StoreDamaged(
                    f"store {self.objects.shown}, homes/{kept['id']}/state.sqlite: expected a state of this version, "
                    f"found {found}; let all machines run the same version"
                ) from problem
        if stale and pointer["files"]:
            self.warehouse.rebuild()
        self._remember(checksum, kept["files"]["archive.json"]["sha256"])
        return True

    @contextmanager
    def _aside(self, wait_seconds: float = 0) -> Iterator[Path]:
        """The writer's lock, and an empty folder of this home for what is on its way. Raises Busy."""
        folder = self.warehouse.home.root / ".store"
        with self.warehouse.home.writing(wait_seconds):
            shutil.rmtree(folder, ignore_errors=True)  # what a crash left
            folder.mkdir()
            try:
                yield folder
            finally:
                shutil.rmtree(folder)

    def _take_archive(self, notes: list[dict[str, Any]], folder: Path) -> None:
        archive = self.warehouse.archive

        def take(content: dict[str, Any]) -> None:
            entry = entry_of(content)
            mine = archive.find(entry.source, entry.sha256)
            chosen = _chosen(entry, mine) if mine else entry
            path = archive.path(chosen)
            if not path.exists():
                staged = folder / f"{entry.source.replace(':', '_')}.{path.name}"
                self.objects.fetch(self._key(entry), Fingerprint(entry.sha256, entry.bytes), staged)
                path.parent.mkdir(parents=True, exist_ok=True)
                move_into_place(staged, path)
            if chosen != mine:
                archive.note(chosen)

        each(take, notes)

    def put(self) -> None:
        """Put what the home has new: archive, tables, state, and the pointer last; then remove old publications.

        Raises StoreMoved where another machine has put its own since this home last looked, StoreError or ArchiveDamaged;
        the pointer then stays as it was.
        """
        archive = self.warehouse.archive
        with self._aside(LOCK_WAIT_SECONDS) as folder:
            current, checksum = self._pointer()
            self._unmoved(current, checksum)
            entries = archive.entries()
            there = self.objects.sizes("raw")
            new = [entry for entry in entries if there.get(self._key(entry)) != entry.bytes]
            each(lambda entry: self.objects.put(self._key(entry), archive.body(entry)), new)
            identity = self._identity(current)
            tables = self._put_tables(current, identity)
            self.warehouse.state.copy_to(folder / "state.sqlite")
            notes = json.dumps([content_of(entry) for entry in entries], indent=0)
            (folder / "archive.json").write_text(notes, encoding="utf-8")
            files = {path.name: asdict(fingerprint(path)) for path in sorted(folder.iterdir())}
            for item in files:
                self.objects.put(f"homes/{identity}/{item}", folder / item)
            kept = {
                "publications": _newest_first(tables["run_id"], current, "publications", self.keep),
                "homes": _newest_first(identity, current, "homes", self.keep),
            }
            mine = {"id": identity, "archived_files": len(entries), "files": files}
            pointer = {"format": FORMAT, **tables, "home": mine, "kept": kept, "written": now().isoformat()}
            body = json.dumps(pointer, indent=1).encode()
            self._unmoved(*self._pointer())  # putting took its time
            self.objects.put(POINTER, body)
            self._remember(hashlib.sha256(body).hexdigest(), files["archive.json"]["sha256"])
        self._prune(kept)

    def _put_tables(self, current: dict[str, Any], identity: str) -> dict[str, Any]:
        """The pointer's part on the tables, once they are there; those that are there already are left alone."""
        home = self.warehouse.home
        nothing: dict[str, Any] = {
            "run_id": None,
            "published": None,
            "schema_version": SCHEMA_VERSION,
            "rows": {},
            "files": {},
        }
        before: dict[str, Any] = nothing | {key: current[key] for key in nothing if key in current}
        if not home.database.exists():
            return before
        # not what is being staged, nor the remains of a crash
        parquet = sorted(path for path in home.parquet.rglob("*.parquet") if not path.name.startswith("."))
        paths = {path.relative_to(home.root).as_posix(): path for path in [home.database, *parquet]}
        files = {name: asdict(fingerprint(path)) for name, path in paths.items()}
        if files == before["files"]:
            return before
        for name, path in paths.items():
            self.objects.put(f"publications/{identity}/{name}", path)
        rows: dict[str, int] = {}
        for path in parquet:
            table = path.relative_to(home.parquet).parts[0].removesuffix(".parquet")
            rows[table] = rows.get(table, 0) + pq.read_metadata(path).num_rows
        return {**before, "run_id": identity, "published": now().isoformat(), "schema_version": SCHEMA_VERSION,
                "rows": rows, "files": files}  # fmt: skip

    def pull(self) -> dict[str, int]:
        """The current publication into this home, for reading: rows by table. Nothing is replaced unless all is sound.

        Raises StoreError, StoreDamaged, Busy, or TreasuryWatchError in a home that makes its tables itself.
        """
        home = self.warehouse.home
        if home.ledger.exists():
            raise TreasuryWatchError(
                f"{home.root} makes its tables itself, and its runs take from the store what they lack; "
                "name a home for reading in TREASURY_WATCH_HOME"
            )
        pointer, _ = self._pointer()
        if not pointer or not pointer["files"]:
            raise StoreError(f"store {self.objects.shown}: no publication yet; run `treasury-watch run` with it first")
        with self._aside() as folder:
            self._fetch_all("publications", pointer["run_id"], pointer["files"], folder)
            for path in sorted(folder.rglob("*.parquet")):
                target = home.root / path.relative_to(folder)
                target.parent.mkdir(parents=True, exist_ok=True)
                move_into_place(path, target, home.published_mode)
            move_into_place(folder / home.database.name, home.database, home.published_mode)
            for path in home.parquet.rglob("*.parquet"):
                if path.relative_to(home.root).as_posix() not in pointer["files"]:
                    path.unlink()
            parquet_folders.set_current(home)
        rows: dict[str, int] = pointer["rows"]
        return rows

    def behind(self, problem: Exception) -> None:
        """Note why the store is behind this home."""
        known = self.last_exchange() or {"url": self.url}
        self.warehouse.state.remember(NOTE, json.dumps({**known, "behind": str(problem)}))

    def _remember(self, pointer: str, archive: str) -> None:
        known = {"url": self.url, "pointer": pointer, "archive": archive, "at": now().isoformat()}
        self.warehouse.state.remember(NOTE, json.dumps(known))

    def _pointer(self) -> tuple[dict[str, Any], str]:
        """The pointer and its checksum; both empty where the store is. Raises StoreError."""
        body = self.objects.find(POINTER)
        if body is None:
            return {}, ""
        try:
            pointer: dict[str, Any] = json.loads(body)
            if pointer["format"] != FORMAT or not {"files", "home", "kept"} <= set(pointer):
                raise ValueError(f"format {pointer['format']}")
        except (ValueError, KeyError, TypeError) as problem:
            raise StoreDamaged(
                f"store {self.objects.shown}, {POINTER}: expected a pointer of format {FORMAT}, found {problem}; set it "
                "aside and run again on the machine that wrote last: everything is put there again"
            ) from problem
        return pointer, hashlib.sha256(body).hexdigest()

    def _unmoved(self, pointer: dict[str, Any], checksum: str) -> None:
        if not pointer:
            return
        kept = pointer["home"]
        if checksum != self.last_exchange().get("pointer"):
            raise StoreMoved(
                f"store {self.objects.shown}: {POINTER} was moved by run {kept['id']} of another machine at "
                f"{pointer['written'][:19]}; nothing of it was overwritten. Run again: what is there is taken up first"
            )
        if self._count() < kept["archived_files"]:
            raise StoreMoved(
                f"store {self.objects.shown}: expected at least its {kept['archived_files']} archived files in this home, "
                f"found {self._count()}; nothing was overwritten. Run again: what is missing is taken from there first"
            )

    def _identity(self, current: dict[str, Any]) -> str:
        """The newest run's id; with a number where the store has something of that run already."""
        found = self.warehouse.state.rows("SELECT run_id FROM runs ORDER BY started DESC LIMIT 1")
        run = found[0]["run_id"] if found else uuid.uuid4().hex[:12]
        used = {name for names in current.get("kept", {}).values() for name in names}
        identity, number = run, 2
        while identity in used:
            identity, number = f"{run}-{number}", number + 1
        return identity

    def _fetch_all(self, kind: str, identity: str, files: dict[str, dict[str, Any]], folder: Path) -> None:
        def fetch(name: str) -> None:
            path = folder / name
            if ".." in Path(name).parts or Path(name).is_absolute():
                raise StoreDamaged(f"store {self.objects.shown}, {POINTER}: {name!r} is no name of a file of a home")
            path.parent.mkdir(parents=True, exist_ok=True)
            self.objects.fetch(f"{kind}/{identity}/{name}", Fingerprint(**files[name]), path)

        each(fetch, files)

    def _prune(self, kept: dict[str, list[str]]) -> None:
        try:
            for kind, names in kept.items():
                for name in set(self.objects.folders(kind)) - set(names):
                    self.objects.remove(f"{kind}/{name}")
        except StoreError as problem:  # all is in place; the next run tries again
            logging.getLogger(__name__).warning("old publications were not removed: %s", problem)

    def _count(self) -> int:
        return sum(1 for _ in self.warehouse.home.raw.glob("*/*.json"))

    def _key(self, entry: Entry) -> str:
        return f"raw/{self.warehouse.archive.path(entry).relative_to(self.warehouse.home.raw).as_posix()}"


def _newest_first(name: str | None, current: dict[str, Any], kind: str, keep: int) -> list[str]:
    """The names to keep of one kind."""
    known = current.get("kept", {}).get(kind, [])
    return [item for item in dict.fromkeys([name, *known]) if item][:keep]


def _chosen(theirs: Entry, mine: Entry) -> Entry:
    """Which of two notes on the same bytes holds: the later word on a withdrawal, else that it was loaded."""
    never = datetime.min.replace(tzinfo=UTC)
    if (mine.withdrawal_decided or never) > (theirs.withdrawal_decided or never):
        return mine
    return mine if mine.refused is None and mine.withdrawn is None and theirs.refused is not None else theirs
