"""The reference pages, made from what is declared: docs/tables.md, sources.md, rules.md,
commands.md and cookbook.md.

`make docs` writes them; a test fails when they are not what this would write.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from treasury_watch.flows.commands.main import main
from treasury_watch.flows.commands.sql import cookbook
from treasury_watch.transforms.amounts import billions
from treasury_watch.transforms.findings.rules.declared import EARLY, EPISODES, MONTHS, episode_rule, month_rule
from treasury_watch.transforms.signals.early.officials import why
from treasury_watch.warehouse.declarations import PROJECT, Declarations
from treasury_watch.warehouse.tables.declared_tables import UNITS

NOTE = "<!-- Written by `make docs` from what is declared; change it there, not here. -->\n"


def pages(declarations: Declarations) -> dict[str, str]:
    """The pages by file name."""
    return {
        "tables.md": tables(declarations),
        "sources.md": sources(declarations),
        "rules.md": rules(declarations),
        "commands.md": commands(),
        "cookbook.md": cookbook.page(declarations, NOTE),
    }


def tables(declarations: Declarations) -> str:
    """Every table with its columns, types, units and descriptions."""
    lines = [NOTE, "# Tables", ""]
    lines += [
        "Each is a table of `treasury.duckdb` and a file below `parquet/`; the descriptions are also comments in both.",
        "",
    ]
    for table in declarations.tables.values():
        lines += [
            f"## `{table.name}`",
            "",
            f"{table.description}. One row per {', '.join(f'`{k}`' for k in table.key)}.",
            "",
        ]
        lines += ["| column | type | unit | meaning |", "|---|---|---|---|"]
        for column in table.columns:
            lines.append(f"| `{column.name}` | {column.type} | {UNITS.get(column.type, '')} | {column.description} |")
        lines.append("")
    return "\n".join(lines)


def sources(declarations: Declarations) -> str:
    """Every declared source with its address, layout and unit."""
    lines = [NOTE, "# Sources", "", "| id | what | unit | rhythm | covers | address |", "|---|---|---|---|---|---|"]
    for source in declarations.sources.values():
        address = source.url if "://" in source.url else f"`config/{source.url}`"
        lines.append(
            f"| `{source.id}` | {source.title} | {source.unit} | {source.rhythm} | {source.covers} | {address} |"
        )
    lines += [
        "",
        "## Early signals",
        "",
        "The series of sources that state several, and when figures are public (`docs/methodology.md`).",
        "",
    ]
    lines += [
        "| series | unit | what its level means | plausible | public | asked besides the daily run |",
        "|---|---|---|---|---|---|",
    ]
    for source in declarations.sources.values():
        for one in source.stated_series if source.known_from else ():
            poll = declarations.polls.get(source.poll)
            asked = f"`{poll.cron}` {poll.timezone}" if poll else ""
            bounds = f"{one.low:,.0f} to {one.high:,.0f}"
            lines.append(
                f"| `{one.series_id}` | {one.unit} | {one.meaning} | {bounds} | `{source.known_from}` | {asked} |"
            )
    lines += ["", "| rule | a figure counts as public |", "|---|---|"]
    lines += [f"| `{name}` | {_publication(rule)} |" for name, rule in declarations.publication_rules.items()]
    return "\n".join([*lines, ""])


def _publication(rule: dict[str, Any]) -> str:
    """A rule of publication in words."""
    if rule["rule"] == "same_day":
        return "on the day itself"
    country = f" ({rule['country']})"
    if rule["rule"] == "weekday_after":
        return f"on the next {rule['weekday'].title()} after its day, a day later in a week with a holiday{country}"
    if rule["rule"] == "business_days_after":
        after = f"its {rule['period_days']} days" if "period_days" in rule else "its day"
        return f"{rule['number']} business day{'s' if rule['number'] > 1 else ''} after {after}{country}"
    later = f", and not before the month's business day no. {rule['business_day']}" if "business_day" in rule else ""
    months = f"{rule['months']} month{'s' if rule['months'] > 1 else ''} on"
    return f"{months}, on day {rule['day']} or the next business day{later}{country}"


def rules(declarations: Declarations) -> str:
    """Every rule with what it looks at and what it asks for."""
    document = declarations.rules
    lines = [
        NOTE,
        "# Rules",
        "",
        "Flagged is a fall or a net sale that reaches all three: its amount, its share of what was held before, and where",
        "one is given its score (or lower; no score is asked for where a holder has too little history).",
        "",
    ]
    lines += ["| rule | flags | looks at | amount | share | score | why it flags |", "|---|---|---|--:|---|--:|---|"]
    for section, read, flags in ((MONTHS, month_rule, "months"), (EPISODES, episode_rule, "runs of {} months or more")):
        for name, entry in document[section].items():
            rule = read(document, name)
            whose = " of the official total" if entry.get("scope") == "official" else ""
            share = f"{rule.minimum_share_pct:g}% of `{entry.get('share_of', 'position_usd_mn')}`"
            asked = [billions(rule.minimum_usd_mn, signed=False), share]
            score = "" if rule.maximum_score is None else f"{rule.maximum_score:g}"
            lines.append(
                f"| `{name}` | {flags.format(rule.minimum_months)}{whose} | `{rule.amount.column}` | {' | '.join(asked)} "
                f"| {score} | {rule.sentence} |"
            )
    return "\n".join([*lines, "", *early_rules(document), ""])


def early_rules(document: Mapping[str, Any]) -> list[str]:
    """What is told of a month before its release."""
    lines = ["## Before the release", "", "| rule | severity | why it is told |", "|---|---|---|"]
    for name, entry in document.get(EARLY, {}).items():
        lines.append(f"| `{name}` | {entry['severity']} | {why(entry)} |")
    return lines


def commands() -> str:
    """The `--help` of every command."""
    lines = [NOTE, "# Commands", ""]
    for path, command in walk(main, "treasury-watch"):
        names = main.context_settings["help_option_names"]
        with click.Context(command, info_name=path, terminal_width=100, help_option_names=names) as context:
            lines += [f"## `{path}`", "", "```", command.get_help(context), "```", ""]
    return "\n".join(lines)


def walk(command: click.Command, path: str) -> list[tuple[str, click.Command]]:
    """The command and all below it, with their full names."""
    found = [(path, command)]
    if isinstance(command, click.Group):
        for name in sorted(command.commands):
            found += walk(command.commands[name], f"{path} {name}")
    return found


def write(folder: Path) -> None:
    """Write the pages into a folder."""
    for name, text in pages(Declarations()).items():
        (folder / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write(PROJECT / "docs")
