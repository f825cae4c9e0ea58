"""The rules as config/alert_rules.toml declares them: what each looks at, what it asks for, and its words.

Everything that tells of a finding (mails, page, revisions, events, caveats, backtest) takes the rule's amount and words
from here, so that adding a rule is one section of that file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from treasury_watch.transforms.errors import ConfigurationError

FILE = "alert_rules.toml"
MONTHS, EPISODES, AMOUNTS, EARLY = "rules", "episodes", "amounts", "early_signals"


@dataclass(frozen=True)
class Amount:
    """An amount that a rule may look at: a column of holder_months, and how a finding on it is put into words.

    `headline` says it of a month or a run (`{signed}` or `{size}` stands for the amount), `since` of a run that goes on
    (`{since}` for its first month), `run` names such runs: `falls`, `net sales`.
    """

    column: str
    headline: str
    since: str
    run: str

    @property
    def is_change(self) -> bool:
        """Whether it is the change in holdings itself, and not one of the parts that make it up."""
        return self.column == "change_usd_mn"


@dataclass(frozen=True)
class Rule:
    """One declared rule for months or for runs of months. `name` is what a finding of it is called: `bond sale`.

    `rising` is True of a rule on rises: a finding of it is no sell-off.
    """

    id: str
    name: str
    amount: Amount
    sentence: str
    minimum_usd_mn: float
    minimum_share_pct: float
    maximum_score: float | None = None
    minimum_months: int | None = None
    rising: bool = False


def month_rule(rules: Mapping[str, Any], id: str) -> Rule:
    """The rule [rules.<id>]. Raises ConfigurationError where none is declared, or what it says is not complete."""
    return _rule(rules, MONTHS, id)


def episode_rule(rules: Mapping[str, Any], id: str) -> Rule:
    """The rule [episodes.<id>], as `month_rule`."""
    return _rule(rules, EPISODES, id)


def _rule(rules: Mapping[str, Any], section: str, id: str) -> Rule:
    entry = rules[section].get(id)
    if entry is None:
        raise ConfigurationError(
            f"{FILE}: a published finding is of the rule [{section}.{id}], which is not declared "
            f"({', '.join(rules[section])}); restore the rule, or publish again with `treasury-watch rebuild`"
        )
    asked = ("sentence", "minimum_usd_mn", "minimum_share_pct", "maximum_score", "minimum_months")
    known = {key: entry[key] for key in asked if key in entry}
    name, rising = entry.get("name", id.replace("_", " ")), is_rising(entry)
    return Rule(id, name, amount(rules, entry["of"]), rising=rising, **known)


def is_rising(entry: Mapping[str, Any]) -> bool:
    """Whether a declared rule is one on rises."""
    return entry.get("direction") == "rise"


def rising_rules(rules: Mapping[str, Any]) -> list[str]:
    """The names of the rules on rises: what they find is no sell-off."""
    return [name for name, entry in rules.get(EPISODES, {}).items() if is_rising(entry)]


def amount(rules: Mapping[str, Any], column: str) -> Amount:
    """The declared amount [amounts.<column>]."""
    return Amount(column, **rules[AMOUNTS][column])
