"""How a message leaves: SMTP with TLS, a file in the outbox, or a channel.

A channel is a Slack, Teams or webhook address that Apprise knows, held by an environment variable.
"""

from __future__ import annotations

import hashlib
import os
import re
import smtplib
import socket
import ssl
import time
from contextlib import suppress
from email import policy
from email.message import EmailMessage
from functools import cached_property
from pathlib import Path
from typing import Any, Self

from treasury_watch.flows.alerts.transport.bounded_smtp import BoundedSMTP, BoundedSMTPS
from treasury_watch.flows.alerts.transport.channel import INSIDE, NO_ADDRESS, NO_END, notify
from treasury_watch.flows.fetch.deadline import Deadline
from treasury_watch.flows.fetch.deadline import passed as deadline_passed
from treasury_watch.flows.settings.sections import PASSWORD_VARIABLE, MailSettings, address
from treasury_watch.transforms.errors import ConfigurationError, TreasuryWatchError, shorten
from treasury_watch.transforms.wording import one_line
from treasury_watch.warehouse.home.durable_files import write_whole

CHANNEL = "channel:"
FOOTER = "\n-- \n"
FAREWELL_SECONDS = 5


class MailError(TreasuryWatchError):
    """A message could not be made or handed over.

    `server_wide`: any other message by the same door would fail in the same way now. `unsure`: the other side may have
    taken it all the same.
    """

    def __init__(self, place: str, found: str, next_step: str, *, server_wide: bool = False, unsure: bool = False):
        self.place, self.found, self.next_step, self.server_wide = place, found, next_step, server_wide
        self.unsure = unsure
        super().__init__(f"{place}: {found}; {next_step}")


def door(recipient: str) -> str:
    """What the recipient's messages leave by: the channel, or `mail` for every address."""
    return recipient if recipient.startswith(CHANNEL) else "mail"


