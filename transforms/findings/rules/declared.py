"""The rules as config/alert_rules.toml declares them: what each looks at, what it asks for, and its words.

Everything that tells of a finding (mails, page, revisions, events, caveats, backtest) takes the rule's amount and words
from here, so that adding a rule is one section of that file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from treasury_watch.transforms.errors import ConfigurationError

FILE = "alert_rules.toml"
SCOPES = ("countries", "official")
SHARED = ("position_usd_mn", "long_term_usd_mn", "short_term_usd_mn")
AMOUNT_KEYS = ("headline", "since", "run")
MONTH_KEYS = ("of", "share_of", "scope", "sentence", "minimum_usd_mn", "minimum_share_pct", "maximum_score")
MONTH_EXTRAS = ("name", "severity", "least_severity", "below_peak", "minimum_peak_usd_mn")
EPISODE_KEYS = ("of", "sentence", "minimum_months", "minimum_usd_mn", "minimum_share_pct", "tolerated_interruptions")
EPISODE_EXTRAS = ("name", "direction", "holders", "maximum_severity")
DIRECTIONS, HOLDERS, LEVELS = ("fall", "rise"), ("all", "custodial"), ("notice", "warning", "critical")
PAIR_KEYS, PAIR_EXTRAS = ("name", "members", "reason"), ("owners", "kept")
EARLY_KEYS, EARLY_LEVELS = ("severity", "sentence"), ("notice", "warning")  # what is not yet known alarms no louder
EARLY_MINIMA = {
    "official_holdings": "minimum_usd_mn", "official_net_purchases": "minimum_usd_mn", "japan_reserves": "minimum_usd_mn",
    "japan_interventions": "minimum_jpy_mn",
}  # fmt: skip
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


def check(document: Mapping[str, Any]) -> None:
    """Raises ConfigurationError that names section and key where a rule or an amount is not declared as it must be."""
    amounts = document.get(AMOUNTS, {})
    for column, entry in amounts.items():
        _check_keys(f"[{AMOUNTS}.{column}]", entry, AMOUNT_KEYS)
    for section, keys, extras in ((MONTHS, MONTH_KEYS, MONTH_EXTRAS), (EPISODES, EPISODE_KEYS, EPISODE_EXTRAS)):
        for id, entry in document.get(section, {}).items():
            place = f"[{section}.{id}]"
            _check_keys(place, entry, keys, extras)
            _check_one_of(f"{place} of", entry["of"], list(amounts))
            if "scope" in keys:
                _check_one_of(f"{place} scope", entry["scope"], SCOPES)
                _check_one_of(f"{place} share_of", entry["share_of"], SHARED)
            for key, known in (("direction", DIRECTIONS), ("holders", HOLDERS), ("maximum_severity", LEVELS)):
                if key in entry:
                    _check_one_of(f"{place} {key}", entry[key], known)
            for key in ("minimum_usd_mn", "minimum_share_pct", "maximum_score", "minimum_months"):
                if key in entry and (isinstance(entry[key], bool) or not isinstance(entry[key], (int, float))):
                    raise ConfigurationError(f"{FILE}, {place} {key}: expected a number, found {entry[key]!r}")

    _check_early(document.get(EARLY, {}))
    for id, pair in document.get("pairs", {}).items():
        place = f"[pairs.{id}]"
        _check_keys(place, pair, PAIR_KEYS, PAIR_EXTRAS)
        for owner in pair.get("owners", ()):
            _check_one_of(f"{place} owners", owner, pair["members"])


def _check_early(entries: Mapping[str, Any]) -> None:
    for id, entry in entries.items():
        place = f"[{EARLY}.{id}]"
        _check_one_of(place, id, tuple(EARLY_MINIMA))
        minimum = EARLY_MINIMA[id]
        _check_keys(place, entry, (*EARLY_KEYS, minimum))
        _check_one_of(f"{place} severity", entry["severity"], EARLY_LEVELS)
        if isinstance(entry[minimum], bool) or not isinstance(entry[minimum], (int, float)) or entry[minimum] <= 0:
            raise ConfigurationError(f"{FILE}, {place} {minimum}: expected a number above 0, found {entry[minimum]!r}")


def _check_keys(place: str, entry: Mapping[str, Any], keys: tuple[str, ...], extras: tuple[str, ...] = ()) -> None:
    known = (*keys, *extras)
    for key in entry:
        if key not in known:
            near = get_close_matches(key, known, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(known)}"
            raise ConfigurationError(f"{FILE}, {place}: unknown key {key!r}; {hint}")
    missing = [key for key in keys if key not in entry]
    if missing:
        raise ConfigurationError(f"{FILE}, {place}: {', '.join(missing)} missing; see the rules beside it")


def _check_one_of(place: str, found: Any, known: tuple[str, ...] | list[str]) -> None:
    if found not in known:
        raise ConfigurationError(f"{FILE}, {place}: expected one of {', '.join(known)}, found {found!r}")
