"""One section added to config/alert_rules.toml is a rule everywhere: findings, mail, events, revisions, backtest, page."""

from __future__ import annotations

import copy
import shutil
from pathlib import Path

import pandas as pd
import pytest

from tests.conftest import PROJECT, TODAY
from treasury_watch.flows.alerts.composing import Composer
from treasury_watch.flows.settings.settings import Settings
from treasury_watch.flows.site.page import render
from treasury_watch.transforms.backtest.replay import replayed
from treasury_watch.transforms.errors import ConfigurationError
from treasury_watch.transforms.findings.events import leading
from treasury_watch.transforms.findings.revision import revised_findings
from treasury_watch.warehouse.declarations import Declarations
from treasury_watch.warehouse.home.folders import Home
from treasury_watch.warehouse.home.published_database import open_published
from treasury_watch.warehouse.installation import Warehouse
from treasury_watch.warehouse.tables.findings_as_known import findings_of, months_of
from treasury_watch.warehouse.tables.published_findings import published_findings

RULE = """
[rules.bill_outflow]
of = "net_short_term_usd_mn"
share_of = "short_term_usd_mn"
scope = "countries"
sentence = "Bills worth a large part of the holder's bills were sold or let mature."
minimum_usd_mn = 12000
minimum_share_pct = 5.0
maximum_score = -1.0
"""


def with_rule(folder: Path, text: str) -> Declarations:
    """The project's declarations with one section more."""
    shutil.copytree(PROJECT / "config", folder, ignore=shutil.ignore_patterns("sample"))
    rules = folder / "alert_rules.toml"
    rules.write_text(rules.read_text(encoding="utf-8") + text, encoding="utf-8")
    return Declarations(folder)


@pytest.fixture(scope="module")
def watched(loaded_sample: Path, tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """The sample, published with the rule."""
    root = tmp_path_factory.mktemp("rule")
    shutil.copytree(loaded_sample, root / "home")
    warehouse = Warehouse(Home(root / "home"), with_rule(root / "config", RULE))
    with warehouse.session("ingest", today=TODAY) as session:
        session.publish()
    return warehouse


def test_it_flags_months_by_its_own_amount(watched):
    with open_published(watched.home.database) as connection:
        found = [
            item for item in published_findings(connection, watched.declarations.rules) if item.rule == "bill_outflow"
        ]
    may = {(item.holder_id, f"{item.month:%Y-%m}"): item for item in found}["japan", "2024-05"]
    assert may.amount_usd_mn == may.row["net_short_term_usd_mn"] == -24041
    assert may.title.startswith("Japan: bills sold or let mature $24.0bn in May 2024; holdings -$20.1bn")


def test_it_is_called_by_its_declared_name_beside_the_other_rules_of_a_month(watched):
    rules = copy.deepcopy(watched.declarations.rules)
    rules["rules"]["bill_outflow"]["name"] = "outflow from bills"
    with open_published(watched.home.database) as connection:
        found = {item.key: item for item in published_findings(connection, rules)}
    assert {hit["rule"]: hit["name"] for hit in found["month:japan:2024-05"].hits}[
        "bill_outflow"
    ] == "outflow from bills"


def test_its_mail_says_its_amount_and_its_sentence(watched, monkeypatch):
    monkeypatch.setenv("TREASURY_WATCH_CONFIG", str(watched.declarations.folder))
    with open_published(watched.home.database) as connection:
        found = published_findings(connection, watched.declarations.rules)
        message = Composer(connection, found, Settings(), None)("month:japan:2024-05", "desk@example.org")
    text = " ".join(message.get_body(("plain",)).get_content().split())
    assert "Bills worth a large part of the holder's bills were sold or let mature." in text
    assert "Amount $24.0bn (asked: $12.0bn or more)." in text


def test_events_weigh_it_and_revisions_and_backtest_measure_it_by_that_amount(watched):
    rules = watched.declarations.rules
    with open_published(watched.home.database) as connection:
        findings = published_findings(connection, rules)
        flagged, runs = findings_of(connection, rules)
        months, official, holders = months_of(connection)
    assert "month:japan:2024-05" in leading(findings)
    smaller = flagged.assign(net_short_term_usd_mn=flagged["net_short_term_usd_mn"] / 2)
    revised = revised_findings((smaller, runs), (flagged, runs), pd.Timestamp("2026-01-01"), rules)
    row = revised[(revised["rule"] == "bill_outflow") & (revised["start_month"] == "2024-05-01")].iloc[0]
    assert (row["what"], row["old_usd_mn"], row["new_usd_mn"]) == ("size changed", -12020.5, -24041)
    assert (
        row["explanation"] == "Japan, May 2024: the bill outflow is -$24.0bn by the revised figures, -$12.0bn before."
    )
    assert "bill_outflow" in set(replayed(months, official, holders, rules)["rule"])


def test_the_page_says_what_it_asks_for(watched):
    with open_published(watched.home.database) as connection:
        page = render(connection, generated=pd.Timestamp("2026-07-01"), declarations=watched.declarations)
    assert "<strong>bill outflow</strong>" in page
    assert "At least $12.0bn, 5.0% of the position before" in page


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            RULE.replace("net_short_term_usd_mn", "bills"),
            r"\[rules.bill_outflow\] of: expected an amount of \[amounts\] \(such as change_usd_mn, .*'bills'",
        ),
        (
            RULE.replace("sentence", "sentense"),
            r"\[rules.bill_outflow\]: unknown key 'sentense'; did you mean 'sentence'",
        ),
        (RULE.replace("12000", '"12000"'), r"\[rules.bill_outflow\] minimum_usd_mn: expected a number, found '12000'"),
        (
            RULE.replace("minimum_share_pct = 5.0\n", ""),
            r"\[rules.bill_outflow\]: expected the key minimum_share_pct, found none",
        ),
        (
            """[pairs.two]\nname = "A and B"\nmembers = ["belgium", "japan"]\nreason = "R"\nowners = ["france"]\n""",
            r"\[pairs.two\] owners: expected one of belgium, japan \(not france\)",
        ),
        (
            """[episodes.gain]\nof = "change_usd_mn"\nsentence = "S"\nminimum_months = 2\nminimum_usd_mn = 1\n"""
            """minimum_share_pct = 1\ntolerated_interruptions = 0\ndirection = "up"\n""",
            r"\[episodes.gain\] direction: expected one of fall, rise, found 'up'",
        ),
    ],
)
def test_a_rule_that_is_declared_wrongly_is_refused_by_its_name(tmp_path, text, words):
    with pytest.raises(ConfigurationError, match=words):
        _ = with_rule(tmp_path / "config", text).rules
