"""The steps of a run as plain functions: take the files, load them, publish, alert, write the page.

monthly.py makes Prefect tasks of them; the command line and the tests call them as they are.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path, PurePosixPath
from time import perf_counter
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from treasury_watch.flows.alerts import delivery, queueing
from treasury_watch.flows.alerts.outbox import SendResult
from treasury_watch.flows.log import logs, progress, run_lines
from treasury_watch.flows.run import interruption
from treasury_watch.flows.run.store_exchange import stored
from treasury_watch.flows.run.summary.outcome import Outcome, Refusal, place_of
from treasury_watch.flows.run.summary.revisions import revised_by
from treasury_watch.flows.settings.settings import Settings
from treasury_watch.flows.site.page import write_page
from treasury_watch.transforms.addresses import public_url
from treasury_watch.transforms.errors import LayoutError, TreasuryWatchError
from treasury_watch.transforms.layouts.containers import is_container
from treasury_watch.transforms.layouts.contents import contents_of
from treasury_watch.transforms.wording import counted
from treasury_watch.warehouse.home.folders import Busy
from treasury_watch.warehouse.home.published_database import open_published
from treasury_watch.warehouse.home.storage_failures import StorageFailed
from treasury_watch.warehouse.installation import Warehouse
from treasury_watch.warehouse.ledger.incoming.backfill_files import dated_folder
from treasury_watch.warehouse.ledger.incoming.incoming_files import IncomingFile, NoPlainFile, read_plain
from treasury_watch.warehouse.session import Session
from treasury_watch.warehouse.store.objects import StoreError

if TYPE_CHECKING:  # what fetches is not needed for a file from disk
    from treasury_watch.flows.fetch.http import Fetched
    from treasury_watch.flows.fetch.sources import Collected

SAMPLE_ALERTS_SINCE = date(2024, 1, 1)  # a demonstration mails what a new installation would call history


@dataclass(frozen=True)
class Steps:
    """The steps of a run. Plain functions by default; monthly.py puts Prefect tasks in their place."""

    fetch: Callable[[Settings, Warehouse], Collected]
    load: Callable[[Session, list[IncomingFile], Outcome], None]
    publish: Callable[[Session, Outcome], bool]
    alert: Callable[[Warehouse, Settings, date | None], SendResult]
    write_page: Callable[[Warehouse], Path]


def run(
    settings: Settings, warehouse: Warehouse, steps: Steps, *, sample: bool, command: str, poll: bool = False,
    told: bool = False,
) -> Outcome:  # fmt: skip
    """One run: fetch (or take the sample), load, publish, alert, report.

    A `poll` asks a few sources between the daily runs. That none can be reached ends it without a failure, and of the others'
    health it knows nothing: the daily run tells of both.

    A source that cannot be reached is a problem in the outcome, and a file that is refused or cannot be published is set
    aside and stands in its `refused`: the others go on. The operator is told of both, and of what ended the run before it
    is raised on. `told`: the user wants sample and official data in one home. Raises TreasuryWatchError; OtherKindOfHome where
    they would be mixed without that; StoreBehind where only the store lacks what the run published.
    """
    outcome = Outcome()
    with logs.running(command):
        warehouse.admit(sample=sample, told=told)
        if not sample:
            settings.mail.check_login()
        try:
            with stored(settings, warehouse, sample=sample):
                try:
                    _run(settings, warehouse, steps, outcome, sample=sample, command=command, poll=poll)
                except Exception as problem:
                    if not sample and not isinstance(problem, Busy):  # another run at work is no failure
                        delivery.tell_failure(warehouse, settings, problem)
                    raise
        except StoreError as problem:
            if not sample:
                delivery.tell_failure(warehouse, settings, problem)
            raise
        logs.ending(outcome.summary())
    return outcome


@contextmanager
def opened(warehouse: Warehouse, command: str) -> Iterator[Session]:
    """A session of the warehouse whose run, checks that did not hold and outcome stand in the log. Raises Busy."""
    with warehouse.session(command) as session:
        logs.with_run_id(run_id=session.run_id)
        try:
            yield session
        finally:
            run_lines.checks(warehouse.state, session.run_id)
    logs.ending(outcome=session.outcome)


def _run(
    settings: Settings, warehouse: Warehouse, steps: Steps, outcome: Outcome, *, sample: bool, command: str, poll: bool
) -> None:
    with opened(warehouse, command) as session:
        with outcome.timed("fetch"):
            found = _sample(settings) if sample else steps.fetch(settings, warehouse)
        outcome.add_collected(found)
        if found.problems and not found.files and not found.unchanged and not poll:
            raise TreasuryWatchError(f"no source could be reached; the first: {found.problems[0]}")
        with outcome.timed("load"):
            steps.load(session, [file for answer in found.files for file in incoming(answer)], outcome)
        with outcome.timed("publish"):
            published_now = steps.publish(session, outcome)
        session.summary = outcome.summary()
    if not sample:
        outcome.queued += queueing.queue_quarantine(warehouse, settings)
    if not sample and not poll:
        outcome.queued += queueing.queue_source_health(warehouse, settings, outcome.unreached)
    since = SAMPLE_ALERTS_SINCE if warehouse.is_sample else delivery.NEVER
    finish(settings, warehouse, steps, outcome, published_now, since if sample else None)


def _sample(settings: Settings) -> Collected:
    from treasury_watch.flows.fetch.embedded_sample import embedded_sample

    return embedded_sample(settings)


def take_in(
    settings: Settings, warehouse: Warehouse, load: Callable[[Session], None], outcome: Outcome, *, command: str
) -> bool:
    """Load files that the user names, publish, alert, write the page. Returns whether anything was published.

    Unlike `run` it fetches nothing, so that no source counts as late, and what ends it is the user's to see. The operator
    is told of files in quarantine, and where the main table was never loaded. Raises TreasuryWatchError.
    """
    settings.mail.check_login()
    with logs.running(command), stored(settings, warehouse):
        with opened(warehouse, command) as session, session.gates.quickly():
            load(session)
            with outcome.timed("publish"):
                published_now = publish(session, outcome)
            session.summary = outcome.summary()
        outcome.queued += queueing.queue_quarantine(warehouse, settings)
        outcome.queued += queueing.queue_never_loaded(warehouse, settings)
        finish(settings, warehouse, PLAIN, outcome, published_now)
        logs.ending(outcome.summary())
    return published_now


def send_waiting(settings: Settings, warehouse: Warehouse) -> Outcome:
    """Send what waits in the outbox, at once also what failed and was to wait. Raises TreasuryWatchError."""
    outcome = Outcome()

    def send(warehouse: Warehouse, settings: Settings, _since: date | None) -> SendResult:
        return delivery.send(warehouse, settings)

    with stored(settings, warehouse):
        finish(settings, warehouse, replace(PLAIN, alert=send), outcome)
    return outcome


def finish(
    settings: Settings,
    warehouse: Warehouse,
    steps: Steps,
    outcome: Outcome,
    published_now: bool = False,
    since: date | None = None,
) -> None:
    """What ends all that publishes or sends: page and site of what was published, and then the messages, which a slow mail
    server may hold up; the tables on runs and messages follow what changed.
    """
    interruption.check()
    settings.forget_old(warehouse)
    shown = warehouse.home.database.exists() and (published_now or warehouse.home.opens)
    if shown:
        warehouse.publisher().refresh_operations()
    with open_published(warehouse.home.database) if shown else nullcontext():  # opened once for page and messages
        if shown:
            _show(settings, warehouse, steps, outcome)
        with outcome.timed("alert"):
            nothing_yet = not warehouse.home.database.exists()  # then only the operator can be told of anything
            if not nothing_yet:
                result = steps.alert(warehouse, settings, since)
            else:
                result = SendResult() if since == delivery.NEVER else delivery.deliver(warehouse, settings)
            outcome.add_messages(result)
    if warehouse.home.database.exists() and result.changed:
        warehouse.publisher().refresh_operations()
        if not shown:
            _show(settings, warehouse, steps, outcome)


def _show(settings: Settings, warehouse: Warehouse, steps: Steps, outcome: Outcome) -> None:
    """The page and, where settings name a place, the site: of tables that tell of runs and messages up to now."""
    with outcome.timed("report"):
        outcome.page = steps.write_page(warehouse)
    if settings.site.out:
        from treasury_watch.flows.site.pages import build as site  # whose libraries most installations never need

        with outcome.timed("site"):
            site.after_run(settings, warehouse)


def incoming(answer: Fetched) -> list[IncomingFile]:
    """What a server answered, as files to load: one, or of an archive those of the source's layout."""
    file = IncomingFile(
        answer.body, answer.url, answer.retrieved, answer.source, None, answer.etag, answer.last_modified
    )
    name = PurePosixPath(urlsplit(answer.url).path).name or answer.source
    if not is_container(answer.body):
        return [file]
    try:
        contents = contents_of(answer.body, name)
        inside = [member for member, source in contents.read if source in (None, answer.source)]
        if not inside:
            named = (
                ", ".join(f"{member.name} ({source})" for member, source in contents.read[:5]) or "none that is whole"
            )
            raise LayoutError(answer.source, name, f"a file of {answer.source} in it", named)
        return [replace(file, body=member.body, container=member.container) for member in inside]
    except LayoutError as problem:
        return [replace(file, unreadable=problem)]


