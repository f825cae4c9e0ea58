"""What the operator must know: a release that is late, a source that stands still, a run that was stopped or failed.

Each occurrence has a stable key and is said once; it is said again only when the occurrence changes.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from email.message import EmailMessage
from typing import Any

from treasury_watch.flows.alerts.mails.envelope import TEMPLATES, envelope
from treasury_watch.flows.fetch.http import public_url
from treasury_watch.flows.settings.sections import MailSettings
from treasury_watch.transforms.errors import shorten
from treasury_watch.transforms.findings.finding import Announcement, Kind, key_of
from treasury_watch.transforms.wording import month_name, one_line
from treasury_watch.warehouse.gates.freshness import Freshness
from treasury_watch.warehouse.gates.results import ValidationBlocked
from treasury_watch.warehouse.home.state import State
from treasury_watch.warehouse.store.exchange import NOTE
from treasury_watch.warehouse.store.objects import StoreBehind

# What notices are on, as the beginnings of their keys.
LATE, FROZEN, BLOCKED, FAILED, STORE = (
    key_of(Kind.NOTICE, name, "") for name in ("late", "frozen", "blocked", "failed", "store")
)
SOURCES, RUNS = (LATE, FROZEN), (BLOCKED, FAILED)
LONGEST_REASON = 1500


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
        title = f"Treasury Watch: store behind, {shorten(reason, 120)}"
        meaning = "This machine's tables, alerts and page are complete. Readers of the store still find the publication before."
        cure = [
            "The reason above ends with the next step. The next run puts everything there; `treasury-watch status` says "
            "when it has.",
        ]
    elif blocked:
        title = f"Treasury Watch: validation blocked, {shorten(reason, 120)}"
        meaning = "The new figures were not published; the last good publication stays in place."
        cure = [
            "`treasury-watch status` names the checks that did not hold, with what was found.",
            "If the publisher erred, wait for its correction, or declare the figure in config/corrections.toml. "
            "If the figures are right, widen the expectation in config/validation.toml. Then `treasury-watch run`.",
        ]
    else:
        title = f"Treasury Watch: run failed, {shorten(reason, 120)}"
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
