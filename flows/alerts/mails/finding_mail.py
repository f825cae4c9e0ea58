"""Findings as e-mail: which there are, and what a message on one says. flows/transport.py hands it over.

Everything that came from a published file is data here: it is escaped in HTML, put on one line in headers, and never
decides where a message goes.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from email.message import EmailMessage
from typing import Any

import duckdb
import pandas as pd

from treasury_watch.flows.alerts.mails import subjects
from treasury_watch.flows.alerts.mails.envelope import TEMPLATES, envelope, message_id
from treasury_watch.flows.alerts.transport import PASSWORD_VARIABLE, MailError, MailSettings, Transport, one_line
from treasury_watch.transforms.errors import ConfigurationError, shorten
from treasury_watch.transforms.findings.detection import OFFICIAL, interventions_in_usd
from treasury_watch.transforms.findings.explain.sentences import VERDICT_WORDS, billions, month_name
from treasury_watch.transforms.findings.rules.flagged_months import AMOUNTS
from treasury_watch.transforms.model import MAIN_SOURCE
from treasury_watch.transforms.rates.exchange_rates import own_change_pct
from treasury_watch.warehouse.declarations import Declarations

__all__ = [
    "PASSWORD_VARIABLE",
    "Finding",
    "MailError",
    "MailSettings",
    "Transport",
    "compose",
    "findings_in",
    "message_id",
    "sql",
    "subject",
]

SUBJECT_LENGTH = 110
CONTEXT_MONTHS = 6
SHORT_VERDICTS = {
    "sold": "mostly sold",
    "repriced": "mostly repriced",
    "moved": "mostly moved or reclassified",
    "mixed": "mixed causes",
    "unexplained": "not explained",
}
BASIS_SOURCES = {"slt": MAIN_SOURCE, "cslt": "cslt", "form_s": "s1_globl"}
TABLE3_NOTE = (
    "Net purchases and valuation are the Treasury's own (Table 3). Net purchases of bills are the publisher's estimate, "
    "the change in the position; the valuation change is that of bonds and notes."
)
DATED_BY = {
    "file": "date printed in the file",
    "calendar": "date from the release calendar",
    "retrieval": "day of the download, the day of release is not known",
    "user": "date given when the file was loaded",
}


@dataclass(frozen=True)
class Finding:
    """A flagged month or an episode. `month` is its first month, `end_month` its last; both are first days of months.

    `key` and `thread` depend on holder, rule and months alone, never on figures. `row` is the row of sell_offs or
    episodes, NULL as None; an episode's also has currency, fx_per_usd_average (of its last month), fx_change_period_pct
    (against the month before it) and interventions_usd_mn (of all its months), None where unknown.
    """

    key: str
    thread: str
    holder_id: str
    holder: str
    rule: str
    month: date
    end_month: date
    severity: str
    title: str
    row: dict[str, Any]

    @property
    def is_episode(self) -> bool:
        """Whether it is a run of months."""
        return self.key.startswith("episode:")


def findings_in(connection: duckdb.DuckDBPyConnection) -> list[Finding]:
    """Every flagged month and episode of a published database, oldest first."""
    months = [_finding(row, row["month"], row["month"]) for row in _rows(connection, "FROM sell_offs")]
    runs = _rows(connection, "SELECT e.*, currency FROM episodes e LEFT JOIN holders USING (holder_id)")
    _add_currency_context(connection, runs)
    _add_newest_month(connection, runs)
    episodes = [_finding(row, row["start_month"], row["end_month"]) for row in runs]
    return sorted(months + episodes, key=lambda found: (found.end_month, found.holder_id, found.key))


def _rows(connection: duckdb.DuckDBPyConnection, query: str) -> list[dict[str, Any]]:
    cursor = connection.execute(query)
    names = [column[0] for column in cursor.description or []]
    return [dict(zip(names, values, strict=True)) for values in cursor.fetchall()]


def _finding(row: dict[str, Any], start: date, end: date) -> Finding:
    who = f"{row['rule']}:{row['holder_id']}:{start:%Y-%m}"
    episode = "start_month" in row
    key = f"episode:{who}:{end:%Y-%m}" if episode else f"month:{who}"
    thread = f"episode:{who}" if episode else key
    found = Finding(key, thread, row["holder_id"], row["holder"], row["rule"], start, end, row["severity"], "", row)
    return replace(found, title=subject(found))


def _add_currency_context(connection: duckdb.DuckDBPyConnection, runs: list[dict[str, Any]]) -> None:
    """What the currency did over each episode, and the interventions in its months."""
    rates = connection.execute("SELECT currency, month, average FROM fx_monthly").df()
    days = (month.date() for month in rates["month"])
    average = dict(zip(zip(rates["currency"], days, strict=True), rates["average"], strict=True))
    yen = connection.execute("FROM fx_daily WHERE currency = 'JPY'").df()
    operations = interventions_in_usd(connection.execute("FROM interventions").df(), yen)
    for row in runs:
        after = average.get((row["currency"], row["end_month"]))
        before = average.get((row["currency"], _months_before(row["start_month"], 1)))
        row["fx_per_usd_average"] = after
        row["fx_change_period_pct"] = 100 * (after / before - 1) if after and before else None
        span = operations["month"].between(pd.Timestamp(row["start_month"]), pd.Timestamp(row["end_month"]))
        sums = operations.loc[span & (operations["country"] == row["holder"]), "interventions_usd_mn"]
        row["interventions_usd_mn"] = float(sums.sum()) if len(sums) else None


def _add_newest_month(connection: duckdb.DuckDBPyConnection, runs: list[dict[str, Any]]) -> None:
    """The newest published month of each run that goes on into it, as `newest`: its row of holder_months, else None."""
    rows = _rows(connection, "FROM holder_months WHERE month = (SELECT max(month) FROM holder_months)")
    newest = {row["holder_id"]: row for row in rows}
    for row in runs:
        month = newest.get(row["holder_id"])
        row["newest"] = month if month and month["month"] == row["end_month"] else None


def _months_before(month: date, count: int) -> date:
    return (pd.Timestamp(month) - pd.DateOffset(months=count)).date()


def subject(finding: Finding) -> str:
    """The whole finding in one line of at most 110 characters. Figures are never cut; a name that is too long is."""
    holder, reading, brief = one_line(finding.holder), _reading(finding), _reading(finding, brief=True)
    month = finding.row.get("newest")
    if month and month["month"] == finding.end_month and month["change_usd_mn"] is not None:
        for text in subjects.lines(holder, month, finding.month, _total(finding)):
            if len(text) <= SUBJECT_LENGTH:
                return text
    texts = [
        f"{_headline(finding, holder)}; {reading}",
        f"{_headline(finding, holder, short=True)}; {reading}",
        f"{_headline(finding, holder, short=True)}; {brief}",
    ]
    for text in texts:
        if len(text) <= SUBJECT_LENGTH:
            return text
    # without the name, the shortest form always fits
    kept = len(holder) - (len(texts[-1]) - SUBJECT_LENGTH)
    return f"{_headline(finding, shorten(holder, kept), short=True)}; {brief}"


def _total(finding: Finding) -> str:
    """What an episode's months come to, for a subject."""
    if finding.rule == "net_sale":
        return f"net sales since {{since}}: {billions(abs(finding.row['net_purchases_usd_mn']), signed=False)}"
    return f"falling since {{since}}: {billions(finding.row['change_usd_mn'])}"


