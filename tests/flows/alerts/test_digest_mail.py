"""One digest per release and recipient, with the release's events or, where asked for, that there were none."""

from __future__ import annotations

import email
import re
from dataclasses import replace
from datetime import date
from email import policy
from pathlib import Path

import duckdb
import pytest

from tests.conftest import TODAY
from tests.flows.alerts.test_outbox import DESK
from tests.flows.alerts.test_outbox import settings as mail_settings
from tests.flows.findings_data import declared, insert, month_and_episode, named, published
from treasury_watch.flows.alerts import delivery
from treasury_watch.flows.alerts.mails.digest_mail import Digest, compose_digest, digest, month_of, naming, release_key
from treasury_watch.flows.alerts.preview import preview
from treasury_watch.flows.settings.settings import Settings
from treasury_watch.transforms.findings.events import leading
from treasury_watch.transforms.findings.finding import Finding, RevisedFindings
from treasury_watch.transforms.findings.rules.declared import episode_rule
from treasury_watch.warehouse.declarations import Declarations
from treasury_watch.warehouse.tables.declared_tables import SQL

JUNE = date(2024, 6, 1)
KEY = "digest:slt_table3:2026-06-18"
CLIPPED_BYTES = 102_400


def tables() -> duckdb.DuckDBPyConnection:
    connection = published()
    columns = declared()["aggregate_months"].columns
    connection.execute(f"CREATE TABLE aggregate_months ({', '.join(f'{c.name} {SQL[c.type]}' for c in columns)})")
    parts = {"net_purchases_usd_mn": 3000.0, "valuation_usd_mn": 1000.0, "other_usd_mn": 0.0}
    insert(connection, "aggregate_months", holder_id="grand_total", month=JUNE, change_usd_mn=4000.0, **parts)
    return connection


def findings() -> list[Finding]:
    month, episode = month_and_episode()
    canada = replace(
        month, key="month:canada:2024-06", holder_id="canada", holder="Canada", month=JUNE, end_month=JUNE,
        row={**month.row, "holder": "Canada", "explanation": "Canada's holdings fell."},
    )  # fmt: skip
    return [month, episode, canada]


def parts(letter: Digest) -> tuple[str, str, str]:
    message = compose_digest(letter, tables(), mail_settings(), DESK)
    text, html = (message.get_body((kind,)).get_content() for kind in ("plain", "html"))
    return message["Subject"], text, html


def test_the_key_is_the_source_and_its_newest_release():
    assert release_key(tables()) == KEY
    assert month_of(tables(), KEY) == date(2026, 4, 1)
    assert month_of(tables(), "digest:slt_table3:1999-01-01") is None


def test_it_lists_each_event_of_the_month_once_the_weightiest_first():
    month, episode, canada = findings()
    letter = digest(KEY, JUNE, [canada, month, episode])
    assert [found.key for found in letter.findings] == [episode.key, canada.key]
    assert letter.title == "U.S. Treasuries, June 2024: 2 findings (Japan -$75.6bn since Apr, Canada -$40.9bn)"
    assert letter.severity == "critical"
    assert digest(KEY, date(2024, 7, 1), [month, episode]).findings == ()


def test_both_parts_have_the_figures_and_verdicts():
    subject, text, html = parts(digest(KEY, JUNE, findings()))
    assert subject == "U.S. Treasuries, June 2024: 2 findings (Japan -$75.6bn since Apr, Canada -$40.9bn)"
    for words in (
        "-75.6",
        "-60.3",
        "-9.2",
        "Mostly sold",
        "Canada",
        "June 2024",
        "Foreign residents together bought $3.0bn",
    ):
        assert words in text
        assert words in html
    assert max(len(line) for line in text.splitlines()) <= 78


def test_a_digest_names_as_many_findings_with_their_amounts_as_its_subject_has_room_for():
    names = [
        "Mainland China -$43.3bn since Feb",
        "Saudi Arabia -$20.3bn since Mar",
        "Canada -$12.0bn",
        "Turkey -$3.0bn",
    ]
    told = " (Mainland China -$43.3bn since Feb, Saudi Arabia -$20.3bn since Mar, Canada -$12.0bn and 1 more)"
    assert naming(names, 110) == told
    assert naming(names, 70) == " (Mainland China -$43.3bn since Feb and 3 more)"
    assert naming(names, 20) == ""


