from collections.abc import Callable
from dataclasses import replace
from datetime import date
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from tests.flows.findings_data import ending, month_and_episode, published
from tests.flows.smtp_loopback import BrokenServer, MailServer, drops_mid_message, free_port
from treasury_watch.flows.alerts.mails.finding_mail import compose
from treasury_watch.flows.alerts.outbox import OutboxBusy, SendResult, alert_id, listing, pending, queue, send
from treasury_watch.flows.alerts.transport.sending import MailError, Transport
from treasury_watch.flows.settings.sections import AlertSettings, MailSettings
from treasury_watch.transforms.findings.finding import Finding
from treasury_watch.warehouse.home.state import State

DESK, CHIEF = "desk@example.org", "chief@example.org"
RULES = AlertSettings(minimum_severity="warning", recent_months=3)
JUNE = date(2024, 6, 1)


@pytest.fixture
def state(tmp_path: Path) -> State:
    return State(tmp_path / "state.sqlite")


@pytest.fixture(scope="module")
def composer() -> Callable[[str, str], EmailMessage | None]:
    """Composes the findings of the small database, as the flow does."""
    connection = published()
    history, releases = connection.execute("FROM holder_months").df(), connection.execute("FROM releases").df()
    known = {finding.key: finding for finding in findings()}

    def compose_for(key: str, recipient: str) -> EmailMessage | None:
        return compose(known[key], history, releases, settings(), recipient) if key in known else None

    return compose_for


def settings(**changes: Any) -> MailSettings:
    return MailSettings(**{"security": "none", "timeout_seconds": 5, **changes})


def findings() -> list[Finding]:
    return list(month_and_episode())


def keep(state: State, found: list[Finding], *recipients: str, newest: date = JUNE, **options: Any) -> int:
    """Queue each finding on its own, as if none were told under another."""
    rules = options.pop("settings", RULES)
    asked = {"newest_month": newest, "settings": rules, **options}
    return sum(queue(state, [finding], recipients or (DESK,), **asked) for finding in found)


def states(state: State) -> dict[str, str]:
    return {row["finding"]: row["state"] for row in state.rows("SELECT finding, state FROM alerts")}


def by_smtp(port: int, tmp_path: Path) -> Transport:
    return Transport(settings(host="127.0.0.1", port=port), tmp_path / "outbox")


# queueing


def test_a_new_finding_is_queued_once_for_each_recipient(state: State) -> None:
    assert keep(state, findings(), DESK, CHIEF, DESK) == 4
    rows = pending(state)
    assert {(row["finding"], row["recipient"]) for row in rows} == {
        (finding.key, recipient) for finding in findings() for recipient in (DESK, CHIEF)
    }
    assert {row["alert_id"] for row in rows} == {alert_id(row["finding"], row["recipient"]) for row in rows}
    month = next(row for row in rows if row["finding"].startswith("month:"))
    assert month["month"] == "2024-04-01"
    assert month["title"] == findings()[0].title
    assert (month["state"], month["attempts"], month["sent"]) == ("queued", 0, None)


def test_findings_of_one_event_make_one_message_and_the_others_say_where_they_are_told(state: State) -> None:
    month, episode = findings()
    assert queue(state, [month, episode], (DESK,), newest_month=JUNE, settings=RULES) == 1
    assert states(state) == {month.key: "superseded", episode.key: "queued"}
    [told] = state.rows("SELECT error FROM alerts WHERE finding = ?", (month.key,))
    assert told["error"] == f"told under: {episode.title}"


def test_another_holders_finding_of_the_same_months_is_an_event_of_its_own(state: State) -> None:
    month, episode = findings()
    other = replace(month, key=month.key.replace("japan", "canada"), holder_id="canada", holder="Canada")
    assert queue(state, [other, episode], (DESK,), newest_month=JUNE, settings=RULES) == 2


def test_a_recent_finding_is_not_told_under_one_that_is_history(state: State) -> None:
    month, episode = findings()
    later = replace(month, key="month:japan:2024-06", month=JUNE, end_month=JUNE, severity="warning")
    earlier = ending(episode, date(2024, 5, 1))
    queue(state, [earlier, later], (DESK,), newest_month=date(2024, 9, 1), settings=RULES)
    assert states(state) == {earlier.key: "backfilled", later.key: "queued"}


@pytest.mark.parametrize("already", ["queued", "sent", "written", "failed", "superseded", "backfilled"])
def test_a_finding_that_is_there_in_any_state_is_left_as_it_is(state: State, already: str) -> None:
    keep(state, findings()[:1])
    state.change("UPDATE alerts SET state = ?, attempts = 7", (already,))
    louder = replace(findings()[0], severity="critical", title="another title")
    assert keep(state, [louder]) == 0
    [row] = state.rows("SELECT state, attempts, severity, title FROM alerts")
    assert row == {"state": already, "attempts": 7, "severity": "warning", "title": findings()[0].title}


