"""The mail on a finding: what it says. flows/alerts/transport/sending.py hands it over.

Everything that came from a published file is data here: it is escaped in HTML, put on one line in headers, and never
decides where a message goes.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import date
from email.message import EmailMessage
from typing import Any

import pandas as pd

from treasury_watch.flows.alerts.mails.envelope import TEMPLATES, envelope
from treasury_watch.flows.alerts.transport.sending import MailError
from treasury_watch.flows.settings.sections import MailSettings
from treasury_watch.transforms.amounts import (
    billions,
    billions_cell,
    in_billions,
    is_known,
    millions_cell,
    percent,
    rounded,
    went,
)
from treasury_watch.transforms.findings.detection import OFFICIAL
from treasury_watch.transforms.findings.explain.subjects import verdict_told
from treasury_watch.transforms.findings.finding import Episode, Finding, FlaggedMonth
from treasury_watch.transforms.findings.rules.flagged_months import AMOUNTS
from treasury_watch.transforms.months import months_from, shifted
from treasury_watch.transforms.wording import joined, month_name, one_line
from treasury_watch.warehouse.declarations import Declarations

CONTEXT_MONTHS = 6
MONTHS_LISTED = 36  # of a longer run the last ones: mail clients cut a message off at 102,400 bytes of HTML
BASIS_SOURCES = {
    "slt": "slt_table3", "cslt": "cslt", "form_s": "s1_globl", "estimated": "s1_globl",
    "press_release": "tic_press_releases",
}  # fmt: skip
TABLE3_NOTE = (
    "Net purchases and valuation are the Treasury's own (Table 3); the valuation change is that of bonds and notes."
)
BILLS_NOTE = "Net purchases of bills are the publisher's estimate, the change in the position."
DATED_BY = {
    "file": "date printed in the file",
    "calendar": "date from the release calendar",
    "container": "date in the name of the archive or folder that it lay in",
    "next_release": "before the release that followed, the day is not known",
    "retrieval": "day of the download, the day of release is not known",
    "user": "date given when the file was loaded",
}


def compose(
    finding: Finding,
    history: pd.DataFrame,
    releases: pd.DataFrame,
    settings: MailSettings,
    recipient: str,
    chart_png: bytes | None = None,
    *,
    chart_alt: str = "",
    declarations: Declarations | None = None,
    first: str | None = None,
    later: Mapping[str, Any] | None = None,
    official: str | None = None,
) -> EmailMessage:
    """The message on a finding: a text part that stands alone, and an HTML part with the chart inside if there is one.

    `history` has the holder's rows of holder_months, at least the finding's months and the one before; `releases` the
    rows of releases; `chart_alt` says what the chart shows; `first` is the Message-ID of the first message that was
    sent on the event, whose thread this one joins; None where none was. `later` is the holder's row of the newest month
    published since, None where the finding reaches to it; `official` what the release says of the official sector against
    the estimate before it, None where there was none. Rules and sources' titles are those of `declarations`,
    config/ where none are given. Raises MailError where the history lacks a month of the finding, ConfigurationError
    where the rules lack its rule.
    """
    content = _content(finding, history, releases, declarations or Declarations()) | {"later": newer_month(later)}
    shown = (
        f"Chart of the Treasuries held by {content['holder']} and what changed them. The tables below give the figures."
    )
    content["chart_alt"] = one_line(chart_alt) or shown
    content["recipient"] = one_line(recipient)
    content["official"] = one_line(official) if official else None
    content["chart_cid"] = "chart@treasury-watch" if chart_png else None
    message = envelope(finding.key, finding.title, settings, recipient)
    if first and first != message["Message-ID"]:
        message["In-Reply-To"] = message["References"] = first
    text = TEMPLATES.get_template("finding.txt.j2").render(content)
    html = TEMPLATES.get_template("finding.html.j2").render(content)
    message.set_content(text, cte="quoted-printable")
    message.add_alternative(html, subtype="html", cte="quoted-printable")
    if chart_png:
        rich: Any = message.get_payload(1)
        rich.add_related(
            chart_png, "image", "png", cid="<chart@treasury-watch>", disposition="inline", filename="chart.png"
        )
    return message


def _content(
    finding: Finding, history: pd.DataFrame, releases: pd.DataFrame, declarations: Declarations
) -> dict[str, Any]:
    """What both parts say: first the finding's own first sentence."""
    row = finding.row
    lead, told = one_line(row.get("headline") or ""), one_line(row["explanation"])
    lead, rest = (lead, told[len(lead) :].strip()) if lead and told.startswith(lead) else (finding.headline, told)
    ordered = history.sort_values("month")
    months = ordered["month"]
    inside = ordered[months.between(pd.Timestamp(finding.month), pd.Timestamp(finding.end_month))]
    known = {month.date() for month in inside["month"]}
    lacking = [month for month in months_from(finding.month, finding.end_month) if month not in known]
    if lacking:
        raise MailError(
            f"finding {finding.key}",
            f"holder_months has no row of {finding.holder_id} for {lacking[0]:%Y-%m}",
            "publish again with treasury-watch rebuild",
        )
    prior = ordered[months == pd.Timestamp(shifted(finding.month, -1))]
    first = finding.month if isinstance(finding, Episode) else shifted(finding.month, 1 - CONTEXT_MONTHS)
    shown = ordered[months.between(pd.Timestamp(first), pd.Timestamp(finding.end_month))]
    vintages, known_on = _vintages(finding, pd.concat([prior, inside]), releases, declarations)
    return {
        "subject": finding.title,
        "holder": one_line(finding.holder),
        "period": finding.period,
        "verdict": row["verdict"],
        "verdict_words": verdict_told(row, finding.end_month),
        "severity": one_line(finding.severity),
        "lead": lead,
        "explanation": rest,
        "positions": _positions(pd.concat([prior.tail(1), inside.tail(1)])),
        "parts": _parts(row),
        "months": _month_rows(shown.tail(MONTHS_LISTED), finding),
        "months_before": max(0, len(shown) - MONTHS_LISTED),
        "currency": _currency(finding),
        "why": _why(finding, declarations.rules["score"]["window_months"]),
        "caveats": _caveats(finding, prior, inside),
        "vintages": vintages,
        "sql": sql(finding),
        "table": table_of(finding),
        "sql_as_of": f"{table_of(finding)}_as_of(DATE '{known_on:%Y-%m-%d}')" if known_on else None,
        "key": one_line(finding.key),
    }


