"""What is done while Prefect's temporary server, a process of its own, starts."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from prefect.settings import PREFECT_API_URL


@contextmanager
def imports_meanwhile() -> Iterator[None]:
    """In a thread, the imports that a run needs once the server is there. Nothing where a server is named already.

    The flow starts by importing the server; that is done here first, so that the two do not import at once while it starts.
    """
    if PREFECT_API_URL.value():
        yield
        return
    import prefect.server.api.server  # noqa: F401

    thread = threading.Thread(target=_import, name="imports")
    thread.start()
    try:
        yield
    finally:
        thread.join()


def _import() -> None:
    """Great Expectations, the charts' library and the page's script. What fails here fails again, and is told, in the run."""
    with suppress(Exception):
        from treasury_watch.flows.site import page
        from treasury_watch.warehouse.gates import expectations

        expectations.load()
        page.script()
