"""What a person wants to see of a run in Prefect's pages: a summary, its measures, its files, the newest findings."""

from __future__ import annotations

from datetime import date
from typing import Any

from prefect.artifacts import create_markdown_artifact, create_table_artifact

from treasury_watch.flows.run.summary.outcome import Outcome
from treasury_watch.transforms.amounts import billions
from treasury_watch.transforms.findings.events import events_in
from treasury_watch.transforms.findings.finding import Episode, Finding, FlaggedMonth
from treasury_watch.warehouse.home.published_database import open_published
from treasury_watch.warehouse.installation import Warehouse
from treasury_watch.warehouse.tables.published_findings import newest_month, published_findings

SHOWN = 20


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
        found = published_findings(connection, warehouse.declarations.rules)
        rows = newest_findings(found, newest_month(connection))
    create_table_artifact(rows, key="newest-findings", description="The events of the newest month, weightiest first")


def newest_findings(found: list[Finding], newest: date | None) -> list[dict[str, Any]]:
    """The events of the newest month as the page and the digest have them, one row each."""
    told = events_in(found, newest) if newest else []
    return [
        {
            "holder": item.holder, "month": f"{item.end_month:%Y-%m}", "period": item.period, "rules": ", ".join(item.rules),
            "severity": item.severity,
            "verdict": item.row["verdict"], "change": _shown(item.row["change_usd_mn"]),
            "net purchases": _shown(item.row["net_purchases_usd_mn"]), "valuation": _shown(item.row["valuation_usd_mn"]),
            "explanation": item.row["explanation"],
        }
        for item in told[:SHOWN]
    ]  # fmt: skip


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
        ("sources not reached", len(outcome.unreached), "sources"),
        ("figures read", sum(item.figures for item in outcome.loaded), "figures"),
        ("figures new or changed", sum(item.changed for item in outcome.loaded), "figures"),
        ("published figures revised", outcome.revisions.figures, "figures"),
        ("findings that read differently", outcome.revisions.turned, "findings"),
    ]
    if outcome.published is not None:
        found.append(("rows published", sum(outcome.published.values()), "rows"))
    if warehouse.home.database.exists():
        with open_published(warehouse.home.database) as connection:
            published = published_findings(connection, warehouse.declarations.rules)
            newest = newest_month(connection)
        found += [
            ("flagged months", sum(isinstance(item, FlaggedMonth) for item in published), "findings"),
            ("episodes", sum(isinstance(item, Episode) for item in published), "findings"),
            ("events of the newest month", len(events_in(published, newest)) if newest else 0, "findings"),
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