class Transport:
    """Hands messages over: to the mail server where one is set, else as files to the folder `outbox`; or to a channel.

    Inside a `with`, one connection to the mail server is kept for all messages, and all of them have so long as
    sending_seconds says; each has message_seconds, whatever drips. With `only_write` every message is written, whatever is
    set.
    """

    def __init__(self, settings: MailSettings, outbox: Path, *, only_write: bool = False):
        """Raises ConfigurationError where `ca_file` cannot be read, or a username has no password."""
        if not only_write:
            settings.check_login()
        self._kept: smtplib.SMTP | None = None
        self._keeps = False
        self._until: float | None = None  # monotonic
        self._settings, self._outbox, self._only_write = settings, outbox, only_write
        if settings.ca_file:
            _ = self._context  # a file that cannot be read is told before anything is sent

    @cached_property
    def _context(self) -> ssl.SSLContext:
        """Whom an encrypted connection trusts. Made when one is needed: reading the system's certificates takes a while."""
        context = ssl.create_default_context()
        if self._settings.ca_file:
            try:
                context.load_verify_locations(self._settings.ca_file)
            except OSError as problem:  # an ssl.SSLError is one, too
                reason = problem.strerror or problem
                raise ConfigurationError(
                    f"[mail] ca_file {self._settings.ca_file}: {reason}; name a PEM file of certificates"
                ) from problem
        return context

    def __enter__(self) -> Self:
        self._keeps = True
        self._until = time.monotonic() + self._settings.sending_seconds
        return self

    def __exit__(self, *_: object) -> None:
        self._keeps = False
        if self._kept:
            # whatever was sent is sent, however the connection ends
            with suppress(smtplib.SMTPException, OSError), Deadline(FAREWELL_SECONDS) as deadline:
                if self._kept.sock:
                    deadline.watch(self._kept.sock)
                self._kept.quit()
            self._drop()
        self._until = None

    def deliver(self, message: EmailMessage, recipient: str) -> str:
        """`sent` once the server has taken the message, or `written` once the file is there. Raises MailError."""
        if self._only_write:
            self._write(message)
            return "written"
        if recipient.startswith(CHANNEL):
            self._notify(message, recipient.removeprefix(CHANNEL), self._seconds(recipient))
            return "sent"
        target = address(recipient)
        if target is None:
            raise MailError(
                f"recipient {shorten(one_line(recipient))}", "not one e-mail address", "correct recipients in [mail]"
            )
        if not self._settings.host:
            self._write(message)
            return "written"
        with Deadline(self._seconds(self._settings.server)) as deadline:
            if self._kept and self._kept.sock:
                deadline.watch(self._kept.sock)
            self._send(message, target)
        return "sent"

    def _seconds(self, place: str) -> float:
        """How long this message may take. Raises MailError where all of them together have had their time."""
        longest = self._settings.message_seconds
        if self._until is None:
            return longest
        left = self._until - time.monotonic()
        if left <= 0:
            raise MailError(
                place,
                f"not tried: this run has sent for {self._settings.sending_seconds:g} s",
                "it is tried again at the next run; raise sending_seconds in [mail] if the server is slow",
                server_wide=True,
            )
        return min(longest, left)

    def _write(self, message: EmailMessage) -> None:
        digest = hashlib.sha256(str(message["Message-ID"]).encode()).hexdigest()[:10]
        slug = re.sub(r"[^a-z0-9]+", "-", str(message["Subject"]).lower())[:60].strip("-")
        day = message["Date"].datetime.date()
        try:
            # a message written again, after a crash, replaces its own file, whatever the day
            earlier = sorted(self._outbox.glob(f"*-{digest}.eml"))
            path = earlier[0] if earlier else self._outbox / f"{day:%Y-%m-%d}-{slug}-{digest}.eml"
            write_whole(path, message.as_bytes(policy=policy.SMTP))
        except OSError as problem:
            step = "make the folder writable or free space; the message is kept"
            raise MailError(
                f"outbox {self._outbox}", problem.strerror or str(problem), step, server_wide=True
            ) from problem

    def _send(self, message: EmailMessage, recipient: str) -> None:
        used_before = self._alive()
        try:
            self._hand_over(message, recipient)
        except smtplib.SMTPSenderRefused as problem:
            if not used_before or problem.smtp_code != 421:
                raise self._refused(problem, recipient) from None
            # the server wants no more on this connection, and has taken nothing of this message
            self._drop()
            self._again(message, recipient)
        except (smtplib.SMTPException, OSError) as problem:
            raise self._refused(problem, recipient) from None

    def _again(self, message: EmailMessage, recipient: str) -> None:
        try:
            self._hand_over(message, recipient)
        except (smtplib.SMTPException, OSError) as problem:
            raise self._refused(problem, recipient) from None

    def _hand_over(self, message: EmailMessage, recipient: str) -> None:
        kept, self._kept = self._kept, None
        server = kept or self._open()
        try:
            if not kept:
                self._log_in(server)
            server.send_message(message, address(self._settings.sender), [recipient])
            if self._keeps:
                self._kept = server
            else:
                # from here on the message is the server's: however the connection ends, it is sent
                with suppress(smtplib.SMTPException, OSError):
                    server.quit()
        except smtplib.SMTPRecipientsRefused:
            if self._keeps:
                self._kept = server  # the next message may have a better address
            raise
        finally:
            if self._kept is not server:
                server.close()

    def _alive(self) -> bool:
        """Whether a kept connection still answers; one that does not is dropped before anything is said on it."""
        if not self._kept:
            return False
        with suppress(smtplib.SMTPException, OSError):
            if self._kept.noop()[0] == 250:
                return True
        self._drop()
        return False

    def _drop(self) -> None:
        if self._kept:
            self._kept.close()
        self._kept = None

    def _notify(self, message: EmailMessage, variable: str, seconds: float) -> None:
        """Hand the text to a channel. Errors never repeat its address, which is a secret."""
        place, url = f"channel {variable}", os.environ.get(variable, "").strip()
        if not url:
            step = "set it to the channel's address; see docs/alerts.md"
            raise MailError(place, f"environment variable {variable} is not set", step, server_wide=True)
        body: Any = message.get_body(("plain",))
        text = body.get_content().partition(FOOTER)[0].strip()
        said = notify(url, str(message["Subject"]), text, seconds, self._settings.internal_channel_hosts)
        if said == NO_ADDRESS:
            step = "see docs/alerts.md for the forms of addresses"
            raise MailError(place, f"{variable} holds no address that Apprise knows", step, server_wide=True)
        if said == NO_END:
            step = "it is tried again at the next run; check that the service is up"
            raise MailError(place, f"no end within {seconds:.0f} s", step, server_wide=True, unsure=True)
        if said.startswith(INSIDE):
            step = "if the service is your own, name its host or network in internal_channel_hosts in [mail] of settings.toml"
            found = f"its host is at a {said.removeprefix(INSIDE)} address, and none is connected to"
            raise MailError(place, found, step, server_wide=True)
        if said:
            raise MailError(place, said, "check the address and that the service is up", server_wide=True)

    # A server's answer may repeat what it was sent, so the errors of smtplib are put into words and not chained.

    def _open(self) -> smtplib.SMTP:
        """A connection with TLS as set; it never falls back to a connection without."""
        s = self._settings
        server: smtplib.SMTP | None = None
        try:
            if s.security == "tls":
                server = BoundedSMTPS(s.host, s.port, timeout=s.timeout_seconds, context=self._context)
            else:
                server = BoundedSMTP(s.host, s.port, timeout=s.timeout_seconds)
            server.ehlo_or_helo_if_needed()
            if s.security == "starttls":
                server.starttls(context=self._context)
                server.ehlo_or_helo_if_needed()
        except (smtplib.SMTPException, OSError) as problem:
            if server:
                server.close()
            raise self._no_connection(problem) from None
        return server

    def _log_in(self, server: smtplib.SMTP) -> None:
        s = self._settings
        if not s.username:
            return
        try:
            server.login(s.username, s.secret)
        except smtplib.SMTPAuthenticationError as problem:
            # without the server's words: they may repeat what was sent
            raise self._failure(
                f"login of {s.username} refused ({problem.smtp_code})", f"check username and {PASSWORD_VARIABLE}"
            ) from None
        except smtplib.SMTPNotSupportedError:
            raise self._failure("the server offers no login", "leave username empty, or name another server") from None
        except UnicodeError:
            step = f"use ASCII characters in {PASSWORD_VARIABLE}"
            raise self._failure("user name or password cannot be sent: not ASCII", step) from None
        except (smtplib.SMTPException, OSError) as problem:
            raise self._broken("during login", problem, server_wide=True) from None

    def _no_connection(self, problem: Exception) -> MailError:
        s = self._settings
        if deadline_passed():
            return self._broken("while connecting", problem, server_wide=True)
        if isinstance(problem, ssl.SSLCertVerificationError):
            step = "set host to the certificate's name, or ca_file to the authority that signed it"
            return self._failure(f"certificate refused: {shorten(problem.verify_message)}", step)
        if isinstance(problem, ssl.SSLError):
            step = "check port and security: starttls is usually port 587, tls 465"
            return self._failure(f"no TLS connection ({problem.reason or 'handshake failed'})", step)
        if isinstance(problem, smtplib.SMTPNotSupportedError):
            return self._failure(
                "the server offers no STARTTLS", "check port and security; nothing was sent in the clear"
            )
        if isinstance(problem, socket.gaierror):
            return self._failure("the host's name is not known", "check host in [mail] and the network")
        if isinstance(problem, ConnectionRefusedError):
            return self._failure("connection refused", f"check that a mail server listens on port {s.port}")
        if isinstance(problem, smtplib.SMTPResponseException):
            return self._failure(
                f"refused service ({self._said(problem.smtp_code, problem.smtp_error)})", "try again later"
            )
        return self._broken("while connecting", problem, server_wide=True)

    def _refused(self, problem: Exception, recipient: str) -> MailError:
        if isinstance(problem, smtplib.SMTPRecipientsRefused):
            code, text = problem.recipients.get(recipient) or next(iter(problem.recipients.values()))
            step = (
                "it is tried again at the next run"
                if code < 500
                else "correct recipients in [mail], or ask the postmaster"
            )
            return self._failure(
                f"recipient {recipient} refused ({self._said(code, text)})", step, server_wide=code == 421
            )
        if isinstance(problem, smtplib.SMTPSenderRefused):
            step = "check sender in [mail], and whether the server wants a login"
            return self._failure(f"sender refused ({self._said(problem.smtp_code, problem.smtp_error)})", step)
        if isinstance(problem, smtplib.SMTPResponseException):
            code = problem.smtp_code
            step = "it is tried again at the next run; ask the postmaster if it stays"
            return self._failure(
                f"message refused ({self._said(code, problem.smtp_error)})", step, server_wide=code == 421
            )
        return self._broken("in the middle of the message", problem, server_wide=False, unsure=True)

    def _broken(self, when: str, problem: Exception, *, server_wide: bool, unsure: bool = False) -> MailError:
        """A connection that fell silent or broke. smtplib hides a time-out behind a disconnection."""
        if deadline_passed():
            found = f"no end within {self._settings.message_seconds:g} s, {when}"
            step = "it is tried again at the next run; raise message_seconds in [mail] if the server is slow"
            return self._failure(found, step, unsure=unsure)
        if isinstance(problem, TimeoutError) or isinstance(problem.__context__, TimeoutError):
            found = f"no answer within {self._settings.timeout_seconds:g} s {when}"
            return self._failure(found, "try again later, or raise timeout_seconds in [mail]", unsure=unsure)
        if isinstance(problem, (smtplib.SMTPServerDisconnected, OSError)):
            step = "it is tried again at the next run; check port and security if it stays"
            return self._failure(f"connection dropped {when}", step, server_wide=server_wide, unsure=unsure)
        said = f"{shorten(self._plain(str(problem)))} {when}"
        return self._failure(said, "ask the postmaster", server_wide=server_wide, unsure=unsure)

    def _failure(self, found: str, step: str, *, server_wide: bool = True, unsure: bool = False) -> MailError:
        return MailError(self._settings.server, found, step, server_wide=server_wide, unsure=unsure)

    def _said(self, code: int, text: bytes | str) -> str:
        words = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
        return shorten(f"{code} {self._plain(words)}".strip())

    def _plain(self, words: str) -> str:
        """A server's words on one line, without the password should it repeat it."""
        secret = self._settings.secret
        return one_line(words.replace(secret, "***") if secret else words)
