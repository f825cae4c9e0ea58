"""Routes: who gets what, and what a wrong declaration says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date

import pytest

from tests.flows.findings_data import month_and_episode
from treasury_watch.flows.alerts import routing
from treasury_watch.flows.settings.settings import Settings
from treasury_watch.transforms.errors import ConfigurationError
from treasury_watch.transforms.findings.finding import Finding, RevisedFindings

SECRET = "https://hooks.example.org/services/T000/B000/secret-token"


@pytest.fixture
def read(set_in_home) -> Callable[[str], routing.Routing]:
    """The routes in force where the data folder's routing.toml is this text."""
    return lambda text: routing.read(set_in_home("", text))


def month(**changes) -> Finding:
    return replace(month_and_episode()[0], **changes)


def test_without_routes_the_mail_recipients_get_what_reaches_the_alerts_severity(read):
    routes = read("")
    assert routes.recipients("single") == ["desk@localhost"]
    assert routes.recipients("digest", "both") == []
    assert routes.operator == ("desk@localhost",)
    assert routes.taken([month(), month(severity="notice")], "desk@localhost", "single") == [month()]


def test_the_routes_of_the_repository_are_the_default_ones(tmp_path, monkeypatch):
    monkeypatch.setenv("TREASURY_WATCH_HOME", str(tmp_path / "none"))
    assert routing.read(Settings()).routes == (routing.Route("mail", ("desk@localhost",), "warning"),)


def test_a_route_takes_its_severity_its_holders_and_its_rules(read):
    routes = read(
        '[routes.asia]\nto = ["asia@example.org"]\nminimum_severity = "critical"\n'
        'holders = ["Japan", "china, mainland"]\nrules = ["fall"]\n',
    )
    [route] = routes.routes
    loud = month(severity="critical")
    assert route.takes(loud)
    assert not route.takes(month())
    assert not route.takes(replace(loud, holder_id="canada"))
    assert not route.takes(replace(loud, row={**loud.row, "rules": ["net_sale", "bond_sale"]}))
    assert route.takes(replace(loud, row={**loud.row, "rules": ["net_sale", "fall"]}))
    assert route.holders == {"japan", "china_mainland"}


def test_a_revision_goes_where_a_finding_it_corrects_went(read):
    routes = read(
        '[routes.asia]\nto = ["a@example.org"]\nholders = ["Japan"]\nrules = ["fall"]\n'
        '[routes.north]\nto = ["n@example.org"]\nholders = ["Norway"]\n'
        '[routes.corrections]\nto = ["c@example.org"]\nrules = ["revision"]\n',
    )
    turned = RevisedFindings(
        key="revision:slt_table3:2026-06-18", rule="revision", month=date(2026, 4, 1), end_month=date(2026, 4, 1),
        severity="warning", title="", released=date(2026, 6, 18), rows=({"holder_id": "japan", "rules": ["net_sale", "fall"]},),
    )  # fmt: skip
    assert [route.name for route in routes.routes if route.takes(turned)] == ["asia", "corrections"]


def test_a_route_calls_holders_as_commands_do(read):
    routes = read('[routes.a]\nto = ["x@example.org"]\nholders = ["UK", "jpn", "China, Mainland"]\n')
    assert routes.routes[0].holders == {"united_kingdom", "japan", "china_mainland"}


def test_a_recipient_of_two_routes_gets_a_finding_of_both_once(read):
    routes = read('[routes.a]\nto = ["x@example.org"]\n[routes.b]\nto = ["x@example.org"]\nholders = ["Japan"]\n')
    assert routes.recipients("single") == ["x@example.org"]
    assert routes.taken([month()], "x@example.org", "single") == [month()]


def test_a_channel_is_the_name_of_a_variable(read):
    routes = read('[routes.chat]\nchannel = "DESK_CHANNEL"\ndelivery = "both"\n[operator]\nchannel = "OPS"\n')
    assert routes.recipients("single", "both") == ["channel:DESK_CHANNEL"]
    assert routes.operator == ("channel:OPS",)


def test_an_address_of_a_channel_in_the_file_is_refused_without_repeating_it(read):
    with pytest.raises(ConfigurationError, match="NAME of an environment variable") as caught:
        read(f'[routes.chat]\nchannel = "{SECRET}"\n')
    assert "secret-token" not in str(caught.value)
    assert "hooks.example.org" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[routes.a]\nto = ["desk"]', "[routes.a] to: expected a list of e-mail addresses"),
        ("[routes.a]\nto = []", "[routes.a]: nobody is named"),
        ('[routes.a]\nto = ["a@example.org"]\nchannel = "X"', "both `to` and `channel`"),
        ('[routes.a]\nto = ["a@example.org"]\nholder = ["Japan"]', "unknown key 'holder'; did you mean 'holders'?"),
        (
            '[routes.a]\nto = ["a@example.org"]\nholders = ["Japn"]',
            "no holder 'Japn' among the 176 of config/holders.csv; did",
        ),
        ('[routes.a]\nto = ["a@example.org"]\nrules = ["drop"]', "rules: expected names out of fall, net_sale"),
        ('[routes.a]\nto = ["a@example.org"]\nminimum_severity = "loud"', "minimum_severity: expected one of notice"),
        ('[routes.a]\nto = ["a@example.org"]\ndelivery = "weekly"', "delivery: expected one of single, digest, both"),
        ('[routes.a]\nto = ["a@example.org"]\ndigest_when_empty = "yes"', "digest_when_empty: expected true or false"),
        ("[operator]\nlate_after_days = -1", "late_after_days: expected a whole number, 0 or more"),
        ('[operator]\nmail = "a@example.org"', "[operator]: unknown key 'mail'"),
        ("[route.a]", "unknown section 'route'; did you mean 'routes'?"),
    ],
)
def test_a_wrong_route_is_refused_by_its_name(read, text, words):
    with pytest.raises(ConfigurationError) as caught:
        read(text)
    assert "own/routing.toml" in str(caught.value)
    assert words in str(caught.value)
