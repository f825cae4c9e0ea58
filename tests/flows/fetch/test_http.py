import gzip
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import PROJECT
from tests.flows.loopback import Loopback, Reply
from treasury_watch.flows.fetch.http import Fetched, FetchError, fetch, make_session
from treasury_watch.flows.fetch.sources import collect, sources_to_fetch
from treasury_watch.flows.settings.sections import HttpPolicy
from treasury_watch.flows.settings.settings import Settings
from treasury_watch.transforms.addresses import public_url
from treasury_watch.transforms.errors import TreasuryWatchError
from treasury_watch.transforms.model import Source
from treasury_watch.warehouse.declarations import Declarations

SETTINGS = Path(__file__).resolve().parents[3] / "config" / "settings.toml"
TABLE = b"country\tmonth\tvalue\r\nJapan\t2024-05\t1105953\r\n"
PATIENT = HttpPolicy(
    user_agent="treasury-watch/test (offline)",
    connect_timeout_seconds=2,
    read_timeout_seconds=2,
    total_timeout_seconds=5,
    retries=2,
    backoff_seconds=0.01,
    backoff_jitter_seconds=0.01,
    max_retry_after_seconds=2,
    max_redirects=3,
    max_bytes=1_000_000,
)
ONCE = PATIENT.model_copy(update={"retries": 0})

pytestmark = pytest.mark.usefixtures("plain_environment")


def source_at(url: str) -> Source:
    return Source(
        "slt_table3", "Table 3", "U.S. Treasury", url, "slt_table3", "observations", "USD millions", "monthly", 1
    )


def get(url: str, policy: HttpPolicy = ONCE, **validators: Any) -> Fetched:
    with make_session(policy) as session:
        return fetch(session, source_at(url), policy, **validators)


def refusal(url: str, policy: HttpPolicy = ONCE, **validators: Any) -> str:
    """The message of the FetchError, which is one line with source and address."""
    with pytest.raises(FetchError) as caught:
        get(url, policy, **validators)
    message = str(caught.value)
    assert message.startswith("slt_table3, ")
    assert caught.value.url in message
    assert "\n" not in message
    assert "urllib3" not in message
    assert "object at 0x" not in message
    return message


# the file


def test_a_file_comes_back_as_served_with_its_validators_and_the_time_in_utc(server: Loopback) -> None:
    server.serve("/t.txt", TABLE, etag='"v1"', last_modified="Wed, 18 Jun 2025 20:00:00 GMT")
    noon_in_new_york = datetime(2025, 6, 19, 8, 0, tzinfo=timezone(timedelta(hours=-4)))
    fetched = get(server.url("/t.txt"), clock=lambda: noon_in_new_york)
    assert fetched == Fetched(
        source="slt_table3",
        url=server.url("/t.txt"),
        status="new",
        body=TABLE,
        etag='"v1"',
        last_modified="Wed, 18 Jun 2025 20:00:00 GMT",
        retrieved=datetime(2025, 6, 19, 12, 0, tzinfo=UTC),
        content_type="text/plain",
    )
    assert fetched.retrieved.tzinfo is UTC


def test_the_request_is_one_get_that_states_who_asks_and_no_validators(server: Loopback) -> None:
    server.serve("/t.txt", TABLE)
    get(server.url("/t.txt"))
    (seen,) = server.seen()
    assert seen.method == "GET"
    assert seen.headers["user-agent"] == "treasury-watch/test (offline)"
    assert not {"if-none-match", "if-modified-since", "cookie", "authorization"} & set(seen.headers)


def test_the_time_of_retrieval_is_now_unless_a_clock_is_given(server: Loopback) -> None:
    server.serve("/t.txt", TABLE)
    before = datetime.now(UTC)
    assert before <= get(server.url("/t.txt")).retrieved <= datetime.now(UTC)


def test_a_gzip_body_is_decoded_also_in_several_members(server: Loopback) -> None:
    body = gzip.compress(TABLE[:20]) + gzip.compress(TABLE[20:])
    server.serve("/t.txt", body, headers={"Content-Encoding": "gzip"})
    assert get(server.url("/t.txt")).body == TABLE
    assert server.seen()[0].headers["accept-encoding"] == "gzip"


