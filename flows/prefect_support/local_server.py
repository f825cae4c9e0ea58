"""A Prefect server of this machine's own, with a login that is made at its start: who has not the login cannot ask anything.

Without one, every user of the machine, and every web page open in a browser there, could start runs with parameters of its
own, pause the schedule or empty the database. The server ends with the process that started it.
"""

from __future__ import annotations

import os
import secrets
import socket
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import requests
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from treasury_watch.flows.prefect_support import RARELY
from treasury_watch.flows.prefect_support.bound_process import BoundProcess
from treasury_watch.transforms.errors import TreasuryWatchError

STARTUP_SECONDS = 120
BUSY = Retry(total=5, connect=0, read=0, status_forcelist=[503], backoff_factor=0.5, allowed_methods=None)
USER = "treasury-watch"
LOGIN = "PREFECT_SERVER_API_AUTH_STRING"  # a login that the user has set is kept


class ServerEnded(TreasuryWatchError):
    """A server that was started ended at once, did not answer, or found its port taken."""


@dataclass(frozen=True)
class LocalServer:
    """A server that answers to this process; `login` is `user:password`, empty where a user's own server needs none."""

    url: str
    login: str
    process: BoundProcess

    @property
    def environment(self) -> dict[str, str]:
        """What a process has to be told to reach it."""
        return {"PREFECT_API_URL": self.url, "PREFECT_API_AUTH_STRING": self.login}

    def ask(self, path: str) -> requests.Response:
        """The server's answer to a GET below its URL. Raises requests.RequestException."""
        return requests.get(self.url + path, auth=_pair(self.login), timeout=5)

    def tell(self, method: str, path: str, body: object = None) -> requests.Response:
        """The server's answer to a request that may take a while, asked again while its database is locked (503). Raises
        requests.RequestException; so for a refusal.
        """
        with requests.Session() as session:
            session.mount("http://", HTTPAdapter(max_retries=BUSY))
            answer = session.request(method, self.url + path, json=body, auth=_pair(self.login), timeout=60)
        answer.raise_for_status()
        return answer


STARTER = f"""
import gc, sys
gc.set_threshold{RARELY}
from prefect.settings import PREFECT_API_URL
if PREFECT_API_URL.value():
    sys.exit("a server is named already")
from uvicorn.main import main
main()
"""


def temporary_command(port: int) -> list[str]:
    """Prefect's own temporary server: no interface, none of the services that fire schedules. It is up a sixth sooner where
    garbage is collected rarely; it does not start where Prefect's settings name a server.
    """
    return [
        sys.executable, "-c", STARTER,
        "--factory", "prefect.server.api.server:create_app",
        "--host", "127.0.0.1", "--port", str(port), "--log-level", "error", "--lifespan", "on",
    ]  # fmt: skip


TEMPORARY = {"PREFECT_UI_ENABLED": "0", "PREFECT__SERVER_EPHEMERAL": "1", "PREFECT__SERVER_FINAL": "1"}


def free_port() -> int:
    """A port of the loopback that nothing listens at."""
    with socket.socket() as asked:
        asked.bind(("127.0.0.1", 0))
        return asked.getsockname()[1]


def start(command: list[str], port: int, *, settings: Mapping[str, str], log: Path) -> LocalServer:
    """The server that `command` starts at `port`, once it answers. What it says goes to `log`.

    Raises ServerEnded where it ends at once, does not answer, or something else answers in its place; OSError for the log.
    """
    login = os.environ.get(LOGIN) or f"{USER}:{secrets.token_urlsafe(32)}"
    url = f"http://127.0.0.1:{port}/api"
    environment = {
        **os.environ,
        **settings,
        LOGIN: login,
        "PREFECT_SERVER_CORS_ALLOWED_ORIGINS": "",  # no page of another origin may read an answer
        "PREFECT_SERVER_UI_API_URL": url,  # else the interface asks port 4200
    }
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    with os.fdopen(descriptor, "ab") as output:
        server = LocalServer(url, login, BoundProcess(command, environment=environment, output=output))
    try:
        _wait(server, log)
    except BaseException:
        server.process.stop()
        raise
    return server


@contextmanager
def login_file(folder: Path, server: LocalServer) -> Iterator[Path]:
    """The login in a file that only its owner can read, for the block: Prefect's pages and its command ask for it."""
    path = folder / "prefect-login"
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(server.login + "\n")
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)


def _wait(server: LocalServer, log: Path) -> None:
    """Until the server that was started answers, and not another that had the port before."""
    deadline = time.monotonic() + STARTUP_SECONDS
    while time.monotonic() < deadline:
        code = server.process.ended()
        if code is not None:
            raise ServerEnded(f"the Prefect server at {server.url} ended at once (exit {code}); {log} says why")
        with suppress(requests.RequestException):
            if requests.get(f"{server.url}/health", timeout=2).ok:
                _see_that_it_is_ours(server)
                return
        time.sleep(0.1)
    raise ServerEnded(
        f"the Prefect server at {server.url} did not answer within {STARTUP_SECONDS} s; {log} may say why"
    )


def _see_that_it_is_ours(server: LocalServer) -> None:
    """Raises ServerEnded where what answers does not have the login: it was there before."""
    without = requests.get(f"{server.url}/admin/version", timeout=5).status_code
    with_login = server.ask("/admin/version").status_code
    if (without, with_login) != (401, 200):
        raise ServerEnded(
            f"another server answers at {server.url}: expected the one that was started, which asks for its login; "
            "end the other, or choose another port with --port"
        )


def _pair(login: str) -> tuple[str, str] | None:
    user, _, password = login.partition(":")
    return (user, password) if login else None
