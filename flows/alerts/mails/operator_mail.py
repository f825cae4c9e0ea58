"""What the operator must know: a release that is late, a source that stands still, a run that was stopped or failed.

Each occurrence has a stable key and is said once; it is said again only when the occurrence changes.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from email.message import EmailMessage
from typing import Any

from treasury_watch.flows.alerts.mails.envelope import TEMPLATES, envelope
from treasury_watch.flows.settings.sections import MailSettings
from treasury_watch.transforms.addresses import public_url
from treasury_watch.transforms.errors import shorten
from treasury_watch.transforms.findings.explain.subjects import SUBJECT_LENGTH
from treasury_watch.transforms.findings.finding import Announcement, Kind, key_of
from treasury_watch.transforms.model import MAIN_SOURCE, Source
from treasury_watch.transforms.wording import month_name, one_line
from treasury_watch.warehouse.archive.archived_files import Entry
from treasury_watch.warehouse.gates.freshness import Freshness
from treasury_watch.warehouse.gates.results import ValidationBlocked
from treasury_watch.warehouse.home.state import State
from treasury_watch.warehouse.store.exchange import NOTE
from treasury_watch.warehouse.store.objects import StoreBehind

# What notices are on, as the beginnings of their keys.
LATE, FROZEN, BLOCKED, FAILED, STORE, NEVER, REFUSED = (
    key_of(Kind.NOTICE, name, "") for name in ("late", "frozen", "blocked", "failed", "store", "never", "refused")
)
SOURCES, RUNS = (LATE, FROZEN), (BLOCKED, FAILED)
LONGEST_REASON = 1500
NAMED = 3  # sources, in a subject
# What a refusal says, of which a subject has room for the source once and for what was found.
REFUSAL = re.compile(
    r"(?P<source>[^\s,;]{1,60}), (?P<place>[^;]{1,200}?): expected .{1,700}?, found (?P<found>[^;]{1,400});"
)


@dataclass(frozen=True, kw_only=True)
class Notice(Announcement):
    """What the operator is told: what is the case, what it means, what to do about it, and where to look."""

    what: tuple[str, ...]
    meaning: str
    cure: tuple[str, ...]
    places: tuple[str, ...] = ()

    def content(self) -> dict[str, Any]:
        """What the outbox keeps of it: no published table has it when the message is made."""
        words = {"what": self.what, "meaning": self.meaning, "cure": self.cure, "places": self.places}
        return {"title": self.title, "severity": self.severity, **words}


def source_notices(
    stale: Iterable[Freshness], newest: date, *, late_after_days: int = 0, unreached: Collection[str] = ()
) -> list[Notice]:
    """One notice for all stale sources of one kind that are stuck at the same month or day, under the most precedent one.

    A release has `late_after_days` days of grace before the operator hears of it. `unreached` are the ids of those that
    could not be fetched; they keep their kind, so that an hour without network makes no new occurrence.
    """
    groups: dict[tuple[str, date, bool], list[Freshness]] = {}
    for item in stale:
        if item.next_month is not None and item.days_late < late_after_days:
            continue
        groups.setdefault((item.kind, item.last, item.next_month is None), []).append(item)
    return [_about_sources(group, unreached, newest) for group in groups.values()]


def _about_sources(group: list[Freshness], unreached: Collection[str], newest: date) -> Notice:
    lead, source = group[0], group[0].source.id
    more = f" and {len(group) - 1} more" if len(group) > 1 else ""
    if lead.kind == "late":
        key = f"{LATE}{source}:{lead.next_month or lead.last:%Y-%m}"
        lacking = f"the figures for {month_name(lead.next_month)}" if lead.next_month else f"figures after {lead.last}"
        title = f"Treasury Watch: release late, {source}{more} without {lacking}"
        meaning = "What is published stays as it was, with the newest month that is known."
        cure = [
            "Open the addresses below in a browser. If the new figures are there, start `treasury-watch run`.",
            "If they are not, the publisher is late (after a shutdown, for weeks): correct the day in "
            "config/release_calendar.csv once a new one is announced.",
        ]
    else:
        key = f"{FROZEN}{source}:{lead.last:%Y-%m-%d}"
        stuck = f"{lead.last:%Y-%m}" if lead.next_month else f"{lead.last}"
        served = "not reached, and not" if source in unreached else "served but not"
        title = f"Treasury Watch: source frozen, {source}{more} {served} updated since {stuck}"
        meaning = "The figures stand still and grow old. A file that is still served makes nothing fail."
        cure = [
            "Look for a successor: the publisher may have moved the table to another address or discontinued it.",
            "Then correct base or path in config/sources.toml, or set frozen_on there if the source has ended: a frozen "
            "source is kept for its past and never taken for the newest.",
        ]
    if any(item.source.id in unreached for item in group):
        cure.insert(0, "The server was not reached in this run: check the network, a proxy, and the address.")
    return Notice(
        key=key,
        rule=Kind.NOTICE,
        month=newest,
        end_month=newest,
        severity="critical" if lead.kind == "frozen" else "warning",
        title=one_line(title),
        what=tuple(item.words for item in group),
        meaning=meaning,
        cure=tuple(cure),
        places=tuple(sorted({f"{item.source.id}: {public_url(item.source.url)}" for item in group})[:10]),
    )


def never_loaded_notices(
    missing: Sequence[Source], newest: date, *, unreached: Collection[str] = (), main_only: bool = False
) -> list[Notice]:
    """On sources of which no file was ever loaded: the main table by itself and first, the others together.

    With `main_only` the others are named only beside the main table: they may be on their way.
    """
    main = [source for source in missing if source.id == MAIN_SOURCE]
    others = [source for source in missing if source.id != MAIN_SOURCE]
    found = []
    if main:
        title = subject("MAIN TABLE missing", f"{MAIN_SOURCE} was never loaded")
        meaning = (
            "Nothing can be said on who holds, buys and sells today: what is published comes from other sources, and "
            "findings and alerts of the newest months are missing."
        )
        found.append(
            _about_never_loaded(
                f"{NEVER}{MAIN_SOURCE}", title, meaning, "critical", [*main, *others], unreached, newest
            )
        )
    if others and not main_only:
        ids = ", ".join(source.id for source in others[:NAMED]) + (
            f" and {len(others) - NAMED} more" if len(others) > NAMED else ""
        )
        known = hashlib.sha256(" ".join(sorted(source.id for source in others)).encode()).hexdigest()[:12]
        title = subject(f"{len(others)} source{'s' * (len(others) > 1)} never loaded", ids)
        meaning = "Tables and columns that come from them are empty or end early; the rest is published."
        found.append(
            _about_never_loaded(f"{NEVER}others:{known}", title, meaning, "warning", others, unreached, newest)
        )
    return found


def _about_never_loaded(
    key: str,
    title: str,
    meaning: str,
    severity: str,
    sources: Sequence[Source],
    unreached: Collection[str],
    newest: date,
) -> Notice:
    cure = [
        "Open the addresses below in a browser, then start `treasury-watch run`; or save the file and load it with "
        "`treasury-watch ingest FILE`.",
        "If the publisher has moved a file, correct base or path in config/sources.toml; `fetch = false` there says that a "
        "source is not wanted.",
    ]
    if any(source.id in unreached for source in sources):
        cure.insert(0, "The server was not reached in this run: check the network, a proxy, and the address.")
    what = [
        f"{source.id}: never loaded{', not reached in this run' if source.id in unreached else ''} ({source.title})"
        for source in sources
    ]
    return Notice(
        key=key,
        rule=Kind.NOTICE,
        month=newest,
        end_month=newest,
        severity=severity,
        title=one_line(title),
        what=tuple(what),
        meaning=meaning,
        cure=tuple(cure),
        places=tuple(f"{source.id}: {public_url(source.url)}" for source in sources[:10]),
    )


def subject(what: str, reason: str) -> str:
    """`Treasury Watch: file refused, mof: line 7, amount: 1,000,000`, at most 110 characters: the what first, then the reason,
    of a refusal where and what was found. The whole reason stands in the message.
    """
    refused = REFUSAL.match(one_line(reason))
    brief = one_line(reason)
    if refused:
        place = "" if refused["place"] == "whole file" else f"{refused['place']}: "
        brief = f"{place}found {refused['found']}"
    begun = f"Treasury Watch: {what}: "
    return one_line(begun + shorten(brief, SUBJECT_LENGTH - len(begun)))


def quarantine_notices(waiting: Iterable[Entry], newest: date) -> list[Notice]:
    """One notice for each refused file that waits for somebody to look at it, the main table's first."""
    ordered = sorted(waiting, key=lambda entry: entry.source != MAIN_SOURCE)
    return [_about_refused(entry, newest) for entry in ordered]


