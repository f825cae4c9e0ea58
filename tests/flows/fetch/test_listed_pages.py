"""A source that is a list of pages: what is asked for, what is asked for again, and what is said where nothing comes."""

from __future__ import annotations

import pytest

from tests.conftest import PROJECT
from tests.flows.loopback import Loopback, Reply
from treasury_watch.flows.fetch.http import FetchError
from treasury_watch.flows.fetch.listed_pages import fetch_listed
from treasury_watch.flows.run import steps
from treasury_watch.flows.run.summary.outcome import Outcome
from treasury_watch.flows.settings.settings import Settings
from treasury_watch.warehouse.declarations import Declarations
from treasury_watch.warehouse.home.folders import Home
from treasury_watch.warehouse.installation import Warehouse
from treasury_watch.warehouse.tables.early.signals import signals

FOLDER = "/mof/monthly/"
MONTHS = {
    "20260731e.html": ("June 29, 2026 through July 29, 2026", "&yen; 0"),
    "20260828e.html": ("July 30, 2026 through August 26, 2026", "&yen; 15,399.3 billion"),
}


def page(period: str, amount: str) -> str:
    return (
        "<html><body><h1>Foreign Exchange Intervention Operations</h1>"
        f"<p>for the period from {period}</p><td>{amount}</td></body></html>"
    )


@pytest.fixture
def ministry(server: Loopback, tmp_path, monkeypatch):
    """The list and its two pages on the local server, the source as declared, settings and an empty home."""
    monkeypatch.setenv("TREASURY_WATCH_RELEASES_PAUSE_SECONDS", "0")
    monkeypatch.setenv("TREASURY_WATCH_HTTP_RETRIES", "0")
    monkeypatch.setenv("TREASURY_WATCH_HOME", str(tmp_path / "home"))
    declarations = Declarations(PROJECT / "config", bases={"mof": server.url("/mof/")})
    links = "".join(f'<li><a href="{name}">{name}</a></li>' for name in MONTHS)
    server.serve(FOLDER + "index.html", f"<html><ul>{links}</ul></html>".encode(), content_type="text/html")
    for name, words in MONTHS.items():
        server.serve(FOLDER + name, page(*words).encode(), content_type="text/html", etag=f'"{name}"')
    settings = Settings(declarations)
    return declarations.source("mof_monthly"), settings, Warehouse(Home(tmp_path / "home"), declarations)


def asked(server: Loopback) -> list[str]:
    return [seen.path.removeprefix(FOLDER) for seen in server.seen()]


def test_each_page_is_fetched_once_and_the_newest_is_asked_for_again_conditionally(server, ministry):
    source, settings, warehouse = ministry
    first = fetch_listed(source, settings, warehouse)
    assert asked(server) == ["index.html", "20260731e.html", "20260828e.html"]  # the oldest first
    outcome = Outcome()
    with warehouse.session("run") as session:
        for answer in first.pages:
            for file in steps.incoming(answer):
                steps.load_one(session, file, outcome)
        stated = session.ledger.connection.execute(
            "SELECT start_date, end_date, amount_jpy_mn FROM intervention_periods ORDER BY start_date"
        ).fetchall()
        early = signals(session.ledger.connection, "main", warehouse.declarations)
    assert not outcome.refused
    assert [(str(start), str(end), amount) for start, end, amount in stated] == [
        ("2026-06-29", "2026-07-29", 0.0),
        ("2026-07-30", "2026-08-26", 15_399_300.0),
    ]
    assert early[["series_id", "value", "known_from_basis"]].drop_duplicates("series_id").to_dict("records") == [
        {"series_id": "japan_interventions_period", "value": 0.0, "known_from_basis": "published"}
    ]
    assert [f"{day:%Y-%m-%d}" for day in early["known_from"]] == ["2026-07-31", "2026-08-28"]
    again = fetch_listed(source, settings, warehouse)
    assert asked(server)[3:] == ["index.html", "20260828e.html"]
    assert [answer.status for answer in again.pages] == ["not_modified"]


def test_a_page_that_cannot_be_had_is_left_for_the_next_run_and_none_at_all_is_a_failure(server, ministry):
    source, settings, warehouse = ministry
    server.script(FOLDER + "20260731e.html", Reply(status=404))
    assert [answer.url[-14:] for answer in fetch_listed(source, settings, warehouse).pages] == ["20260828e.html"]
    for name in MONTHS:
        server.script(FOLDER + name, Reply(status=404))
    with pytest.raises(FetchError, match=r"mof_monthly, .*20260731e\.html: expected"):
        fetch_listed(source, settings, warehouse)


def test_a_list_without_pages_is_a_failure_that_says_what_was_expected(server, ministry):
    source, settings, warehouse = ministry
    server.serve(FOLDER + "index.html", b"<html><p>We have moved</p></html>", content_type="text/html")
    with pytest.raises(
        FetchError, match=r"expected links to pages such as 20260828e\.html, found none; open the address"
    ):
        fetch_listed(source, settings, warehouse)
