"""The mail on an early signal, and on what the release made of it."""

from __future__ import annotations

from collections.abc import Mapping
from email.message import EmailMessage
from typing import Any

from treasury_watch.flows.alerts.mails.envelope import TEMPLATES, envelope
from treasury_watch.flows.settings.sections import MailSettings
from treasury_watch.transforms.months import shifted
from treasury_watch.transforms.signals.early.japan import INTERVENTIONS, RESERVES
from treasury_watch.transforms.signals.early.signal import RELEASED, parts_of
from treasury_watch.transforms.wording import one_line

QUERIES = {
    INTERVENTIONS: "FROM intervention_periods\n    WHERE end_date >= DATE '{month}' AND end_date < DATE '{after}'",
    RESERVES: "SELECT date, value, unit, known_from FROM signals\n    WHERE series_id = 'japan_reserves_securities'\n"
    "    AND date BETWEEN DATE '{before}' AND DATE '{month}' ORDER BY date",
}


def compose_early(
    key: str, content: Mapping[str, Any], settings: MailSettings, recipient: str, *, first: str | None = None
) -> EmailMessage:
    """The message, from `EarlySignal.content()`; `first` is the Message-ID of the first message of its thread that this
    recipient got, None where there was none.
    """
    _, _, name = parts_of(key)
    title = one_line(content["title"])
    values = {
        "title": title,
        "lead": one_line(content["lead"]),
        "is_estimate": name != RELEASED,
        "sections": [(heading, [one_line(line) for line in lines]) for heading, lines in content["sections"] if lines],
        "command": see_it(key, content["told"]),
        "recipient": one_line(recipient),
        "key": one_line(key),
    }
    message = envelope(key, title, settings, recipient)
    if first and first != message["Message-ID"]:
        message["In-Reply-To"] = message["References"] = first
    message.set_content(TEMPLATES.get_template("early.txt.j2").render(values), cte="quoted-printable")
    html = TEMPLATES.get_template("early.html.j2").render(values)
    message.add_alternative(html, subtype="html", cte="quoted-printable")
    return message


def see_it(key: str, told: Mapping[str, Any]) -> str:
    """The command that shows what the message rests on."""
    holder_id, month, name = parts_of(key)
    if name == RELEASED:
        return f"treasury-watch trace {holder_id} {month:%Y-%m}"
    if told.get("estimate_usd_mn") is not None:
        return f"treasury-watch nowcast --month {month:%Y-%m} --scores"
    query = QUERIES[name].format(month=month, after=shifted(month, 1), before=shifted(month, -1))
    return f'treasury-watch query "{query}"'
