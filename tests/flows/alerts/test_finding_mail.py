"""The mail on a finding: both its parts, its chart, its query, and what it says of its figures. Subjects: test_subjects.py."""

import re
from dataclasses import replace
from datetime import date
from email import message_from_bytes, policy
from html.parser import HTMLParser
from typing import Any

import pandas as pd
import pytest

from tests.flows.alerts.composed_mails import DESK, PICTURE, flat, html_of, made, settings, text_of
from tests.flows.findings_data import (
    FALL,
    PARTS,
    ending,
    insert,
    month_and_episode,
    named,
    published,
    rules,
    told,
)
from treasury_watch.flows.alerts.mails.envelope import envelope, message_id
from treasury_watch.flows.alerts.mails.finding_mail import compose, newer_month, sql
from treasury_watch.flows.alerts.transport.sending import MailError
from treasury_watch.transforms.errors import ConfigurationError, TreasuryWatchError
from treasury_watch.transforms.findings.explain.subjects import subject
from treasury_watch.transforms.findings.finding import Episode, Finding
from treasury_watch.warehouse.tables.published_findings import published_findings

# findings


def test_findings_have_keys_of_holder_rule_and_months_alone() -> None:
    connection = published()
    before = [(found.key, found.thread) for found in published_findings(connection, rules())]
    connection.execute("UPDATE sell_offs SET change_usd_mn = -50000")
    connection.execute("UPDATE episodes SET change_usd_mn = -90000, severity = 'warning'")
    assert [(found.key, found.thread) for found in published_findings(connection, rules())] == before
    assert before == [
        ("month:japan:2024-04", "month:japan:2024-04"),
        ("episode:fall:japan:2024-04:2024-06", "episode:fall:japan:2024-04"),
    ]


@pytest.mark.parametrize("context", [None, ""])
def test_a_currency_that_is_no_news_is_not_told_as_news(context: str | None) -> None:
    """A pegged riyal or a banded Hong Kong dollar has a rate and no words: the rule of the findings, not of the mail."""
    for finding in month_and_episode():
        quiet = replace(finding, row={**finding.row, "context": context, "currency": "HKD", "fx_per_usd_average": 7.8})
        assert "CURRENCY" not in text_of(made(quiet))
        assert "HKD" not in html_of(made(quiet))


def test_the_first_line_of_a_mail_is_the_findings_own_first_sentence() -> None:
    month, _ = month_and_episode()
    lead = "Japan's holdings fell $40.9bn in April 2024 to $1,126.1bn, and most of that was valuation ($29.8bn)."
    row = {**month.row, "headline": lead, "explanation": f"{lead} It sold or let mature $12.1bn of bills."}
    message = made(replace(month, row=row))
    assert flat(text_of(message)).startswith(f"{lead} Mostly repriced. Severity: warning. It sold or let mature")
    assert html_of(message).count("and most of that was valuation") == 1


def test_a_mail_on_an_older_month_says_that_a_newer_one_is_out_and_what_it_says() -> None:
    july = {"month": date(2024, 7, 1), "position_usd_mn": 1_115_300.0, "change_usd_mn": 9_300.0}
    assert newer_month(july) == "A newer month is out: in July 2024 holdings rose $9.3bn to $1,115.3bn."
    assert newer_month({**july, "change_usd_mn": -9_300.0}) == (
        "A newer month is out: in July 2024 holdings fell $9.3bn to $1,115.3bn."
    )
    assert newer_month({**july, "change_usd_mn": None}) == "A newer month is out: July 2024, holdings $1,115.3bn."
    assert newer_month({**july, "change_usd_mn": 20.0}) == (
        "A newer month is out: in July 2024 holdings hardly changed, at $1,115.3bn."
    )
    assert newer_month(None) is None


HOSTILE = "Japan<script>alert(1)</script>\r\nBcc: spy@example.org\u2028X-Evil: 1\u202egnp\x00"


