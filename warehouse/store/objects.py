"""Objects of a store by their keys: a bucket, or a folder that several machines see. Failures come as one line."""

from __future__ import annotations

import hashlib
import io
import shutil
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from threading import Thread
from typing import IO, Any, TypeVar
from urllib.parse import urlsplit

import pyarrow as pa
from pyarrow import fs

from treasury_watch.transforms.errors import ConfigurationError, TreasuryWatchError, shorten

Result = TypeVar("Result")
CHUNK = 8 << 20  # bytes
SILENT_SECONDS = 15
ANSWER_SECONDS = 60  # for one request to the store, besides the time that its bytes take at the slowest
SLOWEST_BYTES_PER_SECOND = 50_000
LARGEST_FOUND_BYTES = 64 << 20  # of what is read whole: pointers and notes
AT_ONCE = 4  # objects on their way at a time
# What object stores say, and what to do about it; the first that fits.
ADVICE = (
    (("NETWORK_CONNECTION", "Timeout", "timed out"), "check the network, and endpoint_override in [storage] store"),
    (("NO_SUCH_BUCKET",), "create the bucket, or correct [storage] store"),
    (
        ("ACCESS_DENIED", "INVALID_ACCESS_KEY_ID", "SIGNATURE", "INVALID_CLIENT_TOKEN", "EXPIRED", "HTTP status 403"),
        "check the credentials (AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE) and what they may do",
    ),
)
OTHERWISE = "check [storage] store, and that this machine may read and write there"


class StoreError(TreasuryWatchError):
    """The store cannot be reached or refuses; nothing that was good became worse by it."""


class StoreDamaged(StoreError):
    """An object of the store is missing or is not what was put there."""


class StoreMoved(StoreError):
    """Another machine has put its own since this home last looked."""


class StoreBehind(StoreError):
    """A run is complete on this machine, and the store lacks it."""


@dataclass(frozen=True)
class Fingerprint:
    """Checksum and size of an object's bytes."""

    sha256: str
    bytes: int


def fingerprint(source: bytes | Path) -> Fingerprint:
    """The fingerprint of bytes or of a file's content."""
    digest, size = hashlib.sha256(), 0
    with _opened(source) as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
            size += len(chunk)
    return Fingerprint(digest.hexdigest(), size)