def test_a_gzip_body_larger_than_a_piece_is_decoded_whole(server: Loopback) -> None:
    rows = b"".join(b"%d\t%d\r\n" % (number, number * number) for number in range(40_000))
    server.script("/t.txt", Reply(headers={"Content-Encoding": "gzip"}, body=gzip.compress(rows), piece=777))
    assert get(server.url("/t.txt")).body == rows


@pytest.mark.parametrize("extra", [-1, 0, 1])
def test_a_gzip_body_that_ends_at_the_edge_of_a_piece_is_decoded_whole(server: Loopback, extra: int) -> None:
    body = b"x" * (2 * 64 * 1024 + extra)
    server.serve("/t.txt", gzip.compress(body), headers={"Content-Encoding": "gzip"})
    assert get(server.url("/t.txt")).body == body


def test_a_chunked_body_and_one_that_ends_with_the_connection_are_read_whole(server: Loopback) -> None:
    server.script("/t.txt", Reply(body=TABLE, chunked=True, piece=7), Reply(body=TABLE, length=False, piece=7))
    assert [get(server.url("/t.txt")).body for _ in range(2)] == [TABLE, TABLE]


def test_a_zip_archive_is_not_unpacked_or_taken_for_a_page(server: Loopback) -> None:
    server.serve("/cslt.zip", b"PK\x03\x04<html>", content_type="application/zip")
    assert get(server.url("/cslt.zip")).body == b"PK\x03\x04<html>"


# conditional requests


def test_an_unchanged_file_is_not_sent_again_and_keeps_its_validators(server: Loopback) -> None:
    server.serve("/t.txt", TABLE, etag='"v1"', last_modified="Wed, 18 Jun 2025 20:00:00 GMT")
    first = get(server.url("/t.txt"))
    again = get(server.url("/t.txt"), etag=first.etag, last_modified=first.last_modified)
    assert (again.status, again.body) == ("not_modified", b"")
    assert (again.etag, again.last_modified) == (first.etag, first.last_modified)
    assert server.seen()[1].headers["if-none-match"] == '"v1"'
    assert server.seen()[1].headers["if-modified-since"] == "Wed, 18 Jun 2025 20:00:00 GMT"


def test_a_304_without_validators_of_its_own_leaves_the_known_ones(server: Loopback) -> None:
    server.script("/t.txt", Reply(304))
    again = get(server.url("/t.txt"), etag='"v1"', last_modified="Wed, 18 Jun 2025 20:00:00 GMT")
    assert (again.etag, again.last_modified) == ('"v1"', "Wed, 18 Jun 2025 20:00:00 GMT")


def test_a_file_modified_since_is_sent_with_its_new_validators_only(server: Loopback) -> None:
    server.serve("/t.txt", TABLE, last_modified="Fri, 18 Jul 2025 20:00:00 GMT")
    fetched = get(server.url("/t.txt"), etag=None, last_modified="Wed, 18 Jun 2025 20:00:00 GMT")
    assert (fetched.status, fetched.body, fetched.etag) == ("new", TABLE, None)
    assert fetched.last_modified == "Fri, 18 Jul 2025 20:00:00 GMT"


def test_a_changed_file_without_etag_does_not_inherit_the_old_one(server: Loopback) -> None:
    server.serve("/t.txt", TABLE)
    assert get(server.url("/t.txt"), etag='"v1"').etag is None


def test_a_304_that_was_not_asked_for_is_refused(server: Loopback) -> None:
    server.script("/t.txt", Reply(304))
    assert "found status 304 Not Modified" in refusal(server.url("/t.txt"), etag="")


# retries


def test_two_503_and_then_the_file_is_the_file(server: Loopback) -> None:
    server.script("/t.txt", Reply(503), Reply(503), Reply(body=TABLE))
    assert get(server.url("/t.txt"), PATIENT).body == TABLE
    assert len(server.seen()) == 3


@pytest.mark.parametrize("status", [429, 500, 502, 504])
def test_a_busy_or_failing_server_is_asked_again(server: Loopback, status: int) -> None:
    server.script("/t.txt", Reply(status), Reply(body=TABLE))
    assert get(server.url("/t.txt"), PATIENT).body == TABLE


def test_a_server_that_keeps_failing_is_reported_with_its_status_and_the_attempts(server: Loopback) -> None:
    server.script("/t.txt", Reply(503))
    message = refusal(server.url("/t.txt"), PATIENT)
    assert "expected status 200, found 503" not in message
    assert "found status 503 Service Unavailable after 3 attempts; try again later" in message
    assert len(server.seen()) == 3


