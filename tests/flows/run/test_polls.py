"""A poll asks its own sources alone; what it cannot read is refused in one line, and the run goes on."""

from __future__ import annotations

import pytest

from tests.flows.loopback import Reply
from tests.transforms.layouts import japan_files as files
from tests.transforms.layouts.test_japan_files import HTML, RESERVES, WEEKS, swapped
from treasury_watch.flows.fetch.sources import collect, fetch_source, sources_to_fetch
from treasury_watch.flows.run import steps
from treasury_watch.flows.settings.settings import Settings
from treasury_watch.transforms.errors import ConfigurationError
from treasury_watch.warehouse.declarations import Declarations

POLL = "japan_morning"


def serve(publishers, source: str, body: bytes) -> None:
    """Answer so until the next test, which shares the server."""
    publishers.answer(source, Reply(200, {"Content-Type": "text/csv"}, body))


def polled(settings, warehouse):
    def fetch(settings, warehouse):
        return collect(settings, lambda source: fetch_source(source, settings, warehouse), POLL)

    plain = steps.Steps(fetch, steps.load_all, steps.publish, steps.PLAIN.alert, steps.PLAIN.write_page)
    return steps.run(settings, warehouse, plain, sample=False, command="poll", poll=True)


def test_bad_files_are_refused_and_the_others_are_published_and_a_poll_without_news_does_nothing(
    publishers, loaded, settings
):
    serve(publishers, "japan_reserves", RESERVES)
    serve(publishers, "japan_flows_weekly", swapped(WEEKS, "100 million Yen", "1 billion Yen"))
    serve(publishers, "japan_flows_monthly", HTML)
    serve(publishers, "japan_flows_by_investor", files.investors())
    outcome = polled(settings, loaded)
    assert [item.source for item in outcome.loaded] == ["japan_reserves"]
    assert "signals" in outcome.published
    assert "holder_months" not in outcome.published
    refused = {item.source: item.reason for item in outcome.refused}
    assert set(refused) == {"japan_flows_weekly", "japan_flows_by_investor"}
    assert "expected Unit: 100 million Yen" in refused["japan_flows_weekly"]
    assert not any("\n" in reason for reason in refused.values())
    assert [problem.partition(",")[0] for problem in outcome.problems] == ["japan_flows_monthly"]

    serve(publishers, "japan_flows_weekly", WEEKS)  # mended
    serve(publishers, "japan_flows_monthly", files.months(files.month("2026", "１月", "Jan")))
    serve(publishers, "japan_flows_by_investor", files.investors(["2026", "1月", "Jan", *["10", "4", "6"] * 17]))
    assert [item.outcome for item in polled(settings, loaded).loaded] == ["known", "vintage", "vintage", "vintage"]
    again = polled(settings, loaded)
    assert (again.refused, again.problems, again.published) == ([], [], None)
    assert {item.outcome for item in again.loaded} == {"known"}


def test_a_poll_asks_the_sources_that_name_it():
    settings = Settings(Declarations())
    assert {source.id for source in sources_to_fetch(settings, "fed_thursday")} == {
        "fred:WMTSECL1", "fred:WSEFINTL1", "fred:WFASECL1", "fred:WLRRAFOIAL", "fred:H41RESPPALGTRFNWW",
    }  # fmt: skip
    with pytest.raises(ConfigurationError, match="no poll 'soon'; declared: fed_thursday, japan_morning"):
        sources_to_fetch(settings, "soon")


def test_a_poll_of_which_nothing_can_be_reached_is_no_failure(publishers, loaded, settings):
    for source in sources_to_fetch(settings, POLL):
        publishers.answer(source.id, Reply(404))
    outcome = polled(settings, loaded)
    assert (len(outcome.problems), outcome.published, outcome.loaded) == (4, None, [])
