"""Fetches the bytes of one source over HTTP under one policy: time-outs, retries, limits, conditional requests.

What comes back is the file as its publisher serves it, or nothing: an error page, a cut-off body, an empty one or one
larger than the limit is refused here, before anything is archived.
"""

import html
import random
import re
import socket
import ssl
import time
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, Literal, Self
from urllib.parse import urljoin, urlsplit

import requests
from requests.adapters import HTTPAdapter
from requests.utils import requote_uri
from urllib3 import Retry
from urllib3 import exceptions as urllib3_errors
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from treasury_watch.flows.fetch.deadline import Deadline, passed, watched
from treasury_watch.flows.fetch.failures import (
    LATER,
    Addressed,
    FetchError,
    Refused,
    broken_body,
    chain_of,
    no_answer,
    takes_no_connection,
)
from treasury_watch.flows.settings.sections import HttpPolicy
from treasury_watch.transforms.addresses import public_url, without_credentials
from treasury_watch.transforms.errors import shorten

__all__ = ["FetchError", "Fetched", "fetch", "make_session", "place_of", "public_url"]

_PIECE = 64 * 1024
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_RETRIED = frozenset({429, *range(500, 600)})
_PAGE_MOVED = "open the address in a browser and, if the file has moved, correct its path in config/sources.toml"

# What may stand before the first tag is skipped possessively, so that a hostile page cannot make the search slow.
_HTML_START = re.compile(
    rb"(?:\s+|<\?xml.*?\?>|<!--.*?-->)*+<(?:!doctype\s+html|html|head|body|title|meta|link|script|style|h1|div|p)\b",
    re.IGNORECASE | re.DOTALL,
)
_HTML_TITLE = re.compile(r"<title\b[^>]*>([^<]*)", re.IGNORECASE)


@dataclass(frozen=True)
class Fetched:
    """What a server answered for one source.

    `body` is the file, decoded (b"" if not modified); `url` the declared address without credentials; `retrieved` aware, in
    UTC. `etag` and `last_modified` are to be handed to the next `fetch`, None where the server sends none. `seconds` is how
    long it took. Of a source that is a list `pages` are the answers of its pages, and it has no body of its own.
    """

    source: str
    url: str
    status: Literal["new", "not_modified"]
    body: bytes
    etag: str | None
    last_modified: str | None
    retrieved: datetime
    content_type: str
    seconds: float = field(default=0.0, compare=False)
    pages: tuple[Self, ...] = ()


class _PoliteRetry(Retry):
    """urllib3's retries with five gaps closed.

    urllib3 asks again at once after the first failure, gives up on a Retry-After it cannot read, and repeats a
    request whose certificate was refused, whose whole time is up, or whose host takes no connection.
    """

    def get_backoff_time(self) -> float:
        if not self.history:
            return 0.0
        wait = self.backoff_factor * 2 ** (len(self.history) - 1) + random.random() * self.backoff_jitter
        return min(self.backoff_max, wait)

    def parse_retry_after(self, retry_after: str) -> float:
        try:
            return super().parse_retry_after(retry_after)
        except (urllib3_errors.InvalidHeader, ValueError, OverflowError):
            return 0.0  # the back-off applies

    def increment(self, *args: Any, **kwargs: Any) -> Self:
        error = kwargs.get("error")
        if passed() or takes_no_connection(error):
            raise urllib3_errors.MaxRetryError(kwargs.get("_pool"), "", error)  # type: ignore[arg-type]
        if error is not None and any(isinstance(e, ssl.SSLCertVerificationError) for e in chain_of(error)):
            raise urllib3_errors.MaxRetryError(kwargs.get("_pool"), "", error) from error  # type: ignore[arg-type]
        return super().increment(*args, **kwargs)


def _retry(policy: HttpPolicy) -> _PoliteRetry:
    return _PoliteRetry(
        total=policy.retries,
        allowed_methods=frozenset({"GET"}),
        status_forcelist=_RETRIED,
        backoff_factor=policy.backoff_seconds,
        backoff_jitter=policy.backoff_jitter_seconds,
        retry_after_max=policy.max_retry_after_seconds,  # type: ignore[arg-type]  # annotated int, compared as a number
        raise_on_status=False,  # the last answer comes back, so that the message can name its status
    )


