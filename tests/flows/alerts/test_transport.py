"""A message on its way: a real mail server on the loopback, or a file."""

import re
import traceback
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import pytest

from tests.flows.alerts.composed_mails import DESK, PICTURE, SECRET, html_of, made, settings, text_of
from tests.flows.findings_data import month_and_episode, named
from tests.flows.loopback import self_signed
from tests.flows.smtp_loopback import BrokenServer, MailServer, drops_mid_message, free_port, silent, takes_and_hangs_up
from treasury_watch.flows.alerts.transport.sending import MailError, Transport
from treasury_watch.flows.settings.sections import PASSWORD_VARIABLE, MailSettings
from treasury_watch.transforms.errors import ConfigurationError


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return self_signed(tmp_path_factory.mktemp("certificate"))


def secured(server: MailServer, certificate: Path, **changes: Any) -> MailSettings:
    """Settings that log in to the server with TLS, trusting its certificate."""
    wanted = {"username": "desk", "password": SECRET, "ca_file": str(certificate), **changes}
    return settings(host="127.0.0.1", port=server.port, **wanted)


def refusal(read: MailSettings, tmp_path: Path, recipient: str = DESK) -> MailError:
    """Why a message could not be handed over: one line that names the server and never the password."""
    with pytest.raises(MailError) as caught:
        Transport(read, tmp_path).deliver(made(month_and_episode()[0]), recipient)
    error = caught.value
    assert str(error).startswith(f"mail server 127.0.0.1:{read.port}: ")
    assert "\n" not in str(error)
    assert SECRET not in "".join(traceback.format_exception(error))
    assert list(tmp_path.glob("*.eml")) == []
    return error


@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")
@pytest.mark.parametrize("at_once", [False, True])
def test_a_message_arrives_over_tls_with_a_login(certificate: Path, tmp_path: Path, at_once: bool) -> None:
    message = made(month_and_episode()[0], PICTURE)
    with MailServer(certificate=certificate, at_once=at_once, users={"desk": SECRET}) as server:
        read = secured(server, certificate, security="tls" if at_once else "starttls")
        assert Transport(read, tmp_path).deliver(message, DESK) == "sent"
    assert server.encrypted == [True]
    [(recipient, taken)] = server.taken
    assert recipient == DESK
    assert taken["Subject"].strip() == message["Subject"]  # folded by Python: it was read back from bytes before
    assert taken["Message-ID"] == message["Message-ID"]
    assert text_of(taken) == text_of(message)
    assert html_of(taken) == html_of(message)


def test_a_refused_login_is_explained_without_the_password(certificate: Path, tmp_path: Path) -> None:
    with MailServer(certificate=certificate, users={"desk": "another"}) as server:
        problem = refusal(secured(server, certificate), tmp_path)
    assert "login of desk refused (535); check username and TREASURY_WATCH_MAIL_PASSWORD" in str(problem)
    assert problem.server_wide
    assert server.taken == []


def test_a_password_that_cannot_be_sent_is_not_repeated(certificate: Path, tmp_path: Path) -> None:
    with MailServer(certificate=certificate, users={"desk": "another"}) as server:
        problem = refusal(secured(server, certificate, password=f"{SECRET}-ü"), tmp_path)
    assert "not ASCII" in str(problem)


def test_a_certificate_nobody_vouches_for_is_refused_before_anything_is_sent(certificate: Path, tmp_path: Path) -> None:
    with MailServer(certificate=certificate, users={"desk": SECRET}) as server:
        problem = refusal(secured(server, certificate, ca_file=""), tmp_path)
    assert "certificate refused: self" in str(problem)
    assert "ca_file" in str(problem)
    assert problem.server_wide
    assert server.taken == []


def test_a_certificate_of_another_host_is_refused(tmp_path: Path) -> None:
    other = self_signed(tmp_path, host="mail.example.org")
    with MailServer(certificate=other, users={"desk": SECRET}) as server:
        problem = refusal(secured(server, other), tmp_path)
    assert "certificate refused" in str(problem)
    assert "127.0.0.1" in str(problem)


def test_without_starttls_nothing_is_sent_in_the_clear(tmp_path: Path) -> None:
    with MailServer() as server:
        problem = refusal(settings(host="127.0.0.1", port=server.port), tmp_path)
    assert "offers no STARTTLS" in str(problem)
    assert server.taken == []


def test_security_none_sends_in_the_clear(tmp_path: Path) -> None:
    with MailServer() as server:
        read = settings(host="127.0.0.1", port=server.port, security="none")
        assert Transport(read, tmp_path).deliver(made(month_and_episode()[0]), DESK) == "sent"
    assert server.encrypted == [False]
    assert len(server.taken) == 1


