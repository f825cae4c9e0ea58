"""Which findings a release's page tells."""

from datetime import date

from treasury_watch.flows.site.pages.releases import new_findings, told_of


def row(end: str, severity: str = "notice", amount: float = -1.0) -> dict:
    return {"headline": "x", "severity": severity, "holder_id": "japan", "end_month": end, "amount_usd_mn": amount,
            "rising": False}  # fmt: skip


MAY = [date(2024, 5, 1)]


def test_what_no_earlier_release_flagged_is_new_and_so_is_what_reaches_into_the_new_month() -> None:
    flagged = {"seen": row("2024-03-01"), "goes on": row("2024-05-01"), "revised in": row("2024-02-01")}
    assert new_findings(flagged, {"seen", "goes on"}, MAY).keys() == {"goes on", "revised in"}


def test_on_the_first_day_that_a_build_saw_old_findings_are_not_called_new() -> None:
    kept = {"basis": "then", "flagged": {"old": row("2015-08-01"), "new": row("2024-05-01")}}
    assert [page for page, _ in told_of(kept, {}, MAY, first_of_record=True)] == ["new"]


def test_the_gravest_and_largest_come_first() -> None:
    flagged = {
        "a": row("2024-05-01", amount=-2.0),
        "b": row("2024-05-01", amount=-9.0),
        "c": row("2024-05-01", "critical"),
    }
    kept = {"basis": "then", "flagged": flagged}
    assert [page for page, _ in told_of(kept, {}, MAY, first_of_record=False)] == ["c", "b", "a"]
