"""The embedded sample keeps to homes of its own, says what it is, and never sends anything."""

from __future__ import annotations

from datetime import UTC, date, datetime
from email import message_from_bytes, policy
from pathlib import Path

import duckdb
import pytest

from tests.conftest import TODAY
from tests.flows.loopback import Loopback, Reply
from tests.flows.smtp_loopback import MailServer
from treasury_watch.flows.alerts import delivery
from treasury_watch.flows.alerts.sample_mark import SUBJECT, WORDS
from treasury_watch.flows.commands.answers.status import status_facts
from treasury_watch.flows.run import monthly, steps
from treasury_watch.flows.settings.settings import Settings
from treasury_watch.warehouse.archive import home_kinds
from treasury_watch.warehouse.archive.archived_files import Archive
from treasury_watch.warehouse.archive.home_kinds import OtherKindOfHome, admit, keep, kind_of, published_words
from treasury_watch.warehouse.home.folders import HOME, SAMPLE_HOME, Home
from treasury_watch.warehouse.home.published_database import open_published
from treasury_watch.warehouse.home.state import State
from treasury_watch.warehouse.installation import Warehouse

NOW = datetime(2026, 6, 20, tzinfo=UTC)
OURS, THEIRS = "sample:tic/slt_table5.txt", "https://ticdata.treasury.gov/slt_table5.txt"
CHANNEL = "TREASURY_WATCH_CHANNEL_DESK"
ROUTES = f"""
[routes.desk]
to = ["desk@example.org"]
holders = ["Japan"]
minimum_severity = "critical"
[routes.room]
channel = "{CHANNEL}"
holders = ["Japan"]
minimum_severity = "critical"
"""


@pytest.fixture
def stored(tmp_path: Path) -> tuple[Archive, State]:
    return Archive(tmp_path / "raw"), State(tmp_path / "state.sqlite")


class TestWhatKindAHomeIs:
    @pytest.mark.parametrize(
        ("addresses", "kind"),
        [([], None), ([OURS], "sample"), ([THEIRS], "official"), ([OURS, THEIRS], "official")],
    )
    def test_one_without_a_note_is_judged_by_what_it_archived_and_then_noted(self, stored, addresses, kind):
        archive, state = stored
        for address in addresses:
            archive.put("slt_table5", address.encode(), url=address, retrieved=NOW)
        assert kind_of(archive, state) == kind
        keep(archive, state)
        assert state.remembered(home_kinds.NOTE) == kind

    def test_the_printed_figures_that_come_with_the_program_make_no_home_official(self, stored):
        archive, state = stored
        archive.put("slt_table5", b"", url=OURS, retrieved=NOW)
        archive.put("tic_press_releases", b"", url="config/tic_press_releases.csv", retrieved=NOW)
        assert kind_of(archive, state) == "sample"

    def test_a_sample_home_that_was_told_to_take_official_data_is_official_from_then_on(self, stored):
        archive, state = stored
        archive.put("slt_table5", b"", url=OURS, retrieved=NOW)
        keep(archive, state)
        archive.put("slt_table5", b"new", url=THEIRS, retrieved=NOW)
        keep(archive, state)
        assert kind_of(archive, state) == "official"

    @pytest.mark.parametrize(
        ("address", "sample", "said"),
        [(OURS, False, "holds the embedded sample"), (THEIRS, True, "holds official data")],
    )
    def test_the_other_kind_is_refused_in_one_line_with_the_way_out_unless_told(self, stored, address, sample, said):
        archive, state = stored
        admit(archive, state, sample=sample, told=False)  # an empty home takes either
        archive.put("slt_table5", b"", url=address, retrieved=NOW)
        admit(archive, state, sample=not sample, told=False)
        admit(archive, state, sample=sample, told=True)
        with pytest.raises(OtherKindOfHome, match=said) as refused:
            admit(archive, state, sample=sample, told=False)
        assert "TREASURY_WATCH_HOME" in str(refused.value)
        assert "--into-this-home" in str(refused.value)
        assert "\n" not in str(refused.value)


class TestWhereTheSampleGoes:
    def test_without_a_named_home_to_one_of_its_own(self, monkeypatch):
        monkeypatch.setenv(HOME, "")
        Home.choose_for_sample()
        assert Home.from_environment().root == SAMPLE_HOME
        assert SAMPLE_HOME.name != "data"

    def test_to_the_named_home_where_there_is_one(self, monkeypatch, tmp_path):
        monkeypatch.setenv(HOME, str(tmp_path))
        Home.choose_for_sample()
        assert Home.from_environment().root == tmp_path