def _about_refused(entry: Entry, newest: date) -> Notice:
    main = entry.source == MAIN_SOURCE
    what = f"MAIN TABLE refused, {entry.source}" if main else f"file refused, {entry.source}"
    meaning = (
        "The file is kept aside and nothing of it is published; everything else is loaded and published without it."
    )
    if main:
        meaning += " Its figures stay as they were published before, and grow old."
    return Notice(
        key=f"{REFUSED}{entry.source}:{entry.sha256[:12]}",
        rule=Kind.NOTICE,
        month=newest,
        end_month=newest,
        severity="critical" if main else "warning",
        title=subject(what, entry.refused or ""),
        what=(
            f"{entry.source}, retrieved {entry.retrieved:%Y-%m-%d %H:%M} UTC: {shorten(entry.refused or '', LONGEST_REASON)}",
        ),
        meaning=meaning,
        cure=(
            "If the publisher erred, wait for its correction: the next run fetches the file again. If the layout or a "
            "figure has changed for good, mend the parser or the declaration that the reason names, and run again.",
            f"If the file is of no use, `treasury-watch withdraw {entry.sha256[:12]} --reason TEXT` closes this.",
        ),
        places=(f"{entry.source}: {public_url(entry.url)}", f"archive: sha256 {entry.sha256}"),
    )


