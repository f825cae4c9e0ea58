"""The steps of a run as plain functions: collect the files, load them, publish, alert, write the page.

flows/monthly.py makes Prefect tasks of them; the command line and the tests call them as they are.
"""

from __future__ import annotations

import logging
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from time import perf_counter
from typing import Any

import duckdb

from treasury_watch.flows.alerts import alerting, outbox, routing
from treasury_watch.flows.alerts.mails import operator_mail
from treasury_watch.flows.fetch.http import Fetched, FetchError, fetch, make_session, public_url
from treasury_watch.flows.log import logs, progress, run_lines
from treasury_watch.flows.run.revisions import Revisions, revised_by
from treasury_watch.flows.run.store_exchange import stored
from treasury_watch.flows.settings.settings import Settings
from treasury_watch.flows.site import page
from treasury_watch.transforms.errors import ConfigurationError, TreasuryWatchError
from treasury_watch.transforms.model import Parsed, Source
from treasury_watch.warehouse.home.folders import Busy
from treasury_watch.warehouse.home.published_database import open_published
from treasury_watch.warehouse.installation import Session, Warehouse
from treasury_watch.warehouse.ledger.loading import Loaded
from treasury_watch.warehouse.store.objects import StoreError

SAMPLE_SCHEME = "sample:"
SAMPLE_ALERTS_SINCE = date(2024, 1, 1)  # a demonstration mails what a new installation would call history


@dataclass(frozen=True)
class File:
    """Bytes to load, with where they came from. `source` None: recognise the layout from the content.

    `figures` is what the bytes say, where they were parsed already.
    """

    body: bytes
    url: str
    retrieved: datetime
    source: str | None = None
    released: date | None = None
    etag: str | None = None
    last_modified: str | None = None
    figures: Parsed | None = None


