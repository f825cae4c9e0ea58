"""Who is told what: the routes of config/routing.toml. Without any, one route to the recipients of [mail]."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from treasury_watch.flows.alerts.transport import CHANNEL, address
from treasury_watch.transforms.errors import ConfigurationError, shorten
from treasury_watch.transforms.findings.finding import Announcement, Kind, RevisedFindings
from treasury_watch.transforms.findings.rules.flagged_months import SEVERITIES

if TYPE_CHECKING:
    from treasury_watch.flows.settings.settings import Settings
    from treasury_watch.warehouse.declarations import Declarations

FILE = "routing.toml"
DELIVERIES = ("single", "digest", "both")
REVISION = Kind.REVISION.value
VARIABLE = re.compile(r"[A-Z][A-Z0-9_]*")
ROUTE_KEYS = ("to", "channel", "minimum_severity", "holders", "rules", "delivery", "digest_when_empty")
OPERATOR_KEYS = ("to", "channel", "late_after_days")
LATE_AFTER_DAYS = 2


@dataclass(frozen=True)
class Route:
    """One declared route. `recipients` are mail addresses, or `channel:NAME` of an environment variable.

    Empty `holders` (ids) and `rules` mean all. `delivery` is single, digest or both.
    """

    name: str
    recipients: tuple[str, ...]
    minimum_severity: str
    holders: frozenset[str] = frozenset()
    rules: frozenset[str] = frozenset()
    delivery: str = "single"
    digest_when_empty: bool = False

    def takes(self, found: Announcement) -> bool:
        """Whether the finding goes this way. A revision does where one of the findings it corrects does."""
        if SEVERITIES.index(found.severity) < SEVERITIES.index(self.minimum_severity):
            return False
        if isinstance(found, RevisedFindings):
            named = [(row["holder_id"], row["rule"]) for row in found.rows]
            return any(self._matches(holder, rule) or self._matches(holder, REVISION) for holder, rule in named)
        return self._matches(found.holder_id, found.rule)

    def _matches(self, holder: str, rule: str) -> bool:
        return (not self.holders or holder in self.holders) and (not self.rules or rule in self.rules)


@dataclass(frozen=True)
class Routing:
    """Every route, and who looks after the installation."""

    routes: tuple[Route, ...]
    operator: tuple[str, ...]
    late_after_days: int = LATE_AFTER_DAYS

    def recipients(self, *deliveries: str) -> list[str]:
        """The recipients of routes with one of these deliveries, each once, in the order declared."""
        return list(dict.fromkeys(r for route in self.routes if route.delivery in deliveries for r in route.recipients))

    def of(self, recipient: str, *deliveries: str) -> list[Route]:
        """The recipient's routes with one of these deliveries."""
        return [route for route in self.routes if route.delivery in deliveries and recipient in route.recipients]

    def taken(self, findings: Iterable[Announcement], recipient: str, *deliveries: str) -> list[Announcement]:
        """The findings that go to the recipient by its routes with one of these deliveries."""
        routes = self.of(recipient, *deliveries)
        return [found for found in findings if any(route.takes(found) for route in routes)]


def read(settings: Settings) -> Routing:
    """The routes in force. Raises ConfigurationError that names the route and the key."""
    declarations = settings.declarations
    document = declarations.toml(FILE) if (declarations.folder / FILE).exists() else {}
    _known_keys("", document, ("routes", "operator"))
    recipients = tuple(settings.section("mail")["recipients"])
    minimum = _severity("settings.toml, [alerts]", settings.section("alerts")["minimum_severity"])
    declared = _table("routes", document.get("routes", {}))
    routes = tuple(_route(name, entry, minimum, declarations) for name, entry in declared.items())
    operator = _table("operator", document.get("operator", {}))
    _known_keys("[operator]", operator, OPERATOR_KEYS)
    days = operator.get("late_after_days", LATE_AFTER_DAYS)
    if not isinstance(days, int) or isinstance(days, bool) or days < 0:
        raise _wrong("[operator] late_after_days", "a whole number, 0 or more", days)
    told = _recipients("[operator]", operator) or recipients[:1]
    return Routing(routes or (Route("mail", recipients, minimum),), told, days)


