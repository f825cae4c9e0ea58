"""The Prefect server that PREFECT_API_URL names: asked before a flow begins, and named where it stays away later.

Without the variable, or a Prefect profile that says the same, a temporary server is started and nothing is asked here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from treasury_watch.transforms.addresses import public_url
from treasury_watch.transforms.errors import TreasuryWatchError, shorten

ANSWER_SECONDS = 10
NEXT_STEP = (
    "start that server, correct the address (it ends with /api), or unset PREFECT_API_URL: a temporary server then "
    "serves this machine"
)
OF_THE_ORCHESTRATOR = ("prefect", "httpx", "httpcore", "anyio", "websockets")


class PrefectAway(TreasuryWatchError):
    """What PREFECT_API_URL names does not answer, or is no Prefect server."""


@contextmanager
def reached(tell: Callable[[Exception], None]) -> Iterator[None]:
    """A block that needs the named server. Raises PrefectAway where it is not there, before or amid the block.

    `tell` is called with it first: the run did not come to where failures are told.
    """
    from prefect.settings import PREFECT_API_URL

    url = PREFECT_API_URL.value()
    try:
        if url:
            ask(url)
        yield
    except PrefectAway as problem:
        tell(problem)
        raise
    except Exception as problem:
        if not url or isinstance(problem, TreasuryWatchError) or not _is_of_the_orchestrator(problem):
            raise
        away = _away(url, f"{type(problem).__name__}: {problem}")
        tell(away)
        raise away from problem


def ask(url: str) -> None:
    """Ask the server for its version, as Prefect's own client asks. Raises PrefectAway."""
    from prefect.client.orchestration import get_client
    from prefect.settings import PREFECT_CLIENT_MAX_RETRIES, temporary_settings

    try:
        with (
            temporary_settings({PREFECT_CLIENT_MAX_RETRIES: 0}),
            get_client(sync_client=True, httpx_settings={"timeout": ANSWER_SECONDS}) as client,
        ):
            problem = client.api_healthcheck()
            if problem is None:
                client.raise_for_api_version_mismatch()
    except Exception as raised:
        problem = raised
    if problem is not None:
        reason = problem.__cause__ or problem  # Prefect says only that it failed
        other = isinstance(reason, ValueError) and not type(reason).__module__.startswith(OF_THE_ORCHESTRATOR)
        found = "an answer that no Prefect server gives" if other else f"{type(reason).__name__}: {reason}"
        raise _away(url, found) from problem


def _away(url: str, found: str) -> PrefectAway:
    login = urlsplit(url).netloc.rpartition("@")[0]  # a password is no part of what is told
    clean = found.replace(f"{login}@", "") if login else found
    return PrefectAway(
        f"PREFECT_API_URL={public_url(url)}: expected a Prefect server, found {shorten(clean, 160)}; {NEXT_STEP}"
    )


def _is_of_the_orchestrator(problem: BaseException) -> bool:
    """Whether Prefect, or what it speaks to its server with, has failed, and not a step of the run."""
    of_module = type(problem).__module__.partition(".")[0] in OF_THE_ORCHESTRATOR
    return of_module or (isinstance(problem, RuntimeError) and "Failed to reach API" in str(problem))