class _Timed(HTTPConnection):
    """A connection that the deadline at work can close, from the moment it is made."""

    def _new_conn(self) -> socket.socket:
        return watched(super()._new_conn())

    def request(self, *args: Any, **kwargs: Any) -> None:
        if self.sock is not None:  # one that was kept open
            watched(self.sock)
        super().request(*args, **kwargs)


class _TimedSecure(HTTPSConnection):
    def _new_conn(self) -> socket.socket:
        return watched(super()._new_conn())

    def request(self, *args: Any, **kwargs: Any) -> None:
        if self.sock is not None:
            watched(self.sock)
        super().request(*args, **kwargs)


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Timed


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _TimedSecure


class TimedAdapter(HTTPAdapter):
    """requests' adapter with connections that a `Deadline` can close, through a proxy too."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """As requests makes it, with these connections."""
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _SecurePool}

    def proxy_manager_for(self, *args: Any, **kwargs: Any) -> Any:
        """As requests makes it, with these connections."""
        manager = super().proxy_manager_for(*args, **kwargs)
        manager.pool_classes_by_scheme = {"http": _Pool, "https": _SecurePool}
        return manager


class _Session(requests.Session):
    """A session that leaves redirects to `fetch`: requests would read a redirect's body whole, whatever its size.

    `places` are the hosts, with their ports, to which a source of another declared host may send on.
    """

    places: frozenset[tuple[str, int]] = frozenset()

    def get_redirect_target(self, resp: requests.Response) -> str | None:
        return None


def make_session(policy: HttpPolicy, bases: Iterable[str] = ()) -> requests.Session:
    """A session that states who asks and repeats GET requests on connection errors, 429 and 5xx; TLS is verified.

    `bases` are the declared addresses: a redirect may lead to their hosts and to no others.
    """
    session = _Session()
    for base in bases:
        with suppress(ValueError):  # told where it is asked
            session.places |= {place_of(base)}
    session.headers["User-Agent"] = policy.user_agent
    session.headers["Accept-Encoding"] = "gzip"  # the one coding that is decoded here, under the size limit
    for scheme in ("http://", "https://"):
        session.mount(scheme, TimedAdapter(max_retries=_retry(policy)))
    return session


def fetch(
    session: requests.Session,
    source: Addressed,
    policy: HttpPolicy,
    *,
    etag: str | None = None,
    last_modified: str | None = None,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    limit_section: str = "http",
) -> Fetched:
    """The file of one source, or the word that it is unchanged since `etag` / `last_modified`.

    `limit_section` is the section of settings.toml that declares the policy's `max_bytes`, for the message.

    A connection that breaks in the middle of the body is asked again, as often as the policy says; all of it, redirects
    and repetitions too, has the policy's `total_timeout_seconds`. Raises FetchError for whatever is not one whole file:
    see the module's description.
    """
    with Deadline(policy.total_timeout_seconds):
        try:
            return _fetch(session, source, policy, etag, last_modified, clock, limit_section)
        except FetchError as problem:
            if passed() and not isinstance(problem, _TimeIsUp):
                raise _time_is_up(source, source.url, policy, "less") from problem
            raise


class _TimeIsUp(FetchError):
    """The whole time of a request is up."""


def _time_is_up(source: Addressed, url: str, policy: HttpPolicy, found: str) -> FetchError:
    return _TimeIsUp(
        source.id,
        url,
        f"the whole answer within {policy.total_timeout_seconds:g} s",
        f"{found} in a longer time",
        "try again later, or raise total_timeout_seconds in section [http] of settings.toml on a slow line",
    )


def _fetch(
    session: requests.Session,
    source: Addressed,
    policy: HttpPolicy,
    etag: str | None,
    last_modified: str | None,
    clock: Callable[[], datetime],
    limit_section: str,
) -> Fetched:
    validators = {"If-None-Match": etag, "If-Modified-Since": last_modified}
    headers = {name: value for name, value in validators.items() if value}
    retries = _retry(policy)
    began = time.perf_counter()
    while True:
        with closing(_ask(session, source, policy, headers)) as response:
            unchanged = _check_status(source, response, conditional=bool(headers))
            try:
                body = b"" if unchanged else _read_body(source, response, policy, limit_section)
            except urllib3_errors.HTTPError as problem:
                if passed():
                    raise _time_is_up(source, response.url, policy, f"{response.raw.tell()} bytes") from problem
                try:
                    retries = retries.increment("GET", "", error=problem)
                except urllib3_errors.MaxRetryError:
                    raise broken_body(source, response, problem, policy) from problem
            else:
                content_type = response.headers.get("Content-Type", "")
                if not unchanged and not source.is_page:
                    _refuse_html(source, body, content_type)
                return Fetched(
                    source=source.id,
                    url=without_credentials(source.url),
                    status="not_modified" if unchanged else "new",
                    body=body,
                    # a 304 need not repeat the validators, which then still hold
                    etag=response.headers.get("ETag") or (etag if unchanged else None),
                    last_modified=response.headers.get("Last-Modified") or (last_modified if unchanged else None),
                    retrieved=clock().astimezone(UTC),
                    content_type=content_type,
                    seconds=time.perf_counter() - began,
                )
        retries.sleep()


def _ask(
    session: requests.Session, source: Addressed, policy: HttpPolicy, headers: dict[str, str]
) -> requests.Response:
    """The answer to a GET after at most `max_redirects` redirects, its body unread."""
    url = source.url
    for _ in range(policy.max_redirects + 1):
        try:
            response = session.get(
                url,
                headers=headers,
                stream=True,
                allow_redirects=False,
                timeout=(policy.connect_timeout_seconds, policy.read_timeout_seconds),
            )
        except (requests.RequestException, urllib3_errors.HTTPError) as problem:
            raise no_answer(source, url, problem, policy) from problem
        location = response.headers.get("Location")
        if response.status_code not in _REDIRECTS or not location:
            return response
        response.close()
        try:
            target = urljoin(url, requote_uri(location))
            downgraded = urlsplit(url).scheme == "https" and urlsplit(target).scheme != "https"
            place_of(target)
        except ValueError as problem:
            raise FetchError(source.id, url, "a redirect to an address", public_url(location), _PAGE_MOVED) from problem
        if downgraded:
            raise FetchError(
                source.id, url, "a redirect that stays on https", f"one to {public_url(target)}", _PAGE_MOVED
            )
        if place_of(target) not in {place_of(source.url), *getattr(session, "places", ())}:
            raise FetchError(
                source.id,
                url,
                "a redirect to a host that is declared",
                f"one to {public_url(target)}",
                "if the file has moved there, correct its base and path in config/sources.toml",
            )
        url = target
    found = f"one more, to {public_url(url)}"
    raise FetchError(source.id, source.url, f"at most {policy.max_redirects} redirects", found, _PAGE_MOVED)


def place_of(url: str) -> tuple[str, int]:
    """Host and port of an address; the usual ports of http and https are one place."""
    parts = urlsplit(url)
    port = parts.port or 443
    return (parts.hostname or "").rstrip(".").lower(), 443 if port == 80 else port


def _check_status(source: Addressed, response: requests.Response, *, conditional: bool) -> bool:
    """Whether the file is unchanged. Refuses every status but 200, and 304 where validators were sent."""
    status = response.status_code
    if status == HTTPStatus.OK or (status == HTTPStatus.NOT_MODIFIED and conditional):
        return status == HTTPStatus.NOT_MODIFIED
    url = response.url or source.url
    known = status in HTTPStatus.__members__.values()
    found = f"status {status} {HTTPStatus(status).phrase if known else ''}".rstrip()
    if status == HTTPStatus.NOT_MODIFIED:
        step = "a server or proxy on the way answers wrongly; try again later"
        raise FetchError(source.id, url, "the file (no earlier copy was mentioned)", found, step)
    if response.raw.retries and (repeated := len(response.raw.retries.history)):
        found += f" after {repeated + 1} attempts"
    if status in (401, 403):
        step = "open the address in a browser; if it works there, check user_agent in section [http] of settings.toml"
    elif status in _RETRIED:
        step = LATER
    else:
        step = _PAGE_MOVED
    raise (FetchError if status in _RETRIED else Refused)(source.id, url, "status 200", found, step)


def _read_body(source: Addressed, response: requests.Response, policy: HttpPolicy, section: str) -> bytes:
    """The decoded body, whole. Raises FetchError, or urllib3's HTTPError where the connection broke."""
    url, limit = response.url, policy.max_bytes
    too_large = f"if the file has really grown, raise max_bytes (now {limit}) in section [{section}] of settings.toml"
    declared = response.raw.length_remaining
    if declared is not None and declared > limit:
        raise FetchError(source.id, url, f"at most {limit} bytes", f"{declared} announced by the server", too_large)
    coding = response.headers.get("Content-Encoding", "").strip().lower()
    pieces = _within_time(source, response, policy)
    if coding in ("gzip", "x-gzip"):
        pieces = _gunzip(source, url, pieces)
    elif coding not in ("", "identity"):
        raise FetchError(source.id, url, "a body that is plain or gzip, as asked for", f"Content-Encoding {coding}")
    kept, size = [], 0
    for piece in pieces:
        size += len(piece)
        if size > limit:
            raise FetchError(source.id, url, f"at most {limit} bytes", "more (reading stopped there)", too_large)
        kept.append(piece)
    if not size:
        raise FetchError(source.id, url, "a file", "an empty body with status 200")
    return b"".join(kept)


