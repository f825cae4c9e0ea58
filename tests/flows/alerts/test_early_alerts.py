"""Early signals in the outbox: told once, never of history, and answered in the same thread by the release."""

# ruff: noqa: F401, F811 (fixtures of another module are imported and asked for by name)

from __future__ import annotations

from datetime import date
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from tests.flows.alerts.test_outbox import settings, state, states
from tests.flows.findings_data import month_and_episode, published
from tests.warehouse.literal_database import LiteralDatabase
from treasury_watch.flows.alerts import outbox
from treasury_watch.flows.alerts.composing import Composer
from treasury_watch.flows.alerts.early import queue_early_signals
from treasury_watch.flows.alerts.mails.digest_mail import compose_digest, digest
from treasury_watch.flows.alerts.mails.early_mail import compose_early
from treasury_watch.flows.alerts.mails.finding_mail import compose
from treasury_watch.flows.alerts.transport.sending import Transport
from treasury_watch.flows.settings.settings import Settings
from treasury_watch.transforms.errors import ConfigurationError
from treasury_watch.warehouse.declarations import Declarations
from treasury_watch.warehouse.home.state import State
from treasury_watch.warehouse.tables.early.early_signals import print_in_words

HOLDINGS = "signal:foreign_official:2026-05:official_holdings"
PURCHASES = "signal:foreign_official:2026-05:official_net_purchases"
RELEASED = "signal:foreign_official:2026-05:released"
APRIL, MAY = date(2026, 4, 1), date(2026, 5, 1)
BEFORE, AFTER = date(2026, 6, 10), date(2026, 7, 15)
DESK = '[routes.desk]\nto = ["desk@example.org"]\n'


@pytest.fixture
def database() -> LiteralDatabase:
    """April 2026 is out; May is estimated."""
    literal = LiteralDatabase(Declarations())
    is_out(literal, APRIL, 3_904_500.0, 1_500.0)
    estimated(literal, "official_holdings", -58_475.0)
    return literal


def is_out(literal: LiteralDatabase, month: date, position: float, change: float) -> None:
    stated = {"position_usd_mn": position, "change_usd_mn": change}
    literal.add("aggregate_months", holder_id="foreign_official", month=month, **stated)


def estimated(literal: LiteralDatabase, target: str, usd_mn: float, made: date = date(2026, 6, 4)) -> None:
    literal.add(
        "nowcasts", target=target, month=MAY, made=made, made_on="today", nowcast_basis="made", due=date(2026, 7, 14),
        estimate_usd_mn=usd_mn, low_usd_mn=usd_mn - 25_000, high_usd_mn=usd_mn + 25_000, learned_until=APRIL, model="level 1",
    )  # fmt: skip


def queue(literal: LiteralDatabase, state: State, told: Settings, today: date = BEFORE) -> int:
    return queue_early_signals(literal.connection, state, told, today=today)


def send(literal: LiteralDatabase, state: State, told: Settings, folder: Path) -> None:
    """Send what waits as files."""
    composer = Composer(literal.connection, (), told, state)
    outbox.send(state, Transport(settings(), folder), composer)


def sent(state: State) -> dict[str, EmailMessage]:
    rows = state.rows("SELECT finding, message FROM alerts WHERE message IS NOT NULL")
    return {row["finding"]: message_from_bytes(row["message"], policy=policy.default) for row in rows}


def text_of(message: EmailMessage) -> str:
    """The text part on one line."""
    text = message.get_body(("plain",))
    return "" if text is None else " ".join(text.get_content().split())


def test_an_estimate_is_queued_once_whatever_it_is_estimated_at_later(database, state, set_in_home):
    told = set_in_home("", DESK)
    assert queue(database, state, told) == 1
    estimated(database, "official_holdings", -70_000.0, made=date(2026, 6, 9))
    assert queue(database, state, told) == 0
    kept = outbox.content(state, HOLDINGS)
    assert kept is not None
    assert kept["told"]["estimate_usd_mn"] == -58_475.0


def test_who_is_added_to_a_route_later_gets_what_the_others_were_told(database, state, set_in_home):
    queue(database, state, set_in_home("", DESK))
    estimated(database, "official_holdings", -70_000.0, made=date(2026, 6, 9))
    assert queue(database, state, set_in_home("", f'{DESK}[routes.chief]\nto = ["chief@example.org"]\n')) == 1
    assert len({row["title"] for row in state.rows("SELECT title FROM alerts")}) == 1


def test_a_month_that_should_long_be_out_is_history_and_never_sent(database, state, set_in_home):
    assert queue(database, state, set_in_home("", DESK), date(2026, 11, 28)) == 0
    assert states(state) == {HOLDINGS: "backfilled"}


def test_a_route_chooses_early_signals_by_rule_and_holder(database, state, set_in_home):
    assert queue(database, state, set_in_home("", f'{DESK}rules = ["japan_reserves"]\n')) == 0
    assert queue(database, state, set_in_home("", f'{DESK}holders = ["Japan"]\n')) == 0
    assert queue(database, state, set_in_home("", f'{DESK}minimum_severity = "critical"\n')) == 0
    assert queue(database, state, set_in_home("", f'{DESK}rules = ["official_holdings"]\n')) == 1