def test_revisions_are_listed_and_a_hostile_name_stays_text():
    _, episode, _ = findings()
    hostile = named(episode, "<script>alert(1)</script>\r\nBcc: x@example.org")
    turned = RevisedFindings(
        key="revision:slt_table3:2026-06-18", rule="revision", month=JUNE, end_month=JUNE, severity="warning", title="",
        released=date(2026, 6, 18), rows=({"explanation": "Norway <b>reads</b> repriced."},),
    )  # fmt: skip
    letter = digest(KEY, JUNE, [hostile, turned])
    message = compose_digest(letter, tables(), mail_settings(), DESK)
    assert message["Bcc"] is None
    _, text, html = parts(letter)
    assert "READ DIFFERENTLY AFTER REVISION\n- Norway <b>reads</b> repriced." in text
    assert "<script>" not in html
    assert "<b>reads" not in html


def test_without_events_it_says_that_there_is_nothing_to_report():
    subject, text, html = parts(digest(KEY, JUNE, []))
    assert subject == "U.S. Treasuries, June 2024: no findings"
    assert "Nothing to report" in text
    assert "Nothing to report" in html


def test_findings_of_months_whose_sales_are_not_published_yet_are_in_it_and_in_its_first_line():
    month, episode, canada = findings()
    may = date(2024, 5, 1)
    subject, text, html = parts(digest(KEY, may, [canada]))
    assert subject == "U.S. Treasuries, May 2024: no findings; 1 since (Canada -$40.9bn)"
    for part in (text, html):
        assert "s holdings fell." in part
        assert "Nothing to report" not in part
    assert digest(KEY, may, [canada, month, episode]).title.startswith("U.S. Treasuries, May 2024: 1 finding (Japan")
    assert digest(KEY, may, [canada], newest=False).title == "U.S. Treasuries, May 2024: no findings"


def test_a_first_digest_tells_the_recent_months_before_too_each_event_once():
    month, episode, canada = findings()
    september = date(2024, 9, 1)
    letter = digest(KEY, september, [canada, month, episode], earlier_from=date(2024, 6, 1))
    assert [found.key for found in letter.earlier] == [episode.key, canada.key]
    assert letter.title == "U.S. Treasuries, September 2024: no findings, 2 more of recent months"
    assert digest(KEY, JUNE, [canada, month, episode], earlier_from=date(2024, 4, 1)).earlier == ()
    assert digest(KEY, september, [canada, month, episode], earlier_from=date(2024, 7, 1)).earlier == ()
    _, text, html = parts(letter)
    for part in (text, html):
        assert "this first message tells them together" in part or "THIS FIRST MESSAGE" in part
        assert "2024-04" in part


def test_a_digest_of_however_many_findings_stays_below_what_mail_clients_cut_off():
    _, _, canada = findings()
    words = "Canada's holdings fell by more than in any month since the figures begin. " * 10
    many = [
        replace(canada, key=f"month:h{n}:2024-06", holder_id=f"h{n}", row={**canada.row, "explanation": words})
        for n in range(300)
    ]
    since = [
        replace(item, key=item.key[:-2] + "07", month=date(2024, 7, 1), end_month=date(2024, 7, 1)) for item in many
    ]
    letter = digest(KEY, JUNE, [*many, *since])
    _, _, html = parts(replace(letter, revised=(words,) * 300))
    assert len(html.encode()) < CLIPPED_BYTES
    assert "And 268 more." in html
    assert "And 280 more." in html


def routed(home: Path, text: str) -> Settings:
    (home / "routing.toml").write_text(text, encoding="utf-8")
    return Settings()