def _headline(finding: Finding, holder: str, short: bool = False) -> str:
    """Who, how much and when: `Japan: Treasuries -$40.9bn in April 2024`."""
    row, sale = finding.row, finding.rule in ("net_sale", "official_sale")
    if finding.rule == "bond_sale":
        what = f"net sales of bonds and notes {billions(abs(row['net_long_term_usd_mn']), signed=False)}"
    elif sale:
        what = f"net sales of Treasuries {billions(abs(row['net_purchases_usd_mn']), signed=False)}"
    else:
        what = f"Treasuries {billions(row['change_usd_mn'])}"
    if not finding.is_episode:
        return f"{holder}: {what} in {_month(finding.month, short)}"
    count = f"{row['months']} months" if short or sale else f"{row['months']} months falling"
    return f"{holder}: {what}, {_span(finding, short)} ({count})"


def _reading(finding: Finding, brief: bool = False) -> str:
    """How to read the headline: `mostly repriced, net purchases -$11.8bn`."""
    row = finding.row
    if finding.rule in ("net_sale", "bond_sale", "official_sale"):
        holdings = f"holdings {billions(row['change_usd_mn'])}"
        return holdings if brief else f"{holdings}, valuation {billions(row['valuation_usd_mn'])}"
    words = SHORT_VERDICTS[row["verdict"]]
    if row["net_purchases_usd_mn"] is None:
        return words if brief else f"{words}, no decomposition published"
    words = words.removesuffix(" or reclassified") if brief else words
    if row["verdict"] == "sold" and not finding.is_episode and row["net_purchases_usd_mn"] < 0:
        return subjects.sold(row, brief)
    return f"{words}, net purchases {billions(row['net_purchases_usd_mn'])}"