class TestARunOfTheOtherKind:
    """Both ways of a run, the command and the flow that a Prefect server starts with parameters of its own."""

    @pytest.mark.parametrize(("kind", "sample"), [("official", True), ("sample", False)])
    def test_is_refused_before_anything_is_fetched_or_noted(self, set_in_home, kind, sample):
        settings = set_in_home()
        warehouse = settings.warehouse()
        warehouse.state.remember(home_kinds.NOTE, kind)
        with pytest.raises(OtherKindOfHome):
            monthly._monthly_run(settings, sample, "run", 6, False, "", False)
        with pytest.raises(OtherKindOfHome):
            steps.run(settings, warehouse, steps.PLAIN, sample=sample, command="run")
        assert warehouse.state.rows("SELECT * FROM runs") == []


@pytest.fixture
def own(sample: Warehouse, monkeypatch: pytest.MonkeyPatch) -> Warehouse:
    """A home of the sample, with mail and a channel set."""
    sample.state.remember(home_kinds.NOTE, home_kinds.SAMPLE)
    sample.home.root.joinpath("routing.toml").write_text(ROUTES, encoding="utf-8")
    monkeypatch.setenv(HOME, str(sample.home.root))
    return sample


def test_messages_of_a_sample_home_are_written_and_marked_whatever_is_set_and_none_is_sent(own, monkeypatch):
    with MailServer() as mail, Loopback() as channel:
        channel.script("/notify/", Reply())
        monkeypatch.setenv(CHANNEL, f"json://127.0.0.1:{channel.port}/notify/")
        monkeypatch.setenv("TREASURY_WATCH_MAIL_INTERNAL_CHANNEL_HOSTS", "127.0.0.1")
        monkeypatch.setenv("TREASURY_WATCH_MAIL_HOST", "127.0.0.1")
        monkeypatch.setenv("TREASURY_WATCH_MAIL_PORT", str(mail.port))
        settings = Settings()
        result = delivery.alert(own, settings, date(2024, 1, 1), today=TODAY)
        again = delivery.send(own, settings)
        assert mail.taken == []
        assert channel.seen() == []
    assert result.written == result.queued - result.superseded > 1
    assert (result.sent, result.failed, again.sent) == (0, 0, 0)
    for path in own.home.outbox.glob("*.eml"):
        message = message_from_bytes(path.read_bytes(), policy=policy.default)
        assert message["Subject"].startswith(SUBJECT)
        assert message.get_body(("plain",)).get_content().startswith(WORDS)
        assert WORDS in message.get_body(("html",)).get_content()
        assert message["Message-ID"]


def test_a_sample_told_into_an_official_home_leaves_what_waits_there_and_sends_nothing_of_its_own(sample, monkeypatch):
    monkeypatch.setenv(HOME, str(sample.home.root))
    sample.state.change(
        "INSERT INTO alerts (alert_id, finding, recipient, state) VALUES ('a', 'month:x:y', 'z', 'queued')"
    )
    result = delivery.alert(sample, Settings(), delivery.NEVER, today=TODAY)
    assert (result.sent, result.written, result.failed) == (0, 0, 0)
    states = sample.state.rows("SELECT DISTINCT state FROM alerts WHERE alert_id <> 'a'")
    assert [row["state"] for row in states] in ([], ["backfilled"])
    assert sample.state.rows("SELECT state FROM alerts WHERE alert_id = 'a'") == [{"state": "queued"}]
    assert list(sample.home.outbox.iterdir()) == []


def test_status_says_that_it_is_the_sample(own):
    assert status_facts(own, TODAY)["sample"] == home_kinds.NOTHING_SENT


def test_a_publication_of_the_sample_says_so_by_the_addresses_of_its_files(loaded_sample):
    with open_published(Home(loaded_sample).database) as connection:
        assert published_words(connection).startswith("Embedded sample")


def test_a_publication_of_both_says_how_many_and_one_of_official_data_nothing():
    with duckdb.connect() as connection:
        connection.execute(
            "CREATE TABLE releases AS SELECT 'slt_table5' AS source, unnest([?, ?]) AS url, DATE '2026-04-01' AS last_month",
            [OURS, THEIRS],
        )
        assert published_words(connection) == "1 of the 2 files loaded here are those of the embedded sample."
        connection.execute("DELETE FROM releases WHERE starts_with(url, 'sample:')")
        assert published_words(connection) == ""