class Objects:
    """The objects below an address: s3://bucket/prefix, file:///folder, or what else pyarrow knows (gs, abfs, hdfs).

    Options of the address stand in its query: endpoint_override, region, scheme. Credentials come from the environment.
    """

    def __init__(self, url: str, answer_seconds: float = ANSWER_SECONDS):
        self.answer_seconds = answer_seconds
        parts = urlsplit(url)
        if parts.password:
            raise ConfigurationError(
                "settings.toml, [storage] store: expected an address without a secret, found one; "
                "give it in the environment, as AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
            )
        self.url = url
        self.shown = url.partition("?")[0].rstrip("/")

    def _in_time(self, what: str, act: Callable[[], Result], size: int = 0) -> Result:
        """What `act` gives, in a thread that is left behind where it takes too long: pyarrow has a time-out for silence
        alone, tries again after it, and lets a store drip for ever. Raises StoreError.
        """
        done: Future[Result] = Future()

        def work() -> None:
            try:
                done.set_result(act())
            except BaseException as problem:
                done.set_exception(problem)

        Thread(target=work, daemon=True, name=f"store {what}").start()
        seconds = self.answer_seconds + size / SLOWEST_BYTES_PER_SECOND
        try:
            return done.result(seconds)
        except TimeoutError as problem:
            if done.done():
                raise  # the store's own
            raise StoreError(
                f"store {self.shown}, {what}: no end within {seconds:.0f} s; check the network, and endpoint_override in "
                "[storage] store"
            ) from problem

    @cached_property
    def _connected(self) -> tuple[fs.FileSystem, str]:
        try:
            with self._said("the address"):
                files, base = fs.FileSystem.from_uri(self.url)
        except pa.ArrowInvalid as problem:
            raise ConfigurationError(
                f"settings.toml, [storage] store: expected an address such as s3://bucket/prefix, found "
                f"{self.shown} ({shorten(str(problem))})"
            ) from problem
        return _impatient(files), base.rstrip("/")

    @property
    def _local(self) -> bool:
        return self._connected[0].type_name == "local"

    def _path(self, key: str) -> str:
        return f"{self._connected[1]}/{key}"

    @contextmanager
    def _said(self, what: str) -> Iterator[None]:
        try:
            yield
        except OSError as problem:
            words = str(problem)
            advice = next((cure for signs, cure in ADVICE if any(sign in words for sign in signs)), OTHERWISE)
            raise StoreError(f"store {self.shown}, {what}: {shorten(words, 240)}; {advice}") from problem

    def find(self, key: str) -> bytes | None:
        """The bytes of an object, None where there is none. Raises StoreError, also where the bucket is missing."""
        return self._in_time(key, lambda: self._find(key))

    def _find(self, key: str) -> bytes | None:
        files, base = self._connected
        with self._said(key):
            try:
                with files.open_input_stream(self._path(key)) as stream:
                    found = bytes(stream.read(LARGEST_FOUND_BYTES + 1))
                if len(found) > LARGEST_FOUND_BYTES:
                    raise OSError(f"expected at most {LARGEST_FOUND_BYTES:,} bytes, found more")
                return found
            except FileNotFoundError:
                bucket = base.partition("/")[0]
                if not self._local and bucket and files.get_file_info(bucket).type == fs.FileType.NotFound:
                    raise OSError(f"bucket {bucket} does not exist (NO_SUCH_BUCKET)") from None
                return None

    def fetch(self, key: str, expected: Fingerprint, into: Path) -> None:
        """Write an object to the new file `into`, checked. Raises StoreDamaged where it is missing or differs."""
        self._in_time(key, lambda: self._fetch(key, expected, into), expected.bytes)

    def _fetch(self, key: str, expected: Fingerprint, into: Path) -> None:
        with into.open("wb") as file, self._said(key):
            try:
                stream = self._connected[0].open_input_stream(self._path(key))
            except FileNotFoundError as problem:
                raise self._damaged(key, expected, "nothing") from problem
            with stream:
                shutil.copyfileobj(stream, file, CHUNK)
        found = fingerprint(into)
        if found != expected:
            raise self._damaged(key, expected, f"{found.sha256[:12]} of {found.bytes:,}")

    def _damaged(self, key: str, expected: Fingerprint, found: str) -> StoreDamaged:
        return StoreDamaged(
            f"store {self.shown}, {key}: expected checksum {expected.sha256[:12]} of {expected.bytes:,} bytes, "
            f"found {found}; delete the object, then `treasury-watch rebuild` on a machine whose home is whole"
        )

    def put(self, key: str, source: bytes | Path) -> None:
        """Write an object; it appears whole or not at all. Raises StoreError."""
        size = len(source) if isinstance(source, bytes) else source.stat().st_size
        self._in_time(f"writing {key}", lambda: self._put(key, source), size)

    def _put(self, key: str, source: bytes | Path) -> None:
        with _opened(source) as file, self._said(f"writing {key}"):
            files, target = self._connected[0], self._path(key)
            folder, _, name = target.rpartition("/")
            written = f"{folder}/.{name}.next" if self._local else target
            if self._local:
                files.create_dir(folder, recursive=True)
            with files.open_output_stream(written) as stream:
                shutil.copyfileobj(file, stream, CHUNK)
            if written != target:
                files.move(written, target)

    def sizes(self, prefix: str) -> dict[str, int]:
        """Bytes of every object below a prefix, by key."""
        start = len(self._path(""))
        found = self._in_time(f"listing {prefix}", lambda: self._below(prefix, recursive=True))
        return {item.path[start:]: item.size for item in found if item.is_file}

    def folders(self, prefix: str) -> list[str]:
        """Names of the folders directly below a prefix."""
        found = self._in_time(f"listing {prefix}", lambda: self._below(prefix, recursive=False))
        return [item.base_name for item in found if not item.is_file]

    def _below(self, prefix: str, *, recursive: bool) -> list[fs.FileInfo]:
        selector = fs.FileSelector(self._path(prefix), recursive=recursive, allow_not_found=True)
        with self._said(f"listing {prefix}"):
            return list(self._connected[0].get_file_info(selector))

    def remove(self, prefix: str) -> None:
        """Remove every object below a prefix."""
        self._in_time(f"removing {prefix}", lambda: self._remove(prefix))

    def _remove(self, prefix: str) -> None:
        with self._said(f"removing {prefix}"):
            self._connected[0].delete_dir(self._path(prefix))


def _impatient(files: fs.FileSystem) -> fs.FileSystem:
    """The same bucket with a time-out for silence and one repetition: otherwise a store that is silent costs minutes, and so
    does the end of the process, which waits for what is still asked.
    """
    if files.type_name != "s3":
        return files
    rebuilt, (options,) = files.__reduce__()  # what it was made with; an address cannot name these three
    retries = fs.AwsStandardS3RetryStrategy(max_attempts=2)
    return rebuilt(
        options | {"connect_timeout": SILENT_SECONDS, "request_timeout": SILENT_SECONDS, "retry_strategy": retries}
    )


def each(act: Callable[[Any], None], items: Iterable[Any]) -> None:
    """Do it for every item, some at a time. Raises what the first failure raised; what has not begun is left."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(act, items))


def _opened(source: bytes | Path) -> IO[bytes]:
    return io.BytesIO(source) if isinstance(source, bytes) else source.open("rb")
