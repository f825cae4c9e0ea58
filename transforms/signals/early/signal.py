"""An early signal: what is told of a month before its statistics are out, and what the later message on it needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from treasury_watch.transforms.findings.finding import Announcement, Kind, key_of
from treasury_watch.transforms.wording import one_line

RELEASED = "released"  # the last part of the key of the message that a release brings
OFFICIALS, JAPAN = "foreign_official", "japan"
WHOSE = {OFFICIALS: "foreign officials'", JAPAN: "Japan's"}

Sections = tuple[tuple[str, tuple[str, ...]], ...]


@dataclass(frozen=True, kw_only=True)
class EarlySignal(Announcement):
    """What is told of one month before its release, or, with RELEASED, what the release made of it.

    `lead` is the first sentence, which says it all; `sections` are headings with their lines; `told` is what the release
    is held against: of (the column of the statistics), words, made, and of an estimate estimate_usd_mn, low_usd_mn and
    high_usd_mn. The messages on one holder and month are one thread.
    """

    lead: str
    sections: Sections
    told: Mapping[str, Any]

    def content(self) -> dict[str, Any]:
        """What the outbox keeps, so that what was told is never told otherwise: the words, and `told`."""
        return {
            "title": self.title,
            "lead": self.lead,
            "sections": [[heading, list(lines)] for heading, lines in self.sections],
            "told": dict(self.told),
            "rule": self.rule,
            "severity": self.severity,
        }


def early_key(holder_id: str, month: date, name: str) -> str:
    """`signal:japan:2026-08:japan_reserves`."""
    return key_of(Kind.SIGNAL, holder_id, f"{month:%Y-%m}", name)


def early_signal(
    rule: str, holder_id: str, month: date, severity: str, title: str, lead: str, sections: Sections,
    told: Mapping[str, Any], *, name: str = "",
) -> EarlySignal:  # fmt: skip
    """The signal of a rule on a holder's month; `name` is the last part of its key, the rule where it is not given."""
    return EarlySignal(
        key=early_key(holder_id, month, name or rule),
        rule=rule,
        month=month,
        end_month=month,
        severity=severity,
        title=one_line(title),
        holder_id=holder_id,
        holder={OFFICIALS: "Foreign Official", JAPAN: "Japan"}[holder_id],
        lead=one_line(lead),
        sections=sections,
        told=told,
    )


def parts_of(key: str) -> tuple[str, date, str]:
    """Holder, month and the last part of an early signal's key."""
    _, holder_id, month, name = key.split(":")
    return holder_id, date.fromisoformat(f"{month}-01"), name


def day_of(day: Any) -> date:
    """A plain date, of a date, a time or a stamp."""
    return date(day.year, day.month, day.day)


def spoken_day(day: Any, beside: date | None = None) -> str:
    """`14 July 2026`; without the year where that is the year of `beside`."""
    plain = day_of(day)
    return f"{plain.day} {plain:%B}" + ("" if beside is not None and beside.year == plain.year else f" {plain.year}")