def test_a_refused_recipient_is_named_and_concerns_no_other(tmp_path: Path) -> None:
    with MailServer(refused={DESK: f"550 no such user\u202e {SECRET}"}) as server:
        read = settings(host="127.0.0.1", port=server.port, security="none", password=SECRET)
        problem = refusal(read, tmp_path)
        assert f"recipient {DESK} refused (550 no such user ***); correct recipients" in str(problem)
        assert not problem.server_wide
        assert Transport(read, tmp_path).deliver(made(month_and_episode()[0]), "other@example.org") == "sent"


def test_a_refused_message_says_what_the_server_said(tmp_path: Path) -> None:
    with MailServer(refused_body="552 too large") as server:
        problem = refusal(settings(host="127.0.0.1", port=server.port, security="none"), tmp_path)
    assert "message refused (552 too large)" in str(problem)
    assert not problem.server_wide


def test_a_connection_dropped_in_the_middle_of_the_message_is_explained(tmp_path: Path) -> None:
    with BrokenServer(drops_mid_message) as server:
        problem = refusal(settings(host="127.0.0.1", port=server.port, security="none"), tmp_path)
    assert "connection dropped in the middle of the message; it is tried again at the next run" in str(problem)
    assert not problem.server_wide


def test_a_message_that_was_taken_is_sent_even_if_the_goodbye_fails(tmp_path: Path) -> None:
    with BrokenServer(takes_and_hangs_up) as server:
        read = settings(host="127.0.0.1", port=server.port, security="none")
        assert Transport(read, tmp_path).deliver(made(month_and_episode()[0]), DESK) == "sent"


@pytest.mark.parametrize("security", ["none", "starttls", "tls"])
def test_a_silent_server_is_not_waited_for_longer_than_set(tmp_path: Path, security: str) -> None:
    with BrokenServer(silent) as server:
        read = settings(host="127.0.0.1", port=server.port, security=security, timeout_seconds=0.2)
        problem = refusal(read, tmp_path)
    assert "no answer within 0.2 s while connecting" in str(problem)
    assert problem.server_wide


def test_a_server_that_is_not_there_is_explained(tmp_path: Path) -> None:
    problem = refusal(settings(host="127.0.0.1", port=free_port()), tmp_path)
    assert "connection refused; check that a mail server listens on port" in str(problem)
    assert problem.server_wide


def test_an_authority_file_that_cannot_be_read_is_refused_by_its_name(tmp_path: Path) -> None:
    missing = tmp_path / "missing.pem"
    with pytest.raises(ConfigurationError, match=r"ca_file .*missing\.pem"):
        Transport(settings(ca_file=str(missing)), tmp_path)
    missing.write_text("not a certificate")
    with pytest.raises(ConfigurationError, match=r"ca_file .*missing\.pem"):
        Transport(settings(ca_file=str(missing)), tmp_path)


def test_without_a_server_the_message_is_a_file_that_mail_programs_can_open(tmp_path: Path) -> None:
    outbox = tmp_path / "outbox"
    message = made(named(month_and_episode()[0], "../../etc/Japan"), PICTURE)
    transport = Transport(settings(), outbox)
    assert transport.deliver(message, DESK) == "written"
    [path] = outbox.iterdir()
    assert re.fullmatch(
        r"\d{4}-\d\d-\d\d-etc-japan-treasuries-40-9bn-in-april-2024-[a-z0-9-]+-[0-9a-f]{10}\.eml", path.name
    )
    read = message_from_bytes(path.read_bytes(), policy=policy.default)
    assert read["Subject"] == message["Subject"]
    assert text_of(read) == text_of(message)
    assert not read.defects


def test_a_message_written_again_on_another_day_replaces_its_file(tmp_path: Path) -> None:
    transport = Transport(settings(), tmp_path)
    month, episode = month_and_episode()
    message = made(month)
    transport.deliver(message, DESK)
    del message["Date"]
    message["Date"] = "Tue, 01 Jan 2030 00:00:00 +0000"
    transport.deliver(message, DESK)
    assert len(list(tmp_path.iterdir())) == 1
    transport.deliver(made(episode), DESK)
    assert len(list(tmp_path.iterdir())) == 2


def test_a_folder_that_cannot_be_written_is_explained(tmp_path: Path) -> None:
    blocked = tmp_path / "outbox"
    blocked.write_text("a file, not a folder")
    with pytest.raises(MailError, match=r"outbox .*; make the folder writable") as caught:
        Transport(settings(), blocked).deliver(made(month_and_episode()[0]), DESK)
    assert caught.value.server_wide


def test_a_recipient_that_is_no_address_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MailError, match="not one e-mail address"):
        Transport(settings(), tmp_path).deliver(made(month_and_episode()[0]), "a@example.org, b@example.org")


def test_the_password_variable_is_the_one_the_settings_name() -> None:
    assert PASSWORD_VARIABLE == "TREASURY_WATCH_MAIL_PASSWORD"
