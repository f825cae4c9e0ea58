"""What can be told of the figures: a flagged month, an episode, what a release revised. Each is a small type.

All of them are announcements: they have a stable key, under which the outbox keeps the message on them, and a title. The
first part of a key names its kind.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Any

from treasury_watch.transforms.findings.rules.declared import Rule


class Kind(StrEnum):
    """The kinds of announcements, as the first part of their keys."""

    MONTH = "month"
    EPISODE = "episode"
    REVISION = "revision"
    DIGEST = "digest"
    NOTICE = "health"
    SIGNAL = "signal"


def kind_of(key: str) -> Kind:
    """The kind that a key names. Raises ValueError where it names none."""
    return Kind(key.partition(":")[0])


def key_of(kind: Kind, *parts: str) -> str:
    """A key: its kind and its parts. They depend on what is told of and when, never on figures."""
    return ":".join([kind, *parts])


def thread_of(key: str) -> str:
    """The key without its last part, of an episode its last month, of an early signal its rule: the messages on an episode
    that grows belong together, and so do those on one holder's month before and after its release.
    """
    return key.rpartition(":")[0] if kind_of(key) in (Kind.EPISODE, Kind.SIGNAL) else key


@dataclass(frozen=True, kw_only=True)
class Announcement:
    """What a message can be on. `month` is its first month, `end_month` its last; both are first days of months.

    `rule` is what routes name to choose it: a rule's id, or the kind where there is no rule. `thread` is what the messages
    on this and on what it grows into have in common.
    """

    key: str
    rule: str
    month: date
    end_month: date
    severity: str
    title: str
    holder_id: str = ""
    holder: str = ""
    kind: Kind = field(init=False)
    thread: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "kind", kind_of(self.key))
        object.__setattr__(self, "thread", thread_of(self.key))


@dataclass(frozen=True, kw_only=True)
class Finding(Announcement):
    """A flagged month or an episode. `row` is the row of sell_offs or episodes, NULL as None; `headline` and `period` are
    its first words and its months in words.

    `rules` are the ids of all rules that flag it, the weightiest, its `rule`, first. `amount_usd_mn` is the amount that
    this one looks at, None where unknown; a sale or a fall is negative.
    """

    row: Mapping[str, Any]
    declared: Rule
    headline: str
    period: str
    rules: tuple[str, ...] = field(init=False)
    amount_usd_mn: float | None = field(init=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "rules", tuple(self.row.get("rules") or (self.rule,)))
        object.__setattr__(self, "amount_usd_mn", self.row[self.declared.amount.column])


@dataclass(frozen=True, kw_only=True)
class FlaggedMonth(Finding):
    """A month that one rule flags, or several; one finding all the same.

    `hits` are each rule and what it measured, the weightiest first: the rows of rule_hits, each with the rule's declared
    `name`.
    """

    hits: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True, kw_only=True)
class Episode(Finding):
    """A run of months that a rule flags.

    `newest` is the row of holder_months of the newest published month, where the episode reaches into it.
    """

    newest: Mapping[str, Any] | None = None


@dataclass(frozen=True, kw_only=True)
class RevisedFindings(Announcement):
    """What a release made of earlier findings by revising the past. `rows` are the rows of revised_findings."""

    released: date
    rows: tuple[Mapping[str, Any], ...] = ()
