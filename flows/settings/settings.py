"""The settings in force. Where each can be set, and in which order: `reading`. Which there are: `sections`.

All of them are checked when `Settings` is made, whatever the command needs of them.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from treasury_watch.warehouse.declarations import Declarations
from treasury_watch.warehouse.home.folders import Home

if TYPE_CHECKING:
    from treasury_watch.flows.settings import sections
    from treasury_watch.warehouse.installation import Warehouse
    from treasury_watch.warehouse.store.exchange import Store


class Settings:
    """The settings in force, a typed section each."""

    def __init__(self, declarations: Declarations | None = None):
        """Raises ConfigurationError where any setting, of whichever section, is wrong."""
        self.declarations = declarations or Declarations()
        from treasury_watch.flows.settings.reading import read  # Pydantic: not for `--help`

        home = Home.from_environment()
        self._sections, self._routing = read(self.declarations, home.root)
        self._home = replace(home, share=self.storage.share)

    @property
    def storage(self) -> sections.StorageSettings:
        """Section [storage]."""
        return self._sections.storage

    @property
    def http(self) -> sections.HttpPolicy:
        """Section [http]."""
        return self._sections.http

    @property
    def releases(self) -> sections.ReleaseArchiveSettings:
        """Section [releases]."""
        return self._sections.releases

    @property
    def query(self) -> sections.QuerySettings:
        """Section [query]."""
        return self._sections.query

    @property
    def mail(self) -> sections.MailSettings:
        """Section [mail], with the password from the environment."""
        return self._sections.mail

    @property
    def alerts(self) -> sections.AlertSettings:
        """Section [alerts]."""
        return self._sections.alerts

    @property
    def schedule(self) -> sections.Schedule:
        """Section [schedule]."""
        return self._sections.schedule

    @property
    def prefect(self) -> sections.PrefectSettings:
        """Section [prefect]."""
        return self._sections.prefect

    @property
    def site(self) -> sections.SiteSettings:
        """Section [site]."""
        return self._sections.site

    @property
    def retention(self) -> sections.RetentionSettings:
        """Section [retention]."""
        return self._sections.retention

    @property
    def logging(self) -> sections.LogSettings:
        """Section [logging]."""
        return self._sections.logging

    @property
    def routing(self) -> sections.RoutingFile:
        """Who gets what: routing.toml."""
        return self._routing

    def home(self) -> Home:
        """The data folder."""
        return self._home

    def warehouse(self) -> Warehouse:
        """The installation that the settings name."""
        from treasury_watch.warehouse.installation import Warehouse  # pandas and more: not for commands that only query

        return Warehouse(self._home, self.declarations, storage_version=self.storage.storage_version)

    def warehouse_to_read(self) -> Warehouse:
        """The same for what only reads: where this user may not write, a view of it, and what is not known then is said. Where
        nothing is kept yet nothing is made.
        """
        from treasury_watch.warehouse.archive.readers_view import may_write, nothing_kept, view_of, view_of_nothing
        from treasury_watch.warehouse.installation import Warehouse

        home = self._home
        if nothing_kept(home):
            view = view_of_nothing(home)
        elif may_write(home):
            return self.warehouse()
        else:
            view = view_of(home)
        return Warehouse(home, self.declarations, storage_version=self.storage.storage_version, view=view)

    def forget_old(self, warehouse: Warehouse) -> int:
        """Have the state forget runs and messages older than section [retention] keeps them. Returns the rows changed."""
        now, kept = datetime.now(UTC), self.retention
        return warehouse.state.forget(
            runs_before=now - timedelta(days=kept.runs_days), messages_before=now - timedelta(days=kept.messages_days)
        )

    def store(self, warehouse: Warehouse) -> Store | None:
        """The store that the settings name, or None."""
        if not self.storage.store:
            return None
        from treasury_watch.warehouse.store.exchange import Store

        return Store(self.storage.store, warehouse, self.storage.keep_publications)