def files_on_disk(paths: list[Path], released: date | None, outcome: Outcome) -> Iterator[IncomingFile]:
    """Files named by the user, and those of known layouts in archives; each one's layout is recognised from its content.
    One that cannot be read is refused.
    """
    for path in paths:
        try:
            body = read_plain(path)
        except NoPlainFile as problem:
            outcome.refused.append(Refusal(str(path), str(problem).removeprefix(f"{path}: ")))
            continue
        except OSError as problem:
            outcome.refused.append(Refusal(str(path), f"{problem.strerror}; name a file that can be read"))
            continue
        folder = dated_folder(Path(path.resolve().parent.name, path.name))
        file = IncomingFile(body, path.resolve().as_uri(), datetime.now(UTC), released=released, container=folder)
        yield from _within(file, path) if is_container(body) else [file]


def _within(archive: IncomingFile, path: Path) -> Iterator[IncomingFile]:
    """The files in an archive; those that cannot be read come with the reason, the others are named in the log."""
    try:
        contents = contents_of(archive.body, path.name)
    except LayoutError as problem:
        yield replace(archive, unreadable=problem)
        return
    for name, what in contents.passed_over:
        logs.say("passed over", f"passed over, {what}: {path}: {name}", path=path, file=name)
    for name, why in contents.refused:
        yield replace(archive, url=f"{archive.url}#{name}", container=path.name, unreadable=why)
    for member, source in contents.read:
        if member.container is None:
            yield archive
            continue
        inside = replace(archive, url=f"{archive.url}#{member.name}", source=source, container=path.name)
        try:
            yield replace(inside, body=member.body)
        except LayoutError as problem:
            yield replace(inside, unreadable=problem)