@pytest.mark.slow
class TestRoutes:
    def rows(self, warehouse, recipient: str) -> list[tuple[str, str]]:
        found = warehouse.state.rows("SELECT finding, state FROM alerts WHERE recipient = ?", (recipient,))
        return [(row["finding"], row["state"]) for row in found if row["state"] not in ("backfilled", "superseded")]

    def test_single_digest_and_both_reach_their_recipients_once(self, loaded):
        chosen = routed(
            loaded.home.root,
            '[routes.s]\nto = ["s@example.org"]\nminimum_severity = "notice"\n'
            '[routes.d]\nto = ["d@example.org"]\nminimum_severity = "notice"\ndelivery = "digest"\n'
            '[routes.b]\nto = ["b@example.org"]\nminimum_severity = "notice"\ndelivery = "both"\n'
            '[routes.none]\nto = ["n@example.org"]\nholders = ["Malta"]\ndelivery = "digest"\n'
            '[routes.empty]\nto = ["e@example.org"]\nholders = ["Malta"]\ndelivery = "digest"\n'
            "digest_when_empty = true\n",
        )
        for _ in range(2):
            delivery.alert(loaded, chosen, date(2026, 1, 1), today=TODAY)
        single, daily, both = (self.rows(loaded, f"{name}@example.org") for name in "sdb")
        assert [key.split(":")[0] for key, _ in daily] == ["digest"]
        assert {key.split(":")[0] for key, _ in single} <= {"month", "episode", "revision"}
        assert len(single) > 1
        assert sorted(both) == sorted(single + daily)
        assert {became for _, became in both} == {"written"}
        assert self.rows(loaded, "n@example.org") == []
        [(key, became)] = self.rows(loaded, "e@example.org")
        assert (key.split(":")[0], became) == ("digest", "written")
        told = loaded.state.rows("SELECT error FROM alerts WHERE recipient = 'd@example.org' AND state = 'superseded'")
        assert all(row["error"].startswith("told in: U.S. Treasuries") for row in told)
        assert told

    def test_who_was_never_written_to_gets_one_digest_and_later_a_mail_for_each(self, loaded):
        route = '[routes.s]\nto = ["s@example.org", "t@example.org"]\nminimum_severity = "notice"\n'
        chosen = routed(loaded.home.root, route)
        past = {"holder": "canada", "month": "2020-01-01", "rule": "fall", "severity": "notice", "title": "t"}
        row = past | {"alert_id": "1", "finding": "month:canada:2020-01", "recipient": "t@example.org"}
        row |= {"state": "backfilled", "queued": "2020-03-01"}
        loaded.state.change(
            f"INSERT INTO alerts ({', '.join(row)}) VALUES ({', '.join('?' * len(row))})", tuple(row.values())
        )
        for _ in range(2):
            delivery.alert(loaded, chosen, today=TODAY)
        [(key, became)] = self.rows(loaded, "s@example.org")
        assert (key.split(":")[0], became) == ("digest", "written")
        each = self.rows(loaded, "t@example.org")
        assert len(each) > 1
        assert not any(key.startswith("digest") for key, _ in each)
        # the one digest counts what the other is told by mails of their own, but for what was revised
        sent = loaded.state.rows("SELECT message FROM alerts WHERE finding = ? AND recipient = 's@example.org'", (key,))
        subject = email.message_from_bytes(sent[0]["message"], policy=policy.default)["Subject"]
        counted = sum(int(number) for number in re.findall(r"(\d+) (?:findings?|since|more of)", subject))
        assert counted == sum(not name.startswith("revision") for name, _ in each)

    def test_preview_shows_the_digest_and_queues_nothing(self, loaded, settings):
        before = loaded.state.rows("SELECT * FROM alerts")
        [shown] = preview(loaded, settings, None, None, None, digests=True)
        assert shown.startswith("Subject: U.S. Treasuries, April 2026: ")
        assert loaded.state.rows("SELECT * FROM alerts") == before


def test_gains_of_a_custodian_are_no_event_of_the_digest_nor_of_the_holders_falls():
    month, episode, canada = findings()
    gained = replace(
        episode, key="episode:inflow:canada:2024-04:2024-06", rule="inflow", holder_id="canada", holder="Canada",
        declared=episode_rule(Declarations().rules, "inflow"), row={**episode.row, "inflow_usd_mn": 60_000.0},
    )  # fmt: skip
    letter = digest(KEY, JUNE, [gained, canada, month, episode])
    assert [found.key for found in letter.findings] == [episode.key, canada.key]
    assert leading([gained, canada])[canada.key] is canada