def run_notice(state: State, problem: BaseException, today: date) -> Notice:
    """The message on a run that `problem` ended. The same reason since the last good run is the same occurrence."""
    good = state.rows(
        "SELECT run_id, finished FROM runs WHERE outcome IN ('published', 'unchanged') ORDER BY started DESC LIMIT 1"
    )
    since = good[0]["run_id"] if good else "never"
    blocked = isinstance(problem, ValidationBlocked)
    reason = one_line(problem)
    # figures in a reason may change from run to run; the occurrence does not
    same = re.sub(r"\d+", "#", f"{type(problem).__name__} {reason}")
    store_behind = isinstance(problem, StoreBehind)
    kind = STORE if store_behind else BLOCKED if blocked else FAILED
    if store_behind:  # its runs end well: the occurrence lasts until the store has caught up
        since = (json.loads(state.remembered(NOTE) or "{}").get("pointer") or "never")[:12]
    key = f"{kind}{since}:{hashlib.sha256(same.encode()).hexdigest()[:12]}"
    if store_behind:
        title = subject("store behind", reason)
        meaning = "This machine's tables, alerts and page are complete. Readers of the store still find the publication before."
        cure = [
            "The reason above ends with the next step. The next run puts everything there; `treasury-watch status` says "
            "when it has.",
        ]
    elif blocked:
        title = subject("validation blocked", reason)
        meaning = "The new figures were not published; the last good publication stays in place."
        cure = [
            "`treasury-watch status` names the checks that did not hold, with what was found.",
            "If the publisher erred, wait for its correction, or declare the figure in config/corrections.toml. "
            "If the figures are right, widen the expectation in config/validation.toml. Then `treasury-watch run`.",
        ]
    elif getattr(problem, "nothing_ran", False):
        title = subject("no run happened", reason)
        meaning = "Nothing was asked for, and nothing new published, since; the last good publication stays in place."
        cure = [
            "See that `treasury-watch serve`, or cron with its line, is at work, and that the machine was on at that time.",
            "`treasury-watch run` makes up for what was missed. Another rhythm is declared in [schedule] of settings.toml.",
        ]
    else:
        title = subject("run failed", reason)
        meaning = "Nothing new was published; the last good publication stays in place."
        cure = [
            "The reason above ends with the next step where one is known. Then `treasury-watch run` again.",
            "A file that was refused is kept in raw/ of the data folder with the reason.",
        ]
    if good and not store_behind:
        meaning += f" The last good run ended on {good[0]['finished'][:16].replace('T', ' ')} UTC."
    first = today.replace(day=1)
    return Notice(
        key=key,
        rule=Kind.NOTICE,
        month=first,
        end_month=first,
        severity="critical",
        title=one_line(title),
        what=(shorten(reason, LONGEST_REASON),),
        meaning=meaning,
        cure=tuple(cure),
    )


def compose_notice(key: str, content: Mapping[str, Any], settings: MailSettings, recipient: str) -> EmailMessage:
    """The message to the operator, from what was kept of it when it was queued."""
    values = {**content, "recipient": one_line(recipient), "key": key}
    message = envelope(key, content["title"], settings, recipient)
    message.set_content(TEMPLATES.get_template("operator.txt.j2").render(values), cte="quoted-printable")
    html = TEMPLATES.get_template("operator.html.j2").render(values)
    message.add_alternative(html, subtype="html", cte="quoted-printable")
    return message