@pytest.mark.parametrize(
    "title",
    ["Japan: Treasuries -$40.9bn in April 2024; mostly price, net sales $11.8bn", "¥" * 90, "so " * 400],
)
def test_a_subject_begins_on_the_line_of_its_name_and_is_read_back_whole(title: str) -> None:
    sent = envelope("month:japan:2024-04", title.strip(), settings(), DESK).as_bytes(policy=policy.SMTP)
    [line] = [line for line in sent.split(b"\r\n") if line.startswith(b"Subject:")]
    assert len(line) > len("Subject: ")
    assert max(map(len, sent.split(b"\r\n"))) <= 998
    assert message_from_bytes(sent, policy=policy.default)["Subject"].strip() == title.strip()


def test_a_hostile_name_adds_no_header_and_no_line() -> None:
    for finding in month_and_episode():
        line = subject(told(named(finding, HOSTILE)))
        assert line.isprintable()
        message = made(named(finding, HOSTILE))
        assert message["Bcc"] is None
        assert message["X-Evil"] is None
        assert message["To"] == DESK
        assert len(message["Subject"]) <= 110
        headers = message.as_bytes().partition(b"\n\n")[0]
        assert b"\nBcc:" not in headers


def test_a_hostile_name_is_text_in_the_html_part() -> None:
    for finding in month_and_episode():
        page = html_of(made(named(finding, HOSTILE)))
        assert "<script" not in page
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
        assert "\u202e" not in page


# message


def test_the_text_part_stands_alone() -> None:
    text = text_of(made(month_and_episode()[0]))
    assert max(len(line) for line in text.splitlines()) <= 78
    said = flat(text)
    for words in (
        "Japan: Treasuries -$40.9bn in April 2024",
        "Mostly repriced. Severity: warning.",
        "Japan's holdings fell by $40.9bn in April 2024.",
        "Holdings were $1,167.0bn at the end of March 2024 and $1,126.1bn at the end of April 2024.",
        "Change in holdings -40.9 -40,921",
        "= Net purchases -11.8 -11,830",
        "bonds and notes +0.2 +246",
        "bills -12.1 -12,076",
        "+ Valuation change -29.8 -29,824",
        "+ Other changes +0.7 +733",
        "JPY 153.89 per USD, average of April 2024. JPY weakened 2.6% against the dollar in April 2024.",
        "Official interventions sold $37.8bn in April 2024",
        "Holdings fell by an amount that is large, large for this holder, and unusual in its own history.",
        "Share of the position before: 3.5% (asked: 2.5% or more).",
        "Score against the holder's own months: -2.0 (asked: -1.5 or lower, against the 36 months before).",
        "(slt_table3): release of 18 June 2026 (date from the release calendar).",
        "FROM holder_months_as_of(DATE '2026-06-18') in place of FROM holder_months.",
        "Finding month:japan:2024-04",
    ):
        assert words in said


def test_an_episode_shows_each_of_its_months_and_what_its_rule_asked() -> None:
    said = flat(text_of(made(month_and_episode()[1])))
    for words in (
        "Apr 2024 -40.9 -11.8 -29.8 +0.7 May 2024 -20.1 -23.9 +7.3 -3.5 Jun 2024 -14.5 -24.6 +13.4 -3.3",
        "Change in holdings -75.6 -75,597",
        "Months: 3 (asked: 2 or more).",
        "JPY 157.86 per USD, average of June 2024. JPY weakened 1.3% against the dollar in June 2024.",
        "$1,167.0bn at the end of March 2024 and $1,091.4bn at the end of June 2024.",
    ):
        assert words in said


class _Page(HTMLParser):
    """Every tag of a page with its attributes, and the text between them."""

    def __init__(self, page: str):
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words += f" {data}"


def test_the_html_part_has_the_same_figures_in_tables_that_a_screen_reader_can_read() -> None:
    page = _Page(html_of(made(month_and_episode()[0])))
    said = flat(page.words)
    assert "Change in holdings -40.9 -40,921 = Net purchases -11.8 -11,830" in said
    assert "Mostly repriced, not sold" in said
    assert sum(tag == "caption" for tag, _ in page.tags) == 2
    assert all(attributes.get("scope") in ("col", "row") for tag, attributes in page.tags if tag == "th")
    layout = [attributes for tag, attributes in page.tags if tag == "table"]
    assert sum(attributes.get("role") == "presentation" for attributes in layout) == len(layout) - 2


