"""Which findings are new enough to be told: as of today, and never on the word of the press alone."""

# ruff: noqa: F401, F811 (fixtures of another module are imported and asked for by name)

from __future__ import annotations

from datetime import date

import pytest

from tests.flows.alerts.test_outbox import state, states
from tests.flows.findings_data import declared, insert, month_and_episode, published
from treasury_watch.flows.alerts.queueing import queue_findings, without_press_alone
from treasury_watch.flows.settings.settings import Settings
from treasury_watch.warehouse.tables.declared_tables import SQL

APRIL_2024 = "month:japan:2024-04"
RUN_2024 = "episode:fall:japan:2024-04:2024-06"


def known(*press: int, months: tuple[int, ...] = (3, 4, 5, 6)):
    """The small database with Japan's positions of 2024, those of the months `press` reported by the press."""
    connection = published()
    columns = declared()["positions"].columns
    connection.execute(f"CREATE TABLE positions ({', '.join(f'{c.name} {SQL[c.type]}' for c in columns)})")
    for month in months:
        evidence = "press" if month in press else "release"
        insert(connection, "positions", holder_id="japan", month=date(2024, month, 1), evidence=evidence)
    return connection


@pytest.mark.parametrize(
    ("today", "told"),
    [
        (date(2024, 8, 16), True),
        (date(2024, 11, 17), True),
        (date(2024, 12, 20), False),
        (date(2026, 11, 28), False),
    ],
)
def test_a_finding_is_recent_by_the_day_it_is_and_not_by_the_newest_month_held(today, told, state, set_in_home):
    """June 2024 is the newest month held throughout; in December 2024 that of October is out."""
    queue_findings(list(month_and_episode()), known(), state, set_in_home(), today=today)
    assert (states(state)[RUN_2024] == "queued") is told


def test_since_takes_the_place_of_today(state, set_in_home):
    found = list(month_and_episode())
    queue_findings(found, known(), state, set_in_home(), date(2024, 1, 1), today=date(2026, 11, 28))
    assert states(state)[RUN_2024] == "queued"


def test_what_only_the_press_says_is_not_told_but_is_once_a_release_says_it(state, set_in_home):
    found, settings = list(month_and_episode()), set_in_home()
    assert queue_findings(found, known(3, 4, 5, 6), state, settings, today=date(2024, 8, 16)) == 0
    assert states(state) == {}
    assert queue_findings(found, known(3, 4), state, settings, today=date(2024, 8, 16)) == 1


def test_a_month_of_press_figures_is_left_out_and_a_run_that_a_release_reaches_into_is_kept():
    month, episode = month_and_episode()
    assert without_press_alone([month, episode], known(3, 4, 5)) == [episode]