def newer_month(later: Mapping[str, Any] | None) -> str | None:
    """That a month after the finding is out, and what it says; `later` is that month's row. None without one."""
    if later is None:
        return None
    month, position, change = month_name(later["month"]), later["position_usd_mn"], later["change_usd_mn"]
    at = billions(position, signed=False)
    if change is None or not is_known(change):
        return f"A newer month is out: {month}, holdings {at}."
    if not in_billions(change):
        return f"A newer month is out: in {month} holdings hardly changed, at {at}."
    return f"A newer month is out: in {month} holdings {went(change)} to {at}."


def _parts(row: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The decomposition, line by line."""
    lines = [
        ("", "Change in holdings", "change_usd_mn", "total"),
        ("=", "Net purchases", "net_purchases_usd_mn", "part"),
        ("", "bonds and notes", "net_long_term_usd_mn", "of_which"),
        ("", "bills", "net_short_term_usd_mn", "of_which"),
        ("+", "Valuation change", "valuation_usd_mn", "part"),
        ("+", "Other changes", "other_usd_mn", "part"),
    ]
    return [
        {"sign": sign, "label": label, "kind": kind, "bn": billions_cell(row[name]), "mn": millions_cell(row[name])}
        for sign, label, name, kind in lines
    ]


def _month_rows(shown: pd.DataFrame, finding: Finding) -> list[dict[str, Any]]:
    names = ["change_usd_mn", "net_purchases_usd_mn", "valuation_usd_mn", "other_usd_mn"]
    return [
        {
            "month": f"{row['month']:%b %Y}",
            "cells": [billions_cell(row[name]) for name in names],
            "flagged": isinstance(finding, FlaggedMonth) and row["month"] == pd.Timestamp(finding.month),
        }
        for row in shown.to_dict("records")
    ]


def _positions(ends: pd.DataFrame) -> str | None:
    stated = [
        f"{billions(row['position_usd_mn'], signed=False)} at the end of {month_name(row['month'])}"
        for row in ends.to_dict("records")
        if pd.notna(row["position_usd_mn"])
    ]
    return f"Holdings were {' and '.join(stated)}." if stated else None


def _currency(finding: Finding) -> list[str]:
    """What the holder's currency and its authorities did, in the finding's own words; empty where they are no news.

    The rate stands beside the words and never alone: a peg or a narrow band is no news.
    """
    row = finding.row
    if not row.get("context"):
        return []
    average, lines = row.get("fx_per_usd_average"), []
    if average:
        digits = max(0, 4 - math.floor(math.log10(average)))
        code, last = one_line(row["currency"]), month_name(finding.end_month)
        lines.append(f"{code} {rounded(average, digits):,} per USD, average of {last}.")
    return [*lines, one_line(row["context"])]


def _why(finding: Finding, window_months: int) -> list[str]:
    """The rule's sentence, and the figures that met it beside the ones it asks for."""
    rule, row = finding.declared, finding.row
    amount = finding.amount_usd_mn
    size = None if amount is None else abs(amount)
    asked = [
        f"Amount {billions(size, signed=False)} (asked: {billions(rule.minimum_usd_mn, signed=False)} or more).",
        f"Share of the position before: {percent(row['share_pct'])} (asked: {rule.minimum_share_pct:g}% or more).",
    ]
    if isinstance(finding, Episode):
        asked.append(f"Months: {row['months']} (asked: {rule.minimum_months} or more).")
    else:
        known = "not known, too little history" if row["score"] is None else str(rounded(row["score"], 1))
        limit = f"{rule.maximum_score:g} or lower, against the {window_months} months before"
        asked.append(f"Score against the holder's own months: {known} (asked: {limit}).")
    return [rule.sentence, *asked, *_other_rules(finding)]


def _other_rules(finding: Finding) -> list[str]:
    """The other rules that flag the same month, with what each measured."""
    others = finding.hits[1:] if isinstance(finding, FlaggedMonth) else ()
    named = [
        f"{hit['name']} ({billions(abs(hit['amount_usd_mn']), signed=False)}, {percent(hit['share_pct'])})"
        for hit in others
    ]
    return [f"Also flagged as {joined(named)}."] if named else []


def _caveats(finding: Finding, prior: pd.DataFrame, inside: pd.DataFrame) -> list[str]:
    """The finding's own caveats, as everywhere, and what a message that is passed on has to say by itself."""
    row, used = finding.row, pd.concat([prior, inside])
    bases = (row["basis"] or "").split("+") if row["basis"] else []
    found = []
    if row["verdict"] == "unexplained":
        found.append("Not explained: the change may be sales, prices or custody. Do not quote it as selling.")
    found += [one_line(caveat) for caveat in (row.get("caveats") or "").splitlines()]
    if row.get("read_together"):
        found.append(one_line(row["read_together"]))
    sources = sorted(used["source"].dropna().unique())
    if len(sources) > 1:
        found.append(
            f"Positions come from more than one source ({', '.join(sources)}); their rounding is in other changes."
        )
    elif bases and sources and sources != [BASIS_SOURCES.get(bases[0])]:
        found.append(
            f"Positions come from {sources[0]}, net purchases from another source: rounding is in other changes."
        )
    if bases == ["slt"]:
        found += (
            [TABLE3_NOTE] if any("of bills are an estimate" in told for told in found) else [TABLE3_NOTE, BILLS_NOTE]
        )
    found.append("Every release revises the past, whole years at a time with the annual survey.")
    return found


def _vintages(
    finding: Finding, used: pd.DataFrame, releases: pd.DataFrame, declarations: Declarations
) -> tuple[list[str], date | None]:
    """Which release each source's figures are from, and the day on which all of them were known."""
    bases = [BASIS_SOURCES[basis] for basis in (finding.row["basis"] or "").split("+") if basis]
    wanted = sorted({*used["source"].dropna(), *bases})
    lines, days = [], []
    for source in wanted:
        # the last month that this source is used for: a run may reach beyond it
        taken = (used["source"] == source) | (used["net_purchases_usd_mn"].notna() if source in bases else False)
        month = used[taken]["month"].max() if taken.any() else pd.Timestamp(finding.end_month)
        covering = releases[
            (releases["source"] == source) & (releases["first_month"] <= month) & (releases["last_month"] >= month)
        ]
        if covering.empty:
            lines.append(f"{source}: the release that states {month:%Y-%m} is not recorded.")
            continue
        last = covering.sort_values("released").iloc[-1]
        day = last["released"].date()
        days.append(day)
        declared = declarations.source(source)
        basis = DATED_BY.get(last["released_basis"], last["released_basis"])
        lines.append(f"{declared.publisher}, {declared.title} ({source}): release of {day.day} {day:%B %Y} ({basis}).")
    return lines, max(days) if len(days) == len(wanted) and days else None


def table_of(finding: Finding) -> str:
    """The table that has the finding's months; with `_as_of` the view of it as known on a day."""
    return "aggregate_months" if finding.holder_id == OFFICIAL else "holder_months"


def sql(finding: Finding) -> str:
    """The query on the published database that gives the figures of the message."""
    holder = finding.holder_id.replace("'", "''")
    known = [name for name in AMOUNTS if finding.row[name] is not None]
    if isinstance(finding, Episode):
        chosen = ",\n       ".join(f"sum({name}) AS {name}" for name in known)
        when = f"month BETWEEN DATE '{finding.month}' AND DATE '{finding.end_month}'"
    else:
        chosen = ",\n       ".join(["position_usd_mn", *known])
        when = f"month = DATE '{finding.month}'"
    return f"SELECT {chosen}\nFROM {table_of(finding)}\nWHERE holder_id = '{holder}'\n  AND {when};"
