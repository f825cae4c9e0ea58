"""What the operator is told, when, how often, and that it never hides what happened."""

# ruff: noqa: F401, F811 (fixtures of another module are imported and asked for by name)

from __future__ import annotations

from datetime import date

import duckdb
import pytest

from tests.conftest import SAMPLE
from tests.flows.alerts.test_outbox import DESK, state
from tests.flows.alerts.test_outbox import settings as mail_settings
from tests.flows.findings_data import declared, insert
from treasury_watch.flows.alerts.mails import operator_mail
from treasury_watch.flows.alerts.mails.operator_mail import never_loaded_notices, run_notice, source_notices
from treasury_watch.flows.alerts.outbox import pending
from treasury_watch.flows.run import steps
from treasury_watch.flows.run.steps import PLAIN
from treasury_watch.flows.run.summary.outcome import Outcome
from treasury_watch.flows.settings.settings import Settings
from treasury_watch.transforms.errors import LayoutError, TreasuryWatchError
from treasury_watch.transforms.release_dates.release_calendar import release_of
from treasury_watch.warehouse.declarations import Declarations
from treasury_watch.warehouse.gates.freshness import never_loaded, stale_sources
from treasury_watch.warehouse.gates.results import Result, ValidationBlocked
from treasury_watch.warehouse.home.folders import Busy
from treasury_watch.warehouse.tables.declared_tables import SQL

TABLE3 = (SAMPLE / "tic" / "slt_table3.txt").read_bytes()
DECLARED = Declarations()
# by the calendar, the figures of May 2026 are due on 2026-07-16 or so
APRIL = date(2026, 4, 1)


def known(**sources: date) -> duckdb.DuckDBPyConnection:
    """A published database whose sources' newest months are these."""
    connection = duckdb.connect()
    for name in ("releases", "fx_daily", "market_series"):
        columns = declared()[name].columns
        connection.execute(f"CREATE TABLE {name} ({', '.join(f'{c.name} {SQL[c.type]}' for c in columns)})")
    for source, last in sources.items():
        insert(connection, "releases", source=source, released=date(2026, 6, 18), last_month=last)
    return connection


def told(connection: duckdb.DuckDBPyConnection, today: date, **options) -> list[operator_mail.Notice]:
    stale = stale_sources(connection, DECLARED, today)
    return source_notices(stale, today.replace(day=1), late_after_days=2, **options)


def due() -> date:
    """The day on which the figures of May 2026 are due."""
    return release_of(date(2026, 5, 1), DECLARED.calendar)


def test_a_release_is_late_some_days_after_the_calendars_day_and_not_before():
    tables = known(slt_table3=APRIL)
    assert told(tables, due()) == []
    assert told(tables, date.fromordinal(due().toordinal() + 1)) == []
    [late] = told(tables, date.fromordinal(due().toordinal() + 2))
    assert late.key == "health:late:slt_table3:2026-05"
    assert late.title == "Treasury Watch: release late, slt_table3 without the figures for May 2026"
    assert "2026-05 was due 2 days ago" in late.what[0]
    [later] = told(tables, date.fromordinal(due().toordinal() + 9))
    assert later.key == late.key


def test_sources_late_for_the_same_month_are_one_message_under_the_first():
    [late] = told(known(slt_table5=APRIL, slt_table3=APRIL), date.fromordinal(due().toordinal() + 2))
    assert late.key == "health:late:slt_table3:2026-05"
    assert len(late.what) == 2


def test_a_source_that_misses_more_than_one_release_is_frozen_at_its_month():
    tables = known(slt_table3=APRIL)
    one, other = told(tables, date(2026, 9, 30)), told(tables, date(2026, 11, 30))
    assert [found.key for found in one] == [found.key for found in other] == ["health:frozen:slt_table3:2026-04-01"]
    assert "served but not updated since 2026-04" in one[0].title
    assert any("frozen_on" in step for step in one[0].cure)


def test_an_hour_without_network_makes_no_new_occurrence_of_a_frozen_source():
    tables = known(slt_table3=APRIL)
    [one] = told(tables, date(2026, 9, 30))
    [other] = told(tables, date(2026, 9, 30), unreached=["slt_table3"])
    assert one.key == other.key
    assert "not reached" in other.title
    assert "check the network" in other.cure[0]


