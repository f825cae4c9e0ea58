"""A finding's page names every file that its figures are of, and the newest of their releases."""

from __future__ import annotations

from datetime import date
from typing import Any

from treasury_watch.flows.site.pages.findings import counted_from, provenance, vintage_of

MARCH, APRIL = date(2026, 3, 1), date(2026, 4, 1)
JUNE_RELEASE, SEPTEMBER_RELEASE = date(2026, 6, 18), date(2026, 9, 16)
TITLES = {name: {"title": name, "publisher": "U.S. Treasury", "url": ""} for name in ("slt_table3", "mfhhis01")}
FLOWS = {
    "slt_table3": [
        {
            "source": "slt_table3", "released": JUNE_RELEASE, "released_basis": "calendar", "sha256": "3",
            "first_month": date(2020, 1, 1), "last_month": APRIL,
        }
    ]
}  # fmt: skip


def month(of: date, source: str, change_usd_mn: float | None = -11_900.0) -> dict[str, Any]:
    return {"month": of, "source": source, "basis": "table3", "change_usd_mn": change_usd_mn}


def printed(of: date, source: str, released: date, line: int) -> dict[str, Any]:
    return {"month": of, "source": source, "superseded": None, "released": released, "sha256": source[-1], "line": line}


OWN = [month(MARCH, "mfhhis01"), month(APRIL, "slt_table3")]
STATED = {
    MARCH: [printed(MARCH, "mfhhis01", SEPTEMBER_RELEASE, 40)],
    APRIL: [printed(APRIL, "slt_table3", JUNE_RELEASE, 5178)],
}


def test_a_change_counted_from_a_newer_release_stands_in_that_release():
    held = counted_from(OWN, OWN[1:])
    assert [row["month"] for row in held] == [MARCH, APRIL]
    assert vintage_of(STATED, held) == SEPTEMBER_RELEASE
    told = {row["source"]: (row["states"], row["lines"]) for row in provenance(held, OWN[1:], STATED, FLOWS, TITLES)}
    assert told["mfhhis01"] == ("holdings at the end of March 2026", [40])
    assert told["slt_table3"][1] == [5178]


def test_what_stood_before_is_no_part_of_a_finding_whose_first_change_is_not_known():
    own = [OWN[0], month(APRIL, "slt_table3", None)]
    assert counted_from(own, own[1:]) == own[1:]
    assert vintage_of(STATED, own[1:]) == JUNE_RELEASE
    assert counted_from(OWN, []) == []