def test_a_finding_quieter_than_the_minimum_is_left_out_until_it_is_louder(state: State) -> None:
    month = findings()[0]
    assert keep(state, [replace(month, severity="notice")]) == 0
    assert states(state) == {}
    assert keep(state, [month], settings=AlertSettings(minimum_severity="critical")) == 0
    assert keep(state, [month]) == 1


@pytest.mark.parametrize(
    ("newest", "expected"),
    [(date(2024, 4, 1), "queued"), (date(2024, 7, 1), "queued"), (date(2024, 8, 1), "backfilled")],
)
def test_a_finding_older_than_the_recent_months_is_history_and_never_sent(
    state: State, composer: Any, tmp_path: Path, newest: date, expected: str
) -> None:
    month = findings()[0]
    assert keep(state, [month], newest=newest) == (expected == "queued")
    assert states(state) == {month.key: expected}
    result = send(state, Transport(settings(), tmp_path / "outbox"), composer)
    assert result.written == (expected == "queued")


def test_an_episode_is_as_recent_as_its_last_month(state: State) -> None:
    keep(state, findings(), newest=date(2024, 9, 1))
    assert list(states(state).values()) == ["backfilled", "queued"]


def test_since_takes_the_place_of_the_recent_months(state: State) -> None:
    keep(state, findings(), newest=date(2026, 4, 1), since=date(2024, 5, 20))
    assert states(state) == {findings()[0].key: "backfilled", findings()[1].key: "queued"}


def test_a_longer_episode_supersedes_the_shorter_one_that_still_waits(state: State) -> None:
    episode = findings()[1]
    shorter, sent = ending(episode, date(2024, 5, 1)), ending(episode, date(2024, 4, 1))
    keep(state, [sent], CHIEF, DESK)
    state.change("UPDATE alerts SET state = 'sent'")
    keep(state, [shorter])
    state.change("UPDATE alerts SET state = 'failed' WHERE finding = ?", (shorter.key,))
    assert keep(state, [episode]) == 1
    assert states(state) == {sent.key: "sent", shorter.key: "superseded", episode.key: "queued"}


def test_an_episode_supersedes_only_its_own_thread_and_recipient(state: State) -> None:
    episode = findings()[1]
    shorter = ending(episode, date(2024, 5, 1))
    canada, sale = (
        replace(shorter, key=shorter.key.replace(old, new)) for old, new in (("japan", "canada"), ("fall", "net_sale"))
    )
    keep(state, [findings()[0], canada, sale])
    keep(state, [shorter], CHIEF)
    keep(state, [episode], DESK)
    assert set(states(state).values()) == {"queued"}


# sending


def test_everything_that_waits_is_sent_once(state: State, composer: Any, tmp_path: Path) -> None:
    keep(state, findings(), DESK, CHIEF)
    with MailServer() as server:
        transport = by_smtp(server.port, tmp_path)
        assert send(state, transport, composer) == SendResult(sent=4)
        assert send(state, transport, composer) == SendResult()
        assert keep(state, findings(), DESK, CHIEF) == 0
        assert send(state, transport, composer) == SendResult()
    assert len(server.taken) == 4
    assert {recipient for recipient, _ in server.taken} == {DESK, CHIEF}
    for row in state.rows("SELECT * FROM alerts"):
        assert (row["state"], row["attempts"], row["error"]) == ("sent", 1, None)
        assert row["sent"] is not None
        kept = message_from_bytes(row["message"], policy=policy.default)
        assert kept["Message-ID"] == row["message_id"]
        assert row["message_id"] in {message["Message-ID"] for _, message in server.taken}


def test_while_the_server_is_down_messages_are_kept_and_go_out_once_when_it_is_back(
    state: State, composer: Any, tmp_path: Path
) -> None:
    keep(state, findings())
    port = free_port()
    result = send(state, by_smtp(port, tmp_path), composer)
    assert (result.sent, result.failed, result.waiting) == (0, 1, 1)
    assert "connection refused" in result.problems[0]
    tried, untried = pending(state)
    assert (tried["state"], tried["attempts"]) == ("failed", 1)
    assert (untried["state"], untried["attempts"]) == ("queued", 0)
    assert untried["error"].startswith("not tried: mail server 127.0.0.1")
    with MailServer(port) as server:
        assert send(state, by_smtp(port, tmp_path), composer) == SendResult(sent=2)
        assert send(state, by_smtp(port, tmp_path), composer) == SendResult()
    assert len(server.taken) == 2
    assert [row["error"] for row in state.rows("SELECT error FROM alerts")] == [None, None]


def test_one_refused_recipient_does_not_hold_up_the_others(state: State, composer: Any, tmp_path: Path) -> None:
    keep(state, findings()[:1], DESK, CHIEF)
    with MailServer(refused={CHIEF: "550 no such user"}) as server:
        first = send(state, by_smtp(server.port, tmp_path), composer)
        again = send(state, by_smtp(server.port, tmp_path), composer)
    assert (first.sent, first.failed) == (1, 1)
    assert (again.sent, again.failed) == (0, 1)
    assert [recipient for recipient, _ in server.taken] == [DESK]
    [waiting] = pending(state)
    assert (waiting["recipient"], waiting["state"], waiting["attempts"]) == (CHIEF, "failed", 2)
    assert "550 no such user" in waiting["error"]