def test_net_sales_are_told_in_the_mail_on_the_fall_and_by_themselves_where_they_come_later(
    database, state, set_in_home, tmp_path
):
    told = set_in_home("", DESK)
    estimated(database, "official_net_purchases", -35_000.0)
    assert queue(database, state, told) == 1
    assert states(state) == {HOLDINGS: "queued", PURCHASES: "superseded"}
    send(database, state, told, tmp_path)
    assert "institutions probably sold about $35bn, net" in text_of(sent(state)[HOLDINGS])


def test_net_sales_that_are_estimated_after_the_mail_on_the_fall_have_their_own(database, state, set_in_home):
    told = set_in_home("", DESK)
    queue(database, state, told)
    estimated(database, "official_net_purchases", -35_000.0)
    assert queue(database, state, told) == 1
    assert states(state)[PURCHASES] == "queued"


def test_the_release_answers_in_the_thread_of_what_was_sent_and_once(database, state, set_in_home, tmp_path):
    told = set_in_home("", DESK)
    queue(database, state, told)
    send(database, state, told, tmp_path)
    assert queue(database, state, told, AFTER) == 0  # not yet out
    is_out(database, MAY, 3_845_900.0, -58_600.0)
    assert queue(database, state, told, AFTER) == 1
    send(database, state, told, tmp_path)
    assert queue(database, state, told, AFTER) == 0
    mails = sent(state)
    assert mails[RELEASED]["Subject"] == (
        "Released: foreign officials' Treasuries -$58.6bn in May 2026; estimate of -$58bn confirmed"
    )
    assert mails[RELEASED]["References"] == mails[HOLDINGS]["Message-ID"]
    assert mails[HOLDINGS]["References"] is None


def test_an_estimate_that_never_left_is_withdrawn_by_the_release_and_not_answered(database, state, set_in_home):
    told = set_in_home("", DESK)
    queue(database, state, told)
    is_out(database, MAY, 3_845_900.0, -58_600.0)
    assert queue(database, state, told, AFTER) == 0
    assert states(state) == {HOLDINGS: "superseded"}


def test_only_who_got_the_estimate_gets_the_answer(database, state, set_in_home, tmp_path):
    told = set_in_home("", DESK)
    queue(database, state, told)
    send(database, state, told, tmp_path)
    is_out(database, MAY, 3_845_900.0, -58_600.0)
    both = set_in_home("", f'{DESK}[routes.chief]\nto = ["chief@example.org"]\n')
    assert queue(database, state, both, AFTER) == 1
    rows = state.rows("SELECT recipient FROM alerts WHERE finding = ?", (RELEASED,))
    assert [row["recipient"] for row in rows] == ["desk@example.org"]


def test_a_mail_shows_no_markup_of_what_it_was_told():
    kept = {"title": "Estimate: <b>x</b>", "lead": "<script>x</script>", "sections": [["Why", ["a & b"]]], "told": {}}
    message = compose_early(RELEASED, kept, settings(), "desk@example.org")
    html = message.get_body(("html",))
    assert html is not None
    assert "<script>" not in html.get_content()
    assert "a &amp; b" in html.get_content()


def test_the_digest_says_the_print_against_the_estimate(database):
    is_out(database, MAY, 3_845_900.0, -58_600.0)
    assert print_in_words(database.connection, MAY) is None  # not scored
    database.add(
        "nowcast_scores", target="official_holdings", month=MAY, method="nowcast", made=date(2026, 6, 4),
        estimate_usd_mn=-58_475.0, print_usd_mn=-58_600.0, print_basis="first_print", error_usd_mn=-125.0, inside=True,
    )  # fmt: skip
    words = print_in_words(database.connection, MAY)
    letter = digest("digest:slt_table3:2026-07-14", MAY, [])
    message = compose_digest(letter, database.connection, settings(), "desk@example.org", words)
    assert "the estimate of 4 June was -$58bn (80%: -$83bn to -$33bn), a surprise of -$0.1bn" in text_of(message)


def test_a_mail_on_a_finding_says_the_print_against_the_estimate_of_its_month_where_that_is_the_newest(
    database, state, set_in_home
):
    composer = Composer(database.connection, (), set_in_home("", DESK), state)
    database.add(
        "nowcast_scores", target="official_holdings", month=MAY, method="nowcast", made=date(2026, 6, 4),
        estimate_usd_mn=-58_475.0, print_usd_mn=-58_600.0, print_basis="first_print", error_usd_mn=-125.0, inside=True,
    )  # fmt: skip
    assert composer.print_against_estimate(MAY) is None  # April is the newest
    is_out(database, MAY, 3_845_900.0, -58_600.0)
    said = composer.print_against_estimate(MAY)
    assert said is not None
    tables = published()
    history, releases = tables.execute("FROM holder_months").df(), tables.execute("FROM releases").df()
    message = compose(month_and_episode()[0], history, releases, settings(), "desk@example.org", official=said)
    assert (
        "Foreign officials' holdings of Treasuries fell $58.6bn in May 2026, as published then; the estimate of 4 June"
        in text_of(message)
    )