def test_the_html_part_asks_nothing_from_outside_the_message() -> None:
    message = made(month_and_episode()[0], PICTURE)
    source = html_of(message)
    addresses = {"src", "href", "srcset", "background", "action", "data", "poster"}
    found = [value for _, attributes in _Page(source).tags for name, value in attributes.items() if name in addresses]
    assert found == ["cid:chart@treasury-watch"]
    assert not re.search(r"https?:|url\(|@import|<script|<link", source)


def test_the_chart_travels_inside_the_message_and_without_one_there_is_no_picture() -> None:
    month, _ = month_and_episode()
    message = made(month, PICTURE)
    assert message.get_content_type() == "multipart/alternative"
    plain, rich = message.iter_parts()
    assert plain.get_content_type() == "text/plain"
    assert rich.get_content_type() == "multipart/related"
    picture = list(rich.iter_parts())[1]
    assert picture["Content-ID"] == "<chart@treasury-watch>"
    assert picture.get_content() == PICTURE
    bare = made(month)
    assert [part.get_content_type() for part in bare.iter_parts()] == ["text/plain", "text/html"]
    assert "<img" not in html_of(bare)


def test_a_message_has_the_same_id_whenever_it_is_made_and_another_for_each_recipient() -> None:
    month, episode = month_and_episode()
    first, again = made(month), made(replace(month, row={**month.row, "change_usd_mn": -50000.0}))
    assert first["Message-ID"] == again["Message-ID"] == message_id(month.key, DESK, settings().sender)
    assert message_id(month.key, "other@example.org", settings().sender) != first["Message-ID"]
    assert made(episode)["Message-ID"] != first["Message-ID"]


def test_messages_on_a_growing_episode_are_one_thread() -> None:
    month, episode = month_and_episode()
    shorter = ending(episode, date(2024, 5, 1))
    one, two = made(shorter), made(episode)
    assert one["Message-ID"] != two["Message-ID"]
    # a thread begins with a message that was sent: never with one that only could have been
    assert one["References"] is two["References"] is made(month)["References"] is None
    joined = made(episode, first=one["Message-ID"])
    assert joined["References"] == joined["In-Reply-To"] == one["Message-ID"]
    assert made(shorter, first=one["Message-ID"])["References"] is None


@pytest.mark.parametrize("number", [0, 1])
def test_the_query_in_the_message_gives_its_figures(number: int) -> None:
    finding = month_and_episode()[number]
    connection = published()
    insert(connection, "holder_months", holder_id="o'brien", month=date(2024, 4, 1), change_usd_mn=-7.0)
    got = connection.execute(sql(finding)).df().iloc[0]
    assert {name: got[name] for name in PARTS} == {name: finding.row[name] for name in PARTS}
    if isinstance(finding, Episode):
        assert [got[name] for name in PARTS] == FALL
    quoted = replace(finding, holder_id="o'brien", end_month=finding.month)
    assert connection.execute(sql(quoted)).df().iloc[0]["change_usd_mn"] == -7.0


@pytest.mark.parametrize(
    ("changes", "row", "words"),
    [
        (
            {},
            {"caveats": "Net sales of bills are an estimate: the change in the bills held."},
            "Net sales of bills are",
        ),
        ({}, {"read_together": "Mainland China and Belgium together: holdings -$1.0bn."}, "Mainland China and Belgium"),
        ({"source": "mfhhis01"}, {}, "Positions come from mfhhis01, net purchases from another source"),
        ({}, {"verdict": "unexplained"}, "Do not quote it as selling."),
    ],
)
def test_a_caveat_is_there_where_it_applies_and_only_there(
    changes: dict[str, Any], row: dict[str, Any], words: str
) -> None:
    month, _ = month_and_episode()
    affected = made(replace(month, row={**month.row, **row}), **changes)
    assert words in flat(text_of(affected))
    assert words in flat(_Page(html_of(affected)).words)
    assert words not in flat(text_of(made(month)))


