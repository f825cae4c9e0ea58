"""What never stands in the log: passwords, tokens and credentials, however they come to it."""

# ruff: noqa: F401, F811 (fixtures of another module are imported and asked for by name)

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from tests.flows.alerts.test_channels import OWN, Webhook
from tests.flows.alerts.test_outbox import DESK, by_smtp, composer, keep, state
from tests.flows.alerts.test_outbox import settings as mail_settings
from tests.flows.alerts.test_transport import SECRET, secured
from tests.flows.findings_data import month_and_episode
from tests.flows.log.log_lines import of
from tests.flows.loopback import self_signed
from tests.flows.smtp_loopback import MailServer, free_port
from treasury_watch.flows.alerts.outbox import send
from treasury_watch.flows.alerts.transport.sending import Transport
from treasury_watch.flows.commands.main import main
from treasury_watch.flows.log import logs
from treasury_watch.flows.settings.settings import Settings

CHANNEL = "TREASURY_WATCH_CHANNEL_TEST"


@pytest.mark.parametrize(
    "name", ["TREASURY_WATCH_MAIL_PASSWORD", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "PREFECT_API_KEY"]
)
def test_a_secret_of_the_environment_is_masked_in_message_fields_and_exception(name, monkeypatch, tmp_path, log):
    secret = 'pa"ss\\wörd/+='
    monkeypatch.setenv(name, secret)
    logs.configure(Settings())
    try:
        raise OSError(f"refused {secret!r}")
    except OSError:
        logs.LOGGER.exception(f"with {secret}", extra={"event": "x", "fields": {"a": [secret], "b": {"c": secret}}})
    [line] = log()
    assert (line["message"], line["a"], line["b"]) == ("with ***", ["***"], {"c": "***"})
    assert line["exception"].endswith("OSError: refused '***'")
    assert "rd/+=" not in (tmp_path / "log.jsonl").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("words", "masked"),
    [
        ("at http://desk:pass@host/a", "at http://***@host/a"),
        ("at postgresql+asyncpg://prefect:p@ss@host/db", "at postgresql+asyncpg://***@host/db"),
        ("http://host/a?id=DEXJPUS&key=abc: expected", "http://host/a?id=***&key=***: expected"),
        ("broken by 'x': /fred/?key=abc", "broken by 'x': /fred/?key=***"),
        ("http://host/?token", "http://host/?***"),
        ("already http://host/?key=***: expected", "already http://host/?key=***: expected"),
        ("Who is it? a=b & c=d, desk@example.org", "Who is it? a=b & c=d, desk@example.org"),
    ],
)
def test_what_addresses_hold_is_masked_and_other_words_stay(words, masked, log):
    logs.say("x", words, url=words)
    assert (log()[0]["message"], log()[0]["url"]) == (masked, masked)


@pytest.mark.parametrize(
    ("address", "pieces"),
    [
        (
            "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/#treasuries",
            ["T1JJ3T3L2", "TIiajkdnlazkcOXrIdevi7FQ"],
        ),
        ("tgram://123456789:abcdefg_hijklmnop/12315544/", ["abcdefg_hijklmnop", "123456789"]),
        ("workflows://example.org/workflow1/s1gnature", ["s1gnature"]),
    ],
)
def test_every_token_of_a_channels_address_is_masked(address, pieces, monkeypatch, log):
    monkeypatch.setenv(CHANNEL, address)
    logs.configure(Settings())
    logs.say("x", f"{address} {' '.join(pieces)} at example.org")
    assert log()[0]["message"] == " ".join(["***", *["***"] * len(pieces), "at example.org"])


def test_a_mail_server_that_refuses_the_login_leaves_a_line_without_the_password(
    state, composer, monkeypatch, tmp_path, log
):
    monkeypatch.setenv("TREASURY_WATCH_MAIL_PASSWORD", SECRET)
    logs.configure(Settings())
    keep(state, [month_and_episode()[0]])
    certificate = self_signed(tmp_path)
    with MailServer(certificate=certificate, users={"desk": "another"}) as server:
        send(state, Transport(secured(server, certificate), tmp_path / "outbox"), composer)
    assert "login of desk refused (535)" in of(log(), "message failed")["message"]
    assert SECRET not in json.dumps(log())


def test_a_mail_server_that_repeats_the_password_leaves_a_line_without_it(state, composer, monkeypatch, tmp_path, log):
    monkeypatch.setenv("TREASURY_WATCH_MAIL_PASSWORD", SECRET)
    logs.configure(Settings())
    keep(state, [month_and_episode()[0]])
    with MailServer(refused={DESK: f"550 no such user {SECRET}"}) as server:
        send(state, by_smtp(server.port, tmp_path), composer)
    assert "550 no such user ***" in of(log(), "message failed")["message"]


def test_a_webhook_that_fails_leaves_a_line_without_its_address(state, composer, monkeypatch, tmp_path, log):
    keep(state, [month_and_episode()[0]], f"channel:{CHANNEL}")
    with Webhook(503) as hook:
        monkeypatch.setenv(CHANNEL, hook.url)
        logs.configure(Settings())
        send(state, Transport(mail_settings(**OWN), tmp_path / "outbox"), composer)
    line = of(log(), "message failed")
    assert line["door"] == f"channel:{CHANNEL}"
    assert "not taken (answer 503)" in line["message"]
    assert "secret-token" not in json.dumps(log())


def test_a_store_that_cannot_be_read_leaves_a_line_without_the_credentials(monkeypatch, tmp_path, log):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    address = f"s3://bucket/x?endpoint_override=127.0.0.1:{free_port()}&scheme=http&region=us-east-1"
    monkeypatch.setenv("TREASURY_WATCH_STORAGE_STORE", address)
    monkeypatch.setenv("TREASURY_WATCH_HOME", str(tmp_path / "reader"))
    assert CliRunner().invoke(main, ["pull"]).exit_code == 1
    assert "store s3://bucket/x" in of(log(), "run failed")["message"]
    assert SECRET not in json.dumps(log())
