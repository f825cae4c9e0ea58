"""Prefect's settings for a run on one machine. Must be applied before Prefect is imported.

Measured: without analytics and block registration a temporary server is up half a second earlier and asks no outside
host; without the heartbeat thread each flow ends a second earlier. A setting made by the user always wins.
"""

from __future__ import annotations

import os
from pathlib import Path

from treasury_watch.transforms.errors import TreasuryWatchError
from treasury_watch.warehouse.home.folders import Home

DEFAULTS = {
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_API_BLOCKS_REGISTER_ON_START": "false",
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",
    "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "CRITICAL",  # the command line says what happened itself
    "PREFECT_LOGGING_INTERNAL_LEVEL": "CRITICAL",  # else its services print whole events where the server has gone
    "PREFECT_CLI_PROMPT": "false",
}
PROXIES = ("http_proxy", "https_proxy", "all_proxy")
THIS_MACHINE = ("127.0.0.1", "localhost")


def apply(home: Path) -> None:
    """Set what the user has not set. Prefect keeps its own data in the home unless the user has a Prefect profile.

    Raises StorageFailed where there is no room for temporary files: Prefect's server would end without a reason;
    TreasuryWatchError where Prefect's folder cannot be made.
    """
    Home.check_temporary_room()
    for name, value in DEFAULTS.items():
        os.environ.setdefault(name, value)
    if not (Path.home() / ".prefect" / "profiles.toml").exists():
        os.environ.setdefault("PREFECT_HOME", str(home / "prefect"))
        folder = Path(os.environ["PREFECT_HOME"])
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as problem:
            raise TreasuryWatchError(
                f"{folder}: expected a folder for Prefect's records, found none that can be made ({problem.strerror}); make it "
                "writable for the user who runs this, or name another folder in PREFECT_HOME"
            ) from problem
    keep_off_proxies()


def keep_off_proxies() -> None:
    """Where a proxy is named, ask this machine without it: Prefect's temporary server, which no proxy can reach."""
    if not any(os.environ.get(name) or os.environ.get(name.upper()) for name in PROXIES):
        return
    named = os.environ.get("no_proxy") or os.environ.get("NO_PROXY") or ""
    hosts = [host.strip() for host in named.split(",") if host.strip()]
    if "*" not in hosts:
        hosts += [host for host in THIS_MACHINE if host not in hosts]
        os.environ["no_proxy"] = os.environ["NO_PROXY"] = ",".join(hosts)
