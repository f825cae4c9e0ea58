"""The list of findings: what reads alike is told once."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

from treasury_watch.flows.site.sections.findings import told_once


@dataclass(frozen=True)
class Told:
    """What the list reads of a finding."""

    key: str
    severity: str
    holder_id: str = "turkey"
    month: date = date(2026, 3, 1)
    end_month: date = date(2026, 4, 1)
    row: dict = field(default_factory=lambda: {"headline": "Turkey sold $5.0bn in March and April 2026."})


def test_of_a_fall_and_the_sale_that_made_it_the_gravest_is_listed() -> None:
    fall, sale = Told("fall", "notice"), Told("sale", "warning")
    later = Told("later", "notice", end_month=date(2026, 5, 1))
    other = Told("other", "notice", row={"headline": "Turkey's holdings fell $9.0bn."})
    assert [one.key for one in told_once([fall, sale, later, other])] == ["sale", "later", "other"]
