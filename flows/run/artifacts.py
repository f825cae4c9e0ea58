"""What a person wants to see of a run in Prefect's pages: a summary, its measures, its files, the newest findings."""

from __future__ import annotations

from typing import Any

from prefect.artifacts import create_markdown_artifact, create_table_artifact

from treasury_watch.flows.run.outcome import Outcome
from treasury_watch.transforms.amounts import billions
from treasury_watch.warehouse.home.published_database import open_published
from treasury_watch.warehouse.installation import Warehouse

FINDINGS = """
SELECT count(*), count(*) FILTER (month = (SELECT max(month) FROM holder_months)), (SELECT count(*) FROM episodes)
FROM sell_offs
"""
NEWEST = """
SELECT holder, month, rule, severity, verdict, change_usd_mn, net_purchases_usd_mn, valuation_usd_mn
FROM sell_offs ORDER BY month DESC, change_usd_mn LIMIT 20
"""


def show(warehouse: Warehouse, outcome: Outcome) -> None:
    """Create the artifacts `run-summary`, `run-metrics`, `run-files` and `newest-findings` of the current flow run."""
    lines = [f"**{outcome.summary()}**", ""]
    lines += [f"- {item.line()}" for item in outcome.loaded]
    lines += [f"- revised: {line}" for line in outcome.revisions.largest]
    lines += [f"- not reached: {problem}" for problem in outcome.problems]
    create_markdown_artifact("\n".join(lines), key="run-summary", description="What the run loaded and published")
    create_table_artifact(metrics(warehouse, outcome), key="run-metrics", description="The run in figures")
    if outcome.loaded:
        create_table_artifact(files(outcome), key="run-files", description="What became of each file")
    if not warehouse.home.database.exists():
        return
    with open_published(warehouse.home.database) as connection:
        newest = connection.execute(NEWEST).fetchall()
    rows = [
        {
            "holder": holder, "month": f"{month:%Y-%m}", "rule": rule, "severity": severity, "verdict": verdict,
            "change": _shown(change), "net purchases": _shown(net), "valuation": _shown(valuation),
        }
        for holder, month, rule, severity, verdict, change, net, valuation in newest
    ]  # fmt: skip
    create_table_artifact(rows, key="newest-findings", description="The newest flagged months")


def metrics(warehouse: Warehouse, outcome: Outcome) -> list[dict[str, Any]]:
    """The run in figures, one row a measure: files by what became of them, figures, findings, alerts, seconds by step."""
    became = {
        kind: sum(item.outcome == kind for item in outcome.loaded) for kind in ("vintage", "same_figures", "known")
    }
    found: list[tuple[str, float, str]] = [
        ("files that gave a new vintage", became["vintage"], "files"),
        ("files with the same figures", became["same_figures"], "files"),
        ("files seen before", became["known"], "files"),
        ("sources unchanged at their server", len(outcome.unchanged), "sources"),
        ("sources not reached", len(outcome.problems), "sources"),
        ("figures read", sum(item.figures for item in outcome.loaded), "figures"),
        ("figures new or changed", sum(item.changed for item in outcome.loaded), "figures"),
        ("published figures revised", outcome.revisions.figures, "figures"),
        ("findings that read differently", outcome.revisions.turned, "findings"),
    ]
    if outcome.published is not None:
        found.append(("rows published", sum(outcome.published.values()), "rows"))
    if warehouse.home.database.exists():
        with open_published(warehouse.home.database) as connection:
            flagged, newest, episodes = connection.execute(FINDINGS).fetchall()[0]
        found += [
            ("flagged months", flagged, "findings"),
            ("flagged in the newest month", newest, "findings"),
            ("episodes", episodes, "findings"),
        ]
    found += [
        (f"alerts {name}", getattr(outcome, name), "messages") for name in ("queued", "sent", "written", "failed")
    ]
    found += [(f"time to {step}", round(seconds, 2), "s") for step, seconds in outcome.seconds.items()]
    return [{"measure": measure, "value": value, "unit": unit} for measure, value, unit in found]


def files(outcome: Outcome) -> list[dict[str, Any]]:
    """One row for each loaded file."""
    return [
        {
            "source": item.source, "outcome": item.outcome, "released": str(item.released or ""),
            "by": item.released_basis or "", "figures": item.figures, "new or changed": item.changed,
        }
        for item in outcome.loaded
    ]  # fmt: skip


def _shown(usd_mn: float | None) -> str:
    return "n.a." if usd_mn is None else billions(usd_mn)
