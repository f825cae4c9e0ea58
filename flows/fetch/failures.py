"""What is said of a source that could not be fetched, and what of it is the fault of its host alone."""

import re
import ssl
from typing import Any, Protocol
from urllib.parse import urlsplit

import requests
from requests.utils import get_environ_proxies, select_proxy
from urllib3 import exceptions as urllib3_errors

from treasury_watch.flows.settings.sections import HttpPolicy
from treasury_watch.transforms.addresses import public_url
from treasury_watch.transforms.errors import TreasuryWatchError, shorten

LATER = "try again later; what was loaded before stays as it is"
_CONNECTION = "check the connection to the internet (behind a proxy: HTTPS_PROXY); " + LATER
_TUNNEL = re.compile(r"Tunnel connection failed: (\d{3}[^')]*)")  # of http.client


class Addressed(Protocol):
    """What can be fetched: a declared source, or anything else with a name for messages and an address."""

    @property
    def id(self) -> str:
        """The name."""

    @property
    def url(self) -> str:
        """The address."""

    @property
    def is_page(self) -> bool:
        """Whether it is a web page; any other address that answers with one is refused."""


class FetchError(TreasuryWatchError):
    """A source could not be fetched whole; nothing of it was kept.

    `source` is its id, `url` the address without user name, password and query values, `expected` and `found` say
    what differs.
    """

    def __init__(self, source: str, url: str, expected: str, found: str, next_step: str = LATER):
        self.source, self.url = source, public_url(url)
        self.expected, self.found, self.next_step = expected, found, next_step
        super().__init__(f"{source}, {self.url}: expected {expected}, found {shorten(found, 200)}; {next_step}")


class HostAway(FetchError):
    """The host has no address or takes no connection, or the proxy on the way does not: it is asked once, and nothing else of
    it in the same run.
    """


class HostSilent(FetchError):
    """The host took the connection and never answered, however often it was asked."""


class Refused(FetchError):
    """The server answered, with a status that says no: the same question would get the same answer."""


def chain_of(problem: BaseException) -> list[BaseException]:
    """The error and what it wraps, outermost first: requests and urllib3 nest them as reason, argument or cause."""
    found: list[BaseException] = []
    following: Any = problem
    while isinstance(following, BaseException) and following not in found:
        found.append(following)
        inner = [getattr(following, "reason", None), *reversed(following.args), following.__cause__]
        following = next((each for each in inner if isinstance(each, BaseException)), None)
    return found


def broken_body(source: Addressed, response: requests.Response, problem: Exception, policy: HttpPolicy) -> FetchError:
    """The error of a body that ended before its end."""
    announced = response.headers.get("Content-Length")
    expected = f"a body of {announced} bytes" if announced else "a whole body"
    silent = isinstance(problem, urllib3_errors.ReadTimeoutError)
    how = f"silence for {policy.read_timeout_seconds:g} s" if silent else "the connection broken"
    return FetchError(
        source.id, response.url, expected, f"{how} after {response.raw.tell()} bytes{_attempts(policy)}", LATER
    )


def no_answer(source: Addressed, url: str, problem: Exception, policy: HttpPolicy) -> FetchError:
    """The error in the user's words, from what lies innermost in the libraries' errors."""
    chain = chain_of(problem)
    host = urlsplit(public_url(url)).netloc

    def first(*kinds: type[BaseException]) -> Any:
        return next((error for error in chain if isinstance(error, kinds)), None)

    expected, step, tried = "an answer", _CONNECTION, _attempts(policy)
    kind: type[FetchError] = FetchError
    if certificate := first(ssl.SSLCertVerificationError):
        expected, found = f"a valid TLS certificate for {host}", f"{certificate.verify_message or certificate}"
        step = "do not trust this answer; behind a proxy that re-signs, name its certificate in REQUESTS_CA_BUNDLE"
    elif first(requests.exceptions.InvalidURL, requests.exceptions.MissingSchema, requests.exceptions.InvalidSchema):
        expected, found = "an http or https address", "one that cannot be asked"
        step = "correct base or path in config/sources.toml"
    elif refused := first(urllib3_errors.ProxyError):
        kind, found, step = HostAway, _of_the_proxy(url, refused), "check HTTPS_PROXY, HTTP_PROXY and NO_PROXY"
    elif first(urllib3_errors.NameResolutionError):
        kind, found = HostAway, f"no address for the host name {host}"
    elif refused := first(urllib3_errors.NewConnectionError):
        kind, found = HostAway, f"no connection to {host}: {_system_text(refused)}"
    elif first(urllib3_errors.ConnectTimeoutError):
        kind, found = HostAway, f"no connection to {host} within {policy.connect_timeout_seconds:g} s"
    elif first(urllib3_errors.ReadTimeoutError):
        kind, found = HostSilent, f"silence for {policy.read_timeout_seconds:g} s{tried}"
    elif first(urllib3_errors.SSLError, ssl.SSLError):
        kind, expected, found = HostSilent, f"a TLS connection with {host}", f"a failed handshake{tried}"
    elif first(ConnectionError):
        kind, found = HostSilent, f"the connection closed by {host} without an answer{tried}"
    else:
        expected, found = "an answer that follows HTTP", f"{type(chain[-1]).__name__}{tried}"
    return kind(source.id, url, expected, found, step)


def takes_no_connection(error: Exception | None) -> bool:
    """Whether what failed is the way to the host, not its answer."""
    return isinstance(error, (urllib3_errors.ConnectTimeoutError, urllib3_errors.ProxyError))


def _of_the_proxy(url: str, problem: Exception) -> str:
    """What the proxy of the environment did: it could not be reached, or what it answered."""
    proxy = urlsplit(public_url(select_proxy(url, get_environ_proxies(url)) or "")).netloc
    answered = next((_TUNNEL.search(str(error)) for error in chain_of(problem) if _TUNNEL.search(str(error))), None)
    if answered:
        return f"the proxy {proxy} answered {answered[1]}"
    return f"no connection to the proxy {proxy}: {_system_text(problem)}"


def _system_text(problem: BaseException) -> str:
    """The operating system's word on a failed connection, such as 'Connection refused'."""
    return next((e.strerror for e in chain_of(problem) if isinstance(e, OSError) and e.strerror), "it failed")


def _attempts(policy: HttpPolicy) -> str:
    return f" ({policy.retries + 1} attempts)" if policy.retries else ""
