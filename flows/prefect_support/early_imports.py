"""What is imported while Prefect's temporary server, a process of its own, starts."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from prefect.settings import PREFECT_API_URL


@contextmanager
def early_imports(page: Path | None = None) -> Iterator[None]:
    """In a thread, the imports that a run needs once the server is there. Nothing where a server is named already.

    The flow starts by importing the server; that is done here first, so that the two do not import at once while it starts.
    What fails in the thread fails again, and is told, in the run. `page` is the one written before, for its script.
    """
    if PREFECT_API_URL.value():
        yield
        return
    import prefect.server.api.server  # noqa: F401

    with ThreadPoolExecutor(1, thread_name_prefix="imports") as thread:
        thread.submit(_import, page)
        yield


def _import(last: Path | None) -> None:
    """Great Expectations, the charts' library and the page's script."""
    from treasury_watch.flows.site import page, page_script  # noqa: F401
    from treasury_watch.warehouse.gates import expectations

    expectations.load()
    page_script.element(last)