def _route(name: str, entry: Any, minimum: str, declarations: Declarations) -> Route:
    place = f"[routes.{name}]"
    entry = _table(f"routes.{name}", entry)
    _known_keys(place, entry, ROUTE_KEYS)
    recipients = _recipients(place, entry)
    if not recipients:
        raise ConfigurationError(f"{FILE}, {place}: nobody is named; give `to` (addresses) or `channel`")
    delivery, empty = entry.get("delivery", "single"), entry.get("digest_when_empty", False)
    if delivery not in DELIVERIES:
        raise _wrong(f"{place} delivery", f"one of {', '.join(DELIVERIES)}", delivery)
    if not isinstance(empty, bool):
        raise _wrong(f"{place} digest_when_empty", "true or false", empty)
    return Route(
        name,
        recipients,
        _severity(f"{FILE}, {place}", entry.get("minimum_severity", minimum)),
        _holders(place, entry, declarations),
        _rules(place, entry, declarations),
        delivery,
        empty,
    )


def _recipients(place: str, entry: Mapping[str, Any]) -> tuple[str, ...]:
    to, channel = entry.get("to", []), entry.get("channel", "")
    if to and channel:
        raise ConfigurationError(f"{FILE}, {place}: both `to` and `channel`; declare a route for each")
    if not isinstance(to, list) or not all(address(one) for one in to):
        raise _wrong(f"{place} to", "a list of e-mail addresses", to)
    if channel and not (isinstance(channel, str) and VARIABLE.fullmatch(channel)):
        # not repeated here: it may be the address itself, which is a secret
        raise ConfigurationError(
            f"{FILE}, {place} channel: expected the NAME of an environment variable that holds the address, such as "
            "TREASURY_WATCH_CHANNEL_DESK; an address itself is a secret and does not belong in this file"
        )
    return (CHANNEL + channel,) if channel else tuple(to)


def _holders(place: str, entry: Mapping[str, Any], declarations: Declarations) -> frozenset[str]:
    """Ids of the holders that are named by label or id."""
    named: dict[str, str] = {}
    for row in declarations.rows("holders.csv"):
        named |= {row["holder_id"].lower(): row["holder_id"], row["holder"].lower(): row["holder_id"]}
    found = set()
    for name in _texts(place, entry, "holders"):
        if name.lower() not in named:
            near = get_close_matches(name.lower(), named, n=1)
            hint = f"; did you mean {named[near[0]]!r}?" if near else "; see config/holders.csv"
            raise ConfigurationError(f"{FILE}, {place} holders: no holder {shorten(repr(name))}{hint}")
        found.add(named[name.lower()])
    return frozenset(found)


def _rules(place: str, entry: Mapping[str, Any], declarations: Declarations) -> frozenset[str]:
    rules = declarations.rules
    known = [*rules["rules"], *(name for name in rules["episodes"] if name not in rules["rules"]), REVISION]
    for name in _texts(place, entry, "rules"):
        if name not in known:
            raise _wrong(f"{place} rules", f"names out of {', '.join(known)}", name)
    return frozenset(_texts(place, entry, "rules"))


def _texts(place: str, entry: Mapping[str, Any], key: str) -> list[str]:
    values = entry.get(key, [])
    if not isinstance(values, list) or not all(isinstance(one, str) for one in values):
        raise _wrong(f"{place} {key}", "a list of names", values)
    return values


def _severity(place: str, value: Any) -> str:
    if value not in SEVERITIES:
        raise ConfigurationError(
            f"{place} minimum_severity: expected one of {', '.join(SEVERITIES)}, found {shorten(repr(value))}"
        )
    return value


def _table(place: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ConfigurationError(f"{FILE}: [{place}] is not a table; see docs/alerts.md")
    return value


def _known_keys(place: str, entry: Mapping[str, Any], known: tuple[str, ...]) -> None:
    for key in entry:
        if key not in known:
            near = get_close_matches(key, known, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(known)}"
            raise ConfigurationError(f"{FILE}{', ' + place if place else ''}: unknown key {key!r}; {hint}")


def _wrong(what: str, expected: str, found: Any) -> ConfigurationError:
    return ConfigurationError(f"{FILE}, {what}: expected {expected}, found {shorten(repr(found))}")
