"""SQL in the reader's browser: DuckDB's build for browsers, copied into the site from a folder that npm has filled.

These files are 35 MB and belong to others: they are neither in the repository nor fetched by the program. Who wants the box
runs INSTALL once and names the folder in [site] duckdb_wasm. The files are known by their SHA-256.
"""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

from treasury_watch.flows.site.written import write_changed
from treasury_watch.transforms.errors import ConfigurationError

VERSION = "1.32.0"
INSTALL = f"npm install --prefix FOLDER @duckdb/duckdb-wasm@{VERSION} apache-arrow@17.0.0"
FOLDER = "sql"  # beside the data page
BROWSER = "duckdb-browser.mjs"
ARROW = "Arrow.esnext.min.js"
WASM = "duckdb-eh.wasm"
WORKER = "duckdb-browser-eh.worker.js"
PINNED = {
    BROWSER: ("@duckdb/duckdb-wasm/dist", "4f8c0bb3c23d1ec457a451cc27418597b9a40dd772cceacc436a2cb7b9a49c18"),
    WORKER: ("@duckdb/duckdb-wasm/dist", "f8ab72b6b90b3ad83077d47426d4a99d5d9a4c7e07cba1a2be37d655adc7c1ab"),
    WASM: ("@duckdb/duckdb-wasm/dist", "4c221bfa59c11f24dbd750e70c90b9252eca6eec5633936e6a2ec766e55fd879"),
    ARROW: ("apache-arrow", "27acb81b1b1b5cf96785deca75da60d05e2267b84b59e8e7e26ea131c8ed587f"),
}
OWN = ("sql_box.js", "apache-arrow.js")  # the box itself; the names that DuckDB's module takes from Arrow's script
FILES = (*PINNED, *OWN)
SCRIPTS = Path(__file__).parents[1] / "templates"
# DuckDB's module names Arrow as bundlers find it; a browser needs a place. Its list of a content network's addresses,
# which the box never asks for, goes: nothing in the site names anybody else's.
REPLACED = ((b'from"apache-arrow"', b'from"./apache-arrow.js"', 2), (b"https://cdn.jsdelivr.net/npm/", b"./", 1))


def write(place: Path, duckdb_wasm: Path | None) -> list[str]:
    """Put the box's files into `sql/` of the data folder; where no folder is named, take them away and say so.

    Raises ConfigurationError where a file is missing or is not the one that was tried.
    """
    target = place / FOLDER
    if duckdb_wasm is None:
        shutil.rmtree(target, ignore_errors=True)
        return [f"the data page has no SQL box: `{INSTALL}`, then name FOLDER in [site] duckdb_wasm"]
    for name, (folder, sha256) in PINNED.items():
        path = duckdb_wasm / "node_modules" / folder / name
        try:
            body = path.read_bytes()
        except OSError as problem:
            raise ConfigurationError(
                f"{path}: expected a file of @duckdb/duckdb-wasm {VERSION}, found none ({problem.strerror}); "
                f"fill the folder of [site] duckdb_wasm with `{INSTALL}`"
            ) from problem
        if (found := hashlib.sha256(body).hexdigest()) != sha256:
            raise ConfigurationError(
                f"{path}: expected SHA-256 {sha256}, found {found}; install the version that was tried: `{INSTALL}`"
            )
        write_changed(target / name, local(body) if name == BROWSER else body)
    for name in OWN:
        write_changed(target / name, (SCRIPTS / name).read_bytes())
    return []


def local(module: bytes) -> bytes:
    """DuckDB's module with the names of places of its own. Raises ConfigurationError where it is built otherwise."""
    for old, new, times in REPLACED:
        if module.count(old) != times:
            raise ConfigurationError(
                f"{BROWSER}: expected {old.decode()} {times} times, found {module.count(old)}; "
                f"install the version that was tried: `{INSTALL}`"
            )
        module = module.replace(old, new)
    return module
