"""Messages of published findings as they would be sent, without queueing or sending any."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from treasury_watch.flows.alerts.composing import Composer
from treasury_watch.flows.alerts.mails.digest_mail import release_key
from treasury_watch.flows.alerts.sample_mark import marked
from treasury_watch.flows.settings.settings import Settings
from treasury_watch.warehouse.holder_names import named
from treasury_watch.warehouse.home.published_database import open_published
from treasury_watch.warehouse.installation import Warehouse
from treasury_watch.warehouse.tables.early.early_signals import published_signals
from treasury_watch.warehouse.tables.published_findings import announcements


def preview(
    warehouse: Warehouse,
    settings: Settings,
    holder: str | None,
    since: date | None,
    out: Path | None,
    *,
    digests: bool = False,
) -> Iterator[str]:
    """Compose the messages of published findings, and of early signals, without queueing them: as files in `out`, or their
    text.

    With `digests` the digests of the newest release instead, one for each recipient that gets one, else one with every
    finding that [alerts] would mail.
    """
    chosen = named(holder, settings.declarations)["holder_id"] if holder is not None else None
    recipient = (settings.mail.recipients or (settings.mail.sender,))[0]
    with open_published(warehouse.home.database) as connection:
        today = datetime.now(UTC).date()
        early = published_signals(connection, settings.declarations, today)
        found = [
            finding
            for finding in [*announcements(connection, settings.declarations.rules), *early]
            if (chosen is None or finding.holder_id == chosen) and (since is None or finding.end_month >= since)
        ]
        composer = Composer(connection, found, settings, None)
        if digests:
            key, routes = release_key(connection), composer.routes
            recipients = routes.recipients("digest", "both") or routes.recipients("single")[:1]
            wanted = [(key, one) for one in recipients] if key else []
        else:
            wanted = [(finding.key, recipient) for finding in found]
        compose = marked(composer) if warehouse.is_sample else composer
        for key, one in wanted:
            message: Any = compose(key, one)
            if out is None:
                yield f"Subject: {message['Subject']}\n\n{message.get_body(('plain',)).get_content()}"
            else:
                out.mkdir(parents=True, exist_ok=True)
                name = f"{key} {one}" if digests and len(wanted) > 1 else key
                path = out / f"{re.sub(r'[^A-Za-z0-9@.-]+', '_', name)}.eml"
                path.write_bytes(message.as_bytes())
                yield str(path)
    if not wanted:
        yield "no published finding matches"
