"""What is imported while Prefect's temporary server, a process of its own, starts."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from importlib import import_module

from prefect.settings import PREFECT_API_URL


@contextmanager
def early_imports() -> Iterator[None]:
    """In a thread, the imports that a run needs once the server is there. Nothing where a server is named already.

    What fails in the thread fails again, and is told, in the run.
    """
    if PREFECT_API_URL.value():
        yield
        return
    with ThreadPoolExecutor(1, thread_name_prefix="imports") as thread:
        thread.submit(_import)
        yield


def _import() -> None:
    """Great Expectations, the page, the drawing of its charts, which takes longest the first time, and what libraries
    themselves import late: Prefect at its first task, `holidays` and the model of nowcasts at theirs.
    """
    from treasury_watch.flows.site import charts, page  # noqa: F401
    from treasury_watch.warehouse.gates import expectations

    expectations.load()
    charts.svg({"data": {"values": []}, "mark": "point"})
    for module in ("fastapi.encoders", "holidays", "markdown_it", "statsmodels.tsa.statespace.structural"):
        import_module(module)