@dataclass
class Outcome:
    """What a run did, for its summary. `problems` are sources that could not be fetched or loaded, `unreached` the ids
    of those that could not be fetched; `seconds` is how long each step took.
    """

    loaded: list[Loaded] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    unreached: list[str] = field(default_factory=list)
    refused: list[TreasuryWatchError] = field(default_factory=list)
    published: dict[str, int] | None = None
    revisions: Revisions = field(default_factory=Revisions)
    queued: int = 0
    sent: int = 0
    written: int = 0
    failed: int = 0
    page: Path | None = None
    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def timed(self, step: str) -> Iterator[None]:
        """Adds the time that the block takes to the step's seconds, however it ends; where it ends well, it is a line of
        the log.
        """
        began = perf_counter()
        try:
            yield
        finally:
            self.seconds[step] = self.seconds.get(step, 0.0) + perf_counter() - began
        self._log(step, round(perf_counter() - began, 3))

    def _log(self, step: str, seconds: float) -> None:
        """The line of a step that is one for all files; `fetch` and `load` have one for each."""
        if step == "publish" and self.published is None:
            logs.say("nothing new", "nothing new: not published", seconds=seconds)
        elif step == "publish":
            run_lines.published(self.published or {}, seconds)
        elif step == "alert":
            counts = {"queued": self.queued, "sent": self.sent, "written": self.written, "failed": self.failed}
            words = ", ".join(f"{count} {what}" for what, count in counts.items())
            logs.say("alerted", f"alerts: {words}", **counts, seconds=seconds)
        elif step == "report":
            logs.say("page written", f"page written: {self.page}", path=self.page, seconds=seconds)

    def summary(self) -> str:
        """One line on the run."""
        vintages = [item for item in self.loaded if item.outcome == "vintage"]
        changed = sum(item.changed for item in vintages)
        parts = (
            [f"{len(vintages)} new vintages with {changed:,} new or changed figures"] if vintages else ["nothing new"]
        )
        parts += self.revisions.words()
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
    once the others are in the ledger, and the publication stays as it was. What ended the run is told to the operator
    before it is raised on. Raises TreasuryWatchError; StoreBehind where only the store lacks what the run published.
    """
    outcome = Outcome()
    with logs.running(command):
        settings.mail.check_login()
        try:
            with stored(settings, warehouse):
                try:
                    _run(settings, warehouse, steps, outcome, sample=sample, command=command)
                except Exception as problem:
                    if not sample and not isinstance(problem, Busy):  # another run at work is no failure
                        tell_failure(warehouse, settings, problem)
                    raise
        except StoreError as problem:
            if not sample:
                tell_failure(warehouse, settings, problem)
            raise
        logs.ending(outcome.summary())
    return outcome


@contextmanager
def opened(warehouse: Warehouse, command: str) -> Iterator[Session]:
    """A session of the warehouse whose run, checks that did not hold and outcome stand in the log. Raises Busy."""
    with warehouse.session(command) as session:
        logs.known(run_id=session.run_id)
        try:
            yield session
        finally:
            run_lines.checks(warehouse.state, session.run_id)
    logs.ending(outcome=session.outcome)


def _run(
    settings: Settings, warehouse: Warehouse, steps: Steps, outcome: Outcome, *, sample: bool, command: str
) -> None:
    with opened(warehouse, command) as session:
        with outcome.timed("fetch"):
            files = sample_files(settings) if sample else steps.fetch(settings, warehouse, outcome)
        if outcome.problems and not files and not outcome.unchanged:
            raise TreasuryWatchError(f"no source could be reached; the first: {outcome.problems[0]}")
        with outcome.timed("load"):
            steps.load(session, files, outcome)
        with outcome.timed("publish"):
            published_now = steps.publish(session, outcome)
        session.summary = outcome.summary()
    if not sample:
        queue_health(warehouse, settings, outcome)
    with outcome.timed("alert"):
        steps.alert(warehouse, settings, outcome, SAMPLE_ALERTS_SINCE if sample else None)
    if published_now or outcome.sent or outcome.written or outcome.failed:
        warehouse.publisher().refresh_operations()
        with outcome.timed("report"):
            steps.write_page(warehouse, outcome)


def take_in(
    settings: Settings, warehouse: Warehouse, load: Callable[[Session], None], outcome: Outcome, *, command: str
) -> bool:
    """Load files that the user names, publish, alert, write the page. Returns whether anything was published.

    Unlike `run` it fetches nothing, so that no source counts as late, and a failure is the user's to see: the operator
    is told nothing. Raises TreasuryWatchError.
    """
    settings.mail.check_login()
    with logs.running(command), stored(settings, warehouse):
        with opened(warehouse, command) as session:
            load(session)
            with outcome.timed("publish"):
                published_now = publish(session, outcome)
            session.summary = outcome.summary()
        with outcome.timed("alert"):
            alerting.alert(warehouse, settings, outcome)
        if published_now or outcome.sent or outcome.written or outcome.failed:
            warehouse.publisher().refresh_operations()
            with outcome.timed("report"):
                write_page(warehouse, outcome)
        logs.ending(outcome.summary())
    return published_now


def queue_health(warehouse: Warehouse, settings: Settings, outcome: Outcome) -> None:
    """Tell the operator, once, of sources that are late or stand still; withdraw what waits and is over."""
    routes = routing.read(settings)
    today = datetime.now(UTC).date()
    with published(warehouse) as connection:
        items = operator_mail.behind(
            connection,
            settings.declarations,
            today,
            late_after_days=routes.late_after_days,
            unreached=outcome.unreached,
        )
    found = operator_mail.source_findings(items, today.replace(day=1))
    for kind in operator_mail.SOURCES:
        outbox.drop(warehouse.state, kind, [item.key for item in found], "no longer the case")
    for kind in operator_mail.RUNS:
        outbox.drop(warehouse.state, kind, [], "a later run ended well")
    outcome.queued += sum(outbox.add(warehouse.state, item, routes.operator) for item in found)


def tell_failure(warehouse: Warehouse, settings: Settings, problem: Exception) -> None:
    """Tell the operator what ended the run. Whatever goes wrong here is a note to `problem` and never takes its place."""
    try:
        item = operator_mail.run_finding(warehouse.state, problem, datetime.now(UTC).date())
        outbox.add(warehouse.state, item, routing.read(settings).operator)
        result = alerting.deliver(warehouse, settings, None, only=operator_mail.PREFIX)
        problem.add_note(f"operator: {result.sent + result.written} messages sent, {result.failed} failed")
    except Exception as other:
        problem.add_note(f"the operator could not be told: {other}")
        logging.getLogger(__name__).warning("the operator could not be told of the failed run: %s", other)


def sources_to_fetch(settings: Settings) -> list[Source]:
    """The declared sources that a run fetches."""
    return [source for source in settings.declarations.sources.values() if source.fetch]


def fetch_source(source: Source, settings: Settings, warehouse: Warehouse) -> Fetched:
    """Ask the source's server for its file, conditionally where it was loaded before. Raises FetchError."""
    policy = settings.http
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
        figures=file.figures,
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
            outcome.unreached.append(source.id)
            said: dict[str, Any] = {
                "source": source.id,
                "url": problem.url,
                "expected": problem.expected,
                "found": problem.found,
            }
            logs.say("fetch failed", str(problem), level=logging.WARNING, **said)
            continue
        seen: dict[str, Any] = {"source": source.id, "url": public_url(answer.url), "seconds": round(answer.seconds, 3)}
        if answer.status == "not_modified":
            outcome.unchanged.append(source.id)
            logs.say("not modified", f"{source.id}: not modified", **seen, status=304)
        else:
            size = len(answer.body)
            words = f"{source.id}: fetched {size:,} bytes in {answer.seconds:.1f} s"
            logs.say("fetched", words, **seen, status=200, bytes=size)
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
    for file in progress.shown(files, "Loading"):
        load_one(session, file, outcome)
    load_press(session)
    if outcome.refused:
        raise outcome.refused[0]


