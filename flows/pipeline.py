"""The steps of a run as plain functions: collect the files, load them, publish, queue and send alerts, write the page.

flows/monthly.py makes Prefect tasks of them; the command line and the tests call them as they are.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd

from flows import charts, mail, outbox, report
from flows.fetching import Fetched, FetchError, HttpPolicy, fetch, make_session
from flows.revision_mail import PREFIX as REVISION
from flows.revision_mail import compose_revision, revision_finding
from flows.settings import Settings
from transforms.errors import ConfigurationError, TreasuryWatchError
from transforms.model import Source
from warehouse.loading import Loaded
from warehouse.warehouse import Session, Warehouse

SAMPLE_SCHEME = "sample:"
SAMPLE_ALERTS_SINCE = date(2024, 1, 1)  # a demonstration mails what a new installation would call history


@dataclass(frozen=True)
class File:
    """Bytes to load, with where they came from. `source` None: recognise the layout from the content."""

    body: bytes
    url: str
    retrieved: datetime
    source: str | None = None
    released: date | None = None
    etag: str | None = None
    last_modified: str | None = None


@dataclass
class Outcome:
    """What a run did, for its summary. `problems` are sources that could not be fetched or loaded."""

    loaded: list[Loaded] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    refused: list[TreasuryWatchError] = field(default_factory=list)
    published: dict[str, int] | None = None
    queued: int = 0
    sent: int = 0
    written: int = 0
    failed: int = 0
    page: Path | None = None

    def summary(self) -> str:
        """One line on the run."""
        vintages = [item for item in self.loaded if item.outcome == "vintage"]
        changed = sum(item.changed for item in vintages)
        parts = (
            [f"{len(vintages)} new vintages with {changed:,} new or changed figures"] if vintages else ["nothing new"]
        )
        if self.problems:
            parts.append(f"{len(self.problems)} sources not reached")
        if self.queued or self.sent or self.written or self.failed:
            parts.append(
                f"alerts: {self.queued} queued, {self.sent} sent, {self.written} written, {self.failed} failed"
            )
        return "; ".join(parts)


@dataclass(frozen=True)
class Steps:
    """The steps of a run. Plain functions by default; flows/monthly.py puts Prefect tasks in their place."""

    fetch: Callable[[Settings, Warehouse, Outcome], list[File]]
    load: Callable[[Session, list[File], Outcome], None]
    publish: Callable[[Session, Outcome], bool]
    alert: Callable[[Warehouse, Settings, Outcome, date | None], None]
    write_page: Callable[[Warehouse, Outcome], Any]


def run(settings: Settings, warehouse: Warehouse, steps: Steps, *, sample: bool, command: str) -> Outcome:
    """One run: fetch (or take the sample), load, publish, alert, report.

    A source that cannot be reached is a problem in the outcome and the others go on; a file that is refused is raised,
    once the others are in the ledger, and the publication stays as it was. Raises TreasuryWatchError.
    """
    outcome = Outcome()
    with warehouse.session(command) as session:
        files = sample_files(settings) if sample else steps.fetch(settings, warehouse, outcome)
        if outcome.problems and not files and not outcome.unchanged:
            raise TreasuryWatchError(f"no source could be reached; the first: {outcome.problems[0]}")
        steps.load(session, files, outcome)
        published_now = steps.publish(session, outcome)
        session.summary = outcome.summary()
    steps.alert(warehouse, settings, outcome, SAMPLE_ALERTS_SINCE if sample else None)
    if published_now or outcome.sent or outcome.written or outcome.failed:
        warehouse.publisher().refresh_operations()
        steps.write_page(warehouse, outcome)
    return outcome


def sources_to_fetch(settings: Settings) -> list[Source]:
    """The declared sources that a run fetches."""
    return [source for source in settings.declarations.sources.values() if source.fetch]


def fetch_source(source: Source, settings: Settings, warehouse: Warehouse) -> Fetched:
    """Ask the source's server for its file, conditionally where it was loaded before. Raises FetchError."""
    policy = HttpPolicy.from_settings(settings.section("http"))
    etag, last_modified = warehouse.state.validators(source.id, source.url)
    with make_session(policy) as session:
        return fetch(session, source, policy, etag=etag, last_modified=last_modified)