def test_a_source_declared_frozen_is_no_news():
    assert told(known(mfh=date(2023, 1, 1)), date(2026, 9, 30)) == []


def test_daily_rates_that_stand_still_are_one_message_for_all_series_of_that_day():
    tables = known()
    for series in ("DEXJPUS", "DEXUSEU"):
        insert(tables, "fx_daily", source=f"fred:{series}", currency=series, date=date(2026, 6, 1), per_usd=1.0)
    [frozen] = told(tables, date(2026, 7, 1))
    assert frozen.key.endswith(":2026-06-01")
    assert len(frozen.what) == 2
    assert told(tables, date(2026, 6, 5)) == []


def test_sources_never_loaded_are_told_the_main_table_first_as_critical():
    missing = never_loaded(known(slt_table5=APRIL), DECLARED)
    main, others = never_loaded_notices(missing, date(2026, 7, 1), unreached=["slt_table3"])
    assert (main.key, main.severity) == ("health:never:slt_table3", "critical")
    assert main.title == "Treasury Watch: MAIN TABLE missing: slt_table3 was never loaded"
    assert main.what[0].startswith("slt_table3: never loaded, not reached in this run")
    assert "check the network" in main.cure[0]
    assert others.severity == "warning"
    assert "mfhhis01" in others.title
    assert not any("slt_table5" in line for line in others.what)


def test_beside_files_that_a_user_names_only_the_main_table_is_missed():
    missing = never_loaded(known(slt_table3=APRIL), DECLARED)
    assert never_loaded_notices(missing, date(2026, 7, 1), main_only=True) == []
    [main] = never_loaded_notices(never_loaded(known(), DECLARED), date(2026, 7, 1), main_only=True)
    assert any(line.startswith("mfhhis01") for line in main.what)


LAYOUT = LayoutError(
    "mof_monthly", "whole file", "one total in billions of yen, such as '¥ 15,399.3 billion'", "no amount"
)


@pytest.mark.parametrize(
    ("what", "reason", "line"),
    [
        (
            "mof_monthly file refused",
            str(LAYOUT),
            "Treasury Watch: mof_monthly file refused: found no amount",
        ),
        ("run failed", "disk full; free some space", "Treasury Watch: run failed: disk full; free some space"),
        ("run failed", "x" * 500, "Treasury Watch: run failed: " + "x" * 81 + "…"),
    ],
)
def test_a_subject_to_the_operator_says_what_happened_before_why_and_fits_a_line(what, reason, line):
    assert operator_mail.subject(what, reason) == line
    assert len(line) <= 110
    assert len(line.rpartition(what)[0] + what) <= 60


def test_the_same_reason_is_the_same_occurrence_until_a_run_ends_well(state):
    def key(problem: Exception) -> str:
        return run_notice(state, problem, date(2026, 7, 1)).key

    first = key(TreasuryWatchError("slt_table3 line 17: 3 columns"))
    assert first == key(TreasuryWatchError("slt_table3 line 18: 3 columns"))
    assert first != key(TreasuryWatchError("ecb: no answer"))
    state.start_run("r1", "run")
    state.finish_run("r1", "failed", "")
    assert first == key(TreasuryWatchError("slt_table3 line 17: 3 columns"))
    state.start_run("r2", "run")
    state.finish_run("r2", "unchanged", "")
    assert first != key(TreasuryWatchError("slt_table3 line 17: 3 columns"))


def test_a_blocked_run_names_its_checks_and_where_to_go(state):
    result = Result("publish", "totals", "parts add up", False, True, "off by 7", "why it matters")
    found = run_notice(state, ValidationBlocked([result]), date(2026, 7, 1))
    assert found.key.startswith("health:blocked:never:")
    assert "parts add up" in found.what[0]
    assert "config/corrections.toml" in found.cure[1]


