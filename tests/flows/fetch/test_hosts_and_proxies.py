"""A host that is away is asked once; hosts are asked side by side; what goes through a proxy."""

import socket
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.conftest import PROJECT
from tests.flows.fetch.test_http import ONCE, PATIENT, TABLE, get, refusal, source_at
from tests.flows.loopback import Loopback, Reply, self_signed
from tests.flows.proxy_loopback import Proxy
from treasury_watch.flows.fetch.failures import FetchError, HostAway, HostSilent
from treasury_watch.flows.fetch.http import Fetched, fetch, make_session
from treasury_watch.flows.fetch.sources import collect, sources_to_fetch
from treasury_watch.flows.settings.settings import Settings
from treasury_watch.transforms.model import Source
from treasury_watch.warehouse.declarations import Declarations

pytestmark = pytest.mark.usefixtures("plain_environment")
FRED, ECB = "fred.stlouisfed.org", "www.ecb.europa.eu"


@pytest.fixture
def settings() -> Settings:
    return Settings(Declarations(PROJECT / "config", {}))


def answer(source: Source) -> Fetched:
    return Fetched(source.id, source.url, "not_modified", b"", None, None, datetime.now(UTC), "")


def failing(kind: type[FetchError], where: Callable[[Source], bool]) -> tuple[Callable[[Source], Fetched], list[str]]:
    """A fetch that fails where it is told to, and the sources that it was asked for."""
    asked: list[str] = []

    def fetched(source: Source) -> Fetched:
        asked.append(source.id)
        if where(source):
            raise kind(source.id, source.url, "an answer", "none")
        return answer(source)

    return fetched, asked


class TestAHostThatIsAway:
    def test_is_asked_once_and_its_other_sources_are_told_in_one_line(self, settings):
        fetched, asked = failing(HostAway, lambda source: FRED in source.url)
        found = collect(settings, fetched)
        of_fred = [source.id for source in sources_to_fetch(settings) if FRED in source.url]
        others = {source.id for source in sources_to_fetch(settings)} - set(of_fred)
        assert [name for name in asked if name in of_fred] == of_fred[:1]
        assert others <= set(asked)
        assert found.unreached == of_fred
        assert len(found.problems) == 2
        assert found.problems[1].startswith(f"{FRED}: not asked for {of_fred[1]}, ")
        assert f"and {len(of_fred) - 4} more" in found.problems[1]

    def test_is_not_taken_for_away_since_one_of_its_files_is_missing(self, settings):
        fetched, asked = failing(FetchError, lambda source: FRED in source.url)
        found = collect(settings, fetched)
        assert len(asked) == len(sources_to_fetch(settings))
        assert len(found.problems) == len(found.unreached)

    def test_is_not_taken_for_away_since_it_sends_on_to_one_that_is(self, settings):
        asked: list[str] = []

        def fetched(source: Source) -> Fetched:
            asked.append(source.id)
            raise HostAway(source.id, "https://elsewhere.invalid/t.txt", "an answer", "none")

        collect(settings, fetched)
        assert len(asked) == len(sources_to_fetch(settings))

    def test_that_never_answers_counts_as_away_unless_it_has_answered_before(self, settings):
        of_fred = [source.id for source in sources_to_fetch(settings) if FRED in source.url]
        fetched, asked = failing(HostSilent, lambda source: FRED in source.url)
        collect(settings, fetched)
        assert [name for name in asked if name in of_fred] == of_fred[:1]
        fetched, asked = failing(HostSilent, lambda source: source.id in of_fred[1:])
        collect(settings, fetched)
        assert [name for name in asked if name in of_fred] == of_fred

    def test_without_an_address_is_looked_up_once_whatever_retries_are_set(self, monkeypatch):
        looked_up: list[Any] = []

        def unknown(*place: Any) -> None:
            looked_up.append(place[0])
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

        monkeypatch.setattr(socket, "getaddrinfo", unknown)
        assert "no address for the host name nowhere.invalid;" in refusal("http://nowhere.invalid/t.txt", PATIENT)
        assert looked_up == ["nowhere.invalid"]


def test_hosts_are_asked_side_by_side_and_each_one_source_after_the_other(settings):
    at_work: dict[str, int] = {}
    together: set[frozenset[str]] = set()
    both = threading.Barrier(2, timeout=5)
    lock = threading.Lock()

    def fetched(source: Source) -> Fetched:
        host = source.url.split("/")[2]
        with lock:
            at_work[host] = at_work.get(host, 0) + 1
            assert at_work[host] == 1, f"two requests to {host} at a time"
            together.add(frozenset(name for name, count in at_work.items() if count))
        if source.id == "ecb" or source.url == first_of_fred:
            both.wait()  # neither goes on before the other has begun
        with lock:
            at_work[host] -= 1
        return answer(source)

    first_of_fred = next(source.url for source in sources_to_fetch(settings) if FRED in source.url)
    found = collect(settings, fetched)
    assert not found.problems
    assert any({FRED, ECB} <= hosts for hosts in together)