def sample_files(settings: Settings) -> list[File]:
    """The embedded sample (config/sample), as if just retrieved."""
    folder = settings.declarations.folder / "sample"
    path = folder / "manifest.toml"
    try:
        entries = tomllib.loads(path.read_text(encoding="utf-8"))["files"]
        now = datetime.now(UTC)
        return [File((folder / e["path"]).read_bytes(), SAMPLE_SCHEME + e["path"], now, e["source"]) for e in entries]
    except (OSError, KeyError, tomllib.TOMLDecodeError) as problem:
        raise ConfigurationError(f"{path}: {problem}; restore config/sample from the repository") from problem


def files_on_disk(paths: list[Path], released: date | None) -> Iterator[File]:
    """Files named by the user; each one's layout is recognised from its content."""
    for path in paths:
        try:
            body = path.read_bytes()
        except OSError as problem:
            raise TreasuryWatchError(f"{path}: {problem.strerror}; name a file that can be read") from problem
        yield File(body, path.resolve().as_uri(), datetime.now(UTC), released=released)


def load(session: Session, file: File) -> Loaded:
    """Archive, parse, validate and add one file. Raises a TreasuryWatchError that says why it was refused."""
    return session.loader.load(
        file.body,
        url=file.url,
        retrieved=file.retrieved,
        source=file.source,
        released=file.released,
        etag=file.etag,
        last_modified=file.last_modified,
    )


def collect(
    settings: Settings, warehouse: Warehouse, outcome: Outcome, fetched: Callable[[Source], Fetched]
) -> list[File]:
    """Fetch every source; one that cannot be reached is a problem of its own, the others go on."""
    files = []
    for source in sources_to_fetch(settings):
        try:
            answer = fetched(source)
        except FetchError as problem:
            outcome.problems.append(str(problem))
            continue
        if answer.status == "not_modified":
            outcome.unchanged.append(source.id)
        else:
            files.append(
                File(answer.body, answer.url, answer.retrieved, source.id, None, answer.etag, answer.last_modified)
            )
    return files


def fetch_all(settings: Settings, warehouse: Warehouse, outcome: Outcome) -> list[File]:
    """Fetch every source, one after the other."""
    return collect(settings, warehouse, outcome, lambda source: fetch_source(source, settings, warehouse))


def load_all(session: Session, files: list[File], outcome: Outcome) -> None:
    """Load every file. The refusal of one does not keep the others from the ledger, but it blocks publication:
    the first refusal is raised once all are loaded."""
    for file in files:
        try:
            item = load(session, file)
        except TreasuryWatchError as problem:
            outcome.refused.append(problem)
            continue
        outcome.loaded.append(item)
        if file.source and (file.etag or file.last_modified):
            session.state.keep_validators(item.source, file.url, file.etag, file.last_modified, item.sha256)
    session.loader.load_press()
    if outcome.refused:
        raise outcome.refused[0]


def publish(session: Session, outcome: Outcome) -> bool:
    """Publish if the ledger or the declarations changed since the last publication. Returns whether it did."""
    if session.is_published():
        return False
    outcome.published = session.publish()
    return True


def alert(warehouse: Warehouse, settings: Settings, outcome: Outcome, since: date | None = None) -> None:
    """Queue the published findings that are new, and send what waits. `since` takes the place of alerts.recent_months."""
    with published(warehouse) as connection:
        newest = connection.execute("SELECT max(month) FROM holder_months").fetchall()[0][0]
        if newest is not None:
            outcome.queued = outbox.queue(
                warehouse.state,
                findings_of(connection, newest),
                settings.section("mail")["recipients"],
                newest_month=newest,
                settings=settings.section("alerts"),
                since=since,
            )
    send(warehouse, settings, outcome)


