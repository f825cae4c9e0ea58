"""The settings in force. Where each can be set, and in which order: `reading`. Which there are: `sections`.

All of them are checked when `Settings` is made. Pydantic alone takes a fifth of a second to import, as long as a whole
query; so a check that passed is remembered in the data folder, and repeated when anything that it read has changed.
"""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from treasury_watch.warehouse.declarations import Declarations
from treasury_watch.warehouse.home.folders import Home

if TYPE_CHECKING:
    from treasury_watch.flows.settings import sections
    from treasury_watch.flows.settings.reading import Sections
    from treasury_watch.warehouse.installation import Warehouse
    from treasury_watch.warehouse.store.exchange import Store

PREFIX = "TREASURY_WATCH_"
# Variables whose values no check reads and which may hold secrets.
UNREAD = tuple(PREFIX + name for name in ("MAIL_PASSWORD", "CHANNEL_", "BASE_"))
SETTING_FILES = ("settings.toml", "routing.toml")
NAMED_IN_SETTINGS = ("sources.toml", "holders.csv", "alert_rules.toml")  # bases, holders and rules


class Settings:
    """The settings in force, a typed section each."""

    def __init__(self, declarations: Declarations | None = None):
        """Raises ConfigurationError where any setting, of whichever section, is wrong."""
        self.declarations = declarations or Declarations()
        self._home = Home.from_environment()
        digest, checked = self._digest(), self._home.root / "settings.checked"
        with suppress(OSError):
            if checked.read_text() == digest:
                return
        _ = self._read
        with suppress(OSError):  # a data folder that is not there yet, or only to be read
            checked.write_text(digest)

    @cached_property
    def _read(self) -> tuple[Sections, sections.RoutingFile]:
        from treasury_watch.flows.settings.reading import read

        return read(self.declarations, self._home.root)

    @property
    def storage(self) -> sections.StorageSettings:
        """Section [storage]."""
        return self._read[0].storage

    @property
    def http(self) -> sections.HttpPolicy:
        """Section [http]."""
        return self._read[0].http

    @property
    def mail(self) -> sections.MailSettings:
        """Section [mail], with the password from the environment."""
        return self._read[0].mail

    @property
    def alerts(self) -> sections.AlertSettings:
        """Section [alerts]."""
        return self._read[0].alerts

    @property
    def schedule(self) -> sections.Schedule:
        """Section [schedule]."""
        return self._read[0].schedule

    @property
    def prefect(self) -> sections.PrefectSettings:
        """Section [prefect]."""
        return self._read[0].prefect

    @property
    def logging(self) -> sections.LogSettings:
        """Section [logging]."""
        return self._read[0].logging

    @property
    def routing(self) -> sections.RoutingFile:
        """Who gets what: routing.toml."""
        return self._read[1]

    def home(self) -> Home:
        """The data folder."""
        return self._home

    def warehouse(self) -> Warehouse:
        """The installation that the settings name."""
        from treasury_watch.warehouse.installation import Warehouse  # pandas and more: not for commands that only query

        return Warehouse(self._home, self.declarations, storage_version=self.storage.storage_version)

    def store(self, warehouse: Warehouse) -> Store | None:
        """The store that the settings name, or None."""
        if not self.storage.store:
            return None
        from treasury_watch.warehouse.store.exchange import Store

        return Store(self.storage.store, warehouse, self.storage.keep_publications)

    def _digest(self) -> str:
        """Of everything that a check reads, and of the checks themselves."""
        digest = hashlib.sha256()
        files = [folder / name for folder in (self.declarations.folder, self._home.root) for name in SETTING_FILES]
        files += [self.declarations.folder / name for name in NAMED_IN_SETTINGS]
        for path in [*files, *sorted(Path(__file__).parent.glob("*.py"))]:
            digest.update(f"\n{path}\n".encode())
            with suppress(OSError):
                digest.update(path.read_bytes())
        for name, value in sorted(os.environ.items()):
            if name.startswith(PREFIX):
                digest.update(f"\n{name}={'' if name.startswith(UNREAD) else value}\n".encode())
        return digest.hexdigest()