def test_what_a_fetch_raises_besides_its_own_errors_ends_the_run(settings):
    def fetched(source: Source) -> Fetched:
        raise RuntimeError("a fault of the program")

    with pytest.raises(RuntimeError, match="a fault of the program"):
        collect(settings, fetched)


class TestBehindAProxy:
    def test_a_file_is_fetched_from_a_host_that_only_the_proxy_can_reach(self, server: Loopback, monkeypatch):
        server.serve("/t.txt", TABLE)
        with Proxy({"tables.invalid": server.port}) as proxy:
            monkeypatch.setenv("HTTP_PROXY", proxy.url)
            assert get("http://tables.invalid/t.txt").body == TABLE
            assert proxy.asked == ["GET http://tables.invalid/t.txt"]

    def test_https_goes_through_a_tunnel_with_the_certificate_of_the_host_checked(self, tmp_path, monkeypatch):
        certificate = self_signed(tmp_path, "tables.invalid")
        with Loopback(certificate) as server, Proxy({"tables.invalid": server.port}) as proxy:
            server.serve("/t.txt", TABLE)
            monkeypatch.setenv("HTTPS_PROXY", proxy.url)
            assert "expected a valid TLS certificate for tables.invalid" in refusal("https://tables.invalid/t.txt")
            monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
            assert get("https://tables.invalid/t.txt").body == TABLE
            assert proxy.asked[-1] == "CONNECT tables.invalid:443"

    def test_a_redirect_may_lead_to_a_declared_host_and_to_no_other(self, server: Loopback, monkeypatch):
        server.serve("/there.txt", TABLE)
        server.redirect("/t.txt", "http://declared.invalid/there.txt")
        server.redirect("/u.txt", "http://169.254.169.254/latest/meta-data/")
        with Proxy({"tables.invalid": server.port, "declared.invalid": server.port}) as proxy:
            monkeypatch.setenv("HTTP_PROXY", proxy.url)
            with make_session(ONCE, ["http://declared.invalid/"]) as session:
                assert fetch(session, source_at("http://tables.invalid/t.txt"), ONCE).body == TABLE
                with pytest.raises(FetchError, match="a redirect to a host that is declared"):
                    fetch(session, source_at("http://tables.invalid/u.txt"), ONCE)
            assert not any("169.254" in asked for asked in proxy.asked)

    def test_a_host_of_no_proxy_is_asked_without_it(self, server: Loopback, monkeypatch):
        server.serve("/t.txt", TABLE)
        with Proxy({}) as proxy:
            monkeypatch.setenv("HTTP_PROXY", proxy.url)
            monkeypatch.setenv("NO_PROXY", "127.0.0.1")
            assert get(server.url("/t.txt")).body == TABLE
            assert proxy.asked == []

    @pytest.mark.parametrize(
        ("status", "said"),
        [(502, "502 Bad Gateway"), (403, "403 Forbidden"), (407, "407 Proxy Authentication Required")],
    )
    def test_what_the_proxy_refuses_is_told_once_with_its_status_and_no_password(self, status, said, monkeypatch):
        with Proxy({}, status) as proxy:
            monkeypatch.setenv("HTTPS_PROXY", proxy.url)
            with make_session(PATIENT) as session, pytest.raises(HostAway) as raised:
                fetch(session, source_at("https://tables.invalid/t.txt"), PATIENT)
            where = proxy.url.partition("@")[2]
            assert f"found the proxy {where} answered {said}; check HTTPS_PROXY" in str(raised.value)
            assert "pa55" not in str(raised.value)
            assert len(proxy.asked) == 1

    def test_the_whole_time_of_a_request_holds_in_a_tunnel_too(self, tmp_path, monkeypatch):
        certificate = self_signed(tmp_path, "tables.invalid")
        with Loopback(certificate) as server, Proxy({"tables.invalid": server.port}) as proxy:
            server.script("/t.txt", Reply(body=TABLE * 100, piece=10, pause=0.05))
            monkeypatch.setenv("HTTPS_PROXY", proxy.url)
            monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
            begin = time.monotonic()
            brief = PATIENT.model_copy(update={"total_timeout_seconds": 0.5})
            assert "expected the whole answer within 0.5 s" in refusal("https://tables.invalid/t.txt", brief)
            assert time.monotonic() - begin < 3