def send(warehouse: Warehouse, settings: Settings, outcome: Outcome) -> None:
    """Send what waits in the outbox."""
    mail_settings = mail_settings_of(settings)
    with published(warehouse) as connection:
        composer = Composer(connection, findings_of(connection), mail_settings, settings)
        result = outbox.send(warehouse.state, mail.Transport(mail_settings, warehouse.home.outbox), composer)
    outcome.sent, outcome.written, outcome.failed = result.sent, result.written, result.failed


def findings_of(connection: duckdb.DuckDBPyConnection, newest: date | None = None) -> list[mail.Finding]:
    """Every published finding, and what the newest release turned around."""
    newest = newest or connection.execute("SELECT max(month) FROM holder_months").fetchall()[0][0]
    revised = revision_finding(connection, newest) if newest else None
    return mail.findings_in(connection) + ([revised] if revised else [])


def mail_settings_of(settings: Settings) -> mail.MailSettings:
    """The mail settings, with the password from the environment."""
    return mail.MailSettings.from_settings(settings.section("mail"), settings.mail_password)


def preview(
    warehouse: Warehouse, settings: Settings, holder: str | None, since: date | None, out: Path | None
) -> Iterator[str]:
    """Compose the messages of published findings without queueing them: as files in `out`, or their text."""
    mail_settings = mail_settings_of(settings)
    recipient = settings.section("mail")["recipients"][0]
    with published(warehouse) as connection:
        found = [
            finding
            for finding in mail.findings_in(connection)
            if (holder is None or finding.holder.lower() == holder.lower())
            and (since is None or finding.end_month >= since)
        ]
        composer = Composer(connection, found, mail_settings, settings)
        for finding in found:
            message = composer(finding.key, recipient)
            if out is None:
                yield f"Subject: {message['Subject']}\n\n{message.get_body(('plain',)).get_content()}"
            else:
                out.mkdir(parents=True, exist_ok=True)
                path = out / f"{finding.key.replace(':', '_')}.eml"
                path.write_bytes(message.as_bytes())
                yield str(path)
    if not found:
        yield "no published finding matches"


class Composer:
    """Composes the message of a queued alert from the published tables."""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        found: list[mail.Finding],
        mail_settings: mail.MailSettings,
        settings: Settings,
    ):
        self.connection, self.mail_settings, self.declarations = connection, mail_settings, settings.declarations
        self.found = {finding.key: finding for finding in found}
        self.releases = connection.execute("SELECT * FROM releases ORDER BY released").df()

    def __call__(self, key: str, recipient: str) -> Any:
        """The message, or None where the finding is no longer published."""
        finding = self.found.get(key)
        if finding is None:
            return None
        if key.startswith(REVISION):
            return compose_revision(finding, self.mail_settings, recipient)
        history = self.history(finding)
        return mail.compose(
            finding,
            history,
            self.releases,
            self.mail_settings,
            recipient,
            charts.png(charts.holder_chart(history, finding.holder)),
            chart_alt=charts.description(history, finding.holder),
            declarations=self.declarations,
        )

    def history(self, finding: mail.Finding) -> pd.DataFrame:
        """The holder's months up to the finding's last."""
        return self.connection.execute(
            "SELECT * FROM holder_months WHERE holder_id = ? AND month <= ? ORDER BY month",
            [finding.holder_id, finding.end_month],
        ).df()


def published(warehouse: Warehouse) -> duckdb.DuckDBPyConnection:
    """A read-only connection to the published database. Raises TreasuryWatchError where there is none yet."""
    if not warehouse.home.database.exists():
        raise TreasuryWatchError(
            f"{warehouse.home.database} does not exist yet; run `treasury-watch run --sample` or `treasury-watch run` first"
        )
    return duckdb.connect(str(warehouse.home.database), read_only=True)


def write_page(warehouse: Warehouse, outcome: Outcome, out: Path | None = None) -> Path:
    """Write the page of the published database."""
    now = datetime.now(UTC)
    path = out or warehouse.home.reports / "treasury-watch.html"
    outcome.page = report.write(warehouse.home.database, path, now)
    return outcome.page


PLAIN = Steps(fetch_all, load_all, publish, alert, write_page)