def _month(month: date, short: bool) -> str:
    return f"{month:%b %Y}" if short else month_name(pd.Timestamp(month))


def _span(finding: Finding, short: bool = False) -> str:
    """`April to June 2024`, `Nov 2025 to Jan 2026`."""
    start, end = _month(finding.month, short), _month(finding.end_month, short)
    same_year = finding.month.year == finding.end_month.year
    return f"{start.split()[0] if same_year else start} to {end}"


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
) -> EmailMessage:
    """The message on a finding: a text part that stands alone, and an HTML part with the chart inside if there is one.

    `history` has the holder's rows of holder_months, at least the finding's months and the one before; `releases` the
    rows of releases; `chart_alt` says what the chart shows; `first` is the Message-ID of the first message on the event,
    whose thread this one joins. Rules and sources' titles are those of `declarations`,
    config/ where none are given. Raises MailError where the history lacks a month of the finding, ConfigurationError
    where the rules lack its rule.
    """
    content = _content(finding, history, releases, declarations or Declarations())
    shown = (
        f"Chart of the Treasuries held by {content['holder']} and what changed them. The tables below give the figures."
    )
    content["chart_alt"] = one_line(chart_alt) or shown
    content["recipient"] = one_line(recipient)
    content["chart_cid"] = "chart@treasury-watch" if chart_png else None
    message = envelope(finding.key, subject(finding), settings, recipient)
    own = message_id(finding.thread, recipient, settings.sender) if finding.is_episode else None
    thread = [root for root in (own, first) if root and root != message["Message-ID"]]
    if thread:
        message["In-Reply-To"] = thread[-1]
        message["References"] = " ".join(dict.fromkeys(thread))
    text = TEMPLATES.get_template("alert.txt.j2").render(content)
    html = TEMPLATES.get_template("alert.html.j2").render(content)
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
    """What both parts say."""
    row = finding.row
    ordered = history.sort_values("month")
    months = ordered["month"]
    inside = ordered[months.between(pd.Timestamp(finding.month), pd.Timestamp(finding.end_month))]
    wanted = pd.date_range(finding.month, finding.end_month, freq="MS")
    lacking = wanted.difference(pd.DatetimeIndex(inside["month"]))
    if len(lacking):
        raise MailError(
            f"finding {finding.key}",
            f"holder_months has no row of {finding.holder_id} for {lacking[0]:%Y-%m}",
            "publish again with treasury-watch rebuild",
        )
    prior = ordered[months == pd.Timestamp(_months_before(finding.month, 1))]
    first = finding.month if finding.is_episode else _months_before(finding.month, CONTEXT_MONTHS - 1)
    shown = ordered[months.between(pd.Timestamp(first), pd.Timestamp(finding.end_month))]
    period = _span(finding) if finding.is_episode else month_name(pd.Timestamp(finding.month))
    vintages, known_on = _vintages(finding, pd.concat([prior, inside]), releases, declarations)
    return {
        "subject": subject(finding),
        "headline": _headline(finding, one_line(finding.holder)),
        "holder": one_line(finding.holder),
        "period": period,
        "verdict": row["verdict"],
        "verdict_words": VERDICT_WORDS[row["verdict"]],
        "severity": one_line(finding.severity),
        "explanation": one_line(row["explanation"]),
        "positions": _positions(pd.concat([prior.tail(1), inside.tail(1)])),
        "parts": _parts(row),
        "months": _month_rows(shown, finding),
        "currency": _currency(finding),
        "why": _why(finding, declarations.rules),
        "caveats": _caveats(finding, prior, inside),
        "vintages": vintages,
        "sql": sql(finding),
        "sql_as_of": f"holder_months_as_of(DATE '{known_on:%Y-%m-%d}')" if known_on else None,
        "key": one_line(finding.key),
    }


def number(value: Any, unit: float, digits: int) -> str:
    """A signed figure for a table cell: 0 has no sign, unknown is n.a."""
    if value is None or pd.isna(value):
        return "n.a."
    text = f"{value / unit:+,.{digits}f}"
    return text if float(text.replace(",", "")) else text[1:]


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
        {"sign": sign, "label": label, "kind": kind, "bn": number(row[name], 1000, 1), "mn": number(row[name], 1, 0)}
        for sign, label, name, kind in lines
    ]