def test_the_message_has_what_happened_and_the_cure_in_both_parts_and_stays_text(state):
    found = run_notice(state, TreasuryWatchError("<script>x</script>\r\nBcc: spy@example.org"), date(2026, 7, 1))
    content = found.content()
    message = operator_mail.compose_notice(found.key, content, mail_settings(), DESK)
    assert message["Bcc"] is None
    text, html = (message.get_body((kind,)).get_content() for kind in ("plain", "html"))
    assert "WHAT TO DO" in text
    assert "`treasury-watch run` again" in text
    assert "<script>" not in html
    assert "What to do" in html


def run(settings, warehouse) -> Outcome:
    return steps.run(settings, warehouse, PLAIN, sample=False, command="run")


def health_rows(warehouse) -> list[tuple[str, str, int]]:
    rows = warehouse.state.rows("SELECT finding, state, attempts FROM alerts WHERE finding LIKE 'health:failed%'")
    return [(row["finding"], row["state"], row["attempts"]) for row in rows]


@pytest.fixture
def nobody_answers(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TIC", "FRED", "ECB", "MOF", "MOF_FILES", "TIC_SURVEY", "FISCAL_DATA"):
        monkeypatch.setenv(f"TREASURY_WATCH_BASE_{name}", "http://127.0.0.1:9/")


@pytest.mark.slow
class TestARun:
    def test_a_refused_main_table_is_told_once_as_critical_and_another_bad_file_again(
        self, loaded, settings, publishers
    ):
        for _ in range(2):
            publishers.serve("slt_table3", TABLE3[: len(TABLE3) // 2])
            assert run(settings, loaded).refused
        [mail] = loaded.home.outbox.glob("*main-table*refused*.eml")
        assert b"Auto-Submitted: auto-generated" in mail.read_bytes()
        publishers.serve("slt_table3", TABLE3[: len(TABLE3) // 3])
        run(settings, loaded)
        told = loaded.state.rows(
            "SELECT severity, attempts FROM alerts WHERE finding LIKE 'health:refused:slt_table3:%'"
        )
        assert told == [{"severity": "critical", "attempts": 1}] * 2

    def test_a_first_run_that_fails_is_told_although_nothing_was_ever_published(self, settings, monkeypatch):
        for name in ("TIC", "FRED", "ECB", "MOF", "MOF_FILES", "TIC_SURVEY", "FISCAL_DATA", "TREASURY"):
            monkeypatch.setenv(f"TREASURY_WATCH_BASE_{name}", "http://127.0.0.1:9/")
        warehouse = settings.warehouse()
        with pytest.raises(TreasuryWatchError, match="no source could be reached"):
            run(Settings(), warehouse)
        assert not warehouse.home.database.exists()
        assert [row[1] for row in health_rows(warehouse)] == ["written"]

    def test_an_operator_who_cannot_be_told_does_not_hide_the_error(self, loaded, nobody_answers, monkeypatch):
        monkeypatch.setenv("TREASURY_WATCH_MAIL_CA_FILE", "missing.pem")
        with pytest.raises(TreasuryWatchError, match="no source could be reached") as caught:
            run(Settings(), loaded)
        assert any("the operator could not be told" in note for note in caught.value.__notes__)
        assert [row["finding"].split(":")[1] for row in pending(loaded.state)] == ["failed"]

    def test_another_run_at_work_is_no_failure(self, loaded, settings):
        with loaded.session("other"), pytest.raises(Busy):
            run(settings, settings.warehouse())
        assert health_rows(loaded) == []

    def test_what_waits_and_is_over_is_withdrawn_by_a_good_run(self, loaded, settings, publishers, monkeypatch):
        with monkeypatch.context() as patch:
            patch.setenv("TREASURY_WATCH_MAIL_HOST", "127.0.0.1")
            patch.setenv("TREASURY_WATCH_MAIL_PORT", "9")
            for name in ("TIC", "FRED", "ECB", "MOF", "MOF_FILES", "TIC_SURVEY", "FISCAL_DATA"):
                patch.setenv(f"TREASURY_WATCH_BASE_{name}", "http://127.0.0.1:9/")
            with pytest.raises(TreasuryWatchError, match="no source could be reached"):
                run(Settings(), loaded)
        assert [row[1] for row in health_rows(loaded)] == ["failed"]
        run(settings, loaded)
        assert [row[1] for row in health_rows(loaded)] == ["superseded"]
