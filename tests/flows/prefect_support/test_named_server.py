"""A Prefect server that is named and not there: one line with the variable and the next step, told before it is raised."""

from __future__ import annotations

import prefect
import pytest
from prefect.settings import PREFECT_API_URL, temporary_settings

from tests.flows.loopback import Loopback, Reply
from tests.flows.smtp_loopback import free_port
from treasury_watch.flows.prefect_support.named_server import PrefectAway, reached


def refused(url: str) -> tuple[str, list[Exception]]:
    """What is said of the address, and what was told before."""
    told: list[Exception] = []
    with temporary_settings({PREFECT_API_URL: url}), pytest.raises(PrefectAway) as ended, reached(told.append):
        pytest.fail("the block was begun")
    return str(ended.value), told


def test_a_dead_address_is_named_with_the_variable_and_the_next_step():
    url = f"http://127.0.0.1:{free_port()}/api"
    words, told = refused(url)
    assert words.startswith(f"PREFECT_API_URL={url}: expected a Prefect server, found ConnectError")
    assert "unset PREFECT_API_URL" in words
    assert "\n" not in words
    assert [str(problem) for problem in told] == [words]


@pytest.mark.parametrize("reply", [Reply(404), Reply(body=b"<html>hello</html>"), Reply(401), Reply(hang_up=True)])
def test_a_web_server_that_is_no_prefect_is_refused(reply, server: Loopback, plain_environment):
    for path in ("/api/health", "/api/admin/version"):
        server.script(path, *[reply] * 3)
    words, told = refused(server.url("/api"))
    assert words.startswith(f"PREFECT_API_URL={server.url('/api')}: expected a Prefect server, found ")
    assert len(told) == 1


def test_a_password_in_the_address_is_not_told():
    words, _ = refused(f"http://desk:pa55w0rd@127.0.0.1:{free_port()}/api")
    assert "pa55w0rd" not in words


def test_without_the_variable_nothing_is_asked_and_a_failure_of_the_block_is_its_own():
    with temporary_settings({PREFECT_API_URL: None}), pytest.raises(RuntimeError, match="my own"), reached(pytest.fail):
        raise RuntimeError("my own")


def test_a_server_that_goes_away_amid_the_run_is_named_too(server: Loopback, plain_environment):
    server.script("/api/health", Reply(headers={"Content-Type": "application/json"}, body=b"true"))
    version = b'"' + prefect.__version__.encode() + b'"'
    server.script("/api/admin/version", Reply(headers={"Content-Type": "application/json"}, body=version))
    told: list[Exception] = []
    with (
        temporary_settings({PREFECT_API_URL: server.url("/api")}),
        pytest.raises(PrefectAway, match="Failed to reach API"),
        reached(told.append),
    ):
        raise RuntimeError(f"Failed to reach API at {server.url('/api')}")
    assert len(told) == 1