def _month_rows(shown: pd.DataFrame, finding: Finding) -> list[dict[str, Any]]:
    names = ["change_usd_mn", "net_purchases_usd_mn", "valuation_usd_mn", "other_usd_mn"]
    return [
        {
            "month": f"{row['month']:%b %Y}",
            "cells": [number(row[name], 1000, 1) for name in names],
            "flagged": not finding.is_episode and row["month"] == pd.Timestamp(finding.month),
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
    """What the holder's currency did, in sentences; empty where nothing is known."""
    row = finding.row
    average, code = row.get("fx_per_usd_average"), one_line(row.get("currency") or "")
    lines = []
    if average:
        last = month_name(pd.Timestamp(finding.end_month))
        changes = [
            f"{abs(own_change_pct(change)):.1f}% {'weaker' if change > 0 else 'stronger'} than {than}"
            for change, than in (
                (row.get("fx_change_period_pct"), f"in {month_name(pd.Timestamp(_months_before(finding.month, 1)))}"),
                (row.get("fx_change_month_pct"), "the month before"),
                (row.get("fx_change_quarter_pct"), "three months before"),
            )
            if change is not None
        ]
        digits = max(0, 4 - math.floor(math.log10(average)))
        stated = f"{code} {average:,.{digits}f} per USD, average of {last}"
        told = [] if row.get("context") else changes  # the finding's own words say what the currency did
        lines.append(f"{'; '.join([stated, *told])}.")
    if row.get("context"):
        return [*lines, one_line(row["context"])]
    dollars = row.get("interventions_usd_mn")
    if dollars is not None:
        verb = "sold" if dollars < 0 else "bought"
        when = f"from {_span(finding)}" if finding.is_episode else f"in {month_name(pd.Timestamp(finding.month))}"
        lines.append(
            f"Official interventions {verb} {billions(abs(dollars), signed=False)} {when}, at the days' rates. "
            "The dollars need not have come from Treasuries."
        )
    return lines


def _why(finding: Finding, rules: Mapping[str, Any]) -> list[str]:
    """The rule's sentence, and the figures that met it beside the ones it asks for."""
    section = "episodes" if finding.is_episode else "rules"
    try:
        rule = rules[section][finding.rule]
        amount, share = billions(abs(finding.row[rule["of"]]), signed=False), finding.row["share_pct"]
        asked = [
            f"Amount {amount} (asked: {billions(rule['minimum_usd_mn'], signed=False)} or more).",
            f"Share of the position before: {share:.1f}% (asked: {rule['minimum_share_pct']:g}% or more).",
        ]
        if finding.is_episode:
            asked.append(f"Months: {finding.row['months']} (asked: {rule['minimum_months']} or more).")
        else:
            window, score = rules["score"]["window_months"], finding.row["score"]
            known = f"{score:.1f}" if score is not None else "not known, too little history"
            limit = f"{rule['maximum_score']:g} or lower, against the {window} months before"
            asked.append(f"Robust score: {known} (asked: {limit}).")
        return [rule["sentence"], *asked]
    except KeyError as problem:
        raise ConfigurationError(
            f"alert_rules.toml, [{section}.{finding.rule}]: {problem} is missing; restore the rule or publish again"
        ) from problem


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
        found.append(TABLE3_NOTE)
    found.append("Every release revises the past, whole years at a time with the annual survey.")
    return found


def _vintages(
    finding: Finding, used: pd.DataFrame, releases: pd.DataFrame, declarations: Declarations
) -> tuple[list[str], date | None]:
    """Which release each source's figures are from, and the day on which all of them were known."""
    bases = (finding.row["basis"] or "").split("+")
    wanted = sorted({*used["source"].dropna(), *(BASIS_SOURCES[b] for b in bases if b)})
    month, lines, days = pd.Timestamp(finding.end_month), [], []
    for source in wanted:
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


def sql(finding: Finding) -> str:
    """The query on the published database that gives the figures of the message."""
    holder = finding.holder_id.replace("'", "''")
    known = [name for name in AMOUNTS if finding.row[name] is not None]
    if finding.is_episode:
        chosen = ",\n       ".join(f"sum({name}) AS {name}" for name in known)
        when = f"month BETWEEN DATE '{finding.month}' AND DATE '{finding.end_month}'"
    else:
        chosen = ",\n       ".join(["position_usd_mn", *known])
        when = f"month = DATE '{finding.month}'"
    table = "aggregate_months" if finding.holder_id == OFFICIAL else "holder_months"
    return f"SELECT {chosen}\nFROM {table}\nWHERE holder_id = '{holder}'\n  AND {when};"
