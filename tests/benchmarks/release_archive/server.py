"""A local server of a built archive that answers as the Treasury's do: 403 without a User-Agent, a redirect to where the files
lie, validators. It can be told to fail, to be slow, and to leave releases out.

    python -m tests.benchmarks.release_archive.server FOLDER [--port N]
"""

from __future__ import annotations

import argparse
import hashlib
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Self

INDEX_PATH = "/archives-of-tic-monthly-data-releases"
LINKED = "/resource-center/data-chart-center/tic/Documents/"
FILES = "/files/"
MIGRATION = "Tue, 24 Oct 2023 19:08:18 GMT"  # Last-Modified is the day of a migration, of every file


@dataclass
class Behaviour:
    """How the server behaves: `fails` names files answered with 500 so many times (-1: always), `slow_seconds` before each
    body, `hidden` are archives that are not there yet; `asked` counts requests by name and status.
    """

    fails: dict[str, int] = field(default_factory=dict)
    slow_seconds: float = 0.0
    hidden: set[str] = field(default_factory=set)
    asked: Counter[tuple[str, int]] = field(default_factory=Counter)


class ReleaseArchiveServer:
    """The server, running inside a `with`."""

    def __init__(self, folder: Path, port: int = 0):
        self.folder, self.behaviour = folder, Behaviour()
        self._tags: dict[tuple[str, int], str] = {}
        self._server = ThreadingHTTPServer(("127.0.0.1", port), self._handler())
        self._server.daemon_threads = True

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, where: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def base(self) -> str:
        """The address of the server."""
        return f"http://127.0.0.1:{self._server.server_address[1]}/"

    def environment(self) -> dict[str, str]:
        """The variables that make the program ask here."""
        return {
            "TREASURY_WATCH_BASE_TIC_RELEASES": self.base,
            "TREASURY_WATCH_BASE_TIC": self.base.rstrip("/") + LINKED,
        }

    def body(self, path: str) -> bytes | None:
        """The file of an address below /files/, or the page as it is with what is hidden left out."""
        if path == INDEX_PATH:
            lines = (self.folder / "index.html").read_text().split("\n")
            return "\n".join(x for x in lines if not any(name in x for name in self.behaviour.hidden)).encode()
        file = self.folder / path.removeprefix(FILES)
        known = path.startswith(FILES) and file.name not in self.behaviour.hidden and file.suffix == ".zip"
        return file.read_bytes() if known and file.is_file() else None

    def tag(self, path: str, body: bytes) -> str:
        """The ETag of some bytes."""
        key = (path, len(body))
        if path == INDEX_PATH or key not in self._tags:
            self._tags[key] = f'"{hashlib.sha256(body).hexdigest()[:16]}"'
        return self._tags[key]

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_GET(self) -> None:
                """One request."""
                behaviour, name = server.behaviour, self.path.rpartition("/")[2]
                if not self.headers.get("User-Agent"):
                    self._answer(403, b"Access Denied")
                elif self.path.startswith(LINKED):
                    self._answer(301, b"", {"Location": FILES + name})
                elif behaviour.fails.get(name, 0):
                    behaviour.fails[name] -= 1
                    self._answer(500, b"")
                elif (body := server.body(self.path)) is None:
                    self._answer(404, b"not here")
                else:
                    time.sleep(behaviour.slow_seconds)
                    tag = server.tag(self.path, body)
                    headers = {"ETag": tag, "Last-Modified": MIGRATION}
                    headers["Content-Type"] = "text/html" if self.path == INDEX_PATH else "application/zip"
                    same = self.headers.get("If-None-Match") == tag
                    self._answer(304 if same else 200, b"" if same else body, headers)

            def _answer(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
                server.behaviour.asked[self.path.rpartition("/")[2], status] += 1
                self.send_response(status)
                for key, value in (headers or {}).items():
                    self.send_header(key, value)
                if status != 304:
                    self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                """Nothing is printed."""

        return Handler


def main() -> None:
    """Serve until stopped."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--port", type=int, default=8276)
    options = parser.parse_args()
    with ReleaseArchiveServer(options.folder, options.port) as server:
        for name, value in server.environment().items():
            print(f"export {name}={value}", flush=True)
        threading.Event().wait()


if __name__ == "__main__":
    main()