def test_unknown_parts_are_said_to_be_unknown_and_left_out_of_the_query() -> None:
    month, _ = month_and_episode()
    unknown = dict.fromkeys(PARTS[1:], None) | {"verdict": "unexplained", "basis": None, "score": None}
    finding = replace(month, row={**month.row, **unknown})
    said = flat(text_of(made(finding)))
    assert "= Net purchases n.a. n.a." in said
    assert "Score against the holder's own months: not known, too little history" in said
    assert "nan" not in said.lower()
    assert "valuation_usd_mn" not in sql(finding)


def test_a_release_that_is_not_recorded_is_said_to_be_so() -> None:
    said = flat(text_of(made(month_and_episode()[0], source="slt_table5")))
    assert "slt_table5: the release that states 2024-04 is not recorded." in said
    assert "holder_months_as_of" not in said


def run_of(months: int, source: str) -> tuple[Finding, pd.DataFrame, pd.DataFrame]:
    """An episode of so many months to June 2024, its last two of `source` and without a decomposition."""
    connection, episode = published(), month_and_episode()[1]
    every = pd.date_range(end="2024-06-01", periods=months + 1, freq="MS")
    history = pd.concat([connection.execute("FROM holder_months LIMIT 1").df()] * len(every), ignore_index=True)
    history = history.assign(month=every, change_usd_mn=-1000.0, net_purchases_usd_mn=-900.0, valuation_usd_mn=-100.0)
    history.loc[history.index[-2:], ["net_purchases_usd_mn", "valuation_usd_mn", "source"]] = [None, None, source]
    releases = pd.DataFrame(
        [("slt_table3", pd.Timestamp("2024-06-18"), "calendar", every[0], pd.Timestamp("2024-04-01")),
         ("slt_table5", pd.Timestamp("2024-08-15"), "calendar", every[0], pd.Timestamp("2024-06-01"))],
        columns=["source", "released", "released_basis", "first_month", "last_month"],
    )  # fmt: skip
    row = {**episode.row, "start_month": every[1].date(), "months": months}
    return replace(episode, month=every[1].date(), row=row), history, releases


def test_each_source_is_dated_by_the_last_month_that_it_is_used_for() -> None:
    said = flat(text_of(compose(*run_of(6, "slt_table5"), settings(), DESK)))
    assert "(slt_table3): release of 18 June 2024" in said
    assert "(slt_table5): release of 15 August 2024" in said
    assert "is not recorded" not in said


def test_the_html_of_the_longest_run_stays_below_what_mail_clients_cut_off() -> None:
    finding, history, releases = run_of(240, "slt_table5")
    long = replace(
        finding, row={**finding.row, "explanation": "It sold and sold. " * 200, "caveats": "\n".join(["Care."] * 20)}
    )
    message = compose(long, history, releases, settings(), DESK)
    assert "And 204 months before these, in the table holder_months." in flat(text_of(message))
    assert len(message.get_body(("html",)).get_payload().encode()) < 102_400


def test_a_finding_whose_months_are_not_in_the_history_is_not_composed() -> None:
    later = ending(month_and_episode()[1], date(2024, 7, 1))
    with pytest.raises(MailError, match="holder_months has no row of japan for 2024-07"):
        made(later)


def test_a_finding_of_a_rule_that_is_not_declared_is_refused_by_name() -> None:
    connection = published()
    connection.execute("UPDATE sell_offs SET rules = ['rise']")
    with pytest.raises(ConfigurationError, match=r"alert_rules.toml: .* \[rules.rise\], which is not declared"):
        published_findings(connection, rules())


def test_a_publication_of_before_months_were_one_row_asks_for_a_rebuild() -> None:
    connection = published()
    connection.execute("DROP TABLE rule_hits")
    with pytest.raises(TreasuryWatchError, match="treasury-watch rebuild"):
        published_findings(connection, rules())
