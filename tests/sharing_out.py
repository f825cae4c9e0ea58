"""How `make test` shares the modules out among its processes: which stay together, and which come first.

A module goes to one process as a whole. Modules that use what takes seconds to make in each process, and cannot be copied from
one to another, go to the same one. The dearest come first and the cheapest last, so that all processes end at about the same
time. A module that is named here in vain, or not named, costs time and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from xdist.scheduler import LoadFileScheduling

# By what they share: the servers of all publishers with a home filled from them; a process with everything imported; a
# Prefect server.
TOGETHER = {
    "publishers": (
        "tests/flows/run/test_backfill.py", "tests/flows/run/test_run.py", "tests/flows/run/test_store_exchange.py",
        "tests/flows/alerts/test_digest_mail.py", "tests/flows/alerts/test_operator_mail.py",
        "tests/flows/run/test_secrets.py", "tests/flows/run/test_polls.py", "tests/flows/run/test_monthly.py",
        "tests/flows/fetch/test_release_polling.py",
    ),
    "commands": (
        "tests/faults/test_commands.py", "tests/faults/test_failing_publishers_and_clocks.py",
        "tests/faults/test_storage.py", "tests/faults/test_concurrent_processes.py",
    ),
    "prefect": ("tests/flows/prefect_support/test_local_server.py", "tests/flows/prefect_support/test_pruning.py"),
}  # fmt: skip
GROUP_OF = {module: group for group, modules in TOGETHER.items() for module in modules}
# What comes after the groups, each a beginning of a module's path; all that is not named comes between them.
DEAR = (
    "tests/flows/commands/test_commands.py", "tests/flows/log", "tests/warehouse/publication", "tests/fuzz",
    "tests/warehouse/ledger", "tests/flows/site", "tests/flows/scoring", "tests/docs", "tests/faults",
)  # fmt: skip
CHEAP = ("tests/transforms", "tests/independent")


def module_of(nodeid: str) -> str:
    """The module's path in the name of a test."""
    return nodeid.partition("::")[0]


def place_of(nodeid: str) -> tuple[int, int]:
    """Where in the queue the test's module stands."""
    module = module_of(nodeid)
    if module in GROUP_OF:
        return 0, list(TOGETHER).index(GROUP_OF[module])
    for number, beginning in enumerate(DEAR):
        if module.startswith(beginning):
            return 1, number
    return (3 if module.startswith(CHEAP) else 2), 0


class Together(LoadFileScheduling):
    """Modules that belong together are given to one process, one after the other."""

    def _split_scope(self, nodeid: str) -> str:
        return GROUP_OF.get(module_of(nodeid), module_of(nodeid))


class SharingOut:
    """The plugin."""

    @pytest.hookimpl(wrapper=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> Iterator[None]:
        """The order of the modules; within one the tests stay in theirs."""
        yield
        items.sort(key=lambda item: place_of(item.nodeid))

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_make_scheduler(self, config: pytest.Config, log: object) -> LoadFileScheduling | None:
        """Only where whole modules were to be shared out."""
        return Together(config, log) if config.getvalue("dist") == "loadfile" else None