def load_press(session: Session) -> None:
    """Load the press figures that come with the program, where they changed. Raises LayoutError."""
    changed = session.loader.load_press()
    if changed:
        logs.say("loaded", f"press: {changed:,} figures", source="press", outcome="vintage", changed=changed)


def load_one(session: Session, file: File, outcome: Outcome) -> None:
    """Load one file; its refusal is kept in the outcome."""
    place: dict[str, Any] = {"source": file.source, "url": public_url(file.url)}
    began = perf_counter()
    try:
        item = load(session, file)
    except TreasuryWatchError as problem:
        outcome.refused.append(problem)
        said = {"outcome": "refused", "error": type(problem).__name__}
        logs.say("refused", f"refused: {problem}", level=logging.ERROR, **place, **said)
        return
    outcome.loaded.append(item)
    fields = {name: getattr(item, name) for name in ("outcome", "released", "figures", "changed", "sha256")}
    seconds = round(perf_counter() - began, 3)
    logs.say("loaded", item.line(), **{**place, "source": item.source}, **fields, seconds=seconds)
    if file.source and (file.etag or file.last_modified):
        session.state.keep_validators(item.source, file.url, file.etag, file.last_modified, item.sha256)


def publish(session: Session, outcome: Outcome) -> bool:
    """Publish if the ledger or the declarations changed since the last publication. Returns whether it did."""
    if session.is_published():
        return False
    outcome.published = session.publish()
    with open_published(session.publisher.home.database) as connection:
        outcome.revisions = revised_by(connection, outcome.loaded)
    return True


def published(warehouse: Warehouse) -> duckdb.DuckDBPyConnection:
    """A read-only connection to the published database. Raises TreasuryWatchError where there is none yet."""
    return open_published(warehouse.home.database)


def write_page(warehouse: Warehouse, outcome: Outcome, out: Path | None = None) -> Path:
    """Write the page of the published database."""
    now = datetime.now(UTC)
    path = out or warehouse.home.reports / "treasury-watch.html"
    outcome.page = page.write(warehouse.home.database, path, now)
    return outcome.page


PLAIN = Steps(fetch_all, load_all, publish, alerting.alert, write_page)
