"""The embedded sample (config/sample) in the place of what servers answer."""

from __future__ import annotations

import tomllib
from datetime import UTC, datetime

from treasury_watch.flows.fetch.http import Fetched
from treasury_watch.flows.fetch.sources import Collected
from treasury_watch.flows.settings.settings import Settings
from treasury_watch.transforms.errors import ConfigurationError
from treasury_watch.warehouse.archive.home_kinds import SCHEME


def embedded_sample(settings: Settings) -> Collected:
    """The sample's files, as if just retrieved. Raises ConfigurationError where they are not as they should be."""
    folder = settings.declarations.folder / "sample"
    path = folder / "manifest.toml"
    try:
        entries = tomllib.loads(path.read_text(encoding="utf-8"))["files"]
        now = datetime.now(UTC)
        return Collected(
            [
                Fetched(e["source"], SCHEME + e["path"], "new", (folder / e["path"]).read_bytes(), None, None, now, "")
                for e in entries
            ]
        )
    except (OSError, KeyError, tomllib.TOMLDecodeError) as problem:
        raise ConfigurationError(f"{path}: {problem}; restore config/sample from the repository") from problem
