"""Who is told what: the routes of routing.toml. Without any, one route to the recipients of [mail]."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from treasury_watch.flows.alerts.transport.sending import CHANNEL
from treasury_watch.flows.settings.sections import REVISION, Receiver, RouteEntry
from treasury_watch.transforms.findings.finding import Announcement, Finding, RevisedFindings
from treasury_watch.transforms.findings.rules.flagged_months import SEVERITIES

if TYPE_CHECKING:
    from treasury_watch.flows.settings.settings import Settings


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
            return any(self._matches(row["holder_id"], [*row["rules"], REVISION]) for row in found.rows)
        return self._matches(found.holder_id, found.rules if isinstance(found, Finding) else [found.rule])

    def _matches(self, holder: str, rules: Iterable[str]) -> bool:
        """Whether the holder is one of the route's, and one of the rules is."""
        return (not self.holders or holder in self.holders) and (not self.rules or not self.rules.isdisjoint(rules))


@dataclass(frozen=True)
class Routing:
    """Every route, and who looks after the installation."""

    routes: tuple[Route, ...]
    operator: tuple[str, ...]
    late_after_days: int

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
    """The routes in force."""
    minimum, recipients = settings.alerts.minimum_severity, settings.mail.recipients
    declared = settings.routing
    routes = tuple(_route(name, entry, minimum) for name, entry in declared.routes.items())
    operator = _recipients(declared.operator) or recipients[:1]
    return Routing(routes or (Route("mail", recipients, minimum),), operator, declared.operator.late_after_days)


def _route(name: str, entry: RouteEntry, minimum: str) -> Route:
    return Route(
        name,
        _recipients(entry),
        entry.minimum_severity or minimum,
        frozenset(entry.holders),
        frozenset(entry.rules),
        entry.delivery,
        entry.digest_when_empty,
    )


def _recipients(entry: Receiver) -> tuple[str, ...]:
    return (CHANNEL + entry.channel,) if entry.channel else entry.to