def test_a_connection_dropped_mid_message_is_tried_for_each_and_again(
    state: State, composer: Any, tmp_path: Path
) -> None:
    keep(state, findings())
    with BrokenServer(drops_mid_message) as server:
        result = send(state, by_smtp(server.port, tmp_path), composer)
    assert (result.sent, result.failed, result.waiting) == (0, 2, 0)
    with MailServer() as working:
        assert send(state, by_smtp(working.port, tmp_path), composer).sent == 2


def test_a_message_that_cannot_be_made_does_not_hold_up_the_others(state: State, composer: Any, tmp_path: Path) -> None:
    month, episode = findings()
    keep(state, [month, episode])

    def compose_for(key: str, recipient: str) -> EmailMessage | None:
        if key == month.key:
            raise KeyError("holder")
        return composer(key, recipient)

    result = send(state, Transport(settings(), tmp_path / "outbox"), compose_for)
    assert (result.written, result.failed) == (1, 1)
    assert states(state) == {month.key: "failed", episode.key: "written"}
    assert "message not made: KeyError: 'holder'" in result.problems[0]


def test_a_finding_that_left_the_figures_is_superseded_not_sent(state: State, composer: Any, tmp_path: Path) -> None:
    gone = ending(findings()[1], date(2024, 5, 1))
    keep(state, [gone])
    transport = Transport(settings(), tmp_path / "outbox")
    assert send(state, transport, composer) == SendResult(superseded=1)
    assert states(state) == {gone.key: "superseded"}
    assert send(state, transport, composer) == SendResult()


def test_a_row_superseded_while_its_message_fails_stays_superseded(state: State, tmp_path: Path) -> None:
    episode = findings()[1]
    keep(state, [ending(episode, date(2024, 5, 1))])

    def compose_for(key: str, recipient: str) -> EmailMessage | None:
        keep(state, [episode])
        raise MailError("finding", "not made", "wait")

    assert send(state, Transport(settings(), tmp_path), compose_for).failed == 1
    assert sorted(states(state).values()) == ["queued", "superseded"]


def test_a_crash_before_the_record_sends_again_with_the_same_message_id(
    state: State, composer: Any, tmp_path: Path
) -> None:
    keep(state, findings()[:1])

    class Crash(BaseException):
        pass

    class Crashing(Transport):
        def deliver(self, message: EmailMessage, recipient: str) -> str:
            super().deliver(message, recipient)
            raise Crash

    with MailServer() as server:
        with pytest.raises(Crash):
            send(state, Crashing(settings(host="127.0.0.1", port=server.port), tmp_path), composer)
        assert [(row["state"], row["attempts"]) for row in pending(state)] == [("queued", 1)]
        assert send(state, by_smtp(server.port, tmp_path), composer).sent == 1
    first, second = (message["Message-ID"] for _, message in server.taken)
    assert first == second


def test_only_one_process_sends_at_a_time(state: State, composer: Any, tmp_path: Path) -> None:
    keep(state, findings())
    transport = Transport(settings(), tmp_path / "outbox")
    with FileLock(state.path.with_name("outbox.lock")), pytest.raises(OutboxBusy, match="another process is sending"):
        send(state, transport, composer, wait_seconds=0)
    assert send(state, transport, composer).written == 2


def test_a_failure_of_the_whole_server_keeps_the_state_of_what_was_not_tried(
    state: State, composer: Any, tmp_path: Path
) -> None:
    keep(state, findings(), DESK, CHIEF)
    state.change("UPDATE alerts SET state = 'failed', attempts = 2 WHERE recipient = ?", (DESK,))

    class Refusing(Transport):
        def deliver(self, message: EmailMessage, recipient: str) -> str:
            raise MailError("mail server x:1", "login of desk refused (535)", "check it", server_wide=True)

    before = pending(state)
    result = send(state, Refusing(settings(), tmp_path), composer)
    assert (result.failed, result.waiting) == (1, 3)
    tried, *untried = pending(state)
    assert (tried["state"], tried["attempts"]) == ("failed", before[0]["attempts"] + 1)
    kept = ["alert_id", "state", "attempts"]
    assert [[row[name] for name in kept] for row in untried] == [[row[name] for name in kept] for row in before[1:]]
    assert {row["state"] for row in untried} == {"queued", "failed"}


# listing


def test_the_listing_shows_what_waits_and_why_and_counts_history(state: State, composer: Any, tmp_path: Path) -> None:
    assert listing(state) == ["nothing was queued yet"]
    month, episode = findings()
    keep(state, [month, episode], newest=date(2024, 9, 1))
    send(state, by_smtp(free_port(), tmp_path), composer)
    first, why, last = listing(state)
    assert first.startswith("failed ")
    assert first.endswith(f"critical  {episode.title}  -> {DESK}")
    assert "attempts: 1; mail server 127.0.0.1" in why
    assert last == "1 older findings were history when first seen and are never sent"