def load_all(session: Session, files: list[IncomingFile], outcome: Outcome) -> None:
    """Load every file; one that is refused keeps none of the others back."""
    for file in progress.with_bar(files, "Loading"):
        load_one(session, file, outcome)
    load_press(session)


def load_press(session: Session) -> None:
    """Load the printed figures that come with the program, where they changed. Raises LayoutError."""
    for source, changed in session.loader.load_press().items():
        if changed:
            logs.say(
                "loaded", f"{source}: {counted(changed, 'figure')}", source=source, outcome="vintage", changed=changed
            )


def load_one(session: Session, file: IncomingFile, outcome: Outcome) -> None:
    """Load one file; its refusal is kept in the outcome. Raises StorageFailed, which is no fault of the file."""
    interruption.check()
    place: dict[str, Any] = {"source": file.source, "url": public_url(file.url)}
    began = perf_counter()
    try:
        item = replace(session.loader.load(file), url=file.url)
    except StorageFailed:
        raise
    except TreasuryWatchError as problem:
        outcome.refused.append(refusal(session, file, problem))
        said = {"outcome": "refused", "error": type(problem).__name__}
        logs.say("refused", f"refused: {problem}", level=logging.ERROR, **place, **said)
        return
    outcome.loaded.append(item)
    fields = {name: getattr(item, name) for name in ("outcome", "released", "figures", "changed", "sha256")}
    seconds = round(perf_counter() - began, 3)
    logs.say("loaded", item.line(), **{**place, "source": item.source}, **fields, seconds=seconds)
    if file.source and (file.etag or file.last_modified):
        session.state.keep_validators(item.source, file.url, file.etag, file.last_modified, item.sha256)


def refusal(session: Session, file: IncomingFile, problem: TreasuryWatchError) -> Refusal:
    """What is said of a file that was refused; its source is known where the archive keeps its bytes."""
    checksum = hashlib.sha256(file.body).hexdigest()
    source = file.source or (problem.source if isinstance(problem, LayoutError) else None)
    kept = [entry for entry in session.loader.archive.entries(source) if entry.sha256 == checksum] if source else []
    if not kept:
        kept = [entry for entry in session.loader.archive.entries() if entry.sha256 == checksum]
    known = kept[0] if kept else None
    return Refusal(place_of(file.url), str(problem), known.source if known else None, known.sha256 if known else None)


def publish(session: Session, outcome: Outcome) -> bool:
    """Publish if the ledger or the declarations changed since the last publication. Returns whether it did.

    New files that cannot be published are set aside, and stand in the outcome as refused. Raises ValidationBlocked.
    """
    interruption.check()
    nothing_yet = not session.publisher.home.database.exists()
    if session.is_published() or (nothing_yet and outcome.refused and not outcome.loaded):
        return False
    outcome.published = session.publish()
    outcome.add_set_aside(session.set_aside)
    for item in session.set_aside:
        place = {"source": item.entry.source, "url": public_url(item.entry.url)}
        words = f"refused: {item.entry.source}: {item.problem.reason}"
        logs.say("refused", words, level=logging.ERROR, **place, outcome="refused", error="ValidationBlocked")
    if outcome.published is None:
        return False
    with open_published(session.publisher.home.database) as connection:
        outcome.revisions = revised_by(connection, outcome.loaded)
    return True


def _fetch(settings: Settings, warehouse: Warehouse) -> Collected:
    from treasury_watch.flows.fetch.sources import fetch_all

    return fetch_all(settings, warehouse)


PLAIN = Steps(_fetch, load_all, publish, delivery.alert, write_page)