def _within_time(source: Addressed, response: requests.Response, policy: HttpPolicy) -> Iterator[bytes]:
    """The body as it arrives, undecoded. Raises FetchError where the whole time is up: a connection closed for that looks
    like the end of a body of no announced length.

    urllib3 raises IncompleteRead where fewer bytes arrive than Content-Length or the chunks announce.
    """
    # read1 hands over what one read of the socket brings; read would wait until a whole piece has dripped in
    while piece := response.raw.read1(_PIECE, decode_content=False):
        yield piece
        if passed():
            break
    if passed():
        raise _time_is_up(source, response.url, policy, f"{response.raw.tell()} bytes")


def _gunzip(source: Addressed, url: str, pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Decoded pieces of bounded size, so that the caller can stop. urllib3's own decoder accepts a cut-off stream."""
    decoder = zlib.decompressobj(wbits=31)
    begun = False
    for piece in pieces:
        begun = True
        while True:
            if decoder.eof:  # a further gzip member
                decoder = zlib.decompressobj(wbits=31)
            try:
                decoded = decoder.decompress(piece, _PIECE)
            except zlib.error as problem:
                raise FetchError(source.id, url, "a readable gzip body", str(problem)) from problem
            yield decoded
            piece = decoder.unused_data if decoder.eof else decoder.unconsumed_tail
            if not piece:
                break  # output that is still in the decoder comes with the next piece, at the latest the gzip trailer
    if begun and not decoder.eof:
        raise FetchError(source.id, url, "a whole gzip body", "one that is cut off before its end")


def _refuse_html(source: Addressed, body: bytes, content_type: str) -> None:
    """No source of figures serves HTML: a page with status 200 is a notice of maintenance, a block or a move."""
    start = body[:8192].replace(b"\0", b"").lstrip(b"\xef\xbb\xbf\xff\xfe")  # \0: a page in UTF-16
    if "html" not in content_type.lower() and not _HTML_START.match(start):
        return
    text = start.decode("utf-8", errors="replace")
    title = _HTML_TITLE.search(text)
    shown = f"titled '{shorten(html.unescape(title[1]), 80)}'" if title else f"beginning '{shorten(text, 80)}'"
    raise FetchError(source.id, source.url, "a data file", f"an HTML page {shown}", _PAGE_MOVED)
