"""Routes: who gets what, and what a wrong declaration says."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from tests.conftest import PROJECT
from tests.flows.findings_data import month_and_episode
from treasury_watch.flows.alerts import routing
from treasury_watch.flows.settings.settings import Settings
from treasury_watch.transforms.errors import ConfigurationError
from treasury_watch.transforms.findings.finding import Finding, RevisedFindings
from treasury_watch.warehouse.declarations import Declarations

SECRET = "https://hooks.example.org/services/T000/B000/secret-token"


def read(tmp_path: Path, text: str) -> routing.Routing:
    """The routes of this text beside the repository's other declarations."""
    folder = tmp_path / "config"
    shutil.copytree(PROJECT / "config", folder, ignore=shutil.ignore_patterns("sample"), dirs_exist_ok=True)
    (folder / "routing.toml").write_text(text, encoding="utf-8")
    return routing.read(Settings(Declarations(folder)))


def month(**changes) -> Finding:
    return replace(month_and_episode()[0], **changes)


def test_without_routes_the_mail_recipients_get_what_reaches_the_alerts_severity(tmp_path):
    routes = read(tmp_path, "")
    assert routes.recipients("single") == ["desk@localhost"]
    assert routes.recipients("digest", "both") == []
    assert routes.operator == ("desk@localhost",)
    assert routes.taken([month(), month(severity="notice")], "desk@localhost", "single") == [month()]


def test_a_folder_without_the_file_has_the_same_routes_as_an_empty_file(tmp_path):
    read(tmp_path, "")
    (tmp_path / "config" / "routing.toml").unlink()
    assert routing.read(Settings(Declarations(tmp_path / "config"))).recipients("single") == ["desk@localhost"]


def test_the_routes_of_the_repository_are_the_default_ones():
    assert routing.read(Settings()).routes == (routing.Route("mail", ("desk@localhost",), "warning"),)


def test_a_route_takes_its_severity_its_holders_and_its_rules(tmp_path):
    routes = read(
        tmp_path,
        '[routes.asia]\nto = ["asia@example.org"]\nminimum_severity = "critical"\n'
        'holders = ["Japan", "china, mainland"]\nrules = ["fall"]\n',
    )
    [route] = routes.routes
    loud = month(severity="critical")
    assert route.takes(loud)
    assert not route.takes(month())
    assert not route.takes(replace(loud, holder_id="canada"))
    assert not route.takes(replace(loud, rule="net_sale"))
    assert route.holders == {"japan", "china_mainland"}


def test_a_revision_goes_where_a_finding_it_corrects_went(tmp_path):
    routes = read(
        tmp_path,
        '[routes.asia]\nto = ["a@example.org"]\nholders = ["Japan"]\nrules = ["fall"]\n'
        '[routes.north]\nto = ["n@example.org"]\nholders = ["Norway"]\n'
        '[routes.corrections]\nto = ["c@example.org"]\nrules = ["revision"]\n',
    )
    turned = RevisedFindings(
        key="revision:slt_table3:2026-06-18", rule="revision", month=date(2026, 4, 1), end_month=date(2026, 4, 1),
        severity="warning", title="", released=date(2026, 6, 18), rows=({"holder_id": "japan", "rule": "fall"},),
    )  # fmt: skip
    assert [route.name for route in routes.routes if route.takes(turned)] == ["asia", "corrections"]


def test_a_recipient_of_two_routes_gets_a_finding_of_both_once(tmp_path):
    routes = read(
        tmp_path, '[routes.a]\nto = ["x@example.org"]\n[routes.b]\nto = ["x@example.org"]\nholders = ["Japan"]\n'
    )
    assert routes.recipients("single") == ["x@example.org"]
    assert routes.taken([month()], "x@example.org", "single") == [month()]


def test_a_channel_is_the_name_of_a_variable(tmp_path):
    routes = read(tmp_path, '[routes.chat]\nchannel = "DESK_CHANNEL"\ndelivery = "both"\n[operator]\nchannel = "OPS"\n')
    assert routes.recipients("single", "both") == ["channel:DESK_CHANNEL"]
    assert routes.operator == ("channel:OPS",)


def test_an_address_of_a_channel_in_the_file_is_refused_without_repeating_it(tmp_path):
    with pytest.raises(ConfigurationError, match="NAME of an environment variable") as caught:
        read(tmp_path, f'[routes.chat]\nchannel = "{SECRET}"\n')
    assert "secret-token" not in str(caught.value)
    assert "hooks.example.org" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[routes.a]\nto = ["desk"]', "[routes.a] to: expected a list of e-mail addresses"),
        ("[routes.a]\nto = []", "[routes.a]: nobody is named"),
        ('[routes.a]\nto = ["a@example.org"]\nchannel = "X"', "both `to` and `channel`"),
        ('[routes.a]\nto = ["a@example.org"]\nholder = ["Japan"]', "unknown key 'holder'; did you mean 'holders'?"),
        ('[routes.a]\nto = ["a@example.org"]\nholders = ["Japn"]', "no holder 'Japn'; did you mean 'japan'?"),
        ('[routes.a]\nto = ["a@example.org"]\nrules = ["drop"]', "rules: expected names out of fall, net_sale"),
        ('[routes.a]\nto = ["a@example.org"]\nminimum_severity = "loud"', "minimum_severity: expected one of notice"),
        ('[routes.a]\nto = ["a@example.org"]\ndelivery = "weekly"', "delivery: expected one of single, digest, both"),
        ('[routes.a]\nto = ["a@example.org"]\ndigest_when_empty = "yes"', "digest_when_empty: expected true or false"),
        ("[operator]\nlate_after_days = -1", "late_after_days: expected a whole number, 0 or more"),
        ('[operator]\nmail = "a@example.org"', "[operator]: unknown key 'mail'"),
        ("[route.a]", "unknown key 'route'; did you mean 'routes'?"),
    ],
)
def test_a_wrong_route_is_refused_by_its_name(tmp_path, text, words):
    with pytest.raises(ConfigurationError) as caught:
        read(tmp_path, text)
    assert str(caught.value).startswith("routing.toml")
    assert words in str(caught.value)