@pytest.mark.parametrize(
    ("status", "found"),
    [(404, "status 404 Not Found;"), (403, "status 403 Forbidden;"), (206, "status 206 Partial"), (299, "status 299;")],
)
def test_another_status_is_refused_at_once(server: Loopback, status: int, found: str) -> None:
    server.script("/t.txt", Reply(status, body=TABLE))
    assert found in refusal(server.url("/t.txt"), PATIENT)
    assert len(server.seen()) == 1


def test_waits_double_from_the_first_retry_on(server: Loopback) -> None:
    server.script("/t.txt", Reply(503), Reply(503), Reply(body=TABLE))
    get(server.url("/t.txt"), PATIENT.model_copy(update={"backoff_seconds": 0.1, "backoff_jitter_seconds": 0}))
    first, second, third = (seen.at for seen in server.seen())
    assert 0.1 <= second - first < 0.19
    assert 0.2 <= third - second < 0.39


def test_jitter_lengthens_the_wait_by_a_random_time(server: Loopback) -> None:
    server.script("/t.txt", *[Reply(503)] * 6, Reply(body=TABLE))
    get(
        server.url("/t.txt"),
        PATIENT.model_copy(update={"retries": 6, "backoff_seconds": 0, "backoff_jitter_seconds": 0.05}),
    )
    times = [seen.at for seen in server.seen()]
    waits = [later - earlier for earlier, later in pairwise(times)]
    assert max(waits) - min(waits) > 0.002
    assert max(waits) < 0.1


def test_retry_after_is_waited_for(server: Loopback) -> None:
    server.script("/t.txt", Reply(429, {"Retry-After": "1"}), Reply(body=TABLE))
    assert get(server.url("/t.txt"), PATIENT).body == TABLE
    first, second = (seen.at for seen in server.seen())
    assert 1.0 <= second - first < 1.5


def test_retry_after_is_capped(server: Loopback) -> None:
    server.script("/t.txt", Reply(503, {"Retry-After": "3600"}), Reply(body=TABLE))
    assert get(server.url("/t.txt"), PATIENT.model_copy(update={"max_retry_after_seconds": 0.2})).body == TABLE
    first, second = (seen.at for seen in server.seen())
    assert 0.2 <= second - first < 0.7


def test_an_unreadable_retry_after_falls_back_on_the_usual_wait(server: Loopback) -> None:
    server.script("/t.txt", Reply(503, {"Retry-After": "soon"}), Reply(body=TABLE))
    assert get(server.url("/t.txt"), PATIENT).body == TABLE


def test_a_connection_closed_without_an_answer_is_asked_again(server: Loopback) -> None:
    server.script("/t.txt", Reply(hang_up=True), Reply(hang_up=True, reset=True), Reply(body=TABLE))
    assert get(server.url("/t.txt"), PATIENT).body == TABLE


def test_a_server_that_always_hangs_up_is_reported(server: Loopback) -> None:
    server.script("/t.txt", Reply(hang_up=True))
    expected = f"found the connection closed by 127.0.0.1:{server.port} without an answer (3 attempts)"
    assert expected in refusal(server.url("/t.txt"), PATIENT)


def test_an_answer_that_is_not_http_is_reported() -> None:
    with socket.create_server(("127.0.0.1", 0)) as mail_server, ThreadPoolExecutor() as pool:

        def greet() -> None:
            connection, _ = mail_server.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(b"220 mail ready\r\n\r\n")

        greeting = pool.submit(greet)
        message = refusal(f"http://127.0.0.1:{mail_server.getsockname()[1]}/t.txt")
        greeting.result(timeout=2)
    assert "expected an answer that follows HTTP, found BadStatusLine;" in message


def test_no_server_at_the_address_is_reported_as_refused() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed_again:
        port = closed_again.getsockname()[1]
    message = refusal(f"http://127.0.0.1:{port}/t.txt", PATIENT)
    assert f"found no connection to 127.0.0.1:{port}: Connection refused;" in message


def test_a_host_name_without_address_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: Any) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)  # the system's resolver would ask the network
    assert "found no address for the host name nowhere.invalid;" in refusal("http://nowhere.invalid/t.txt")


def test_a_proxy_that_is_not_there_is_reported_as_such(server: Loopback, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    with socket.create_server(("127.0.0.1", 0)) as closed_again:
        port = closed_again.getsockname()[1]
    monkeypatch.setenv("HTTP_PROXY", f"http://user:pa55@127.0.0.1:{port}")
    message = refusal(server.url("/t.txt"))
    assert f"found no connection to the proxy 127.0.0.1:{port}: Connection refused; check HTTPS_PROXY" in message
    assert server.seen() == []


def test_a_server_that_stays_silent_is_reported_after_the_read_time_out(server: Loopback) -> None:
    server.script("/t.txt", Reply(body=TABLE, delay=2))
    begin = time.monotonic()
    assert "found silence for 0.1 s (2 attempts)" in refusal(
        server.url("/t.txt"), PATIENT.model_copy(update={"retries": 1, "read_timeout_seconds": 0.1})
    )
    assert time.monotonic() - begin < 1


# bodies that are not whole


@pytest.mark.parametrize("reset", [False, True])
def test_a_connection_dropped_mid_body_is_asked_again(server: Loopback, reset: bool) -> None:
    server.script("/t.txt", Reply(body=TABLE, cut_after=10, reset=reset), Reply(body=TABLE))
    assert get(server.url("/t.txt"), PATIENT).body == TABLE
    assert len(server.seen()) == 2


def test_a_connection_that_always_drops_mid_body_is_refused(server: Loopback) -> None:
    server.script("/t.txt", Reply(body=TABLE, cut_after=10))
    expected = f"expected a body of {len(TABLE)} bytes, found the connection broken after 10 bytes (3 attempts)"
    assert expected in refusal(server.url("/t.txt"), PATIENT)
    assert len(server.seen()) == 3


def test_a_body_shorter_than_its_content_length_is_refused(server: Loopback) -> None:
    server.script("/t.txt", Reply(body=TABLE, length=len(TABLE) + 1))
    assert f"expected a body of {len(TABLE) + 1} bytes, found the connection broken" in refusal(server.url("/t.txt"))


def test_a_chunked_body_without_its_end_is_refused(server: Loopback) -> None:
    server.script("/t.txt", Reply(body=TABLE, chunked=True, cut_after=10))
    assert "expected a whole body, found the connection broken after 10 bytes" in refusal(server.url("/t.txt"))


@pytest.mark.parametrize("chunked", [False, True])
def test_a_gzip_body_cut_off_inside_a_whole_transfer_is_refused(server: Loopback, chunked: bool) -> None:
    cut = gzip.compress(TABLE)[:-9]
    server.script("/t.txt", Reply(headers={"Content-Encoding": "gzip"}, body=cut, chunked=chunked))
    assert "expected a whole gzip body, found one that is cut off" in refusal(server.url("/t.txt"))


def test_a_body_that_is_not_the_gzip_it_claims_is_refused(server: Loopback) -> None:
    server.serve("/t.txt", TABLE, headers={"Content-Encoding": "gzip"})
    assert "expected a readable gzip body" in refusal(server.url("/t.txt"))


def test_a_content_encoding_that_was_not_asked_for_is_refused(server: Loopback) -> None:
    server.serve("/t.txt", TABLE, headers={"Content-Encoding": "br"})
    assert "found Content-Encoding br" in refusal(server.url("/t.txt"))


def test_an_empty_body_is_refused(server: Loopback) -> None:
    server.serve("/plain.txt", b"")
    server.serve("/gzip.txt", gzip.compress(b""), headers={"Content-Encoding": "gzip"})
    for path in ("/plain.txt", "/gzip.txt"):
        assert "found an empty body with status 200" in refusal(server.url(path))


# pages in place of data


@pytest.mark.parametrize(
    "page",
    [
        b"<!DOCTYPE html><html><head><title>Site\n maintenance &amp; more</title></head></html>",
        b"\xef\xbb\xbf\r\n<?xml version='1.0'?>\n<!-- a --><!-- b -->\n"
        b"<HTML lang=en><TITLE>Site maintenance &#38; more</TITLE>",
        "\ufeff<html><title>Site maintenance & more</title>".encode("utf-16-le"),
    ],
)
def test_a_page_served_as_plain_text_is_refused_with_its_title(server: Loopback, page: bytes) -> None:
    server.serve("/t.txt", page)
    assert "found an HTML page titled 'Site maintenance & more'" in refusal(server.url("/t.txt"))


def test_a_page_without_a_title_is_shown_by_its_beginning(server: Loopback) -> None:
    server.serve("/t.txt", b"<p>Access denied</p>", content_type="text/html; charset=utf-8")
    assert "found an HTML page beginning '<p>Access denied</p>'" in refusal(server.url("/t.txt"))


def test_whatever_is_declared_as_html_is_refused(server: Loopback) -> None:
    server.serve("/t.txt", TABLE, content_type="Application/XHTML+xml")
    assert "found an HTML page" in refusal(server.url("/t.txt"))


def test_a_page_that_seems_made_to_stall_the_search_is_judged_quickly(server: Loopback) -> None:
    server.serve("/t.txt", b"<!--a-->" * 5000 + b"no tag")
    begin = time.monotonic()
    get(server.url("/t.txt"))
    assert time.monotonic() - begin < 0.5


# messages


def test_a_message_shows_neither_password_nor_query_values(server: Loopback) -> None:
    address = server.url("/t.txt?api_key=s3cret&id=DEXJPUS").replace("//", "//user:pa55@")
    message = refusal(address)
    assert f"slt_table3, http://127.0.0.1:{server.port}/t.txt?api_key=***&id=***: " in message
    for path in ("/loop?key=s3cret", "/gone?key=s3cret"):
        server.redirect("/loop", "/loop?key=s3cret")
        assert "s3cret" not in refusal(server.url(path))


def test_an_address_that_cannot_be_asked_is_reported_without_its_secrets() -> None:
    for address in (
        "ftp://example.org/t.txt?key=s3cret",
        "t.txt?key=s3cret",
        "http:///t.txt?s3cret",
        "http://[::1?s3cret",
    ):
        message = refusal(address)
        assert "expected an http or https address" in message
        assert "s3cret" not in message


def test_a_fetch_error_is_one_of_the_projects_errors_and_keeps_its_parts() -> None:
    error = FetchError("mof", "https://example.org/a.csv?token=1", "a", "b", "c")
    assert isinstance(error, TreasuryWatchError)
    assert (error.source, error.url) == ("mof", "https://example.org/a.csv?token=***")
    assert (error.expected, error.found, error.next_step) == ("a", "b", "c")
    assert str(error) == "mof, https://example.org/a.csv?token=***: expected a, found b; c"


def test_an_ipv6_address_keeps_its_brackets() -> None:
    assert public_url("http://u:p@[::1]:8080/a?s3cret#x") == "http://[::1]:8080/a?***"


class TestThePageOfReleaseDates:
    PAGE = b"<!DOCTYPE html><html><h1>Release Dates of TIC Data</h1><table><tr><td>2027</td></tr></table></html>"
    PATH = "/data/treasury-international-capital-tic-system/release-dates-of-tic-data"

    def declared(self, server: Loopback) -> Source:
        page = Declarations(PROJECT / "config", bases={"treasury": server.url("/data/")}).release_dates
        assert page is not None
        return page

    def test_is_a_page_and_no_notice_that_stands_where_figures_should(self, server: Loopback) -> None:
        server.serve(self.PATH, self.PAGE, content_type="text/html; charset=UTF-8")
        with make_session(ONCE) as session:
            fetched = fetch(session, self.declared(server), ONCE)
        assert (fetched.source, fetched.body) == ("release_dates", self.PAGE)

    def test_is_asked_for_first_and_fails_no_run_where_it_cannot_be_reached(self, server: Loopback, tmp_path) -> None:
        declarations = Declarations(PROJECT / "config", bases={"treasury": server.url("/data/")})
        assert sources_to_fetch(Settings(declarations))[0].id == "release_dates"

        def fetched(source: Source) -> Fetched:
            if source.id == "release_dates":
                with make_session(ONCE) as session:
                    return fetch(session, source, ONCE)  # 404
            return Fetched(source.id, source.url, "not_modified", b"", None, None, datetime.now(UTC), "")

        found = collect(Settings(declarations), fetched)
        assert (found.problems, found.unreached, found.files) == ([], [], [])
        assert len(found.unchanged) == len(sources_to_fetch(Settings(declarations))) - 1
